"""A run that meets a usage limit waits for the reset and goes on: no attempt spent, no bounce, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from mailcore.accounts import limit_store
from mailcore.dispatch import control
from mailcore.dispatch.admission import breakers
from mailcore.dispatch.runs import branch_lock
from mailcore.formats import journal
from mailcore.model.fleet import Fleet, State
from mailcore.model.lock import Holder
from mailcore.model.message import parse_time
from mailcore.model.run import Phase, Run
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.state import state
from mailcore.system.processes import alive
from mailcore.workspace.lock_reader import read_lock
from tests.mailcore.conftest import House, wait_until

pytestmark = pytest.mark.backends

AGENT = """
import json, sys, time
until, starts = float(open(UNTIL).read()), open("starts", "a")
print(f"{time.time()}", file=starts, flush=True)
if time.time() < until:
    words = f"Claude AI usage limit reached|{int(until)}"
    print(json.dumps({"type": "result", "subtype": "success", "is_error": True, "api_error_status": 429,
                      "result": words, "session_id": "s", "total_cost_usd": 0.0, "num_turns": 1}))
    sys.exit(1)
print(json.dumps({"type": "result", "subtype": "success", "is_error": False, "result": "did the work"}))
"""


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test learns of an account no other knows."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def limit(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says until when the account of every agent is limited, in seconds since the epoch."""
    path, program = tmp_path / "until", tmp_path / "bin" / "claude"
    path.write_text("0")
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nUNTIL = {str(path)!r}\n{AGENT}")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    house.commands.clear()
    house.extra = '[agents]\nprogram = "claude"\n'
    house.configure()
    return path


def limited_for(path: Path, seconds: float) -> int:
    """Let the limit stand for so long, in whole seconds as a program says it; until when."""
    until = int(time.time() + seconds) + 1
    path.write_text(str(until))
    return until


def starts(house: House, name: str) -> list[float]:
    """When the agent's program was started."""
    path = house.agent(name).branch / "starts"
    return [float(line) for line in path.read_text().split()] if path.exists() else []


def parked(house: House, name: str, run_id: str) -> Run:
    """The run, once it waits for the limit."""

    def waits() -> Run | None:
        run = house.run(name, run_id)
        return run if run.parked else None

    found = wait_until(waits, what=f"{name} waits for the limit")
    assert found is not None
    return found


def supervisor_of(house: House, name: str) -> int:
    """The PID of the living supervisor of its run, once that has its lock; 0 before."""
    lock = read_lock(house.agent(name).dispatch_lock)
    return lock.pid if lock is not None and lock.sentinel and lock.holder is Holder.ALIVE else 0


def bounces(house: House) -> Sequence[str]:
    """Subjects of what the operator was mailed."""
    return [mail.subject for mail in house.inbox("@operator")]


def test_it_waits_for_the_reset_and_goes_on(house: House, limit: Path) -> None:
    until = limited_for(limit, 4)
    runs = {name: house.started("@operator", name) for name in ("@writer", "@editor", "@lead")}
    for name, run_id in runs.items():
        run = parked(house, name, run_id)
        assert (run.resets_at, run.account_label, run.counted) == (float(until), "claude", 0)
        assert parse_time(house.json("run", run_id)["run"]["resets_at"]) == until
    for name, run_id in runs.items():
        run = house.over(name, run_id)
        # Who was dispatched after another had met the limit has made no attempt before.
        assert (run.phase, run.counted) == (Phase.COMPLETED, 1)
        assert [attempt.limited for attempt in run.attempts] in ([True, False], [False])
        assert starts(house, name)[-1] >= until
    assert len(starts(house, "@writer")) == 2 and starts(house, "@writer")[0] < until
    went_on = sorted(starts(house, name)[-1] for name in runs)
    # The first is a probe; a start every two seconds follows, at thirty a minute.
    assert went_on[1] - went_on[0] > 4 and went_on[2] - went_on[1] > 1.5
    assert not any("BOUNCE" in subject for subject in bounces(house))
    assert breakers.why_fleet_tripped(house.workspace, house.config.dispatch) == ""


@pytest.mark.parametrize("who", ["supervisor", "supervisor and sentinel"])
def test_it_goes_on_waiting_when_its_supervisor_is_killed(house: House, limit: Path, who: str) -> None:
    """Its sentinel gives it a new one at once; where both are gone, as after a restart, the next command does."""
    until = limited_for(limit, 6)
    run_id = house.started("@operator", "@writer")
    parked(house, "@writer", run_id)
    before = read_lock(house.agent("@writer").dispatch_lock)
    assert before is not None
    if who == "supervisor":
        os.kill(before.pid, signal.SIGKILL)
    else:
        house.orphan("@writer")
        assert house.json("limits")[0]["account"] == "claude"

    def adopted() -> bool:
        lock = read_lock(house.agent("@writer").dispatch_lock)
        return lock is not None and lock.pid != before.pid and alive(lock.pid, lock.start_ticks)

    wait_until(adopted, what="another supervisor has it")
    assert house.run("@writer", run_id).parked
    run = house.over("@writer", run_id)
    assert (run.phase, len(run.attempts)) == (Phase.COMPLETED, 2)
    assert len(house.runs("@writer")) == 1
    first, second = starts(house, "@writer")
    assert first < until <= second
    assert not any("BOUNCE" in subject for subject in bounces(house))


def test_asked_between_two_supervisors_it_goes_on(house: House, limit: Path) -> None:
    limited_for(limit, 3600)
    run_id = house.started("@operator", "@writer")
    parked(house, "@writer", run_id)
    limit.write_text("0")
    house.orphan("@writer")
    assert house.json("retry", "@writer", "--from", "@operator")["run_id"] == run_id
    run = house.over("@writer", run_id)
    assert (run.phase, [attempt.mode for attempt in run.attempts]) == (Phase.COMPLETED, ["start", "resume"])


def test_asked_on_a_screen_when_both_are_dead_it_goes_on(house: House, limit: Path) -> None:
    """No command has looked before, which would have given it a new supervisor."""
    limited_for(limit, 3600)
    run_id = house.started("@operator", "@writer")
    parked(house, "@writer", run_id)
    limit.write_text("0")
    house.orphan("@writer")
    assert control.retry_run(house.workspace, house.config, "@operator", run_id) == run_id
    assert house.over("@writer", run_id).phase is Phase.COMPLETED
    assert len(house.runs("@writer")) == 1


def test_without_its_lock_it_is_known_by_its_newest_supervisor(house: House, limit: Path) -> None:
    limited_for(limit, 6)
    run_id = house.started("@operator", "@writer")
    parked(house, "@writer", run_id)
    house.orphan("@writer")
    house.json("queue")
    supervisor = wait_until(lambda: supervisor_of(house, "@writer"), what="another supervisor has it")
    house.agent("@writer").dispatch_lock.unlink()
    lock = branch_lock.current_lock(house.agent("@writer"))
    assert lock is not None and (lock.pid, lock.holder) == (supervisor, Holder.ALIVE)
    run = house.over("@writer", run_id)
    assert (run.phase, len(run.attempts)) == (Phase.COMPLETED, 2)


def test_a_supervisor_that_dies_again_and_again_is_not_replaced_for_ever(house: House, limit: Path) -> None:
    limited_for(limit, 3600)
    run_id = house.started("@operator", "@writer")
    parked(house, "@writer", run_id)

    def killed_and_over() -> bool:
        if pid := supervisor_of(house, "@writer"):
            os.kill(pid, signal.SIGKILL)
        return house.run("@writer", run_id).phase.ended

    wait_until(killed_and_over, 60, "it is given up")
    assert house.over("@writer", run_id).phase is Phase.BOUNCED
    assert any("BOUNCE" in subject for subject in bounces(house))


def test_a_limit_that_still_stands_stops_all_again(house: House, limit: Path) -> None:
    first_reset = limited_for(limit, 3)
    runs = {name: house.started("@operator", name) for name in ("@writer", "@editor", "@lead")}
    for name, run_id in runs.items():
        parked(house, name, run_id)
    last_reset = limited_for(limit, 9)
    for name, run_id in runs.items():
        assert house.over(name, run_id).phase is Phase.COMPLETED
    tried = [at for name in runs for at in starts(house, name) if first_reset <= at < last_reset]
    assert len(tried) == 1, "one has tried, and the others have heard of it"


def test_what_is_dispatched_meanwhile_waits_without_an_attempt(house: House, limit: Path) -> None:
    until = limited_for(limit, 4)
    parked(house, "@writer", house.started("@operator", "@writer"))
    run_id = house.started("@operator", "@editor")
    run = parked(house, "@editor", run_id)
    assert (run.attempts, run.resets_at) == ((), float(until))
    rows = house.json("limits")
    assert [one["agent"] for one in rows[0]["waiting"]] == ["@writer", "@editor"]
    assert rows[0]["limits"][0]["reached"]
    run = house.over("@editor", run_id)
    assert (run.phase, len(run.attempts)) == (Phase.COMPLETED, 1)


def test_the_operator_lets_one_go_on_now(house: House, limit: Path) -> None:
    limited_for(limit, 3600)
    run_id = house.started("@operator", "@writer")
    parked(house, "@writer", run_id)
    limit.write_text("0")
    assert control.retry_run(house.workspace, house.config, "@operator", "@writer") == run_id
    assert house.over("@writer", run_id).phase is Phase.COMPLETED
    account = limit_store.read_all_limits()[0]
    assert limit_store.standing_limit(account, time.time()) is None, "its success says that the limit is lifted"


def test_a_success_lets_the_others_go_on(house: House, limit: Path) -> None:
    limited_for(limit, 3600)
    runs = {name: house.started("@operator", name) for name in ("@writer", "@editor")}
    for name, run_id in runs.items():
        parked(house, name, run_id)
    limit.write_text("0")
    control.retry_run(house.workspace, house.config, "@operator", "@writer")
    for name, run_id in runs.items():
        assert house.over(name, run_id).phase is Phase.COMPLETED


def test_it_is_killed_while_it_waits(house: House, limit: Path) -> None:
    limited_for(limit, 3600)
    run_id = house.started("@operator", "@writer")
    parked(house, "@writer", run_id)
    house.kill("@operator", "@writer")
    assert house.over("@writer", run_id).phase is Phase.KILLED
    assert len(starts(house, "@writer")) == 1
    assert not limit_store.read_all_limits()[0].waiting


def test_killed_as_an_orphan_it_does_not_come_back(house: House, limit: Path) -> None:
    limited_for(limit, 3600)
    run_id = house.started("@operator", "@writer")
    parked(house, "@writer", run_id)
    house.orphan("@writer")
    house.kill("@operator", "@writer")
    assert house.over("@writer", run_id).phase is Phase.KILLED
    assert house.json("limits")[0]["waiting"] == []


def test_asked_to_end_it_is_not_adopted(house: House, limit: Path) -> None:
    """A kill that did not live to see its end: the next look ends the run, and lets it wait no more."""
    limited_for(limit, 3600)
    run_id = house.started("@operator", "@writer")
    parked(house, "@writer", run_id)
    house.orphan("@writer")
    path = house.agent("@writer").runs_dir / run_id / "run.jsonl"
    journal.append_record(path, {"event": "kill_asked", "by": "@operator"})
    assert house.mailcore("queue").returncode == 0
    assert house.over("@writer", run_id).phase is Phase.KILLED


def test_who_waits_takes_no_place(house: House, limit: Path) -> None:
    house.limit(max_runs=1)
    limited_for(limit, 3600)
    parked(house, "@writer", house.started("@operator", "@writer"))
    house.shell("editor", "echo up")
    assert house.over("@editor", house.started("@operator", "@editor")).phase is Phase.COMPLETED
    house.kill("@operator", "@writer")


def test_it_gives_up_when_config_says_so(house: House, limit: Path) -> None:
    house.extra += "[limits]\ngive_up = 2\n"
    house.configure()
    limited_for(limit, 3600)
    run_id = house.started("@operator", "@writer")
    run = house.over("@writer", run_id)
    assert run.phase is Phase.BOUNCED
    assert "[limits] give_up" in run.reason and "usage limit of claude" in run.reason
    assert any("BOUNCE" in subject or "failed" in subject.lower() for subject in bounces(house))


def test_without_a_reset_it_tries_again_after_growing_waits(house: House) -> None:
    house.limit(limit_wait=0.3)
    overloaded = {"type": "result", "subtype": "success", "is_error": True, "api_error_status": 529, "result": "no"}
    refused = f"[ $(wc -l < starts) -gt 4 ] || {{ echo '{json.dumps(overloaded)}'; exit 1; }}"
    house.shell("writer", f"date +%s.%N >> starts; {refused}; echo ok")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert (run.phase, len(run.attempts), run.counted) == (Phase.COMPLETED, 5, 1)
    at = starts(house, "@writer")
    waits = [after - before for before, after in pairwise(at)]
    assert waits[0] >= 0.3 and waits[3] >= 2.4, waits


def test_a_usage_limit_without_a_reset_is_waited_for_once_a_try(house: House, limit: Path) -> None:
    """What the account's file says of it is the same limit, and makes no wait longer."""
    house.limit(limit_wait=0.5)
    program = limit.with_name("bin") / "claude"
    words = "You've hit your usage limit"
    refused = {"type": "result", "subtype": "success", "is_error": True, "api_error_status": 429, "result": words}
    tries = f"date +%s.%N >> starts; [ $(wc -l < starts) -gt 3 ] || {{ cat {limit.with_name('refused')}; exit 1; }}"
    limit.with_name("refused").write_text(json.dumps(refused) + "\n")
    program.write_text(f'#!/bin/sh\n{tries}\necho \'{{"type": "result", "subtype": "success", "result": "ok"}}\'\n')
    run_id = house.started("@operator", "@writer")
    run = house.over("@writer", run_id)
    assert (run.phase, len(run.attempts), run.counted) == (Phase.COMPLETED, 4, 1)
    waits = [record for record in house.journal("@writer", run_id) if record["event"] == "waiting"]
    assert len(waits) == 3, [record["until"] for record in waits]
    pauses = [after - before for before, after in pairwise(starts(house, "@writer"))]
    assert pauses[0] < 3 and pauses[1] < 8 and pauses[2] < 8, pauses


def test_its_state_says_until_when(house: House, limit: Path) -> None:
    limited_for(limit, 3600)
    run_id = house.started("@operator", "@writer")
    parked(house, "@writer", run_id)
    reader = WorkspaceReader(house.workspace)
    fleet = apply(Fleet(house.root), reader.initial(), time.time())
    reader.close()
    facts = fleet.find("@writer")
    assert facts is not None
    found = state(facts, time.time(), house.config.alarms)
    assert found.state is State.LIMITED and found.reason.startswith("until ")
    assert [one.account for one in fleet.limits] == ["claude"]
    house.kill("@operator", "@writer")
