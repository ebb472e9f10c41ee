"""Hooks of agents' programs: the line that is run at each event, its place in the settings, the mail it delivers."""
