"""The hosts of a link: their names, what is known of them, and what waits for them on disk. No network."""
