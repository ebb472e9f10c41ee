"""The tool that makes docs/pictures: every view by its number, from the real screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailcore.mail import post
from mailcore.workspace import create
from praxmonitor.themes import load
from tests.tools import pictures

SPACED = '<svg xml:space="preserve" '
TITLE = re.compile(r"-title\"[^>]*>([^<]+)<")


@pytest.mark.anyio
async def test_each_view_is_drawn_by_its_number(tmp_path: Path) -> None:
    workspace = create.create_workspace(
        tmp_path / "lighthouse", [(name, f"agents/{name}") for name in ("writer", "lead")]
    )
    post.send_mail(workspace, "@lead", ["@operator"], "Spelling", "British.")
    names = [*pictures.views()]
    drawn = await pictures.pictures(workspace, names, 1.0, (100, 30), load.DEFAULT)
    assert names[:4] == ["fleet", "agent", "mail", "stream"] and [*drawn] == names
    assert len(set(drawn.values())) == len(names), "each is another view"
    assert all(svg.startswith("<svg") and "lighthouse" in TITLE.findall(svg)[0] for svg in drawn.values())
    assert "writer" in drawn["fleet"] and "Spelling" in drawn["mail"]
    assert all(svg.startswith(SPACED) for svg in drawn.values()), "no renderer cuts off the blanks between two columns"


def test_the_pictures_that_the_pages_show_are_there() -> None:
    assert {path.stem for path in pictures.OUT.iterdir()} == {*pictures.views()}
    assert all(path.read_text().startswith(SPACED) for path in pictures.OUT.iterdir())
