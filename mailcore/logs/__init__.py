"""The logs of agents, of any size: where they lie, what stands at a place, what matches, all of an agent's in time
order. Looks, and never acts.
"""
