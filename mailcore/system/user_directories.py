"""The user's own directories: what no workspace may say lies there.

Also on a machine where nobody knows the user: a container's arbitrary UID, no HOME. Then platformdirs' paths would
begin with `~`, below whatever the working directory is, where an agent may have put something.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

APPLICATION = "praxmonitor"
NOWHERE = Path("/nonexistent")
"""Where neither HOME nor passwd says one: nothing is read there, and what would be written there says why it is not."""


def home() -> Path:
    """The user's home directory."""
    try:
        return Path.home()
    except RuntimeError:
        return NOWHERE


def config_home() -> Path:
    """The user's config directory for us, platformdirs' choice; it may not be there."""
    from platformdirs import user_config_path

    return _known(user_config_path)


def state_home() -> Path:
    """The user's state directory for us, likewise."""
    from platformdirs import user_state_path

    return _known(user_state_path)


def cache_home() -> Path:
    """The user's cache directory for us, likewise: what lies there may go at any time."""
    from platformdirs import user_cache_path

    return _known(user_cache_path)


def state_of(root: Path) -> Path:
    """What lies there of the workspace at `root`."""
    import hashlib

    return state_home() / hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]


def _known(find: Callable[[str], Path]) -> Path:
    try:
        path = find(APPLICATION)
    except RuntimeError:  # platformdirs from 4.5 on says so itself
        return NOWHERE / APPLICATION
    return path if path.is_absolute() else NOWHERE / APPLICATION
