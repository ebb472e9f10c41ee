"""The watcher of errors is killed at each of its writes: whoever comes next goes on, and nothing is lost or doubled."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailcore.config import read_config
from mailcore.dispatch.error_watch import watch_errors
from mailcore.errors.scan import begin_watch
from mailcore.errors.store import read_errors
from mailcore.mail import answer
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import WATCHER
from mailcore.model.error_group import GroupState
from mailcore.workspace.find import Workspace, find_workspace
from tests.faults.conftest import archived_mail, make_team
from tests.faults.test_acts import FAIL, FILL, KILL, nursery, shim

__all__ = ["nursery", "shim"]

LOOKS = ("errors", "--from", "@operator")


def repeated(team: Workspace) -> None:
    """Three errors in the log of one agent, in the files of another."""
    team.config_file.write_text("[errors]\ncount = 3\n")
    begin_watch(team)
    path = team.agent("@alpha").logs_dir / "app.log"
    path.parent.mkdir(exist_ok=True)
    file = team.agent("@target").branch / "shop.py"
    path.write_text(f'Traceback (most recent call last):\n  File "{file}", line 3, in total\nKeyError: 1\n' * 3)
    os.utime(path, (time.time() - 9, time.time() - 9))


def answered(team: Workspace) -> None:
    """It was mailed, and is answered."""
    repeated(team)
    watch_errors(team, read_config(team.config_file))
    (mail,) = read_mailbox(team.agent("@target").inbox).messages
    answer.acknowledge(team, "@target", mail.id, "done", "mended")


def mailed_once(team: Workspace) -> None:
    """One mail, open or answered, and a book that says so."""
    target, book = team.agent("@target"), read_errors(team)
    mails = [mail.sent_id for mail in read_mailbox(target.inbox).messages if mail.sender == WATCHER]
    mails += [str(raw["sent_id"]) for raw in archived_mail(target) if raw["from"] == WATCHER]
    (group,) = book.groups.values()
    assert mails == [group.message_id] and (group.count, group.asks, book.inquiries) == (3, 1, {}), (mails, group)
    assert len(book.asked_at) == 1 and group.history[0].what == "mailed @target"
    assert not list((team.watcher.branch / "inquiries").iterdir())


def resolved_once(team: Workspace) -> None:
    mailed_once(team)
    (group,) = read_errors(team).groups.values()
    assert group.state is GroupState.RESOLVED and group.resolution == "mended"
    assert [entry.what for entry in group.history] == ["mailed @target", "resolved: mended"]
    assert read_mailbox(team.watcher.inbox).messages == ()


@pytest.mark.linux_only("the shim stands before glibc")
@pytest.mark.parametrize("kind", [FAIL, KILL, FILL], ids=["fails", "killed", "full"])
@pytest.mark.parametrize(("prepare", "holds"), [(repeated, mailed_once), (answered, resolved_once)])
def test_spoilt_at_any_write_the_next_look_goes_on(
    tmp_path: Path,
    nursery: Callable[..., dict[str, Any]],
    rounds: Callable[[int, int], int],
    prepare: Callable[[Workspace], None],
    holds: Callable[[Workspace], None],
    kind: int,
) -> None:
    team = make_team(tmp_path / "team")
    prepare(team)
    kept = shutil.copytree(team.root, tmp_path / "kept", symlinks=True)
    calls = nursery(team.root, LOOKS)["calls"]
    holds(team)
    tried = 0
    for at in range(1, calls + 1, max(1, calls // rounds(20, calls))):
        shutil.rmtree(team.root)
        shutil.copytree(kept, team.root, symlinks=True)
        nursery(team.root, LOOKS, at, kind)
        again = find_workspace(team.root)
        for _ in "12":
            watch_errors(again, read_config(again.config_file))
        holds(again)
        tried += 1
    assert calls > 5
    print(f"{prepare.__name__}: {tried} of {calls} calls that write spoilt")
