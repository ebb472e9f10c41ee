"""Dispatch: wake an agent, watch over it, end it, tell how it ended."""
