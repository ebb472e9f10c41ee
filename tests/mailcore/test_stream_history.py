"""What happened before, read back in pages: every source, in order of time, once, harmless, and of bounded size."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.observe import stream_history
from mailcore.observe.log_reader import LogReader
from mailcore.observe.stream_history import HistoryPage, StreamHistory
from mailcore.programs.claude.places import ACCOUNT_HOME, directory
from mailcore.system.open_files import OpenFiles
from mailcore.workspace import audit
from tests.mailcore.conftest import House
from tests.mailcore.session_lines import SESSION, call, iso, said, text

HOUR = 3600.0


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The session files are this test's alone."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def hook(at: float, event: str, **more: str) -> str:
    return json.dumps({"hook_event_name": event, "timestamp": iso(at), "session_id": "s1", **more}) + "\n"


def hooks(agent: Agent, *lines: str) -> None:
    agent.hooks_log.parent.mkdir(parents=True, exist_ok=True)
    with agent.hooks_log.open("a") as file:
        file.writelines(lines)


def session(agent: Agent, *lines: bytes, name: str = "s2") -> Path:
    """A session file of Claude Code's, begun in the agent's branch."""
    place = directory(agent.branch, ACCOUNT_HOME.usual())
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{name}.jsonl"
    own = json.dumps(str(agent.branch)).encode()
    path.write_bytes(b"".join(line.replace(b'"/home/op/project/agents/writer"', own) + b"\n" for line in lines))
    return path


def everything(_: Activity) -> bool:
    return True


def page(house: House, begin: float, end: float) -> HistoryPage:
    return StreamHistory(house.workspace, house.config).page(begin, end, everything)


def test_hooks_sessions_runs_and_mail_are_read_in_order_of_time_and_only_of_that_time(house: House) -> None:
    now = float(int(time.time()))
    writer = house.agent("@writer")
    hooks(writer, *(hook(now - 3 * HOUR + n, "UserPromptSubmit", prompt=f"hook {n}") for n in range(100)))
    session(writer, *(said(now - 3 * HOUR + 0.5 + n, f"m{n}", text(f"said {n}")) for n in range(100)))
    audit.append_line(
        house.workspace.state_dir,
        {"at": iso(now - 3 * HOUR + 40.2), "by": "@lead", "verb": "send", "to": "@writer", "subject": "Look here"},
    )
    found = page(house, now - 3 * HOUR + 40, now - 3 * HOUR + 43)
    assert [(one.kind, one.text) for one in found.activities] == [
        (Kind.PROMPT, "hook 40"),
        (Kind.MAIL, "@lead: Look here"),
        (Kind.MESSAGE, "said 40"),
        (Kind.PROMPT, "hook 41"),
        (Kind.MESSAGE, "said 41"),
        (Kind.PROMPT, "hook 42"),
        (Kind.MESSAGE, "said 42"),
    ]
    assert found.begin == now - 3 * HOUR + 40
    assert page(house, now - 60, now).activities == ()


def test_a_run_is_read_from_its_journal(house: House) -> None:
    house.shell("writer", "true")
    begin = time.time() - 1
    house.over("@writer", house.started("@lead", "@writer"))
    told = page(house, begin, time.time() + 1).activities
    kinds = [one.kind for one in told if one.agent == "@writer" and one.source == "run"]
    assert kinds == [Kind.STARTED, Kind.DONE]
    assert not [one for one in page(house, begin - HOUR, begin - 60).activities if one.source == "run"]


def test_what_hooks_and_a_session_file_both_tell_is_read_once(house: House) -> None:
    at = time.time() - HOUR
    writer = house.agent("@writer")
    given = {"tool_name": "Read", "tool_use_id": "t1", "tool_input": {"file_path": "a.py"}, "session_id": "s2"}
    hooks(writer, json.dumps({"hook_event_name": "PreToolUse", "timestamp": iso(at), **given}) + "\n")
    told = said(at + 1, "m1", call("t1", "Read", file_path="a.py"))
    session(writer, told.replace(SESSION.encode(), b"s2"))
    assert [one.kind for one in page(house, at - 5, at + 5).activities] == [Kind.TOOL]


def test_a_page_is_bounded_and_says_from_when_on_it_is_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_history, "MOST_OF_AGENT", 50)
    at = time.time() - HOUR
    hooks(house.agent("@writer"), *(hook(at + n, "UserPromptSubmit", prompt=f"hook {n}") for n in range(200)))
    found = page(house, at - 10, at + 1000)
    assert len(found.activities) == 50 and found.activities[-1].text == "hook 199"
    assert found.begin == found.activities[0].at
    before = page(house, at - 10, found.begin)
    assert before.activities[-1].text == "hook 149", "the page before goes on where it begins"


def test_only_what_is_wanted_counts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_history, "MOST_OF_AGENT", 5)
    at = time.time() - HOUR
    hooks(house.agent("@writer"), *(hook(at + n, "UserPromptSubmit", prompt=f"hook {n}") for n in range(200)))
    reader = StreamHistory(house.workspace, house.config)
    found = reader.page(at - 10, at + 1000, lambda one: one.text in ("hook 3", "hook 9"))
    assert [one.text for one in found.activities] == ["hook 3", "hook 9"] and found.begin == at - 10


def test_what_is_torn_foreign_or_hostile_is_read_past(house: House) -> None:
    at = time.time() - HOUR
    writer = house.agent("@writer")
    hooks(
        writer, hook(at, "UserPromptSubmit", prompt="\x1b[2Jclear\u202e"), "{torn\n", "\x00\xff\n",
        hook(at + 1, "UserPromptSubmit", prompt="behind"),
    )  # fmt: skip
    session(writer, b"{", said(at + 2, "m1", text("said")), b'{"type": 7}')
    (house.workspace.state_dir / audit.FILE).write_text('{"at": "yesterday", "verb": "send", "to": []}\n[]\n')
    found = page(house, at - 5, at + 5).activities
    assert [one.text for one in found][1:] == ["behind", "said"] and found[0].text.isprintable()


def test_a_directory_that_is_gone_is_an_empty_page(house: House) -> None:
    now = time.time()
    assert page(house, now - HOUR, now) == HistoryPage((), now - HOUR, older=False)


def log(agent: Agent, *lines: str, name: str = "app.log", written: float = 0.0) -> Path:
    """A log of the agent's; `written`: when last, seconds since the epoch, 0.0 for now."""
    agent.logs_dir.mkdir(parents=True, exist_ok=True)
    path = agent.logs_dir / name
    path.write_text("".join(f"{line}\n" for line in lines))
    if written:
        os.utime(path, (written, written))
    return path


LOGGED = {Kind.LOG, Kind.WARNING, Kind.ERROR}


def test_the_logs_tell_from_the_files_what_they_told_live(house: House) -> None:
    began = float(int(time.time()))
    writer = house.agent("@writer")
    path = log(writer, f"{iso(began - HOUR)} INFO app: begun")
    reader = LogReader(writer, OpenFiles())
    reader.read(None, first_look=True)
    with path.open("a") as file:
        file.write(f"{iso(began - 3)} ERROR app: the lamp is out\n{iso(began - 2)} WARNING app: low oil\nno level\n")
        file.write(f"{iso(began - 1)} INFO app: lit\n{iso(began - 0.5)} ERROR app: broke\n")
        file.write('Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: deep\n')
    live = [(one.kind, one.text) for one in reader.read(None, first_look=False)]
    read = [(one.kind, one.text) for one in page(house, began - 60, time.time() + 1).activities if one.kind in LOGGED]
    assert live == read and [kind for kind, _ in live].count(Kind.ERROR) == 2


def test_of_logs_only_what_is_of_that_time_is_read_also_when_they_were_rotated(house: House) -> None:
    at = float(int(time.time())) - 2 * HOUR
    writer = house.agent("@writer")
    log(writer, *(f"{iso(at + n)} ERROR app: number {n}" for n in range(500)), name="app.log.1", written=at + 499)
    log(writer, *(f"{iso(at + 500 + n)} ERROR app: number {500 + n}" for n in range(500)))
    told = page(house, at + 498, at + 502).activities
    assert [one.text for one in told] == [f"app: number {n}" for n in range(498, 502)]
    assert {one.kind for one in told} == {Kind.ERROR}


def test_a_log_without_times_tells_its_end_as_of_when_it_was_written(house: House) -> None:
    at = time.time() - HOUR
    log(house.agent("@writer"), "error: the first", "error: the last", written=at)
    told = page(house, at - 5, at + 5).activities
    assert [(one.text, one.kind) for one in told] == [("the first", Kind.ERROR), ("the last", Kind.ERROR)]
    assert page(house, at - 50, at - 5).activities == () == page(house, at + 5, at + 50).activities


def test_what_an_attempt_wrote_is_read_back_too(house: House) -> None:
    house.shell("writer", "echo 'error: no oil' >&2")
    begin = time.time() - 1
    house.over("@writer", house.started("@lead", "@writer"))
    told = page(house, begin, time.time() + 1).activities
    assert [one.text for one in told if one.kind is Kind.ERROR and one.source == "log"] == ["no oil"]


def test_a_page_says_whether_anything_is_older(house: House) -> None:
    at = time.time() - HOUR
    assert not page(house, at, at + 1).older
    hooks(house.agent("@writer"), hook(at - 10, "UserPromptSubmit", prompt="first"))
    assert page(house, at, at + 1).older and not page(house, at - 20, at).older
    log(house.agent("@writer"), f"{iso(at - 100)} INFO app: before")
    assert page(house, at - 20, at).older and not page(house, at - 101, at).older
