"""Codex CLI: its command line and events, where its session files lie, and what their lines mean."""
