"""Who calls: `ancestry` and `evidence` say it, `caller` weighs them, `person` keeps what is a person's alone.

`marks` names the variables, `survivor` knows what a dead supervisor left behind, `proof` asks for what an agent's tools
do not have.
"""
