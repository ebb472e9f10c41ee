"""Who calls: `ancestry` and `evidence` say it, `caller` weighs them, `operator` keeps what is a person's alone.

`workspace.variables` names the variables, `orphaned_caller` knows what a dead supervisor left behind, `passphrase` asks
for what an agent's tools do not have.
"""
