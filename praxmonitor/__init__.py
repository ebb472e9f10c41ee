"""The screen a person keeps open while AI agents work."""
