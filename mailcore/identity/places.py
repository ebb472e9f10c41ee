"""Where a user keeps what no workspace may say: the config and state directories of platformdirs' choice."""

from __future__ import annotations

from pathlib import Path

NAME = "praxmonitor"


def config_home() -> Path:
    """The user's config directory for us; it may not be there."""
    from platformdirs import user_config_path

    return user_config_path(NAME)


def state_home() -> Path:
    """The user's state directory for us; it may not be there."""
    from platformdirs import user_state_path

    return user_state_path(NAME)
