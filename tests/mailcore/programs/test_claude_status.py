"""Claude Code's own word of its sessions: read where it is what it says it is, and of processes that live."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailcore.observe.facts import Stated
from mailcore.observe.reader import WorkspaceReader
from mailcore.programs.claude.status import ClaudeStatuses
from mailcore.system import PORTABLE
from mailcore.system.processes import pid_namespace, start_ticks
from tests.mailcore.conftest import House


@pytest.fixture
def statuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClaudeStatuses:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    files = ClaudeStatuses(tmp_path / "claude")
    files.root.mkdir(parents=True)
    return files


def says(pid: int, cwd: Path, /, **changes: Any) -> bytes:
    """As Claude Code 2.1.330 writes it."""
    said = {
        "pid": pid, "sessionId": "s-1", "cwd": str(cwd), "startedAt": 1, "procStart": str(start_ticks(pid)),
        "version": "2.1.330", "kind": "interactive", "entrypoint": "cli", "status": "waiting",
        "pidDomain": f"linux:0f0f:{pid_namespace()}", "updatedAt": 5_000, "statusUpdatedAt": 5_500,
        "waitingFor": "permission prompt",
    }  # fmt: skip
    return json.dumps(said | changes).encode()


def test_it_says_whether_it_waits(statuses: ClaudeStatuses, tmp_path: Path) -> None:
    path = statuses.root / "1.json"
    path.write_bytes(says(os.getpid(), tmp_path))
    found = statuses.read(path)
    assert found is not None and (found.session, found.waits, found.at, found.wants) == (
        "s-1", True, 5.5, "permission prompt",
    )  # fmt: skip
    path.write_bytes(says(os.getpid(), tmp_path, status="busy"))
    found = statuses.read(path)
    assert found is not None and not found.waits and found.wants == ""


def test_of_a_process_that_is_over_it_says_nothing(statuses: ClaudeStatuses, tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    path = statuses.root / "1.json"
    path.write_bytes(says(child.pid, tmp_path))
    assert statuses.read(path) is not None
    child.communicate(b"\n", timeout=30)
    assert statuses.read(path) is None
    path.write_bytes(says(os.getpid(), tmp_path, procStart="1"))
    assert statuses.read(path) is None, "its PID is another's now"
    if PORTABLE:
        return  # which sees no namespaces: what is elsewhere looks as if it were over
    path.write_bytes(says(child.pid, tmp_path, pidDomain="linux:0f0f:pid:[1]"))
    assert statuses.read(path) is not None, "of a process elsewhere nothing is known"


@pytest.mark.parametrize("name", ["sessionId", "cwd", "status", "statusUpdatedAt", "pid", "procStart", "pidDomain"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(value=st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_whatever_stands_there_raises_nothing(
    statuses: ClaudeStatuses, tmp_path: Path, name: str, value: object
) -> None:
    path = statuses.root / "1.json"
    path.write_bytes(says(os.getpid(), tmp_path, **{name: value}))
    found = statuses.read(path)
    assert found is None or isinstance(found.session, str)


def test_no_link_and_no_fifo_is_waited_for(statuses: ClaudeStatuses) -> None:
    os.mkfifo(statuses.root / "1.json")
    assert statuses.read(statuses.root / "1.json") is None
    assert statuses.read(statuses.root / "none.json") is None


def test_the_loader_tells_it_of_the_agent_whose_session_it_is(
    house: House, statuses: ClaudeStatuses, tmp_path: Path
) -> None:
    loader = WorkspaceReader(house.workspace)
    loader.initial()
    assert str(statuses.root) in loader.watch_paths()
    path, branch = statuses.root / "1.json", house.workspace.agent("writer").branch
    path.write_bytes(says(os.getpid(), branch))
    facts = [fact for fact in loader.changed([path]) if isinstance(fact, Stated)]
    assert facts == [Stated("@writer", "s-1", True, 5.5, "permission prompt")]
    assert not [fact for fact in loader.sweep() if isinstance(fact, Stated)], "it is told once"
    path.write_bytes(says(os.getpid(), branch, status="busy", statusUpdatedAt=time.time() * 1000))
    assert [fact.waits for fact in loader.sweep() if isinstance(fact, Stated)] == [False]
    path.write_bytes(says(os.getpid(), tmp_path))
    assert not [fact for fact in loader.sweep() if isinstance(fact, Stated)], "a session of nobody here"
