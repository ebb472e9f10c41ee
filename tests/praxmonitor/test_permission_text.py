"""A request for permission as text: all of it where all is asked for, and of a large one no more work than is drawn."""

from __future__ import annotations

import time
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from rich.cells import cell_len

from mailcore.model.permission import PermissionRequest
from praxmonitor.text.permissions import NAME_CELLS, SLICE, deed_lines, hinted

LARGE = 900_000


def asks(tool: str, **given: Any) -> PermissionRequest:
    return PermissionRequest("0123abcd", "@writer", "s-1", tool, given, 1.0, 2.0)


@pytest.mark.parametrize("given", [
    {"command": "x" * LARGE},
    {"command": "\n" * LARGE},
    {"command": "漢 \t\x1b[31m" * (LARGE // 8)},
    {"content": "x" * LARGE},
    {"content": "\n" * LARGE},
    {"old_string": "x" * LARGE, "new_string": "y" * LARGE},
    {"old_string": "x\n" * (LARGE // 2), "new_string": "y\n" * (LARGE // 2)},
    {"edits": [{"old_string": "\n" * LARGE, "new_string": "x" * LARGE}]},
])  # fmt: skip
def test_of_a_large_request_only_what_is_drawn_is_laid_out(given: dict[str, Any]) -> None:
    def spent(request: PermissionRequest) -> float:
        best = 1.0
        for _ in range(3):
            began = time.thread_time()
            assert len(hinted(request, 100, "Y")) == 8
            best = min(best, time.thread_time() - began)
        return best

    assert spent(asks("Write", **given)) < 0.02


@pytest.mark.parametrize("key", ["command", "content"])
@hypothesis.given(st.text(st.sampled_from("ab 漢\t\n"), max_size=60).map(lambda text: text * 100))
@hypothesis.settings(max_examples=20, deadline=None)
def test_nothing_of_a_text_is_left_out(key: str, text: str) -> None:
    before = NAME_CELLS if key == "command" else 2
    skipped = 1 if key == "command" else 2
    lines = ["".join(part for part, _ in line) for line in deed_lines(asks("Write", **{key: text}), 40)][skipped:]
    assert all(cell_len(line) <= 40 for line in lines)
    shown = "".join(line[before:] for line in lines)
    assert shown.replace(" ", "") == "".join(text.split())


def test_a_line_longer_than_is_laid_out_at_a_time_is_broken_where_a_shorter_one_would_be() -> None:
    text = "漢x" * SLICE
    parts = [line[1][0] for line in deed_lines(asks("Bash", command=text), 52)[1:]]
    assert "".join(parts) == text and {cell_len(part) for part in parts[:-1]} <= {39, 40}
