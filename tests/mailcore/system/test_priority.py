"""Agents' programs yield the CPU: their processes and, on Linux, the session that the CPU is shared out to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailcore.system.priority import lower
from tests.mailcore.conftest import House


@pytest.fixture
def session() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as child:
        yield child
        child.kill()


def niceness(pid: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, pid)


def test_a_session_yields_as_told_and_never_less_than_before(session: subprocess.Popen[bytes]) -> None:
    before = niceness(session.pid)
    lower(session.pid, before)
    assert niceness(session.pid) == before, "nothing to do"
    lower(session.pid, 15)
    assert niceness(session.pid) == 15
    lower(session.pid, 3)
    assert niceness(session.pid) == 15, "it yields as much already"


@pytest.mark.linux_only("other systems share the CPU out among processes alone")
def test_the_session_itself_yields_on_linux(session: subprocess.Popen[bytes]) -> None:
    group = Path(f"/proc/{session.pid}/autogroup")
    if not group.exists():
        pytest.skip("this kernel was built without autogroups")
    lower(session.pid, 12)
    assert group.read_text().split()[-1] == "12"


def test_one_that_is_gone_is_no_error() -> None:
    child = subprocess.Popen(["true"], start_new_session=True)
    child.wait()
    with pytest.raises(ProcessLookupError):
        os.getpriority(os.PRIO_PGRP, child.pid)
    lower(child.pid, 5)


@pytest.mark.parametrize(("nice", "more"), [(0, 0), (7, 7)])
def test_an_agents_program_yields_as_config_says(house: House, nice: int, more: int) -> None:
    expected = max(niceness(os.getpid()), more)
    house.limit(nice=nice)
    # Its supervisor sets it at once, and not before the program's first step.
    house.shell("writer", f"until [ $(nice) -ge {expected} ]; do sleep 0.02; done; nice >niceness; exit 0")
    house.over("@writer", house.started("@operator", "@writer"))
    assert int((house.agent("@writer").branch / "niceness").read_text()) == expected
