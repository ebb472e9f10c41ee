"""Errors are counted once each, wherever a log went and whoever looks, and history is no news."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailcore.config import Errors
from mailcore.errors import scan as scanning
from mailcore.errors.scan import Scanned, begin_watch, scan_errors
from mailcore.errors.store import read_errors, read_groups
from mailcore.model.error_group import ErrorGroup
from tests.mailcore.conftest import House, wait_until

ERRORS = Errors()
TRACEBACK = """Traceback (most recent call last):
  File "{file}", line 3, in total
    return price / count
ZeroDivisionError: division by zero
"""


def log_file(house: House, name: str = "writer", file: str = "app.log") -> Path:
    path = house.agent(name).logs_dir / file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write(path: Path, text: str, *, mode: str = "a") -> None:
    with path.open(mode) as file:
        file.write(text)


def settled(house: House) -> list[ErrorGroup]:
    """The groups, once nothing is held back any more."""
    assert not looked(house).behind
    return list(read_groups(house.workspace))


def looked(house: House, seconds: float = 5.0) -> Scanned:
    """One look, some seconds after the last write."""
    for path in house.root.rglob("*.log"):
        if (stat := path.stat()).st_mtime > time.time() - 4:
            os.utime(path, (stat.st_atime, stat.st_mtime - 5))
    return scan_errors(house.workspace, ERRORS, seconds=seconds)


def traceback(house: House, name: str = "writer") -> str:
    return TRACEBACK.format(file=house.agent(name).branch / "shop.py")


def test_each_error_counts_once_however_often_it_is_looked(house: House) -> None:
    begin_watch(house.workspace)
    path = log_file(house)
    for number in range(3):
        write(path, traceback(house))
        assert [group.count for group in settled(house)] == [number + 1]
        assert looked(house).events == 0
    (group,) = read_groups(house.workspace)
    assert group.title == "ZeroDivisionError: division by zero" and group.owner == "@writer"
    assert len(group.recent) == 3 and group.sample is not None and group.sample.path == str(path)


def test_what_stood_there_before_anybody_looked_counts_and_calls_for_nothing(house: House) -> None:
    path = log_file(house)
    write(path, traceback(house) * 4)
    assert begin_watch(house.workspace) and not begin_watch(house.workspace)
    write(path, "all is well\n" + traceback(house))
    (group,) = settled(house)
    assert group.count == 5 and len(group.recent) == 1


def test_an_error_that_is_still_being_written_is_left_for_the_next_look(house: House) -> None:
    begin_watch(house.workspace)
    path = log_file(house)
    lines = traceback(house).splitlines(keepends=True)
    write(path, "".join(lines[:2]))
    assert scan_errors(house.workspace, ERRORS).behind and read_groups(house.workspace) == ()
    write(path, "".join(lines[2:]))
    assert looked(house).events == 1
    assert [group.count for group in read_groups(house.workspace)] == [1]


@pytest.mark.parametrize("how", ["renamed", "copied and cut", "written anew", "twice"])
def test_a_log_that_is_rotated_loses_and_doubles_nothing(house: House, how: str) -> None:
    begin_watch(house.workspace)
    path = log_file(house)
    write(path, "first\n" + traceback(house))
    settled(house)
    write(path, "second\n" + traceback(house))
    if how == "renamed":
        path.rename(path.with_name("app.log.1"))
    elif how == "copied and cut":
        path.with_name("app.log.1").write_bytes(path.read_bytes())
        write(path, "", mode="w")
    elif how == "twice":
        path.rename(path.with_name("app.log.2"))
        write(path, "between\n" + traceback(house))
        path.rename(path.with_name("app.log.1"))
    else:
        assert [group.count for group in settled(house)] == [2]
        path.unlink()
    write(path, "the third\n" + traceback(house))
    assert [group.count for group in settled(house)] == [4 if how == "twice" else 3]
    assert looked(house).events == 0


def test_the_output_of_a_run_is_read_and_how_it_ended(house: House) -> None:
    house.limit(attempts=1)
    house.shell("writer", f"printf '%s' '{traceback(house)}' >&2; exit 3")
    begin_watch(house.workspace)
    run_id = house.started("@lead", "@writer")
    house.over("writer", run_id)
    groups = {group.kind: group for group in settled(house)}
    assert groups["python"].count == 1 and groups["python"].runs == (run_id,)
    assert groups["result"].count == 1 and groups["result"].runs == (run_id,)
    assert looked(house).events == 0


@pytest.mark.parametrize("framed_first", [True, False])
@pytest.mark.parametrize("looks", ["at once", "in between"])
def test_one_failure_that_a_run_tells_with_its_frames_and_without_is_one_error(
    house: House, framed_first: bool, looks: str
) -> None:
    """A program that fails writes its traceback, and says the last line of it as its result or in what it prints."""
    begin_watch(house.workspace)
    log, go = log_file(house), house.root / "go"
    framed = f"printf '%s' '{traceback(house)}' >&2"
    bare = "echo 'ERROR ZeroDivisionError: division by zero'"
    first, second = (framed, bare) if framed_first else (bare, framed)
    house.limit(attempts=1)
    house.shell("writer", f"{first}; touch {go}.first; while ! [ -e {go} ]; do sleep 0.05; done; {second}; exit 3")
    run_id = house.started("@lead", "@writer")
    wait_until(lambda: Path(f"{go}.first").exists())
    if looks == "in between":
        scan_errors(house.workspace, ERRORS, now=time.time() + 9)
        assert len(read_groups(house.workspace)) == 1
    go.touch()
    house.over("writer", run_id)
    found = [group for group in settled(house) if "ZeroDivisionError" in group.title]
    assert [(group.kind, group.count, group.runs) for group in found] == [("python", 1, (run_id,))]
    write(log, "ERROR ZeroDivisionError: division by zero\n")
    assert len([group for group in settled(house) if "ZeroDivisionError" in group.title]) == 2, "of no run: another"


def test_a_line_of_a_log_is_of_the_run_that_was_at_work(house: House) -> None:
    begin_watch(house.workspace)
    path = log_file(house)
    house.shell("writer", f"printf '%s' '{traceback(house)}' >> {path}; echo done")
    run_id = house.started("@lead", "@writer")
    house.over("writer", run_id)
    assert scan_errors(house.workspace, ERRORS, now=time.time() + 5).events == 1
    (group,) = read_groups(house.workspace)
    assert group.runs == (run_id,)


def test_a_limit_and_an_outage_are_causes_and_call_for_nothing(house: House) -> None:
    begin_watch(house.workspace)
    write(log_file(house), "ERROR API Error: 529 overloaded_error: Overloaded\n" * 5)
    write(log_file(house, "lead"), "ERROR OSError: [Errno 28] No space left on device: 'x'\n" * 5)
    groups = settled(house)
    assert sum(group.count for group in groups) == 10 and not any(group.recent for group in groups)
    assert set(read_errors(house.workspace).causes) == {"service", "disk"}
    # A server that the agents write, and a database of theirs, are theirs to mend.
    write(log_file(house, "editor"), "ERROR upstream: Internal Server Error\n" * 3)
    write(log_file(house, "editor", "db.log"), "ERROR connection refused: 127.0.0.1:5432\n" * 3)
    assert sum(len(group.recent) for group in settled(house)) == 6


def test_a_mail_of_ours_that_an_agent_prints_is_no_error(house: House) -> None:
    begin_watch(house.workspace)
    write(log_file(house), "".join(f"│ {line}\n" for line in traceback(house).splitlines()))
    assert settled(house) == []


def test_a_failed_tool_is_told_by_the_session_and_its_agent_saw_it(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "home" / ".claude"))
    branch = str(house.agent("writer").branch)
    place = tmp_path / "home" / ".claude" / "projects" / "".join(c if c.isalnum() else "-" for c in branch)
    place.mkdir(parents=True)
    path = place / "00e66db2-05d6-45b4-98ae-6bf52c827f80.jsonl"
    begin_watch(house.workspace)
    head = {"cwd": branch, "sessionId": path.stem, "timestamp": "2026-11-30T03:00:00.000Z", "version": "2.0.0"}
    call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "make"}}
    done = {"type": "tool_result", "tool_use_id": "t1", "content": "Exit code 2: no rule", "is_error": True}
    for kind, content in (("assistant", call), ("user", done)):
        write(path, json.dumps({**head, "type": kind, "message": {"role": kind, "content": [content]}}) + "\n")
    (group,) = settled(house)
    assert group.kind == "tool" and "no rule" in group.title and group.count == 1 and group.recent == ()
    assert looked(house).events == 0


def test_scanners_at_once_count_each_error_once(house: House) -> None:
    begin_watch(house.workspace)
    path = log_file(house)
    write(path, (traceback(house) + "ok\n") * 200)
    program = (
        "import sys, time; from pathlib import Path; from mailcore.config import Errors\n"
        "from mailcore.errors.scan import scan_errors; from mailcore.workspace.find import find_workspace\n"
        "workspace = find_workspace(Path(sys.argv[1]))\n"
        "for _ in range(5): scan_errors(workspace, Errors(), now=time.time() + 9)"
    )
    several = [subprocess.Popen([sys.executable, "-c", program, str(house.root)]) for _ in "abc"]
    for one in several:
        assert one.wait(60) == 0
    (group,) = settled(house)
    assert group.count == 200


def test_one_call_does_a_bounded_work_and_the_next_goes_on(house: House) -> None:
    begin_watch(house.workspace)
    for number in range(20):
        write(log_file(house, file=f"{number}.log"), traceback(house))
    done = looked(house, 0.0)
    assert done.behind and done.events < 20
    calls = 0
    while looked(house, 0.02).behind:
        calls += 1
        assert calls < 500
    (group,) = read_groups(house.workspace)
    assert group.count == 20


def test_a_log_that_was_brought_back_counts_once_though_another_file_has_its_number(house: House) -> None:
    """As after a copy: a removed file's number is given to the next one that is made."""
    begin_watch(house.workspace)
    path = log_file(house)
    write(path, traceback(house))
    (group,) = settled(house)
    assert group.count == 1
    text, other = path.read_text(), path.with_name("notes.txt")
    path.rename(other)
    write(other, "something else that is longer than what was read of the log\n" * 20, mode="w")
    write(path, text)
    assert [one.count for one in settled(house)] == [1]
    write(path, traceback(house))
    assert [one.count for one in settled(house)] == [2]


def test_a_workspace_that_was_copied_is_read_on_from_where_it_was(house: House) -> None:
    begin_watch(house.workspace)
    path = log_file(house)
    write(path, "first\n" + traceback(house) * 2)
    assert [group.count for group in settled(house)] == [2]
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data + traceback(house).encode())
    assert [group.count for group in settled(house)] == [3]


def test_a_large_log_is_read_piece_by_piece(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "SCAN_BYTES", 300_000)
    begin_watch(house.workspace)
    write(log_file(house), ("INFO all is well with this line\n" * 60 + traceback(house)) * 1000)
    calls = 1
    while looked(house).behind:
        calls += 1
    (group,) = read_groups(house.workspace)
    assert group.count == 1000 and 3 < calls < 40
