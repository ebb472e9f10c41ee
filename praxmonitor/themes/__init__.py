"""Themes: TOML → colours."""
