"""Claude Code: its command line and outcome, where its session files lie, and what their lines mean."""
