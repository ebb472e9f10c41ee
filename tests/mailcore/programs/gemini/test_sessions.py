"""Where the session files lie, and whose each is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mailcore.model.activity import Activity, Kind
from mailcore.model.usage import Spent
from mailcore.programs.gemini.places import ACCOUNT_HOME
from mailcore.programs.gemini.sessions import GeminiSessions
from mailcore.programs.transcript_reader import Counted
from tests.mailcore.programs.made import FIXTURES

NOW = 1_800_000_000.0
SESSION = "6f1c2a34-5b67-4c89-8d01-23456789abcd"
FILE = "session-2026-11-28T23-10-6f1c2a34.jsonl"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gemini CLI's own directory."""
    monkeypatch.setenv("GEMINI_CLI_HOME", str(tmp_path))
    (tmp_path / ".gemini").mkdir()
    return tmp_path / ".gemini"


def begun(home: Path, branch: Path, name: str) -> Path:
    """As after a session in that branch; the directory of its sessions."""
    registry = home / "projects.json"
    known = json.loads(registry.read_text())["projects"] if registry.exists() else {}
    registry.write_text(json.dumps({"projects": {**known, str(branch): name}}))
    place = home / "tmp" / name / "chats"
    place.mkdir(parents=True)
    (place.parent / ".project_root").write_text(str(branch))
    return place


def captured(place: Path) -> tuple[Path, Path]:
    """A session's file and its subagent's."""
    session, child = place / FILE, place / SESSION / "033afb39-4b3b-4019-a824-80ca7bfdbcac.jsonl"
    child.parent.mkdir()
    session.write_bytes((FIXTURES / "gemini" / "session.jsonl").read_bytes())
    child.write_bytes((FIXTURES / "gemini" / "subagent.jsonl").read_bytes())
    return session, child


def test_a_branch_has_the_directory_that_the_list_of_projects_names(home: Path) -> None:
    place = begun(home, Path("/p/agents/writer"), "writer-3")
    assert GeminiSessions(ACCOUNT_HOME.usual()).root == home / "tmp"
    assert GeminiSessions(ACCOUNT_HOME.usual()).places([Path("/p/agents/writer"), Path("/p/agents/writer")]) == [place]


def test_one_that_has_none_yet_gets_the_next_of_its_name(home: Path) -> None:
    """As the real program names them: see tests/real."""
    begun(home, Path("/other/writer"), "writer")
    (home / "tmp/writer-1").mkdir()
    (home / "tmp/writer-1/.project_root").write_text("/third/writer\n")
    branches = [Path("/p/agents/writer"), Path("/q/Writer"), Path("/p/agents/My_Own.v1"), Path("/p/日本")]
    assert [place.parent.name for place in GeminiSessions(ACCOUNT_HOME.usual()).places(branches)] == [
        "writer-2", "writer-3", "my-own-v1", "project"
    ]  # fmt: skip
    assert all(place.name == "chats" for place in GeminiSessions(ACCOUNT_HOME.usual()).places(branches))


def test_a_directory_whose_mark_is_the_branchs_is_its_own_though_no_list_names_it(home: Path) -> None:
    place = begun(home, Path("/p/agents/writer"), "writer")
    (home / "projects.json").unlink()
    assert GeminiSessions(ACCOUNT_HOME.usual()).places([Path("/p/agents/writer")]) == [place]


def test_the_mark_beside_the_sessions_says_whose_they_are(home: Path) -> None:
    session, child = captured(begun(home, Path("/p/agents/writer"), "writer"))
    files = GeminiSessions(ACCOUNT_HOME.usual())
    assert [files.cwd_of(path, []) for path in (session, child)] == ["/p/agents/writer"] * 2
    (home / "tmp/writer/.project_root").unlink()
    assert files.cwd_of(session, []) == "" and files.cwd_of(Path("x"), []) == ""


def test_sessions_and_the_newest_ones_subagents_are_found(home: Path) -> None:
    place = begun(home, Path("/p/agents/writer"), "writer")
    session, child = captured(place)
    (place / f"{FILE}.tmp-12").write_text("")
    old = place / "0ld" / "a.jsonl"
    old.parent.mkdir()
    old.write_text("{}\n")
    os.utime(old.parent, (1, 1))
    files = GeminiSessions(ACCOUNT_HOME.usual())
    assert {path for _, path in files.found(place)} == {session, child}
    assert files.inner(place) == [child.parent] and files.inner(place / "none") == []
    assert [files.is_session(path) for path in (session, child, place / f"{FILE}.tmp-12")] == [True, True, False]
    assert not files.is_session(home / "tmp/writer/logs/session-x.jsonl")


def test_history_is_of_all_branches(home: Path) -> None:
    session, child = captured(begun(home, Path("/p/agents/writer"), "writer"))
    os.utime(child, (1, 1))
    branches = [Path("/p/agents/writer"), Path("/p/agents/tester")]
    assert list(GeminiSessions(ACCOUNT_HOME.usual()).history(branches, 2.0)) == [(session, "/p/agents/writer")]
    assert [path for path, _ in GeminiSessions(ACCOUNT_HOME.usual()).history(branches, 0.0)] == [session, child]


def test_reading_goes_on_where_it_began_and_counts_nothing_twice(home: Path) -> None:
    session, _ = captured(begun(home, Path("/p/agents/writer"), "writer"))
    lines = session.read_bytes().splitlines(keepends=True)
    whole = GeminiSessions(ACCOUNT_HOME.usual()).reader("@writer", session, 0, Counted(100))
    everything = [found for line in lines for found in whole.read(line, NOW)]
    assert whole.cwd == "/p/agents/writer"
    for split in range(len(lines)):
        offset = len(b"".join(lines[:split]))
        before = GeminiSessions(ACCOUNT_HOME.usual()).reader("@writer", session, 0, Counted(100))
        told = [found for line in lines[:split] for found in before.read(line, NOW)]
        after = GeminiSessions(ACCOUNT_HOME.usual()).reader("@writer", session, offset, Counted(100))
        told += [found for line in lines[split:] for found in after.read(line, NOW)]
        assert told == everything, split
    assert sum(isinstance(found, Spent) for found in everything) == 7
    assert [found.kind for found in everything if isinstance(found, Activity)].count(Kind.PROMPT) == 2
    with pytest.raises(OSError):
        GeminiSessions(ACCOUNT_HOME.usual()).reader("@writer", session.parent / "none.jsonl", 5, Counted(100))
