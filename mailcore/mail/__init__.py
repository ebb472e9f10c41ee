"""The mailboxes: AIPass's files, written under its lock, replaced atomically, fsynced before success is said."""
