"""`doctor --live`: round trips, in a workspace that is made for it and gone after it, and through open sessions.

A session is sent a mail of high priority, which costs it a turn in which nothing is to be done. That it arrived is said
when its own file holds it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from mailcore.cli.doctor_checks import Check
from mailcore.cli.doctor_parts import waiting_sessions
from mailcore.dispatch.process.environment import clean_environment
from mailcore.exceptions import MailcoreError
from mailcore.hooks.install import hook_plan
from mailcore.hooks.line import HookEntry, HookRole
from mailcore.mail import mailbox, post
from mailcore.mail.bell import WAITING, remove_bells
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.message import Message
from mailcore.programs.base import Hooks
from mailcore.system.python_child import child
from mailcore.system.watching import Watcher, inodes
from mailcore.text import line
from mailcore.text.units import duration
from mailcore.workspace import audit
from mailcore.workspace.create import create_workspace
from mailcore.workspace.find import Workspace

WITHIN = 30.0
"""Seconds in which each has to come back."""
SUBJECT = "Does this reach you?"
BODY = "mailcore doctor --live asks whether mail reaches this session. Nothing is to be done; it is closed by itself."
ASKED = (
    {"id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "doctor", "version": "1"}}},
    {"method": "notifications/initialized"},
    {"id": 2, "method": "tools/call", "params": {"name": "inbox", "arguments": {}}},
)  # fmt: skip
"""What a client of the MCP server says first, and that it asks for the mail."""


def live_checks(workspace: Workspace, programs: dict[str, Hooks]) -> Iterator[Check]:
    """The round trips. `programs`: those of the agents that have hooks, by their names."""
    with tempfile.TemporaryDirectory(prefix="mailcore-doctor-") as place:
        scratch = create_workspace(Path(place).resolve() / "project", [("probe", "agents/probe")])
        for name, hooks in programs.items():
            yield _check(f"{name} hook", partial(_at_its_next_step, scratch, hooks))
            if hooks.rewakes:
                yield _check(f"{name} wake", partial(_when_it_is_idle, scratch, hooks))
        yield _check("MCP server", partial(_by_mcp, scratch))
    for agent in workspace.agents:
        for session in waiting_sessions(agent)[:1]:
            yield _check(agent.address, partial(_through, workspace, agent, session))


class _Lost(Exception):
    """It did not come back; in words."""


def _check(name: str, trip: Callable[[], str]) -> Check:
    began = time.monotonic()
    try:
        what = trip()
    except (_Lost, MailcoreError, OSError, subprocess.SubprocessError) as error:
        return Check(
            name, False, f"live: {line(str(error))}", "look at what it says; mailcore trace tells a mail's way"
        )
    return Check(name, True, f"live: {line(what)} after {duration(time.monotonic() - began)}")


def _probe(scratch: Workspace) -> tuple[Agent, str]:
    """The agent of the scratch workspace, and a mail that has just come for it."""
    (sent,) = post.send_mail(scratch, OPERATOR, ["@probe"], SUBJECT, BODY, priority="high")
    return scratch.agent("@probe"), sent.id


def _run(agent: Agent, hooks: Hooks, entry: HookEntry) -> subprocess.CompletedProcess[str]:
    """Run a hook as the program does, with an event of a session on its standard input."""
    transcript = str(agent.root / "doctor.jsonl")
    event = {"session_id": f"doctor-{entry.role}", "hook_event_name": entry.event, "transcript_path": transcript}
    command = hook_plan(agent, hooks).handler(entry, "entry")["command"]
    attended = {hooks.attended: "1"} if hooks.attended else {}
    return subprocess.run(
        ["sh", "-c", command], cwd=agent.branch, input=json.dumps(event), capture_output=True, text=True,
        errors="replace", timeout=2 * WITHIN, check=False, env=clean_environment() | attended,
    )  # fmt: skip


def _at_its_next_step(scratch: Workspace, hooks: Hooks) -> str:
    agent, known = _probe(scratch)
    done = _run(agent, hooks, HookEntry("PostToolUse"))
    mailbox.archive_messages(agent, [known])
    if known not in done.stdout:
        raise _Lost(f"the hook did not tell of the mail that waited; it said {(done.stdout + done.stderr)[:200]!r}")
    return "mail is told at a session's next step"


def _when_it_is_idle(scratch: Workspace, hooks: Hooks) -> str:
    agent = scratch.agent("@probe")
    bell = agent.mail_dir / WAITING / f"doctor-{HookRole.SLEEP}.bell"
    with ThreadPoolExecutor(1) as pool:
        sleeper = pool.submit(_run, agent, hooks, HookEntry("Stop", HookRole.SLEEP))
        try:
            if not _comes(agent, lambda: bell.exists() or sleeper.done()) or sleeper.done():
                raise _Lost("nothing sleeps beside an idle session (flock and mkfifo are needed)")
            agent, known = _probe(scratch)
            done = sleeper.result(WITHIN)
            mailbox.archive_messages(agent, [known])
        finally:
            remove_bells(agent)  # it looks, and goes
    if done.returncode != 2 or known not in done.stderr:
        raise _Lost(f"the idle session was not woken; exit {done.returncode}, it said {done.stderr[:200]!r}")
    return "mail wakes an idle session"


def _by_mcp(scratch: Workspace) -> str:
    agent, known = _probe(scratch)
    asked = "".join(json.dumps({"jsonrpc": "2.0", **one}) + "\n" for one in ASKED)
    done = subprocess.run(
        child("mailcore.cli", "mcp"), cwd=agent.branch, input=asked.encode(),
        capture_output=True, timeout=WITHIN, check=False, env=clean_environment(),
    )  # fmt: skip
    mailbox.archive_messages(agent, [known])
    if known.encode() not in done.stdout:
        raise _Lost(f"no inbox over MCP: {(done.stderr or done.stdout).decode('utf-8', 'replace')[-300:]!r}")
    return "the inbox is read over MCP"


def _through(workspace: Workspace, agent: Agent, session: str) -> str:
    """Through a session that a person has open."""
    (sent,) = post.send_mail(workspace, OPERATOR, [agent.address], SUBJECT, BODY, priority="high")

    def mail() -> dict[str, Any]:
        box: tuple[Message, ...] = read_mailbox(agent.inbox).messages
        return dict(next((one.raw for one in box if one.id == sent.id), {}))

    try:
        proved = _comes(agent, lambda: mail().get("proved_at"))
        told = mail().get("told_session")
    finally:
        with suppress(MailcoreError):  # it closed it itself
            mailbox.archive_messages(agent, [sent.id])
            audit.record(workspace, OPERATOR, "close", agent=agent.address, ids=[sent.id])
    if not told:
        raise _Lost(
            f"session {session} waits, and was not given mail {sent.id} within {duration(WITHIN)}: somebody types?"
        )
    if not proved:
        raise _Lost(f"session {told} was given mail {sent.id}, and its file does not show it within {duration(WITHIN)}")
    return f"session {told} was given a mail, and its file holds it"


def _comes(agent: Agent, condition: Callable[[], object]) -> bool:
    """It is so within the time; looked at whenever something changes in the mail directory."""
    deadline = time.monotonic() + WITHIN
    with Watcher(0.2) as watcher:
        while not condition():
            if time.monotonic() > deadline:
                return False
            watcher.watch(inodes([agent.mail_dir, agent.mail_dir / WAITING]))
            watcher.wait(1.0)
    return True
