"""A seal breaks with the first change of a directory, and with nothing else."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from pathlib import Path

import pytest

from mailcore.system.seal import Seal
from mailcore.system.watching import tells_all

pytestmark = pytest.mark.linux_only("a seal is of inotify alone")


def made(directory: Path) -> None:
    (directory / "new").write_text("")


def written(directory: Path) -> None:
    with (directory / "file").open("a") as file:
        file.write("more")


def replaced(directory: Path) -> None:
    (directory.parent / "file").write_text("")
    (directory.parent / "file").rename(directory / "file")


def linked(directory: Path) -> None:
    (directory / "other").hardlink_to(directory / "file")


def removed(directory: Path) -> None:
    (directory / "file").unlink()


def moved(directory: Path) -> None:
    directory.rename(directory.parent / "elsewhere")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    place = tmp_path / "sealed"
    place.mkdir()
    (place / "file").write_text("")
    return place


@pytest.mark.parametrize("change", [made, written, replaced, linked, removed, moved])
def test_any_change_breaks_it_for_good(directory: Path, change: Callable[[Path], None]) -> None:
    seal = Seal(directory)
    assert seal.holds
    change(directory)
    assert not seal.holds and not seal.holds
    assert select.select([seal], [], [], 0)[0], "whoever waits for it is woken"
    seal.close()


def test_a_look_and_a_time_break_nothing(directory: Path) -> None:
    seal = Seal(directory)
    os.utime(directory / "file")
    assert (directory / "file").read_text() == "" and os.listdir(directory) == ["file"]  # noqa: PTH208
    assert seal.holds
    seal.close()


def test_of_what_is_not_there_and_where_others_may_write_there_is_none(tmp_path: Path) -> None:
    for place in (tmp_path / "nothing", Path("/proc/self")):
        with pytest.raises(OSError):
            Seal(place)
    assert tells_all(str(tmp_path)) and not tells_all("/proc")
