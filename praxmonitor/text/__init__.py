"""Model → text. Pure."""
