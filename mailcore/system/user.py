"""The user's own directories, on a machine where nobody knows the user too: a container's arbitrary UID, no HOME."""

from __future__ import annotations

import os
from pathlib import Path

NOWHERE = Path("/nonexistent")
"""Where neither HOME nor passwd says one: nothing is read there, and what would be written there says why it is not."""


def home() -> Path:
    """The user's home directory."""
    try:
        return Path.home()
    except RuntimeError:
        return NOWHERE


def state() -> Path:
    """Where we keep what is the user's and no workspace's."""
    from platformdirs import user_state_path

    found = user_state_path("praxmonitor")
    # Without a home its path would begin with "~", below whatever the working directory is.
    return found if found.is_absolute() else NOWHERE / "praxmonitor"


def state_of(root: Path) -> Path:
    """The same of one workspace, by its root."""
    import hashlib

    return state() / hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]
