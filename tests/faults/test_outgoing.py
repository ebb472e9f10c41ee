"""Mail that waits: the process that sends it is killed at each of its writes, and whoever comes next finishes it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailcore.dispatch.due_mail import send_due_mail
from mailcore.mail import outgoing
from mailcore.mail.outgoing import Outgoing
from mailcore.workspace.find import Workspace, find_workspace
from tests.faults.conftest import make_team
from tests.faults.test_acts import FAIL, FILL, KILL, facts, mails, nursery, settled, shim, with_program

__all__ = ["nursery", "shim"]

LATER = 100_000.0
SENDS = ("inbox", "--from", "@operator")
"""A command that only looks: it sends what is due on the way."""
PUTS = ("send", "@beta", "@target", "news", "body", "--undo-for", "1s", "--from", "@alpha")


def waiting_mail(team: Workspace) -> None:
    outgoing.put(team, Outgoing("@operator", ("@beta", "@target"), "news", "body"), 0.0)


def waiting_task(team: Workspace) -> None:
    with_program(team)
    outgoing.put(team, Outgoing("@operator", ("@beta", "@target"), "task", "body", kind="task"), 0.0)


def finished(root: Path) -> dict[str, int]:
    """What mail the two have once somebody came later; nothing waits then any more. What the operator is told of the
    ends of runs is no part of it."""
    for turn in (1, 2):
        send_due_mail(find_workspace(root), time.time() + turn * LATER)
    assert outgoing.waiting(find_workspace(root)) == []
    found = mails(facts(find_workspace(root)))
    return {what: times for what, times in found.items() if not what.startswith("@operator")}


@pytest.mark.linux_only("the shim stands before glibc")
@pytest.mark.parametrize("kind", [FAIL, KILL, FILL], ids=["fails", "killed", "full"])
@pytest.mark.parametrize("prepare", [waiting_mail, waiting_task])
def test_spoilt_at_any_write_it_arrives_once(
    tmp_path: Path,
    nursery: Callable[..., dict[str, Any]],
    rounds: Callable[[int, int], int],
    wait_until: Callable[..., None],
    prepare: Callable[[Workspace], None],
    kind: int,
) -> None:
    team = make_team(tmp_path / "team")
    prepare(team)
    kept = shutil.copytree(team.root, tmp_path / "kept", symlinks=True)
    calls = nursery(team.root, SENDS)["calls"]
    settled(team, wait_until)
    wanted = finished(team.root)
    settled(team, wait_until)
    assert calls > 10 and sum(wanted.values()) == 2, wanted
    tried = 0
    for at in range(1, calls + 1, max(1, calls // rounds(8 if prepare is waiting_task else 25, calls))):
        shutil.rmtree(team.root)
        shutil.copytree(kept, team.root, symlinks=True)
        nursery(team.root, SENDS, at, kind)
        found = finished(team.root)
        settled(team, wait_until)
        assert found == wanted, f"spoilt at call {at} of {calls}"
        tried += 1
    print(f"{prepare.__name__}: {tried} of {calls} calls that write spoilt; each mail arrived once")


@pytest.mark.linux_only("the shim stands before glibc")
def test_killed_at_any_write_while_it_is_put_it_waits_whole_or_not_at_all(
    tmp_path: Path, nursery: Callable[..., dict[str, Any]]
) -> None:
    team = make_team(tmp_path / "team")
    kept = shutil.copytree(team.root, tmp_path / "kept", symlinks=True)
    calls = nursery(team.agent("@alpha").branch, PUTS)["calls"]
    waits = 0
    for at in range(1, calls + 1):
        shutil.rmtree(team.root)
        shutil.copytree(kept, team.root, symlinks=True)
        said = nursery(team.agent("@alpha").branch, PUTS, at, KILL)
        found = outgoing.waiting(team)
        assert found or said["status"] != 0, "what was said to wait, waits"
        assert all((mail.to, mail.body) == (("@beta", "@target"), "body") for mail in found)
        waits += len(found)
        assert sum(finished(team.root).values()) == 2 * len(found)
    assert calls > 3 and waits, (calls, waits)
