"""Whose a new file is: the umask's, the group's that shares its directory, and never root's in another's workspace."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailcore.formats import journal
from mailcore.system.locks import locked
from mailcore.system.writing import append, create_anew, link_new, make_directory, replace, set_aside

pytestmark = pytest.mark.backends
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
FIRST, SECOND, GROUP = 61001, 61002, 61003
"""Users and a group that nobody has made: a number is enough."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory that every user can come to."""
    above = tmp_path
    while above != Path("/") and above.stat().st_uid == os.geteuid() and above != Path("/tmp"):
        above.chmod(above.stat().st_mode | 0o755)
        above = above.parent
    place = tmp_path / "place"
    place.mkdir()
    yield place


def as_user(user: int, group: int, umask: int, act: Callable[[], object], groups: tuple[int, ...] = ()) -> None:
    """Do it in a child that is another user; what goes wrong there fails the test."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups(groups)
            os.setgid(group)
            os.setuid(user)
            os.umask(umask)
            act()
            status = 0
        except BaseException as error:
            os.write(2, f"as user {user}: {error!r}\n".encode())
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def every_way(place: Path, name: str) -> list[Path]:
    """A file by each way in which one is made."""
    replace(place / f"{name}.replaced", b"x")
    append(place / f"{name}.appended", b"x")
    link_new(place / f"{name}.linked", b"x")
    create_anew(place / f"{name}.created").close()
    with locked(place / f"{name}.lock"):
        pass
    make_directory(place / name / "inner", parents=True)
    replace(place / name / "inner" / "file", b"x")
    return sorted(path for path in place.rglob("*") if path.name.startswith(name) or name in path.parts)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("umask", "file", "directory"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0o002, 0o664, 0o775)]
)
def test_the_umask_says_who_may_read_and_write(place: Path, umask: int, file: int, directory: int) -> None:
    before = os.umask(umask)
    try:
        made = every_way(place, "new")
    finally:
        os.umask(before)
    assert len(made) == 8
    locks = [path for path in made if path.name.endswith(".lock")]
    assert {mode(path) for path in made if path.is_file() and path not in locks} == {file}
    # Who may only read a lock's file could hold it, and stop all others: for him it is not there.
    assert {mode(path) for path in locks} == {file & 0o660 if file & 0o020 else 0o600}
    assert {mode(path) for path in made if path.is_dir()} == {directory}


def test_a_file_that_is_replaced_keeps_its_rights(place: Path) -> None:
    (place / "secret").write_text("a")
    (place / "secret").chmod(0o600)
    replace(place / "secret", b"b")
    assert mode(place / "secret") == 0o600


@needs_root
@pytest.mark.parametrize("umask", [0o022, 0o002, 0o027])
def test_two_users_of_a_group_share_a_setgid_directory(place: Path, umask: int) -> None:
    os.chown(place, FIRST, GROUP)
    place.chmod(0o2770)
    groups = (GROUP,)
    as_user(FIRST, FIRST, umask, lambda: every_way(place, "one"), groups)
    as_user(SECOND, SECOND, umask, lambda: every_way(place, "one"), groups)  # over the first one's
    as_user(SECOND, SECOND, umask, lambda: every_way(place, "two"), groups)
    as_user(FIRST, FIRST, umask, lambda: every_way(place, "two"), groups)
    as_user(FIRST, FIRST, umask, lambda: journal.append_record(place / "two" / "inner" / "log", {"event": "x"}), groups)
    everything = list(place.rglob("*"))
    assert len(everything) == 17 and {path.stat().st_gid for path in everything} == {GROUP}
    assert all(mode(path) & 0o060 == 0o060 for path in everything), "the group reads and writes"
    assert all(path.stat().st_mode & stat.S_ISGID for path in everything if path.is_dir())


@needs_root
def test_who_lets_the_group_read_nothing_shares_nothing(place: Path) -> None:
    os.chown(place, FIRST, GROUP)
    place.chmod(0o2770)
    as_user(FIRST, FIRST, 0o077, lambda: every_way(place, "mine"), (GROUP,))
    assert all(mode(path) & 0o077 == 0 for path in place.rglob("*"))


@needs_root
def test_a_file_that_only_its_first_writer_could_write_is_the_groups_when_it_is_replaced(place: Path) -> None:
    old = place / "old"
    old.write_text("a")
    os.chown(old, FIRST, GROUP)
    old.chmod(0o644)
    os.chown(place, FIRST, GROUP)
    place.chmod(0o2770)
    as_user(SECOND, SECOND, 0o022, lambda: replace(old, b"b"), (GROUP,))
    assert (old.read_text(), mode(old), old.stat().st_gid) == ("b", 0o664, GROUP)


@needs_root
def test_what_root_makes_in_anothers_directory_is_that_users(place: Path) -> None:
    os.chown(place, FIRST, FIRST)
    (place / "there").write_text("a")
    os.chown(place / "there", FIRST, GROUP)
    made = every_way(place, "root")
    replace(place / "there", b"b")
    assert {(path.stat().st_uid, path.stat().st_gid) for path in made} == {(FIRST, FIRST)}
    assert ((place / "there").stat().st_uid, (place / "there").stat().st_gid) == (FIRST, GROUP)
    as_user(FIRST, FIRST, 0o022, lambda: every_way(place, "root"))


@needs_root
def test_root_gives_nobody_a_file_that_was_there_before(place: Path) -> None:
    """A hard link in an agent's directory to a file of root's, which only root can write."""
    own = place.parent / "roots"
    own.write_text("precious")
    os.chown(place, FIRST, FIRST)
    os.link(own, place / "log")
    append(place / "log", b"x")
    assert own.stat().st_uid == 0


def test_what_lies_in_the_way_is_set_aside(place: Path) -> None:
    (place / "file").write_text("x")
    os.mkfifo(place / "fifo")
    (place / "link").symlink_to("nowhere")
    (place / "full").mkdir()
    (place / "full" / "x").write_text("kept")
    asides = [set_aside(place / name) for name in ("file", "fifo", "link", "none", "full")]
    assert asides[:4] == [None] * 4 and asides[4] is not None and (asides[4] / "x").read_text() == "kept"
    assert [path.name for path in place.iterdir()] == [asides[4].name]
