"""The screen's tests use the same small workspace, with real programs, as mailcore's."""

from __future__ import annotations

from tests.mailcore.conftest import clean_room, house, mark

__all__ = ["clean_room", "house", "mark"]
