"""Stored pictures are of one Python and one time zone, so that a difference is a difference of ours."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

import pytest

from praxmonitor.app.app import PraxApp

os.environ["TEXTUAL_ANIMATIONS"] = "none"

MADE_ON = (3, 11)


@pytest.fixture(autouse=True)
def same_ground(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """UTC, no NO_COLOR, and a notice stays until its picture is taken; on another Python skip, and refuse to store."""
    if sys.version_info[:2] != MADE_ON:
        said = "stored snapshots are made on Python {}.{}".format(*MADE_ON)
        if request.config.getoption("update_snapshots"):
            pytest.fail(f"{said}: --snapshot-update is refused here")
        pytest.skip(said)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(PraxApp, "NOTIFICATION_TIMEOUT", 600)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
