"""Sessions that go on in the project and nobody dispatched: whose each is, that it is shown once, when it is gone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mailcore.config import Alarms
from mailcore.model.fleet import AgentFacts, State
from mailcore.observe import live_sessions
from mailcore.observe.elsewhere import QUIET_SESSION
from mailcore.observe.state import state
from mailcore.observe.usage_ledger import session_files
from mailcore.programs.codex import places as codex_places
from mailcore.programs.codex import sessions as codex_sessions
from mailcore.programs.session_owner import Owners, session_address
from mailcore.system.processes import pid_namespace, start_ticks
from mailcore.workspace.find import Workspace
from tests.conftest import FIXTURES
from tests.mailcore.conftest import wait_until
from tests.mailcore.test_sessions import Look, place, transcript, write
from tests.mailcore.test_sessions import said as of_a_model

__all__ = ["place"]

CLAUDE = FIXTURES / "claude-code"
SESSION = "7e95e617-e61a-43a2-8952-80a10b22a7ea"
ROW = "~claude-7e95e617"


def said(text: str, branch: Path, n: int = 0) -> str:
    """A line whose model nobody names: no list of prices is asked."""
    return of_a_model(text, branch, n).replace('"model": "opus", ', "")


class OpenLook(Look):
    """One that is closed at the test's end."""

    opened: ClassVar[list[Look]] = []

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self.opened.append(self)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Nothing stays open."""
    yield
    while OpenLook.opened:
        OpenLook.opened.pop().loader.close()


def git(directory: Path, *words: str) -> None:
    """Run git there, as nobody in particular."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *words], cwd=directory, check=True, capture_output=True, timeout=60)


@pytest.fixture
def tree(place: Workspace, tmp_path: Path) -> Path:
    """A linked worktree of the project, beside it."""
    git(place.root, "init", "-q")
    git(place.root, "add", "-f", "agents")
    git(place.root, "commit", "-qm", "first", "--allow-empty")
    git(place.root, "worktree", "add", "-q", str(tmp_path / "feature"))
    return tmp_path / "feature"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Begin a program called `claude` or `codex` in a directory; its PID."""
    begun: list[subprocess.Popen[bytes]] = []

    def begin(name: str, cwd: Path, *words: str) -> int:
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        if not program.exists():
            shutil.copy(shutil.which("bash") or "/bin/bash", program)
        argv = [name, "-c", "read -r line", *words]
        begun.append(subprocess.Popen(argv, executable=program, cwd=cwd, stdin=subprocess.PIPE))
        return begun[-1].pid

    yield begin
    for one in begun:
        one.kill()
        one.communicate()


def stands(tmp_path: Path, cwd: Path, pid: int, /, **changes: Any) -> Path:
    """A file of a session that goes on, as Claude Code 2.1.330 writes it of one in the background."""
    values = json.loads((CLAUDE / "session-background.json").read_text())
    here = {"pid": pid, "cwd": str(cwd), "procStart": str(start_ticks(pid)), "pidDomain": f"linux:0f:{pid_namespace()}"}
    path = tmp_path / "home" / ".claude" / "sessions" / f"{pid}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values | here | changes))
    return path


def rows(look: Look) -> list[str]:
    """The addresses of the sessions that are shown beside the agents."""
    return [facts.address for facts in look.fleet.elsewhere]


def row(look: Look, address: str = ROW) -> AgentFacts:
    """One of them."""
    facts = look.fleet.find(address)
    assert facts is not None, rows(look)
    return facts


def doing(look: Look, address: str = ROW) -> tuple[State, str]:
    """Its state, and why."""
    status = state(row(look, address), time.time(), Alarms())
    return status.state, status.reason


def test_one_begun_in_the_project_beside_the_agents_is_shown_with_what_it_does_and_costs(place: Workspace) -> None:
    look, source = OpenLook(place), place.root / "src"
    path = write(transcript(source, SESSION), said("I look at the parser", source))
    look.changed(path.parent, path)
    assert rows(look) == [ROW] and row(look).agent.role == "in src" and row(look).agent.session == SESSION
    assert look.told(ROW) == ["I look at the parser"] and row(look).spending.today.output == 1
    look.changed(write(path, said("and mend it", source, 1)))
    assert look.told(ROW)[-1] == "and mend it" and row(look).spending.today.output == 2
    assert look.told("@writer") == look.told("@coder") == []
    assert [facts.address for facts in look.fleet.agents] == ["@writer", "@coder"], "it is no agent"


def test_the_nearest_agent_has_it_from_wherever_in_its_branch(place: Workspace) -> None:
    look, deep = OpenLook(place), place.agent("@writer").branch / "notes" / "old"
    path = write(transcript(deep), said("deep in", deep))
    look.changed(path)
    assert look.told("@writer") == ["deep in"] and rows(look) == []


def test_outside_of_the_project_it_is_nobodys(place: Workspace, tmp_path: Path) -> None:
    look = OpenLook(place)
    for other in (tmp_path, tmp_path / "project-two", place.root.parent / "other"):
        path = write(transcript(other, SESSION), said("not here", other))
        look.changed(path)
        look.sweep()
    assert rows(look) == [] and look.told("@writer") == []


def test_in_a_worktree_it_is_whose_the_same_directory_of_the_project_is(
    place: Workspace, tree: Path, tmp_path: Path
) -> None:
    look, inner = OpenLook(place), tree / "agents" / "writer" / "src"
    inner.mkdir(parents=True)
    paths = [
        write(transcript(inner), said("in a worktree", inner)),
        write(transcript(tree, SESSION), said("at its top", tree)),
    ]
    look.changed(*paths)
    assert look.told("@writer") == ["in a worktree"]
    assert rows(look) == [ROW] and look.told(ROW) == ["at its top"]
    assert row(look).agent.role == f"in {tree}"
    found = session_files(place.agents, 0.0, [])
    assert [path for path, _ in found["@writer"]] == paths[:1], "what it cost there is the agent's too"


def test_a_worktree_made_while_it_is_looked_is_known_at_once(place: Workspace, tree: Path, tmp_path: Path) -> None:
    look, second = OpenLook(place), tmp_path / "second"
    record = place.root / ".git" / "worktrees"
    assert str(record) in look.loader.watch_paths()
    git(place.root, "worktree", "add", "-q", str(second))
    path = write(transcript(second, SESSION), said("new", second))
    look.sweep()
    assert rows(look) == [ROW] and look.told(ROW) == ["new"]
    assert str(path.parent) in look.loader.watch_paths()


def test_whoever_only_writes_that_he_is_a_worktree_is_none(place: Workspace, tree: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged"
    forged.mkdir()
    (forged / ".git").write_text((tree / ".git").read_text())
    owners = Owners((*place.agents, place.operator))
    assert not owners.inside(str(forged)) and owners.address(str(forged / "agents" / "writer")) == ""
    assert owners.inside(str(tree)) and owners.address(str(tree / "agents" / "writer")) == "@writer"


def test_one_that_made_itself_a_worktree_is_whose_it_was_begun_by(place: Workspace) -> None:
    look, made = OpenLook(place), place.root / ".claude" / "worktrees" / "feat"
    text = (CLAUDE / "worktree.jsonl").read_text().replace("/home/op/project", str(place.root))
    look.changed(write(transcript(made, "63c15ce3-bdf5-4a1f-bc0b-3b8b7ac29065"), text))
    assert look.told("@writer") and rows(look) == []


def test_a_background_job_is_seen_to_begin_to_ask_and_to_end_and_is_counted_once(
    place: Workspace, tmp_path: Path, running: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_sessions, "SESSIONS_PERIOD", 0.0)
    look, source = OpenLook(place), place.root / "src"
    source.mkdir()
    pid = running("claude", source)
    status = stands(tmp_path, source, pid)
    look.changed(status)
    assert rows(look) == [ROW] and "ok, in src" in row(look).agent.role
    assert doing(look)[0] is State.IDLE
    job = tmp_path / "home/.claude/jobs/7e95e617/state.json"
    job.parent.mkdir(parents=True)
    job.write_text((CLAUDE / "job-blocked.json").read_text())
    assert str(status.parent) in look.loader.watch_paths()
    look.sweep()
    assert doing(look) == (State.WAITING, "asks for the operator: what colour?")
    assert str(job.parent) in look.loader.watch_paths(), "what it asks next is told by the kernel"
    look.changed(write(transcript(source, SESSION), said("red, then", source)))
    look.sweep()
    assert rows(look) == [ROW], "file, word and process are one session"
    (session,) = row(look).sessions
    assert (session.job, session.session) == ("7e95e617", SESSION)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    look.sweep()
    assert rows(look) == [], "it was killed, and its file stayed"


def test_a_process_of_which_no_file_tells_is_shown_until_one_does(
    place: Workspace, running: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_sessions, "SESSIONS_PERIOD", 0.0)
    look = OpenLook(place)
    pid = running("codex", place.root)

    def seen() -> list[str]:
        look.sweep()
        return rows(look)

    wait_until(seen, what="it is seen")
    assert rows(look) == [session_address("codex", str(pid))] and look.loader.waits()
    line = json.loads((FIXTURES / "codex" / "session-added.jsonl").read_text())
    line["payload"]["cwd"], line["payload"]["runtime_workspace_roots"] = str(place.root), []
    look.changed(rollout(line))
    assert rows(look) == ["~codex-64795e31"[:7] + line["payload"]["id"][-8:]]
    assert [one.pid for one in row(look, rows(look)[0]).sessions] == [pid]


def rollout(line: dict[str, Any]) -> Path:
    """A session file of Codex that begins so, of today."""
    today = datetime.now().date()
    (directory,) = codex_sessions.directories(today, today, codex_places.ACCOUNT_HOME.usual())
    directory.mkdir(parents=True, exist_ok=True)
    return write(directory / f"rollout-2026-11-30T11-38-11-{line['payload']['id']}.jsonl", json.dumps(line) + "\n")


def test_of_codex_a_directory_of_the_project_that_it_was_given_besides_counts(place: Workspace, tmp_path: Path) -> None:
    look, line = OpenLook(place), json.loads((FIXTURES / "codex" / "session-added.jsonl").read_text())
    line["payload"]["cwd"] = str(tmp_path)
    line["payload"]["runtime_workspace_roots"] = [str(tmp_path), str(place.agent("@coder").branch)]
    path = rollout(line)
    look.sweep()
    assert look.loader.follows(path) and rows(look) == []


def test_of_claude_a_directory_of_the_project_that_it_was_given_besides_counts(
    place: Workspace, tmp_path: Path, running: Callable[..., int]
) -> None:
    away, source = tmp_path / "away", place.root / "src"
    for directory in (away, source):
        directory.mkdir()
    look = OpenLook(place)
    look.changed(stands(tmp_path, away, running("claude", away, "--add-dir", "../project/src")))
    assert rows(look) == [ROW]
    path = write(transcript(away, SESSION), said("from afar", away))
    look.sweep()
    assert look.told(ROW) == ["from afar"] and look.loader.follows(path)
    look.changed(stands(tmp_path, away, running("claude", away), sessionId="another"))
    assert rows(look) == [ROW], "one that was given nothing is nobody's"


def test_of_claude_a_directory_of_the_project_that_it_is_given_later_counts(
    place: Workspace, tmp_path: Path, running: Callable[..., int]
) -> None:
    """`/add-dir`, typed into a session that goes on."""
    away, source = tmp_path / "away", place.root / "src"
    for directory in (away, source):
        directory.mkdir()
    look, pid = OpenLook(place), running("claude", away)
    look.changed(stands(tmp_path, away, pid))
    assert rows(look) == []
    line = (FIXTURES / "claude-code" / "session-add-dir.jsonl").read_text()
    text = said("from afar", away) + line.replace("/home/op/project/src", str(source)).replace(
        "/home/op/away", str(away)
    )
    path = write(transcript(away, SESSION), text)
    look.changed(stands(tmp_path, away, pid, status="busy", statusUpdatedAt=2_000_000_000_000))
    look.sweep()
    assert rows(look) == [ROW] and look.told(ROW) == ["from afar"] and look.loader.follows(path)


def test_without_a_process_that_can_be_seen_it_is_shown_as_long_as_it_writes(place: Workspace) -> None:
    look = OpenLook(place)
    path = write(transcript(place.root, SESSION), said("somewhere", place.root))
    look.changed(path)
    assert rows(look) == [ROW] and look.loader.waits()
    os.utime(path, (time.time() - QUIET_SESSION - 5,) * 2)
    fresh = OpenLook(place)
    assert rows(fresh) == [], "it was silent for too long"


def test_the_sessions_of_other_projects_are_asked_once(place: Workspace, tmp_path: Path) -> None:
    look = OpenLook(place)
    for n in range(300):
        values = json.loads((CLAUDE / "session-background.json").read_text())
        path = tmp_path / "home" / ".claude" / "sessions" / f"{n}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        here = str(place.root) if n == 299 else str(tmp_path)
        path.write_text(json.dumps(values | {"pidDomain": "linux:x", "cwd": here, "sessionId": f"{n:08}"}))
        path.with_suffix(".0f.key").write_text("{}")
    look.sweep()
    assert rows(look) == ["~claude-00000299"], "files of keys beside them take nobody's place"


def test_the_first_session_of_a_directory_is_read_as_soon_as_that_is_there(place: Workspace) -> None:
    write(transcript(place.root), said("of old", place.root))
    look, source = OpenLook(place), place.root / "src"
    path = write(transcript(source, SESSION), said("begun", source))
    assert str(path.parents[1]) in look.loader.watch_paths()
    look.changed(path.parent)  # all that the kernel can tell: the directory was watched by nobody
    assert look.told(ROW) == ["begun"]


def test_the_first_session_of_an_account_is_seen_as_soon_as_its_directory_is_there(
    place: Workspace, tmp_path: Path, running: Callable[..., int]
) -> None:
    home, source = tmp_path / "home" / ".claude", place.root / "src"
    home.mkdir(parents=True)
    source.mkdir()
    look = OpenLook(place)
    assert str(home) in look.loader.watch_paths(), "the directory is not there yet"
    path = stands(tmp_path, source, running("claude", source))
    look.changed(path.parent)
    assert rows(look) == [ROW] and str(path.parent) in look.loader.watch_paths()
