"""Texts compared with patterns in which `*` stands for any text and `?` for any character, and nothing else does."""

from __future__ import annotations

from fnmatch import fnmatchcase


def is_like(text: str, wanted: str) -> bool:
    """True if the whole text is what the pattern says."""
    return fnmatchcase(text, wanted.replace("[", "[[]"))
