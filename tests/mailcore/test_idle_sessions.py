"""A session that a person has open and that sits idle: mail wakes it once, in time, and not while the person types."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mailcore.hooks import line
from mailcore.hooks import wake as hooks_wake
from mailcore.hooks.install import hook_plan, install_hooks, remove_hooks, settings_file
from mailcore.hooks.line import STAMPS, HookEntry, HookRole
from mailcore.hooks.open_at import open_at
from mailcore.hooks.undelivered import SessionPlace, settle
from mailcore.mail import post
from mailcore.mail.bell import WAITING, remove_bells, ring_bells
from mailcore.mail.ladder import ladder
from mailcore.model.agent import Agent
from mailcore.programs.claude.program import Claude
from mailcore.programs.codex.program import Codex
from mailcore.system.locks import is_locked
from mailcore.system.process_values import Process
from mailcore.system.writing import make_directory
from tests.mailcore.conftest import House, wait_until

SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]
PROGRAM = """\
import json, os, subprocess, sys
words, line, event, out = sys.argv[1].split(), sys.argv[2], sys.argv[3], sys.argv[4]
hook = subprocess.Popen([*words, line], stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                        env={**os.environ, "CLAUDE_CODE_SESSION_ATTENDED": "1"})
hook.stdin.write(event.encode())
hook.stdin.close()
said = hook.stderr.read()
with open(out, "w") as file:
    json.dump({"status": hook.wait(), "said": said.decode()}, file)
sys.stdin.read()
"""
"""An agent's program, which runs one hook beside itself and waits for its end."""


class Session:
    """A program in which a person has a session open, idle, with its sleeper beside it."""

    def __init__(self, agent: Agent, session: str, shell: str, terminal: int | None = None) -> None:
        self.agent, self.session = agent, session
        self.out = agent.root.parent / f"{session}.out"
        self.transcript = agent.root.parent / f"{session}.jsonl"
        self.transcript.touch()
        self.out.unlink(missing_ok=True)
        event = {"session_id": session, "transcript_path": str(self.transcript), "hook_event_name": "Stop"}
        hook = hook_plan(agent, Claude.hooks).handler(HookEntry("Stop", HookRole.SLEEP), "file")["command"]
        words = {"busybox": "busybox sh -c"}.get(shell, f"{shell} -c")
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, words, hook, json.dumps(event), str(self.out)],
            stdin=subprocess.PIPE if terminal is None else terminal,
            start_new_session=True,
        )

    @property
    def bell(self) -> Path:
        return self.agent.mail_dir / WAITING / f"{self.session}.bell"

    @property
    def woken(self) -> dict[str, Any]:
        """What the hook said at its end; nothing while it sleeps."""
        try:
            found: dict[str, Any] = json.loads(self.out.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    @property
    def at(self) -> list[Process]:
        """By which processes it is open."""
        return open_at(Claude.hooks.settings, self.process.pid, "")

    def sleeps(self) -> bool:
        """Its sleeper holds the lock and sleeps."""
        return self.bell.exists()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def writer(house: House) -> Iterator[Agent]:
    agent = house.agent("@writer")
    assert install_hooks(agent, Claude.hooks)
    yield agent
    remove_hooks(agent, Claude.hooks)
    wait_until(lambda: not sleepers(agent), 20, "no sleeper is left")


def sleepers(agent: Agent) -> list[str]:
    """The sessions beside which something sleeps."""
    return [path.stem for path in (agent.mail_dir / WAITING).glob("*.lock") if is_locked(path)]


@pytest.fixture
def session(writer: Agent, request: pytest.FixtureRequest) -> Iterator[Session]:
    one = Session(writer, "abc-1", getattr(request, "param", "sh"))
    wait_until(one.sleeps, 20, "it sleeps")
    yield one
    one.close()


def send(house: House, subject: str, priority: str = "high") -> str:
    (sent,) = post.send_mail(house.workspace, "@lead", ["@writer"], subject, "b", priority=priority)
    return sent.id


@pytest.mark.parametrize("session", SHELLS, indirect=True)
def test_high_priority_wakes_it_at_once_and_says_to_whom_it_was_given(house: House, session: Session) -> None:
    known = send(house, "Fire in the hall")
    wait_until(lambda: session.woken, 20, "it is woken")
    assert session.woken["status"] == 2 and known in session.woken["said"], session.woken
    (message,) = house.inbox("@writer")
    assert (message.raw["told_where"], message.raw["told_session"]) == ("idle", "abc-1")
    assert ladder(message).rung == "stored", "nothing proves yet that it arrived"
    session.transcript.write_text(json.dumps({"text": session.woken["said"]}))
    given, _ = settle(session.agent, SessionPlace("abc-1", str(session.transcript)), "Stop", lambda _: False)
    assert not given and ladder(house.inbox("@writer")[0]).rung == "submitted"


def test_other_mail_waits_until_its_turn_was_over_for_long_enough(house: House, session: Session) -> None:
    house.workspace.config_file.write_text("[mail]\nidle = 3600\n")
    send(house, "Tea at five", "normal")
    status, wait = hooks_wake.wake_session(session.agent, SessionPlace("abc-1", ""), session.at, "")
    assert status == hooks_wake.LATER and 3500 < wait <= 3600
    house.workspace.config_file.write_text("[mail]\nidle = 0\n")
    assert hooks_wake.wake_session(session.agent, SessionPlace("abc-1", ""), session.at, "") == (0, 0.0)
    assert not session.woken
    house.workspace.config_file.write_text("[mail]\nidle = 1\n")
    ring_bells(session.agent)
    wait_until(lambda: session.woken, 20, "it is woken when its time has come")
    assert "Tea at five" in session.woken["said"]


def test_while_the_person_types_it_waits(house: House, writer: Agent) -> None:
    master, slave = pty.openpty()
    one = Session(writer, "typing-1", "sh", terminal=slave)
    try:
        wait_until(one.sleeps, 20, "it sleeps")
        name = os.ttyname(slave)
        house.workspace.config_file.write_text("[mail]\nidle = 1\n")
        now = time.time()
        os.utime(name, (now, now))  # as the kernel does when the program reads a key
        send(house, "Fire")
        typed = hooks_wake.QUIET_TYPING + hooks_wake.TYPED_WINDOW
        # The program of the test is no leader of that terminal: what the kernel says of one that is, is given.
        found = hooks_wake.last_key(name)
        assert now - 1 <= found <= now + hooks_wake.TYPED_WINDOW
        os.utime(name, (now - typed - 1, now))
        assert hooks_wake.last_key(name) + hooks_wake.QUIET_TYPING < time.time()
    finally:
        one.close()
        os.close(master)
        os.close(slave)
    assert hooks_wake.last_key("") == hooks_wake.last_key("/dev/pts/no-such") == 0.0


def test_one_sleeps_beside_a_session_however_many_turns_end(house: House, session: Session) -> None:
    second = Session(session.agent, "abc-1", "sh")
    second.out = session.out
    try:
        wait_until(lambda: second.process.poll() is None and session.woken.get("status") == 0, 20, "the second goes")
        session.out.unlink()
        assert sleepers(session.agent) == ["abc-1"]
        send(house, "Fire")
        wait_until(lambda: session.woken, 20, "the first is woken")
        assert session.woken["status"] == 2
    finally:
        second.close()


def test_two_sessions_of_one_agent_are_given_it_once(house: House, writer: Agent) -> None:
    both = [Session(writer, f"two-{n}", "sh") for n in (1, 2)]
    try:
        for one in both:
            wait_until(one.sleeps, 20, "it sleeps")
        send(house, "Fire")
        wait_until(lambda: any(one.woken for one in both), 20, "one is woken")
        ring_bells(writer)
        wait_until(lambda: len(sleepers(writer)) == 1, 20, "the other sleeps on")
        assert sorted(one.woken.get("status", -1) for one in both) == [-1, 2]
    finally:
        for one in both:
            one.close()


def test_a_sleeper_whose_session_was_killed_goes_at_the_next_mail_and_takes_none(
    house: House, session: Session
) -> None:
    session.close()
    assert sleepers(session.agent) == ["abc-1"], "nobody tells it"
    send(house, "Fire")
    wait_until(lambda: not sleepers(session.agent), 20, "it goes")
    (message,) = house.inbox("@writer")
    assert not message.raw.get("told_at"), "who is not there was given nothing"


def know_mailbox(agent: Agent) -> None:
    """It does not look first: the mailbox is known as it is."""
    later = time.time() + 60
    (agent.mail_dir / STAMPS["Stop"]).touch()
    os.utime(agent.mail_dir / STAMPS["Stop"], (later, later))


def left_asleep(agent: Agent, shell: str) -> None:
    """A session abc-1 is killed, and what sleeps beside it stays: nobody tells it."""
    know_mailbox(agent)
    first = Session(agent, "abc-1", shell)
    wait_until(first.sleeps, 20, "it sleeps")
    first.close()
    assert sleepers(agent) == ["abc-1"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_sleeper_whose_session_was_killed_goes_when_another_begins(writer: Agent, shell: str) -> None:
    left_asleep(writer, shell)
    second = Session(writer, "abc-2", shell)
    try:
        wait_until(lambda: sleepers(writer) == ["abc-2"], 20, "it goes")
        assert not second.woken
    finally:
        second.close()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_session_that_was_killed_and_goes_on_in_another_program_is_woken(
    house: House, writer: Agent, shell: str
) -> None:
    left_asleep(writer, shell)
    lock = writer.mail_dir / WAITING / "abc-1.lock"
    before = lock.stat().st_ino
    second = Session(writer, "abc-1", shell)
    try:
        wait_until(lambda: lock.exists() and lock.stat().st_ino != before and second.sleeps(), 20, "it took its place")
        send(house, "Fire")
        wait_until(lambda: second.woken, 20, "it is woken")
        assert second.woken["status"] == 2 and "Fire" in second.woken["said"]
    finally:
        second.close()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("looked", [False, True], ids=["known mailbox", "looked"])
def test_a_sleeper_whose_session_was_killed_notices_it_by_itself(
    writer: Agent, shell: str, looked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "SLEEPER_PERIOD", 1)
    if not looked:
        know_mailbox(writer)
    first, second = (Session(writer, f"abc-{number}", shell) for number in (1, 2))
    try:
        wait_until(lambda: first.sleeps() and second.sleeps(), 60, "both sleep")
        first.close()
        wait_until(lambda: sleepers(writer) == ["abc-2"], 60, "what slept beside the one is gone")
        assert not first.bell.exists() and second.sleeps() and not second.woken
    finally:
        first.close()
        second.close()


@pytest.mark.skipif(not shutil.which("timeout"), reason="it waits without it")
def test_what_waits_for_the_bell_does_not_hold_the_lock(session: Session) -> None:
    """A shell that was killed leaves it behind: the same session, resumed, sleeps again."""
    program = psutil.Process(session.process.pid)

    def waiting() -> list[psutil.Process]:
        return [one for one in program.children(recursive=True) if one.name() in ("timeout", "head")]

    wait_until(lambda: len(waiting()) == 2, 60, "it waits for the bell")
    left = waiting()
    (shell,) = program.children()
    shell.kill()
    try:
        wait_until(lambda: not sleepers(session.agent), 20, "nobody holds the lock")
        assert all(one.is_running() for one in left)
    finally:
        for one in left:
            one.kill()


def test_a_number_that_another_process_has_now_is_no_session(writer: Agent, session: Session) -> None:
    lock = writer.mail_dir / WAITING / "abc-1.lock"
    place = SessionPlace("abc-1", "")
    assert hooks_wake.session_lives(writer, place, session.at)
    os.utime(lock, (0, 0))  # the sleeper began long before that process
    assert not hooks_wake.session_lives(writer, place, session.at)
    assert not hooks_wake.session_lives(writer, SessionPlace("other", ""), session.at)


def test_what_is_at_work_is_left_to_its_next_step(house: House, session: Session) -> None:
    (session.agent.branch / "logs").mkdir(exist_ok=True)
    place = SessionPlace("abc-1", str(session.transcript))
    event = {"ts": time.time(), "session_id": "abc-1", "hook_event_name": "PreToolUse"}
    session.agent.hooks_log.write_text(json.dumps(event) + "\n")
    send(house, "Fire")
    assert hooks_wake.wake_session(session.agent, place, session.at, "")[0] == hooks_wake.LATER
    event["ts"] = time.time() - hooks_wake.BUSY_RECHECK - 1  # interrupted, it reports no end
    session.agent.hooks_log.write_text(json.dumps(event) + "\n")
    ring_bells(session.agent)
    wait_until(lambda: session.woken, 20, "it is woken")


def test_within_a_run_of_ours_nothing_sleeps(writer: Agent) -> None:
    for hooks in (Claude.hooks, Codex.hooks):
        line = hook_plan(writer, hooks).handler(HookEntry("Stop", HookRole.SLEEP), "file")["command"]
        environment = {**os.environ, "CLAUDE_CODE_SESSION_ATTENDED": "1", "MAILCORE_RUN_ID": "r"}
        done = subprocess.run(["sh", "-c", line], input=b'{"session_id":"x"}', env=environment, timeout=20)
        assert done.returncode == 0 and not (writer.mail_dir / WAITING).exists()


def test_headless_nothing_sleeps(writer: Agent) -> None:
    """Claude Code would wait for it before it ends."""
    line = hook_plan(writer, Claude.hooks).handler(HookEntry("Stop", HookRole.SLEEP), "file")["command"]
    for attended in ({"CLAUDE_CODE_SESSION_ATTENDED": "0"}, {}):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CLAUDE")} | attended
        done = subprocess.run(["sh", "-c", line], input=b'{"session_id":"x"}', env=environment, timeout=20)
        assert done.returncode == 0 and not (writer.mail_dir / WAITING).exists()


def test_codex_is_not_kept_and_its_queue_is_used(house: House, tmp_path: Path) -> None:
    lead = house.agent("@lead")
    assert install_hooks(lead, Codex.hooks)
    assert settings_file(lead, Codex.hooks).name == "hooks.json"
    spy = tmp_path / "bin/codex"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{tmp_path}/queued\n')
    spy.chmod(0o755)
    line = hook_plan(lead, Codex.hooks).handler(HookEntry("Stop", HookRole.SLEEP), "file")["command"]
    event = json.dumps({"session_id": "abc-2", "hook_event_name": "Stop"}).encode()
    environment = {**os.environ, "PATH": f"{spy.parent}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", line], input=event, env=environment, timeout=20, check=True)
    wait_until(lambda: (lead.mail_dir / WAITING / "abc-2.bell").exists(), 20, "it sleeps, and nobody waits for it")
    post.send_mail(house.workspace, "@writer", ["@lead"], "Fire in the hall", "b", priority="high")
    wait_until(lambda: (tmp_path / "queued").exists(), 20, "it is queued")
    words = (tmp_path / "queued").read_text().splitlines()
    assert words[:4] == ["queue", "--thread", "abc-2", "--message"] and "Fire in the hall" in "\n".join(words[4:])
    remove_hooks(lead, Codex.hooks)
    wait_until(lambda: not sleepers(lead), 20, "its sleeper goes")


def test_hostile_names_of_sessions_make_no_files(writer: Agent) -> None:
    line = hook_plan(writer, Codex.hooks).handler(HookEntry("Stop", HookRole.SLEEP), "file")["command"]
    for name in ("../../x", "a/b", "", "a b", "$(touch x)", "é"):
        event = json.dumps({"session_id": name, "hook_event_name": "Stop"}).encode()
        subprocess.run(["sh", "-c", line], input=event, timeout=20, check=True)
    assert not (writer.mail_dir / WAITING).exists()


def test_a_bell_that_is_no_pipe_or_full_delays_no_mail(house: House, session: Session) -> None:
    place = session.agent.mail_dir / WAITING
    (place / "file.bell").write_text("kept")
    (place / "link.bell").symlink_to("/dev/null")
    os.mkfifo(place / "nobody.bell")
    assert send(house, "Fire")
    assert (place / "file.bell").read_text() == "kept"
    wait_until(lambda: session.woken, 20, "it is woken")


def test_bells_are_not_taken_from_where_a_link_leads(house: House) -> None:
    agent = house.agent("writer")
    (house.root / "poetry.lock").write_text("of the project's\n")
    make_directory(agent.mail_dir)
    (agent.mail_dir / WAITING).symlink_to(house.root)
    remove_bells(agent)
    assert (house.root / "poetry.lock").is_file()
