"""Hold and release: mail arrives, nothing starts, and what waited starts afterwards."""

from __future__ import annotations

import shutil

import pytest

from mailcore.dispatch import control
from mailcore.dispatch.queueing import queue
from mailcore.exceptions import Refused
from mailcore.model.run import Phase
from tests.mailcore.conftest import House, wait_until


def idle(house: House, *names: str) -> None:
    wait_until(lambda: not any(house.agent(name).dispatch_lock.exists() for name in names), 30, f"{names} are idle")


def test_a_held_agent_gets_its_mail_and_starts_for_nobody(house: House) -> None:
    said = house.json("hold", "@writer", "gone to lunch", "--from", "@operator")
    assert said == {"held": "@writer"}
    done = house.dispatch("@lead", "@writer", "the task")
    assert (done.run_id, done.code, done.queued) == (None, "held", True)
    assert "held by @operator: gone to lunch" in done.busy
    with pytest.raises(Refused, match="lunch") as error:
        control.wake_agent(house.workspace, house.config, "@operator", "@writer")
    assert error.value.code == "held"
    house.json("send", "@writer", "now", "b", "--priority", "high", "--from", "@lead")
    assert [m.subject for m in house.inbox("@writer")] == ["now", "the task"]
    assert house.runs("@writer") == [] and len(list(queue.all_waiting(house.workspace))) == 2
    assert house.over("@editor", house.started("@operator", "@editor")).phase is Phase.COMPLETED  # no other is held
    idle(house, "editor")
    assert house.runs("@writer") == []

    released = house.json("release", "@writer", "--from", "@operator")
    assert len(released["started"]) == 1
    wait_until(lambda: len(house.runs("@writer")) == 2, what="the wake's run, which is urgent, then the task's")
    idle(house, "writer")
    wait_until(lambda: not list(queue.all_waiting(house.workspace)), what="nothing waits")
    assert house.runs("@writer")[1].subject == "the task"


def test_hold_all_is_the_whole_workspace_and_beside_an_agents_own(house: House) -> None:
    house.json("hold", "--all", "the build is broken", "--from", "@operator")
    house.json("hold", "@writer", "--from", "@lead")
    for name in ("@writer", "@editor"):
        done = house.dispatch("@operator", name)
        assert done.code == "held"
    started = house.json("release", "--all", "--from", "@operator")["started"]
    assert len(started) == 1 and house.over("@editor", started[0]).phase is Phase.COMPLETED
    assert house.runs("@writer") == []  # @lead's own hold is still on
    started = house.json("release", "@writer", "--from", "@operator")["started"]
    assert house.over("@writer", started[0]).phase is Phase.COMPLETED


def test_what_runs_goes_on_under_a_hold_and_what_waits_for_it_stays(house: House) -> None:
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.02; done")
    first = house.started("@operator", "@writer", "first")
    house.attempt_pid("@writer", first)
    assert house.dispatch("@operator", "@writer", "second").code == "busy"
    house.json("hold", "@writer", "--from", "@operator")
    (house.agent("@writer").branch / "go").touch()
    assert house.over("@writer", first).phase is Phase.COMPLETED
    idle(house, "writer")
    assert len(house.runs("@writer")) == 1
    assert [entry.subject for entry in queue.all_waiting(house.workspace)] == ["second"]
    (second,) = house.json("release", "@writer", "--from", "@operator")["started"]
    assert house.over("@writer", second).phase is Phase.COMPLETED


def test_a_release_of_what_is_not_held_is_refused(house: House) -> None:
    for target in ("@writer", "--all"):
        said = house.json("release", target, "--from", "@operator", status=3)
        assert said["error"]["code"] == "not_held"
    assert house.json("hold", "--from", "@operator", status=2)["error"]["code"]
    spoilt = house.agent("@writer").mail_dir / ".hold"
    spoilt.parent.mkdir(parents=True, exist_ok=True)
    for spoiling in ("no json", "[" * 100_000):
        spoilt.write_text(spoiling)
        done = house.dispatch("@operator", "@writer")  # what cannot be read holds: the safe side
        assert done.code == "held" and str(spoilt) in done.busy


def test_a_hold_of_an_agent_whose_directory_is_gone_is_refused_and_makes_nothing(house: House) -> None:
    branch = house.agent("@writer").branch
    shutil.rmtree(branch)
    said = house.json("hold", "@writer", "--from", "@operator", status=3)
    assert said["error"]["code"] == "no_branch" and f"{branch} is gone" in said["error"]["message"]
    assert not branch.exists()
