"""The file in which the preferences of one workspace are kept."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mailcore.system import safe_open, user_directories, writing
from praxmonitor.preferences.preferences import Preferences

MOST_OF_A_FILE = 100_000
"""Bytes of the file."""


def preferences_path(root: Path) -> Path:
    """Where the preferences of the workspace at `root` are kept, in the user's state directory."""
    return user_directories.state_of(root) / "screen.json"


def load_preferences(root: Path) -> tuple[Preferences, str]:
    """What was chosen, and what is wrong with the file in words (empty: nothing); a bad file chooses nothing."""
    path = preferences_path(root)
    try:
        return msgspec.json.decode(safe_open.read_bytes(path, most=MOST_OF_A_FILE), type=Preferences), ""
    except FileNotFoundError:
        return Preferences(), ""
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or error
        return Preferences(), f"{path}: {why}; what was chosen on the screen is not known, and is chosen anew"


def save_preferences(root: Path, preferences: Preferences) -> None:
    """Keep them, at one stroke. OSError if it cannot."""
    path = preferences_path(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    writing.replace(path, msgspec.json.format(msgspec.json.encode(preferences)))
