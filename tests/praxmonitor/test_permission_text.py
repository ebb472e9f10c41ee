"""A request for permission as text: all of it where all is asked for, and of a large one no more work than is drawn."""

from __future__ import annotations

import time
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from rich.cells import cell_len

from mailcore.model.permission import PermissionRequest
from praxmonitor.text.blocks import SLICE, BlockRows, block_rows
from praxmonitor.text.lines import Line
from praxmonitor.text.permissions import NAME_CELLS, deed_blocks, first_rows, hinted, request_blocks

LARGE = 900_000


def asks(tool: str, **given: Any) -> PermissionRequest:
    return PermissionRequest("0123abcd", "@writer", "s-1", tool, given, 1.0, 2.0)


def deed_lines(request: PermissionRequest, width: int) -> list[Line]:
    return [line for block in deed_blocks(request, width) for line in block_rows(block, width)]


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


@pytest.mark.parametrize("width", [9, 40, 97])
@hypothesis.given(
    st.text(st.sampled_from("abc 漢\t\n\r\x1b\u202e"), max_size=60).map(lambda text: text * 30), st.booleans()
)
@hypothesis.settings(max_examples=30, deadline=None)
def test_each_row_that_is_counted_is_the_one_that_is_drawn_in_order(width: int, text: str, edits: bool) -> None:
    request = asks("Edit", old_string=text, new_string=text[::-1]) if edits else asks("Write", content=text, x=text)
    counted = BlockRows(request_blocks(request, 3.0, width), width)
    rows = [line for block in request_blocks(request, 3.0, width) for line in block_rows(block, width)]
    assert [counted[place] for place in range(len(counted))] == rows
    with pytest.raises(IndexError):
        counted[len(counted)]


def test_a_row_far_down_a_long_text_is_made_alone() -> None:
    request = asks("Write", content="a line\n" * LARGE)
    counted = BlockRows(request_blocks(request, 3.0, 80), 80)
    began = time.thread_time()
    drawn = [counted[place] for place in range(LARGE // 2, LARGE // 2 + 60)]
    assert time.thread_time() - began < 0.02
    assert drawn == [(("+ a line", "state-done"),)] * 60


def test_of_names_that_are_as_long_as_a_text_no_more_is_drawn_than_fits() -> None:
    request = PermissionRequest("0123abcd", "@writer", "s-1", "T" * LARGE, {"k" * LARGE: "v"}, 1.0, 2.0)
    began = time.thread_time()
    assert len(first_rows(request_blocks(request, 3.0, 80), 80, 100)) == 100
    assert time.thread_time() - began < 0.05
