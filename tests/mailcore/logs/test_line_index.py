from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.logs import line_index
from mailcore.logs.line_index import LineIndex
from mailcore.logs.log_file import LogFile
from tests.mailcore.conftest import wait_until

CONTENTS = st.lists(st.sampled_from([b"\n", b"a", b"some words\n", b"x" * 40]), max_size=80).map(b"".join)


def until(what: Callable[[], bool]) -> None:
    wait_until(what, 60, "it is through")


def compare(index: LineIndex, contents: bytes) -> None:
    begins = [0] if contents else []
    begins += [at + 1 for at, byte in enumerate(contents) if byte == 10 and at + 1 < len(contents)]
    assert index.total == len(begins)
    assert index.progress == 1.0
    for number, begin in enumerate(begins, 1):
        assert index.offset_of(number) == begin
        assert index.number_of(begin) == number
    for offset in range(0, len(contents), 7):
        assert index.number_of(offset) == contents[:offset].count(b"\n") + 1
    assert index.offset_of(len(begins) + 1) is None
    assert index.offset_of(0) is None
    assert index.number_of(len(contents) + 1) is None


@given(first=CONTENTS, more=CONTENTS, other=CONTENTS, stride=st.sampled_from([1, 4, 16, 1024]))
def test_numbers_are_those_of_a_naive_count_while_it_grows_and_is_cut(
    first: bytes, more: bytes, other: bytes, stride: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("log") / "a.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_index, "STRIDE", stride)
        patch.setattr(line_index, "MAX_COUNTS", 8)
        path.write_bytes(first)
        index = LineIndex(LogFile(path))
        until(lambda: index.done)
        compare(index, first)
        with path.open("ab") as file:
            file.write(more)
        index.follow()
        until(lambda: index.done)
        compare(index, first + more)
        path.write_bytes(b"")
        index.follow()
        until(lambda: index.done)
        path.write_bytes(other)
        index.follow()
        until(lambda: index.done)
        compare(index, other)
        assert index.done
        index.close()


def test_counting_ends_when_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with path.open("wb") as file:
        file.truncate(1 << 42)
    index = LineIndex(LogFile(path))
    assert index.progress < 1
    index.close()
    assert index.done and index.number_of(1 << 41) is None
