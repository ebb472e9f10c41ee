"""Where the sound packs and themes that ship with PraxMonitor lie."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def sounds_dir() -> Path:
    """The directory of the sound packs that ship; each pack is a directory in it."""
    return _shipped("sounds")


def themes_dir() -> Path:
    """The directory of the themes that ship."""
    return _shipped("themes")


def _shipped(name: str) -> Path:
    # Hatchling's force-include fills share/ in a wheel only; an editable install runs from the checkout.
    in_wheel = _PACKAGE / "share" / name
    return in_wheel if in_wheel.is_dir() else _PACKAGE.parent / name
