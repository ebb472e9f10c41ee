"""Whose credentials an agent's program works with, and in which directory they lie."""
