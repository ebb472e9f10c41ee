"""Gemini CLI: its command line, its output, its session files."""
