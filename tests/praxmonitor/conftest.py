"""The screen's tests use the same small workspace, with real programs, as mailcore's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mailcore.conftest import clean_room, house, mark
from tests.praxmonitor.conftest_pulse import no_device, pulse

__all__ = ["clean_room", "house", "mark", "no_device", "pulse"]


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the screen keeps for its user, mutes among it, is each test's own."""
    state = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    return state
