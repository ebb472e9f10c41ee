"""Nothing waits while nothing runs and nothing hinders: a model of what people and agents do, with real runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailcore.config import Config
from mailcore.dispatch.admission.hindrances import busy_hindrance, find_hindrance, is_limited, limit_hindrance, precheck
from mailcore.dispatch.admission.hold import WHOLE_WORKSPACE, place_hold
from mailcore.dispatch.lifecycle.after_run import start_wake
from mailcore.dispatch.priority_wakes import wake_recipients
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.dispatch.queueing.queue import Wake
from mailcore.dispatch.release import release_hold
from mailcore.exceptions import Refused
from mailcore.mail import post
from mailcore.model.run import Phase
from mailcore.workspace import create
from mailcore.workspace.find import Workspace
from tests.mailcore.conftest import NAMES, House, wait_until

WHO = st.sampled_from(NAMES)
ACTS = st.one_of(
    st.tuples(st.just("dispatch"), WHO),
    st.tuples(st.just("wake"), WHO),
    st.tuples(st.just("urgent"), WHO),
    st.tuples(st.just("go"), WHO),
    st.tuples(st.just("stop"), WHO),
    st.tuples(st.just("kill"), WHO),
    st.tuples(st.sampled_from(["hold", "release"]), st.sampled_from([*NAMES, ""])),
    st.tuples(st.just("cancel"), WHO),
    st.tuples(st.just("limit"), st.sampled_from(["0", "1", "2"])),
)
STOPPED = "is not started by itself any more"
GATED = "echo up; until [ -e go ]; do sleep 0.02; done"


@contextmanager
def made(mark: str) -> Iterator[House]:
    """A house of its own for each example."""
    with tempfile.TemporaryDirectory() as directory:
        house = House(
            create.create_workspace(Path(directory) / "project", [(name, f"agents/{name}") for name in NAMES])
        )
        house.limits |= {"attempts": 1, "no_progress": 2, "backoff": []}
        for name in NAMES:
            house.shell(name, GATED)
        try:
            yield house
        finally:
            house.close()


def startable(workspace: Workspace, config: Config) -> Iterator[queue.WaitingStart]:
    """The starts that wait and could begin at this moment, the next of each agent: none for longer than a moment."""
    for agent in workspace.agents:
        first, _ = queue.next_start(agent)
        if first is None or busy_hindrance(agent) is not None or not agent.branch.is_dir():
            continue
        found = find_hindrance(workspace, agent, first, precheck(workspace, config, agent, first))
        program = str(first.get("program", ""))
        if found is None and is_limited(config, program):
            found = limit_hindrance(workspace, config, program)
        if found is None or found.code in ("breaker", "unseen"):
            yield queue.waiting_starts(agent)[0]


def do(house: House, act: str, whom: str) -> None:
    """One act; what is refused, as a kill where nothing runs, is no act."""
    address, branch = f"@{whom}" if whom else WHOLE_WORKSPACE, house.root / "agents" / whom
    with suppress(Refused):
        if act == "dispatch":
            house.dispatch("@operator", address)
        elif act == "wake":
            start_wake(house.workspace, house.config, house.agent(address), Wake("A reason.", "@lead"))
        elif act == "urgent":
            sent = post.send_mail(house.workspace, "@operator", [address], "now", "b", priority="high")
            wake_recipients(house.workspace, house.config, "@operator", sent, "now")
        elif act in ("go", "stop"):
            (branch / "go").touch() if act == "go" else (branch / "go").unlink(missing_ok=True)
        elif act == "kill":
            house.kill("@operator", address)
        elif act == "hold":
            place_hold(house.workspace, "@operator", address, "")
        elif act == "release":
            release_hold(house.workspace, house.config, "@operator", address)
        elif act == "cancel" and (entries := queue.waiting_starts(house.agent(address))):
            queue.cancel_start(house.workspace, "@operator", entries[0].id)
        elif act == "limit":
            house.limit(max_runs=int(whom))


def nothing_stands_still(house: House, allowed: set[str]) -> None:
    """Whatever waits is hindered; at an agent that was just killed what waits goes on waiting."""

    def still() -> list[str]:
        found = startable(house.workspace, house.config)
        return [f"{one.agent.address}: {one.subject}" for one in found if one.agent.address not in allowed]

    wait_until(lambda: not still(), 20, f"it stands still: {still()}")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTS, min_size=3, max_size=10))
def test_nothing_waits_that_nothing_hinders(mark: str, acts: list[tuple[str, str]]) -> None:
    with made(mark) as house:
        allowed: set[str] = set()
        for act, whom in acts:
            do(house, act, whom)
            if act == "kill":
                allowed.add(f"@{whom}")
            elif act == "limit":  # that it was lifted nobody is told; the next end of a run looks
                allowed = {f"@{name}" for name in NAMES}
            nothing_stands_still(house, allowed)
        house.limit(max_runs=0)
        for name in NAMES:
            (house.root / "agents" / name / "go").touch()
        for target in (WHOLE_WORKSPACE, *(f"@{name}" for name in NAMES)):
            with suppress(Refused):
                release_hold(house.workspace, house.config, "@operator", target)
        house.dispatch("@operator", "@writer", "the last")  # an end of a run starts whatever still waits
        for _ in range(2):
            with suppress(Refused):
                place_hold(house.workspace, "@operator", WHOLE_WORKSPACE, "")
                release_hold(house.workspace, house.config, "@operator", WHOLE_WORKSPACE)
        wait_until(lambda: not list(queue.all_waiting(house.workspace)), 30, "nothing waits any more")
        wait_until(lambda: all(run.phase.ended for name in NAMES for run in house.runs(f"@{name}")), 30, "all is over")
        tasks = [mail.id for name in NAMES for mail in house.inbox(f"@{name}") if mail.is_task]
        assert all(run.phase in (Phase.COMPLETED, Phase.KILLED) for name in NAMES for run in house.runs(f"@{name}"))
        assert len(set(tasks)) == len(tasks)


def test_a_wake_that_a_breaker_refuses_keeps_nothing_behind_it_waiting(house: House) -> None:
    """The fleet stood still with 101 tasks behind such wakes, and nobody was told."""
    house.limit(no_progress=2)
    house.shell("writer", GATED)
    (house.agent("@writer").branch / "go").touch()
    for _ in range(2):
        start_wake(house.workspace, house.config, house.agent("@writer"), Wake("A reason.", "@lead"))
        wait_until(lambda: not house.agent("@writer").dispatch_lock.exists(), what="@writer is idle")
    (house.agent("@writer").branch / "go").unlink()
    house.started("@lead", "@writer", "the present")
    start_wake(house.workspace, house.config, house.agent("@writer"), Wake("Was told already.", "@editor"))
    writer = house.agent("@writer")
    # Queued when no breaker had tripped yet.
    with gate(house.workspace, writer):
        for why in ("First reason.", "Second reason."):
            notice = {"subject": f"Done: {why}", "body": "b", "in_reply_to": "x", "run_ended": "completed"}
            record = {"subject": why, "sender": "@editor", "message_id": "", "automatic": True, "notice": notice}
            queue.add_start(house.workspace, writer, {**record, "program": "command", "prompt": "p"}, "busy")
    for n in range(3):
        assert house.dispatch("@lead", "@writer", f"task {n}").queued
    (writer.branch / "go").touch()
    wait_until(lambda: len(house.runs("@writer")) == 6 and house.runs("@writer")[-1].phase.ended, 30, "all tasks ran")
    assert [run.subject for run in house.runs("@writer")][2:] == ["the present", "task 0", "task 1", "task 2"]
    assert not list(queue.all_waiting(house.workspace))
    told = [mail.subject for mail in house.inbox("@writer")]
    assert "Done: First reason." in told and "Done: Second reason." in told
    (notice_mail,) = [mail for mail in house.inbox("@operator") if mail.subject == f"@writer {STOPPED}"]
    assert "no_progress" in notice_mail.body and "`mailcore wake @writer`" in notice_mail.body
    assert "First reason." in notice_mail.body or "Was told already." in notice_mail.body


@pytest.mark.parametrize("first", ["normal", "low"])
def test_priority_goes_first_and_age_in_the_end(house: House, first: str) -> None:
    house.shell("writer", GATED)
    house.started("@operator", "@writer", "present")
    writer = house.agent("@writer")

    def waits(subject: str, priority: str, at: str) -> None:
        record = {"subject": subject, "message_id": subject, "priority": priority, "at": at}
        with gate(house.workspace, writer):
            queue.add_start(house.workspace, writer, record, "busy")

    waits("older", first, "2026-11-22T00:00:00+00:00")
    waits("urgent", "high", "2026-11-22T00:10:00+00:00")
    waits("low", "low", "2026-11-22T00:00:01+00:00")
    waits("later and urgent", "high", "2026-11-22T02:00:00+00:00")
    order = [entry.subject for entry in queue.waiting_starts(writer)]
    assert order == ["urgent", "older", "low", "later and urgent"], (
        "nobody waits for ever, however much comes after him"
    )
