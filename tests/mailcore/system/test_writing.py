"""Writing whole files: what somebody put under the temporary name is neither followed nor waited for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mailcore.exceptions import Refused
from mailcore.system import writing
from mailcore.system.safe_open import open_directory

pytestmark = pytest.mark.backends

PLANTED = ("fifo", "link", "dangling", "directory", "file", "socket")


def plant(path: Path, kind: str) -> None:
    """What an agent may put there, of each kind."""
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link":
        path.with_name("precious").write_text("mine")
        path.symlink_to("precious")
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "directory":
        (path / "inner").mkdir(parents=True)
    elif kind == "socket":
        import socket

        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.relpath(path))
    else:
        path.write_text("of a writer that was killed")


@pytest.mark.parametrize("kind", PLANTED)
def test_what_lies_under_the_temporary_name_leads_nobody_astray(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plant(tmp_path / ".inbox.json.tmp", kind)
    with open_directory(tmp_path) as directory:
        writing.replace_in(directory, "inbox.json", b"whole")
    assert (tmp_path / "inbox.json").read_bytes() == b"whole"
    assert not (tmp_path / "nowhere").exists()
    if kind == "link":
        assert (tmp_path / "precious").read_text() == "mine"
    left = {path.name for path in tmp_path.iterdir()} - {"inbox.json", "precious"}
    assert left == ({".inbox.json.tmp"} if kind == "directory" else set())


def test_a_new_file_appears_whole_or_not_at_all_and_takes_nobodys_place(tmp_path: Path) -> None:
    path = tmp_path / ".dispatch.lock"
    assert writing.link_new(path, b"first")
    assert not writing.link_new(path, b"second")
    assert path.read_bytes() == b"first"
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    dangling = tmp_path / "dangling"
    dangling.symlink_to("nowhere")
    assert not writing.link_new(dangling, b"third")
    assert not (tmp_path / "nowhere").exists()


def test_what_is_durable_is_on_disk_under_its_name(tmp_path: Path, synced: Callable[[Path], bool]) -> None:
    writing.link_new(tmp_path / "cached", b"x")
    assert not synced(tmp_path)
    writing.make_directory(tmp_path / "made" / "within", parents=True, durable=True)
    assert synced(tmp_path) and synced(tmp_path / "made")
    place = tmp_path / "made" / "within"
    assert writing.link_new(place / "new", b"first", durable=True)
    assert synced(place / "new") and synced(place)


def test_who_comes_second_may_rely_on_it_too(tmp_path: Path, synced: Callable[[Path], bool]) -> None:
    """The first may have been killed before the disk had the name."""
    writing.link_new(tmp_path / "new", b"first")
    assert not writing.link_new(tmp_path / "new", b"second", durable=True)
    assert synced(tmp_path)


def test_of_many_who_want_to_be_first_one_is(tmp_path: Path) -> None:
    source = (
        "import sys; from pathlib import Path; from mailcore.system.writing import link_new\n"
        "print(sum(link_new(Path(sys.argv[1], str(n)), sys.argv[2].encode() * 1000) for n in range(200)))"
    )
    racers = [
        subprocess.Popen([sys.executable, "-c", source, str(tmp_path), str(n)], stdout=subprocess.PIPE, text=True)
        for n in range(4)
    ]
    won = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    assert sum(won) == 200
    assert all(len(set((tmp_path / str(n)).read_text())) == 1 for n in range(200)), "a torn file"


def test_a_line_after_a_torn_one_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"torn": ')
    writing.append(path, b'{"a":1}')
    writing.append(path, b'{"b":2}', durable=True)
    assert path.read_bytes() == b'{"torn": \n{"a":1}\n{"b":2}\n'


@pytest.mark.parametrize("kind", ["fifo", "link", "directory"])
def test_a_line_is_added_to_a_regular_file_alone(tmp_path: Path, kind: str) -> None:
    plant(tmp_path / "log.jsonl", kind)
    with pytest.raises(OSError, match=r"refused|directory"):
        writing.append(tmp_path / "log.jsonl", b"{}")


def test_a_removal_stays_in_the_project(tmp_path: Path) -> None:
    inside, outside = tmp_path / "project", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "precious").write_text("mine")
    (inside / "link").symlink_to(outside)
    with pytest.raises(Refused):
        writing.remove_file(inside / "link" / "precious", inside)
    assert (outside / "precious").exists()


def test_what_is_created_anew_replaces_a_link_and_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "out.log").symlink_to("precious")
    with writing.create_anew(tmp_path / "out.log") as file:
        file.write(b"new")
    assert (tmp_path / "precious").read_text() == "mine"
    assert (tmp_path / "out.log").read_text() == "new"
    with pytest.raises(FileExistsError):
        writing.create(tmp_path / "out.log")
