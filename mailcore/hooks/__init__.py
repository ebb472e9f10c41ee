"""Claude Code's hooks: the line that it runs at each event, its place in the agent's settings, mail told through it."""
