"""Locks and journals that a power loss, or the end of a container, left behind: they refuse nobody; a live run does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest

from mailcore.system.locks import locked
from mailcore.workspace.lock_reader import FLOCK
from tests.mailcore.conftest import House
from tests.mailcore.identity.table import MISSING

RUN = "20261128T120000_000000-0a0b0c0d"
INSIDE = """
import json, os, subprocess, sys, time
from pathlib import Path
from mailcore.formats import journal
from mailcore.system import processes
lock, run, facts = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
gone = subprocess.Popen(["true"])
gone.wait()
first = processes.look(1)
words = {"gone": gone.pid, "me": os.getpid(), "here": processes.pid_namespace(), "boot": processes.boot_id(),
         "older": first.ticks - 1, "younger": first.ticks + 1}
facts = {key: words.get(value, value) for key, value in facts.items()}
if facts.pop("lock"):
    lock.write_text(json.dumps({"run_id": run, "nonce": "n", **facts}))
if facts.pop("journal"):
    for record in ({"event": "queued", "run_id": run, "target": "@writer", "sender": "@operator", "nonce": "n"},
                   {"event": "supervised", **facts}, {"event": "attempt", "n": 1, "pid": facts["pid"]}):
        journal.append_record(lock.parent / "runs" / run / "run.jsonl", record)
done = subprocess.run([sys.executable, "-m", "mailcore.cli", "trust", "--from", "@operator"])
sys.exit(done.returncode)
"""
CONTAINER = ["unshare", "-Urpf", "--mount-proc", "setsid", "-w"]
"""A PID namespace of its own, and a session that began in it."""


@dataclass(frozen=True)
class Left:
    """What lies there, as `INSIDE` reads it."""

    name: str
    refused: str
    """What the caller is told; empty if nothing keeps it."""
    facts: dict[str, Any]
    lock: bool = True
    journal: bool = False
    held: bool = False
    """Its flock is: the run is on, somewhere."""


HOST = os.uname().nodename
FORMER = {"pid": 4711, "start_ticks": 7, "boot_id": "of-before", "namespace": "pid:[1]", "host": HOST}
GONE = {"pid": "gone", "start_ticks": "younger", "boot_id": "boot", "namespace": "here", "host": HOST}
ELSEWHERE = {**FORMER, "boot_id": "boot"}
UNSEEN = "cannot be seen from this PID namespace"
OUTLIVED = "the caller may be of that run"

CASES = (
    Left("another boot", "", FORMER),
    Left("another boot, its run not ended", "", FORMER, journal=True),
    Left("another boot, its lock cleared away", "", FORMER, lock=False, journal=True),
    Left("a process of this namespace that is gone", "", GONE),
    Left("a PID of this namespace that went to another", "", {**GONE, "pid": "me"}),
    Left("an earlier container whose namespace had this name", "", {**GONE, "start_ticks": "older"}, journal=True),
    Left("the same, its lock cleared away", "", {**GONE, "start_ticks": "older"}, lock=False, journal=True),
    # What may be above, or have left the caller behind.
    Left("another boot, and its run is on", UNSEEN, FORMER, held=True),
    Left("another boot, its run on and its lock gone", OUTLIVED, FORMER, lock=False, journal=True, held=True),
    Left("another machine", UNSEEN, {**FORMER, "host": "elsewhere"}),
    Left("another namespace of this boot", UNSEEN, ELSEWHERE),
    Left("the same, its lock cleared away", OUTLIVED, ELSEWHERE, lock=False, journal=True),
    Left("a supervisor that died in this very container", OUTLIVED, GONE, journal=True),
    Left("a lock of AIPass's", UNSEEN, {"pid": "gone"}),
    Left("a lock that names nobody", UNSEEN, {}),
)


@pytest.mark.parametrize("one", CASES, ids=lambda one: one.name)
def test_what_was_left_behind(house: House, one: Left) -> None:
    if why := MISSING["unshare"]():
        pytest.skip(why)
    agent = house.agent("@writer")
    (agent.runs_dir / RUN).mkdir(parents=True)
    facts = json.dumps({"pid": 0} | one.facts | {"lock": one.lock, "journal": one.journal})
    words = [*CONTAINER, sys.executable, "-c", INSIDE, str(agent.dispatch_lock), RUN, facts]
    with locked(agent.runs_dir / RUN / FLOCK) if one.held else nullcontext():
        done = subprocess.run(words, cwd=house.root, capture_output=True, text=True, timeout=60)
    agent.dispatch_lock.unlink(missing_ok=True)  # nothing of it is there to be ended
    shutil.rmtree(agent.runs_dir)
    if one.refused:
        assert done.returncode == 3 and one.refused in done.stderr, (done.returncode, done.stderr)
    else:
        assert done.returncode == 0, done.stderr
