"""A person's own sessions, at real processes, terminals and a real tmux: that they live, and where the focus is."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.observe import live_sessions
from mailcore.observe.facts import SessionsLive
from mailcore.observe.fold import apply
from mailcore.observe.live_sessions import LiveSessionReader
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.state import state
from mailcore.programs.base import SessionStatus
from mailcore.programs.claude import places
from mailcore.programs.registry import built_in
from mailcore.system import terminal
from mailcore.system.processes import pid_namespace, start_ticks, terminal_of
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.session_lines import asked, said, text

GAINED, LOST = b"\x1b[I", b"\x1b[O"
"""What a terminal sends when it gains and loses the focus."""


class OwnersOf:
    """Owners who know one directory, @writer's."""

    def __init__(self, writer: Path) -> None:
        self._writer = str(writer)

    def owner_of(self, cwd: str, program: str = "", session: str = "") -> str:
        return "@writer" if cwd == self._writer else ""

    def inside(self, cwd: str) -> bool:
        return cwd == self._writer

    def admit(self, session: str, cwd: str, added: str) -> None:
        raise AssertionError(f"{session} {cwd} {added}")


@dataclass
class Terminal:
    """A terminal, and the program in it."""

    pid: int
    keys: int
    """The descriptor by which its keys come, and its picture goes."""

    def __post_init__(self) -> None:
        os.set_blocking(self.keys, False)

    def type(self, keys: bytes) -> None:
        os.write(self.keys, keys)
        self.draw()

    def draw(self) -> None:
        """Take what it shows: a program that cannot write stands still."""
        while select.select([self.keys], [], [], 0.02)[0]:
            try:
                if not os.read(self.keys, 65536):
                    return
            except OSError:
                return

    def waits_until(self, condition: Callable[[], object], what: str) -> None:
        """Draw until that holds."""

        def drawn() -> object:
            self.draw()
            return condition()

        wait_until(drawn, what=what)


Begin = Callable[..., Terminal]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Begin a program at a terminal of its own, in a directory."""
    begun: list[Terminal] = []

    def begin(words: list[str], cwd: Path) -> Terminal:
        pid, keys = pty.fork()
        if pid == 0:
            os.chdir(cwd)
            os.execvp(words[0], words)
        begun.append(Terminal(pid, keys))
        return begun[-1]

    yield begin
    for one in begun:
        with suppress(ProcessLookupError):
            os.kill(one.pid, signal.SIGKILL)
        os.waitpid(one.pid, 0)
        os.close(one.keys)


def claude(directory: Path) -> str:
    """A program of that name."""
    path = directory / "claude"
    if not path.exists():
        shutil.copy(shutil.which("cat") or "/bin/cat", path)
    return str(path)


def test_what_is_typed_at_a_terminal_is_seen_by_its_time(begin: Begin, tmp_path: Path) -> None:
    shown = begin(["cat"], tmp_path)
    device = wait_until(lambda: terminal_of(shown.pid), what="its terminal")
    os.utime(device, (1000.0, 1000.0))
    assert terminal.typed_at(device) == 1000.0
    before = time.time()
    shown.type(b"x\n")
    wait_until(lambda: terminal.typed_at(device) > before - 10, what="the key is seen")
    assert terminal.typed_at("/dev/pts/none") == 0.0 and terminal_of(0) == ""


def test_of_a_process_without_a_terminal_there_is_none(tmp_path: Path) -> None:
    alone = subprocess.Popen(["sleep", "60"], start_new_session=True, cwd=tmp_path)
    try:
        assert terminal_of(alone.pid) == ""
    finally:
        alone.kill()
        alone.wait()


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """The user's own tmux, of which the test has the only one."""
    if not shutil.which("tmux"):
        pytest.skip("no tmux here")
    monkeypatch.setenv("TMUX_TMPDIR", str(tmp_path))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("TMUX", raising=False)

    def ask(*words: str) -> str:
        done = subprocess.run(["tmux", "-f", "/dev/null", *words], capture_output=True, text=True, timeout=20)
        return done.stdout.strip()

    yield ask
    ask("kill-server")


def test_the_focus_is_where_tmux_and_its_terminal_say(begin: Begin, tmux: Callable[..., str], tmp_path: Path) -> None:
    assert terminal.focus_of_panes() == {}, "no tmux runs"
    tmux("new-session", "-d", "-s", "s", "sleep 600")
    (alone,) = terminal.focus_of_panes()
    assert terminal.focus_of_panes() == {alone: False}, "nobody is attached"
    shown = begin(["tmux", "attach", "-t", "s"], tmp_path)
    shown.waits_until(lambda: tmux("list-clients"), "a client")
    assert terminal.focus_of_panes() == {alone: None}, "tmux does not ask for the focus"
    tmux("set", "-g", "focus-events", "on")
    assert terminal.focus_of_panes() == {alone: True}
    tmux("split-window", "-d", "-t", "s", "sleep 600")
    (other,) = terminal.focus_of_panes().keys() - {alone}
    assert terminal.focus_of_panes() == {alone: True, other: False}
    shown.type(LOST)
    shown.waits_until(lambda: terminal.focus_of_panes() == {alone: False, other: False}, "it is lost")
    shown.type(GAINED)
    shown.waits_until(lambda: terminal.focus_of_panes()[alone], "it is back")
    tmux("select-pane", "-t", "s:0.1")
    assert terminal.focus_of_panes() == {alone: False, other: True}
    tmux("new-window", "-t", "s:", "sleep 600")
    shown.waits_until(lambda: not terminal.focus_of_panes()[other], "another window is in front")
    assert list(terminal.focus_of_panes().values()).count(True) == 1


def test_a_session_is_seen_to_begin_and_to_end(begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_sessions, "SESSIONS_PERIOD", 0.0)
    reader = LiveSessionReader(OwnersOf(tmp_path), lambda _: None)
    assert reader.sweep(built_in()) == []
    before = time.time()
    shown = begin([claude(tmp_path), "-"], tmp_path)
    (seen,) = wait_until(lambda: reader.sweep(built_in()), what="it is seen")
    (session,) = seen.sessions
    assert (seen.address, session.pid, session.terminal) == ("@writer", shown.pid, terminal_of(shown.pid))
    assert session.terminal.startswith("/dev/") and abs(session.began - before) < 5 and session.focused is None
    assert reader.sweep(built_in()) == [], "it is told once"
    said = SessionStatus("s-1", str(tmp_path), False, 0.0, job="7e95e617")
    (told,) = LiveSessionReader(OwnersOf(tmp_path), lambda pid: said if pid == shown.pid else None).sweep(built_in())
    assert [(one.session, one.job) for one in told.sessions] == [("s-1", "7e95e617")], "it goes on in the background"
    os.kill(shown.pid, signal.SIGKILL)
    assert wait_until(lambda: reader.sweep(built_in()), what="its end") == [SessionsLive("@writer", ())]


def test_processes_are_looked_at_now_and_then(tmp_path: Path, begin: Begin) -> None:
    reader = LiveSessionReader(OwnersOf(tmp_path), lambda _: None)
    reader.sweep(built_in())
    begin([claude(tmp_path), "-"], tmp_path)
    assert reader.sweep(built_in()) == [], "not before the next look is due"


def test_two_sessions_of_one_agent_and_the_question_of_one(
    house: House, begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From processes, session files and Claude Code's own word to the state of their agent."""
    home = tmp_path / "claude-home"
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home))
    monkeypatch.setattr(live_sessions, "SESSIONS_PERIOD", 0.0)
    branch, now = house.agent("@writer").branch, time.time()
    (home / "sessions").mkdir(parents=True)
    files = places.directory(branch, home)
    files.mkdir(parents=True)
    ask = "I have looked at all of it. " * 30 + "\n\nShall I **deploy** it to production, or wait?"
    for name, words in (("0" * 8, "All is done."), ("1" * 8, ask)):
        session = f"{name}-05d6-45b4-98ae-6bf52c827f80"
        shown = begin([claude(tmp_path), "-"], branch)
        stat = {
            "pid": shown.pid, "sessionId": session, "cwd": str(branch), "procStart": str(start_ticks(shown.pid)),
            "status": "idle", "statusUpdatedAt": now * 1000, "pidDomain": f"linux:0:{pid_namespace()}",
        }  # fmt: skip
        (home / "sessions" / f"{shown.pid}.json").write_text(json.dumps(stat))
        lines = [asked(now - 60, "go on"), said(now - 30 + int(name[0]), name, text(words), stop_reason="end_turn")]
        told = b"".join(
            line.replace(b"00e66db2-05d6-45b4-98ae-6bf52c827f80", session.encode())
            .replace(b"/home/op/project/agents/writer", str(branch).encode()) + b"\n" for line in lines
        )  # fmt: skip
        (files / f"{session}.jsonl").write_bytes(told)
    loader = WorkspaceReader(house.workspace)
    fleet = apply(Fleet(house.root), loader.initial(), now)

    def facts() -> AgentFacts:
        nonlocal fleet
        fleet = apply(fleet, loader.sweep(), time.time())
        found = fleet.find("@writer")
        assert found is not None
        return found

    wait_until(lambda: len(facts().sessions) == 2 and all(one.session for one in facts().sessions), what="both live")
    assert [turn.ended > 0 for turn in facts().turns] == [True, True]
    status = state(facts(), time.time(), house.config.alarms)
    assert (status.state, status.reason) == (
        State.IDLE, "your move: asks: Shall I **deploy** it to production, or wait?",
    )  # fmt: skip
    assert status.since == pytest.approx(now - 29, abs=0.01)
    loader.close()
