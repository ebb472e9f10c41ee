"""The processes of a run: their environment, which ones belong to it, what a program leaves running."""
