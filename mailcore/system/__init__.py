"""The one door to the machine: files, locks, processes, watching. Nothing else reads /proc or takes a lock."""
