"""Sessions of the real Claude Code that nobody dispatched: in a subdirectory, in worktrees, in the background. Each is
seen within two seconds, counted once, and gone when it is over. `-s` prints how soon."""

from __future__ import annotations

import asyncio
import json
import shlex
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from pathlib import Path

import pytest

from mailcore.config import Alarms
from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.observe.state import state
from praxmonitor.feed.file_feed import FileFeed
from tests.mailcore.conftest import wait_until
from tests.real.conftest import Lab
from tests.real.person import PersonTerminal
from tests.real.stub import Text

SOON = 2.0
"""Seconds after its start within which a session is to be seen."""


class Following:
    """The fleet, as a screen has it, and when each session in it was seen first."""

    def __init__(self, root: Path) -> None:
        self.fleet = Fleet(root)
        self.seen: dict[str, float] = {}
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(self._follow(root))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()

    async def _follow(self, root: Path) -> None:
        async with aclosing(FileFeed(root).fleets()) as fleets:
            async for fleet in fleets:
                self.fleet = fleet
                for facts in (*fleet.agents, *fleet.elsewhere):
                    for session in [facts.agent.session, *(one.session for one in facts.activities)]:
                        self.seen.setdefault(session, time.time())

    def close(self) -> None:
        """Look no more."""
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(20)

    @property
    def rows(self) -> tuple[AgentFacts, ...]:
        """The sessions that are no agent's."""
        return self.fleet.elsewhere


@pytest.fixture
def project(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A project under git, trusted as a whole, with a directory that is no agent's."""
    lab.init()
    (lab.root / "src").mkdir()
    lab.shell("git init -q && git add -f agents && git -c user.name=a -c user.email=a@example.org commit -qm x")
    lab.shell("git worktree add -q ../feature")
    places = [lab.root, lab.branch, lab.root / "src", lab.root.parent / "feature" / "agents" / "writer"]
    key = lab.environment["ANTHROPIC_API_KEY"][-20:]
    known = {
        "hasCompletedOnboarding": True,
        "customApiKeyResponses": {"approved": [key], "rejected": []},
        "projects": {str(place): {"hasTrustDialogAccepted": True} for place in places},
    }
    (lab.home / ".claude.json").write_text(json.dumps(known))
    monkeypatch.setenv("HOME", str(lab.home))  # where its files lie
    return lab


@pytest.fixture
def following(project: Lab) -> Iterator[Following]:
    """A screen's feed beside it."""
    feed = Following(project.root)
    wait_until(lambda: feed.fleet.agents, 30, "the first fleet")
    yield feed
    feed.close()


def statuses(lab: Lab) -> list[dict[str, object]]:
    """What Claude Code says of its sessions."""
    found = []
    for path in (lab.home / ".claude/sessions").glob("*.json"):
        with suppress(OSError, ValueError):
            found.append(json.loads(path.read_text()))
    return found


def soon(lab: Lab, following: Following, condition: Callable[[], object]) -> str:
    """The one session that goes on, once it is seen; that was soon enough."""
    wait_until(lambda: statuses(lab), 60, "it has begun")
    wait_until(condition, 30, f"it is seen: {following.rows} {following.seen}")
    (status,) = statuses(lab)
    session, began = str(status["sessionId"]), float(str(status["startedAt"])) / 1000
    print(f"seen {following.seen[session] - began:.2f} s after its start")
    assert following.seen[session] - began < SOON
    return session


def in_terminal(lab: Lab, directory: Path, *words: str) -> PersonTerminal:
    """`claude` at a terminal in that directory."""
    line = f"cd {shlex.quote(str(directory))} && exec {shlex.join(['claude', *words])}"
    return PersonTerminal(lab, ("sh", "-c", line))


def test_in_a_subdirectory_it_is_shown_before_and_after_its_first_word(project: Lab, following: Following) -> None:
    project.stub.plays(Text("It is a parser."))
    shown = in_terminal(project, project.root / "src")
    try:
        session = soon(project, following, lambda: following.rows)
        (row,) = following.rows
        assert row.agent.session == session and row.agent.role.endswith("in src")
        assert state(row, time.time(), Alarms()).state is State.IDLE
        wait_until(lambda: "❯" in shown.text, 30, shown.text)
        shown.send("what is it")
        wait_until(lambda: "what is it" in shown.text, 30, shown.text)
        shown.send("\r")
        said = "It is a parser."
        wait_until(lambda: any(said in one.text for each in following.rows for one in each.activities), 60, shown.text)
        assert len(following.rows) == 1 and not following.fleet.agents[0].activities
    finally:
        shown.close()
    wait_until(lambda: not following.rows, 30, "it was killed")


def test_in_a_worktree_it_is_the_agents(project: Lab, following: Following) -> None:
    project.stub.plays(Text("In a worktree."))
    shown = in_terminal(project, project.root.parent / "feature" / "agents" / "writer", "begin")
    try:
        wait_until(lambda: following.fleet.agents[0].activities, 60, shown.text)
        assert following.rows == ()
    finally:
        shown.close()


def test_one_that_makes_itself_a_worktree_is_the_agents_by_whom_it_was_begun(
    project: Lab, following: Following
) -> None:
    project.stub.plays(Text("In one of my own."))
    shown = in_terminal(project, project.branch, "--worktree", "feat", "begin")
    try:
        wait_until(lambda: following.fleet.agents[0].activities, 60, shown.text)
        wait_until(lambda: not following.rows, 30, "it is no more than the agent's")
    finally:
        shown.close()


def test_a_background_job_is_seen_to_ask_and_to_end(project: Lab, following: Following) -> None:
    project.stub.plays(Text("needs input: what colour?"))
    try:
        project.shell("claude --bg 'paint it'", cwd=project.root / "src")
        session = soon(project, following, lambda: following.rows)

        def waits() -> bool:
            return any(state(one, time.time(), Alarms()).state is State.WAITING for one in following.rows)

        wait_until(waits, 60, f"it asks: {following.rows}")
        (row,) = following.rows
        (told,) = json.loads(project.shell("claude agents --json"))
        assert (row.agent.session, row.sessions[0].job) == (session, told["id"])
        assert "what colour?" in state(row, time.time(), Alarms()).reason
        project.shell(f"claude stop {told['id']}", cwd=project.root / "src")
        wait_until(lambda: not following.rows, 30, f"it is over: {following.rows}")
    finally:
        project.shell("claude daemon stop --any; true", cwd=project.root / "src")
        wait_until(lambda: not project.marked(), 60, f"{project.marked()}")
