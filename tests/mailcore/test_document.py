"""Session files that are whole documents, and programs whose standard output tells what they do."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from mailcore.model.account import Account
from mailcore.model.activity import Activity, Kind
from mailcore.model.usage import Spent, Usage
from mailcore.observe import document_file
from mailcore.observe.dedupe import Deduplicator
from mailcore.observe.document_file import DocumentFile
from mailcore.observe.facts import Seen, Used
from mailcore.observe.format_drift import sum_drifts
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.session_reader import SessionReader
from mailcore.programs import registry
from mailcore.programs.session_files import list_entries
from mailcore.programs.transcript_reader import Counted
from mailcore.system.open_files import OpenFiles
from tests.mailcore.conftest import House
from tests.mailcore.programs.package import install


class Chat:
    """Reads one document, `[{"id", "said"}…]`, as often as it was written."""

    def __init__(self, agent: str, path: Path) -> None:
        self.agent, self.session, self.cwd, self.drift = agent, path.stem, "", ""
        self._told: set[int] = set()

    def read(self, line: bytes, now: float) -> list[Activity | Spent]:
        found: list[Activity | Spent] = []
        for message in json.loads(line):
            if message["id"] not in self._told:
                self._told.add(message["id"])
                found.append(Activity(now, self.agent, Kind.MESSAGE, message["said"], "transcript"))
                found.append(Spent(now, self.agent, Usage(output=1), self.session))
        return found

    def spent(self, line: bytes, now: float) -> list[Spent]:
        return [told for told in self.read(line, now) if isinstance(told, Spent)]


class Chats:
    """Whole documents in one directory."""

    whole = True

    def __init__(self, root: Path) -> None:
        self.root = root

    def places(self, branches: Collection[Path]) -> list[Path]:
        return [self.root]

    def inner(self, place: Path) -> list[Path]:
        return []

    def found(self, place: Path) -> list[tuple[float, Path]]:
        return list_entries(place, lambda name: name.endswith(".json"))

    def is_session(self, path: Path) -> bool:
        return path.suffix == ".json"

    def cwd_of(self, path: Path, branches: Collection[Path]) -> str:
        return str(next(iter(branches)))

    def session_of(self, path: Path) -> str:
        return path.stem

    def time_of(self, line: bytes) -> float:
        return 0.0

    def history(self, branches: Collection[Path], since: float) -> Iterator[tuple[Path, str]]:
        yield from ()

    def reader(self, agent: str, path: Path, offset: int, counted: Counted, earlier: float = 0.0) -> Chat:
        return Chat(agent, path)


ACCOUNT = Account("chat", "", Path("/nonexistent"), "chat-0")


def write(path: Path, *texts: str) -> None:
    """In place, as a program does that knows no better."""
    path.write_text(json.dumps([{"id": n, "said": text} for n, text in enumerate(texts)], indent=2))
    os.utime(path, ns=(time.time_ns(), time.time_ns()))


def texts(told: tuple[list[Activity], list[Spent]]) -> list[str]:
    assert len(told[0]) == len(told[1])
    return [activity.text for activity in told[0]]


@pytest.mark.parametrize("begun", [True, False])
def test_a_document_that_is_written_anew_tells_what_is_new(tmp_path: Path, begun: bool) -> None:
    path = tmp_path / "chat.json"
    sessions = SessionReader("@a", OpenFiles(), Deduplicator())
    assert not sessions.follow(path, Chats(tmp_path), ACCOUNT, begun) or sessions.read() == ([], [])
    write(path, "one", "x" * 100_000)
    assert sessions.follow(path, Chats(tmp_path), ACCOUNT, begun)
    assert [text[:3] for text in texts(sessions.read())] == ["one", "xxx"]
    write(path, "one", "x" * 100_000, "two")
    assert texts(sessions.read([str(path)])) == ["two"]
    assert texts(sessions.read()) == []
    other = tmp_path / "other"
    write(other, "one", "x", "two", "three")
    other.rename(path)
    assert texts(sessions.read([str(path)])) == ["three"]
    path.unlink()
    assert texts(sessions.read([str(path)])) == []
    assert sessions.catch_up(1 << 20) == ([], 0)


def test_a_reader_that_fails_keeps_nothing_else_from_being_read(tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    sessions = SessionReader("@a", OpenFiles(), Deduplicator())
    write(path, "one")
    assert sessions.follow(path, Chats(tmp_path), ACCOUNT)
    assert texts(sessions.read()) == ["one"]
    path.write_text("[{}]")
    assert texts(sessions.read([str(path)])) == []
    assert [one.what for one in sum_drifts([sessions.drift])] == ["Chat cannot read a line (KeyError: 'id')"]
    write(path, "one", "two")
    assert texts(sessions.read([str(path)])) == ["two"]


def test_a_document_is_read_only_when_it_was_written_and_never_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "chat.json"
    path.write_text("[]")
    one = DocumentFile(path)
    assert one.read() == [b"[]"] and one.read() == [] and one.modified == path.stat().st_mtime
    monkeypatch.setattr(document_file, "MAX_DOCUMENT", 10)
    path.write_text("[" + " " * 10 + "]")
    assert one.read() == [] and one.skipped == 1 and one.read() == [] and one.skipped == 1


STREAMER = """
import json
from mailcore.model.activity import Activity, Kind
from mailcore.model.usage import Spent, Usage
from mailcore.programs.command import Command

class Reader:
    def __init__(self, agent):
        self.agent = agent

    def read(self, line, now):
        if not line.startswith(b"{"):
            return None
        event = json.loads(line)
        return [
            Activity(now, self.agent, Kind.MESSAGE, event["said"], "transcript"),
            Spent(now, self.agent, Usage(output=event["tokens"])),
        ]

class Streamer(Command):
    name = "streamer"

    def output_reader(self, agent):
        return Reader(agent)
"""
PYPROJECT = """
[project]
name = "prax-streamer"
[project.entry-points."mailcore.programs"]
streamer = "streamer:Streamer"
"""


def forget() -> None:
    """Let this process look anew at what is installed."""
    registry.program.cache_clear()
    registry._entry_points.cache_clear()


@pytest.fixture
def streamer(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """@writer is an agent whose program tells on its standard output what it does."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "streamer.py").write_text(STREAMER)
    (tmp_path / "package" / "pyproject.toml").write_text(PYPROJECT)
    install(tmp_path / "package", tmp_path / "installed", monkeypatch)
    monkeypatch.syspath_prepend(str(tmp_path / "installed" / "site"))
    forget()
    house.shell("writer", """echo '{"said": "hello", "tokens": 7}'; echo plain; echo '{"said": "bye", "tokens": 2}'""")
    path = house.root / ".praxmonitor" / "config.toml"
    path.write_text(path.read_text().replace('program = "command"', 'program = "streamer"', 1))
    yield house
    forget()


def test_what_a_program_tells_on_its_standard_output_is_seen(streamer: House) -> None:
    sent: Any = streamer.json("dispatch", "@writer", "a task", "the body", "--from", "@operator")
    streamer.over("writer", sent["run_id"])
    facts = WorkspaceReader(streamer.workspace).initial()
    told = [a for fact in facts if isinstance(fact, Seen) and fact.address == "@writer" for a in fact.activities]
    said = {activity.text: activity.source for activity in told if activity.source in ("log", "transcript")}
    assert said == {"hello": "transcript", "plain": "log", "bye": "transcript"}
    used = [one.usage.output for fact in facts if isinstance(fact, Used) for one in fact.spent]
    assert used == [7, 2]
