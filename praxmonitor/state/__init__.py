"""One moment: the fleet with every agent's state, and what is read of the agent in view."""
