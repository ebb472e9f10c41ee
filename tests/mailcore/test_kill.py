"""Whom a kill may signal: the supervisor of that agent's run and its waiter, whatever an agent wrote into its lock."""

from __future__ import annotations

import json
import subprocess
import threading
from datetime import datetime
from typing import Any

import pytest

from mailcore.dispatch.kill import processes_to_kill
from mailcore.dispatch.queueing import queue
from mailcore.exceptions import Refused
from mailcore.formats.timestamps import lock_time
from mailcore.system.lock_holder import name_holder
from mailcore.system.processes import alive, start_ticks
from mailcore.workspace.lock_reader import read_lock
from tests.mailcore.conftest import House, wait_until

pytestmark = pytest.mark.backends

RUN = "20260101T000000_000000-00000000"


def planted(house: House, pid: int, run_id: str = RUN, **more: Any) -> None:
    """@writer's lock and journal, as an agent can write them."""
    writer = house.agent("@writer")
    run_dir = writer.runs_dir / RUN
    run_dir.mkdir(parents=True, exist_ok=True)
    first = {"event": "queued", "run_id": RUN, "at": "2026-01-01T00:00:00+00:00", "target": "@writer", "nonce": "n"}
    (run_dir / "run.jsonl").write_text(json.dumps(first) + "\n")
    lock = {"pid": pid, "run_id": run_id, "nonce": "n", "timestamp": "2026-01-01T00:00:00", **more}
    writer.dispatch_lock.write_text(json.dumps(lock))


@pytest.mark.parametrize("ticks", [True, False], ids=["with its start time", "with none"])
def test_a_process_that_supervises_nothing_is_not_signalled(
    house: House, stranger: subprocess.Popen[bytes], ticks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailcore.dispatch.kill.BEGIN_PATIENCE", 0.5)
    planted(house, stranger.pid, start_ticks=start_ticks(stranger.pid) if ticks else 0)
    assert processes_to_kill(house.workspace, "@writer") == ()
    with pytest.raises(Refused, match=str(stranger.pid)) as error:
        house.kill("@operator", "@writer")
    assert error.value.code == "not_ours" and stranger.poll() is None
    house.agent("@writer").dispatch_lock.unlink()


@pytest.mark.parametrize("run_id", ["../../../lead/.ai_mail.local/runs/x", "..", "\0", "x" * 300])
def test_a_run_id_that_is_none_leads_nowhere(house: House, stranger: subprocess.Popen[bytes], run_id: str) -> None:
    planted(house, stranger.pid, run_id)
    with pytest.raises(Refused, match="names PID"):
        house.kill("@operator", "@writer")
    assert stranger.poll() is None and not list(house.root.rglob("run.jsonl"))[1:]
    house.agent("@writer").dispatch_lock.unlink()


def test_another_agents_run_is_not_ended_by_a_lock_that_names_it(house: House) -> None:
    house.shell("editor", "echo up; exec sleep 100")
    pid = house.attempt_pid("@editor", house.started("@operator", "@editor"))
    house.agent("@writer").dispatch_lock.write_bytes(house.agent("@editor").dispatch_lock.read_bytes())
    with pytest.raises(Refused, match="@writer"):
        house.kill("@operator", "@writer")
    lock = read_lock(house.agent("@editor").dispatch_lock)
    assert lock is not None and alive(lock.pid) and alive(pid)
    house.agent("@writer").dispatch_lock.unlink()


def test_only_a_waiter_of_ours_is_ended_with_a_foreign_run(house: House, stranger: subprocess.Popen[bytes]) -> None:
    """`.queue.flock` is a file of the agent's: it can lock it, and write any PID into it."""
    monitor = subprocess.Popen(["sleep", "100"], start_new_session=True)
    reaper = threading.Thread(target=monitor.wait)
    reaper.start()
    writer = house.agent("@writer")
    writer.dispatch_lock.write_text(json.dumps({"pid": monitor.pid, "timestamp": lock_time(datetime.now())}))
    with queue.claim(writer) as claim:
        assert claim is not None
        name_holder(claim, stranger.pid)
        assert monitor.pid in house.kill("@operator", "@writer").ended
    reaper.join(10)
    wait_until(lambda: monitor.returncode is not None, what="the monitor is ended")
    assert stranger.poll() is None
