"""Where paths really lie, of many that lie beside each other: what they lie in is looked up once."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def real_paths(paths: Iterable[Path]) -> list[str]:
    """`os.path.realpath` of each."""
    above: dict[Path, str] = {}
    found = []
    for path in paths:
        parent = path.parent
        if parent not in above:
            above[parent] = os.path.realpath(parent)
        beside = os.path.join(above[parent], path.name)  # noqa: PTH118
        plain = path.name not in ("", "..") and not os.path.islink(beside)  # noqa: PTH114
        found.append(beside if plain else os.path.realpath(path))
    return found
