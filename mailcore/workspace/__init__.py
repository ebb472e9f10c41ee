"""A workspace: found, created, changed; who holds what in it, who is there, whose it is, and the audit of all acts."""
