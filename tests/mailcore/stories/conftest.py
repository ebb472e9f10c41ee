"""A story begins with an empty workspace of three agents."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mailcore.conftest import House
from tests.mailcore.stories.record import Story


@pytest.fixture
def story(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """The list of what happens lies outside of the workspace, where no verb looks."""
    happened = tmp_path / "happened.jsonl"
    monkeypatch.setenv("HAPPENED", str(happened))
    return Story(house, happened)
