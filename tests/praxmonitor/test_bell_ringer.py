"""Who is on duty rings for mail that another program wrote, and for a session that was killed: with a real guard, and
nothing else, a session that sits idle is woken by it."""
# ruff: noqa: F811 (fixtures are imported)

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from mailcore.mail.bell import WAITING
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.session import LiveSession
from praxmonitor.alarms.bell_ringer import BellRinger
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.test_idle_sessions import Session, send, session, sleepers, writer  # noqa: F401


def foreign(agent: Agent, name: str) -> None:
    """Another program writes a mail, in place, with no number and no bell."""
    known = json.loads(agent.inbox.read_text()) if agent.inbox.exists() else {"messages": []}
    mail = {"id": name, "from": "@lead", "subject": name, "message": "b", "status": "new", "priority": "high"}
    agent.inbox.write_text(json.dumps({**known, "messages": [mail, *known["messages"]]}))


class Bell:
    """A bell of @writer's on which this test sleeps."""

    def __init__(self, agent: Agent) -> None:
        place = agent.mail_dir / WAITING
        place.mkdir()
        os.mkfifo(place / "s.bell")
        self._pipe = os.open(place / "s.bell", os.O_RDWR | os.O_NONBLOCK)

    def rung(self) -> int:
        """How often since the last look."""
        try:
            return len(os.read(self._pipe, 100))
        except BlockingIOError:
            return 0


async def rings(ringer: BellRinger, bell: Bell, fleet: Fleet, *, on_duty: bool = True) -> bool:
    """Whether it rings for that fleet: once."""
    ringer.see(fleet)
    if not ringer._due.is_set():
        return bool(bell.rung())
    asked = asyncio.Event()

    def duty() -> bool:
        asked.set()
        return on_duty

    running = asyncio.create_task(ringer.run(duty))
    await asked.wait()
    if on_duty:
        assert await asyncio.to_thread(wait_until, bell.rung, 20, "it rings") == 1
    running.cancel()
    return on_duty or bool(bell.rung())


@pytest.mark.anyio
async def test_it_rings_for_what_rings_none_itself(house: House) -> None:
    agent = house.agent("@writer")
    bell, ringer = Bell(agent), BellRinger()

    def fleet(*pids: int) -> Fleet:
        live = tuple(LiveSession(pid, 5.0) for pid in pids)
        facts = AgentFacts(agent, mailbox=read_mailbox(agent.inbox), sessions=live)
        return Fleet(house.root, agents=(facts,))

    assert not await rings(ringer, bell, fleet(7))
    send(house, "ours")
    assert bell.rung() == 1 and not await rings(ringer, bell, fleet(7)), "that has rung already"
    foreign(agent, "theirs")
    (theirs,) = fleet(7).agents
    assert await rings(ringer, bell, Fleet(house.root, agents=(theirs,)))
    assert not await rings(ringer, bell, Fleet(house.root, agents=(theirs,)))
    theirs = replace(theirs, answered=9.0)
    assert not await rings(ringer, bell, Fleet(house.root, agents=(theirs,))), "no news of its mail"
    send(house, "numbers them")
    bell.rung()
    assert not await rings(ringer, bell, fleet(7, 8))
    assert await rings(ringer, bell, fleet(8)), "one session is gone"
    assert not await rings(ringer, bell, fleet(8, 9))
    assert not await rings(ringer, bell, fleet(9), on_duty=False)
    foreign(agent, "before it watched")
    assert await rings(BellRinger(), bell, fleet())


@pytest.fixture
def guard(house: House, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "praxmonitor", "guard", str(house.root)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    yield process
    process.terminate()
    process.communicate(timeout=30)


def test_with_a_guard_mail_of_another_program_wakes_an_idle_session(
    house: House, guard: subprocess.Popen[bytes], session: Session
) -> None:
    watchers = house.workspace.state_dir / "duty"
    wait_until(lambda: list(watchers.glob("*.watcher")) and list(watchers.glob("*.term")), 60, "it watches")
    foreign(session.agent, "from elsewhere")
    wait_until(lambda: session.woken, 30, "it is woken")
    assert session.woken["status"] == 2 and "from elsewhere" in session.woken["said"]
    assert house.inbox("@writer")[0].seq, "it has a number now"
    assert guard.poll() is None and not sleepers(session.agent)
