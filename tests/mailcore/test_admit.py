"""What stands in the way of a start: limits of runs at once, a person's own session, no mail."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailcore.dispatch import control
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.queueing import queue
from mailcore.exceptions import Refused
from mailcore.mail import post
from mailcore.model.run import Phase
from mailcore.programs.registry import built_in
from mailcore.system import processes
from tests.mailcore.conftest import House, wait_until

GATED = "echo up; until [ -e go ]; do sleep 0.02; done"


@pytest.mark.parametrize("whose", ["fleet", "program"])
def test_one_run_too_many_waits_and_is_started_by_the_one_that_ends(house: House, whose: str) -> None:
    if whose == "fleet":
        house.limits["max_runs"] = 2
    else:
        house.extra = "[programs.command]\nmax_runs = 2"
    for name in ("writer", "editor", "lead"):
        house.shell(name, GATED)
    running = [house.started("@operator", name, name) for name in ("@writer", "@editor")]
    third = house.dispatch("@operator", "@lead", "the third")
    assert (third.run_id, third.code, third.queued) == (None, "limit", True) and "max_runs is 2" in third.busy
    said = house.json("dispatch", "@lead", "the fourth", "b", "--from", "@operator")  # exit 0: it starts by itself
    assert said["code"] == "limit" and house.runs("@lead") == []
    (house.agent("@editor").branch / "go").touch()
    assert house.over("@editor", running[1]).phase is Phase.COMPLETED
    (run,) = wait_until(lambda: house.runs("@lead"), what="the third is started")
    assert run.subject == "the third"
    house.attempt_pid("@lead", run.run_id)
    assert [entry.subject for entry in queue.all_waiting(house.workspace)] == ["the fourth"]
    for name in ("@lead", "@writer"):
        (house.agent(name).branch / "go").touch()
    wait_until(lambda: [r.phase for r in house.runs("@lead")] == [Phase.COMPLETED] * 2, 30, "all are done")
    wait_until(lambda: not list(house.root.glob("agents/*/.ai_mail.local/.dispatch.lock")), what="all are idle")


def test_the_oldest_is_first_over_all_agents(house: House) -> None:
    house.limits["max_runs"] = 1
    house.shell("writer", GATED)
    first = house.started("@operator", "@writer")
    house.attempt_pid("@writer", first)
    for name in ("@lead", "@editor"):
        assert house.dispatch("@operator", name, f"for {name}").code == "limit"
    (house.agent("@writer").branch / "go").touch()
    for name in ("@lead", "@editor"):
        wait_until(lambda: [r.phase for r in house.runs(name)] == [Phase.COMPLETED], 30, name)  # noqa: B023
    assert house.runs("@lead")[0].created_at < house.runs("@editor")[0].created_at
    wait_until(lambda: not list(house.root.glob("agents/*/.ai_mail.local/.dispatch.lock")), what="all are idle")


@pytest.fixture
def person(house: House, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody's own `claude` in @writer's branch."""
    program = tmp_path / "claude"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    branch = house.agent("@writer").branch
    session = subprocess.Popen([program, "120"], cwd=branch)
    wait_until(lambda: run_processes.occupants(branch, built_in()) == [session.pid], what="the session is seen")
    yield session
    session.kill()
    session.wait()


def test_a_persons_own_session_blocks_a_start_and_is_never_ours(house: House, person: subprocess.Popen[bytes]) -> None:
    said = house.json("dispatch", "@writer", "s", "b", "--from", "@operator", status=3)
    assert (said["code"], said["queued"]) == ("occupied", True) and str(person.pid) in said["busy"]
    for act in (
        lambda: house.kill("@operator", "@writer"),
        lambda: control.wake_agent(house.workspace, house.config, "@operator", "@writer"),
        lambda: control.retry_run(house.workspace, house.config, "@operator", "@writer"),
    ):
        with pytest.raises(Refused):
            act()
    assert person.poll() is None and house.runs("@writer") == []
    person.kill()
    person.wait()
    house.over("@editor", house.started("@operator", "@editor"))  # whoever ends next starts what waits
    wait_until(lambda: [r.phase for r in house.runs("@writer")] == [Phase.COMPLETED], what="it has its turn")
    wait_until(lambda: not list(house.root.glob("agents/*/.ai_mail.local/.dispatch.lock")), what="all are idle")


def test_a_session_that_begins_beside_a_run_is_not_killed_with_it(house: House, tmp_path: Path) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    pid = house.attempt_pid("@writer", house.started("@operator", "@writer"))
    program = tmp_path / "codex"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    session = subprocess.Popen([program, "120"], cwd=house.agent("@writer").branch)
    try:
        house.kill("@operator", "@writer")
        assert session.poll() is None and pid not in processes.snapshot()
    finally:
        session.kill()
        session.wait()


def test_our_own_claude_does_not_occupy_its_branch(house: House, tmp_path: Path) -> None:
    program = tmp_path / "claude"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    house.shell("writer", f"echo up; exec {program} 100")
    pid = house.attempt_pid("@writer", house.started("@operator", "@writer"))
    wait_until(lambda: processes.snapshot()[pid].name == "claude", what="it is a claude")
    assert run_processes.occupants(house.agent("@writer").branch, built_in()) == []
    assert house.dispatch("@operator", "@writer", "second").code == "busy"
    house.kill("@operator", "@writer")
    assert pid not in processes.snapshot()


def test_wake_if_mail(house: House) -> None:
    """For cron: exit 3 and nothing started where nothing unread waits."""
    said = house.json("wake", "@writer", "--if-mail", "--from", "@operator", status=3)
    assert said["error"]["code"] == "no_mail" and house.runs("@writer") == []
    (sent,) = post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    run_id = house.json("wake", "@writer", "--if-mail", "--from", "@operator")["run_id"]
    assert "1 unread" in house.over("@writer", run_id).subject
    post.read_messages(house.workspace, "@writer", [sent.id])
    house.json("wake", "@writer", "--if-mail", "--from", "@operator", status=3)
    run_id = house.json("wake", "@writer", "--from", "@operator")["run_id"]
    assert "worklog" in house.over("@writer", run_id).subject
