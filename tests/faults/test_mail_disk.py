"""Disks that are full, read-only or gone: nothing acknowledged is lost or doubled, and the error names the file."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailcore.exceptions import MailcoreError
from mailcore.mail import lookup, post
from mailcore.workspace.find import Workspace
from tests.faults.conftest import archived_mail, make_team, mount, open_mail, unmount

FULL = os.strerror(errno.ENOSPC)
PAGE = 4096


def fill(disk: Path, pages: int) -> None:
    """Leave so many free pages on the disk."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    free = os.statvfs(disk).f_bavail
    # The ballast's own inode takes none on a tmpfs.
    ballast.write_bytes(b"\0" * max(0, free - pages) * PAGE)
    assert os.statvfs(disk).f_bavail == min(pages, free)


def attempt(team: Workspace, subject: str, acknowledged: list[str], body: str = "m" * 600) -> str:
    """Send one mail; the error's text, empty if it was acknowledged."""
    try:
        (sent,) = post.send_mail(team, "@alpha", ["@target"], subject, body)
    except MailcoreError as error:
        return str(error)
    if sent.delivered:
        acknowledged.append(subject)
    return sent.error


def test_a_disk_that_fills_up(small_disk: Path) -> None:
    team = make_team(small_disk / "team")
    acknowledged: list[str] = []
    errors = [error for n in range(200) if (error := attempt(team, f"mail {n}", acknowledged))]
    assert 10 < len(acknowledged) < 200
    assert all(FULL in error and str(small_disk) in error for error in errors), errors[0]
    target = team.agent("@target")
    assert [mail["subject"] for mail in reversed(open_mail(target))] == acknowledged
    assert not list(target.mail_dir.glob("*.tmp")) and not list(target.mail_dir.glob("*corrupt*"))

    # Room again, and it goes on; what failed did not arrive later.
    for path, raw in lookup.sent_records(team.agent("@alpha")):
        if raw["status"] == "sent":
            path.unlink()
    assert attempt(team, "after", acknowledged) == ""
    assert [mail["subject"] for mail in reversed(open_mail(target))] == acknowledged


def test_a_disk_that_is_full_at_any_point(small_disk: Path) -> None:
    """Every number of free pages ends the way of a mail at another place: number, record, mailbox, audit."""
    team = make_team(small_disk / "team")
    target = team.agent("@target")
    acknowledged: list[str] = []
    failed = 0
    for pages in range(8):
        for body in ("short", "m" * 3 * PAGE):
            fill(small_disk, pages)
            subject = f"{pages} pages, {len(body)} bytes"
            error = attempt(team, subject, acknowledged, body)
            failed += bool(error)
            assert not error or FULL in error
            fill(small_disk, 1000)
            assert [mail["subject"] for mail in reversed(open_mail(target))] == acknowledged, error
    assert failed > 4 and len(acknowledged) > 4
    numbers = [mail["seq"] for mail in open_mail(target)]
    assert numbers == sorted(set(numbers), reverse=True)


def test_opening_and_closing_on_a_full_disk(small_disk: Path) -> None:
    team = make_team(small_disk / "team")
    target = team.agent("@target")
    acknowledged: list[str] = []
    for n in range(8):
        attempt(team, f"mail {n}", acknowledged)
    assert len(acknowledged) == 8
    said: list[str] = []
    for pages, mail in enumerate(open_mail(target)):
        for act in (post.read_messages, post.close_messages):
            fill(small_disk, pages)
            try:
                act(team, "@target", [mail["id"]])
            except MailcoreError as error:
                said.append(str(error))
            fill(small_disk, 1000)
    assert said and all(FULL in error and str(small_disk) in error for error in said), said
    # Each is still open or safely archived; closing what is left archives each once.
    left = [mail["id"] for mail in open_mail(target)]
    assert 0 < len(left) < 8
    post.close_messages(team, "@target", left)
    assert sorted(mail["subject"] for mail in archived_mail(target)) == sorted(acknowledged)


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    mount("--bind", str(directory), str(directory))
    try:
        mount("-o", "remount,ro,bind", str(directory))
        yield
    finally:
        unmount(directory)


@pytest.mark.parametrize(
    "place",
    [
        lambda team: team.agent("@target").mail_dir,
        lambda team: team.agent("@alpha").mail_dir,
        lambda team: team.root,
    ],
    ids=["the recipient's", "the sender's", "all"],
)
def test_a_read_only_directory(team: Workspace, place: Callable[[Workspace], Path]) -> None:
    acknowledged: list[str] = []
    attempt(team, "before", acknowledged)
    with read_only(place(team)):
        error = attempt(team, "meanwhile", acknowledged)
        assert os.strerror(errno.EROFS) in error and str(place(team)) in error
        mail = open_mail(team.agent("@target"))[0]
        if place(team) != team.agent("@alpha").mail_dir:
            with pytest.raises(MailcoreError, match=os.strerror(errno.EROFS)):
                post.close_messages(team, "@target", [mail["id"]])
    assert attempt(team, "after", acknowledged) == ""
    assert acknowledged == ["before", "after"]
    assert [mail["subject"] for mail in reversed(open_mail(team.agent("@target")))] == acknowledged
    refused = [raw for _, raw in lookup.sent_records(team.agent("@alpha")) if raw["status"] == "refused"]
    assert all(raw["subject"] == "meanwhile" and raw["refused_reason"] == error for raw in refused)
    assert len(refused) == (place(team) == team.agent("@target").mail_dir)


def test_a_branch_that_vanished(team: Workspace) -> None:
    acknowledged: list[str] = []
    attempt(team, "before", acknowledged)
    branch = team.agent("@target").branch
    away = branch.rename(branch.with_name("away"))
    error = attempt(team, "meanwhile", acknowledged)
    assert str(branch) in error and "is gone; restore it" in error
    # No second branch was invented, so the first can come back, with what it had.
    assert not branch.exists()
    away.rename(branch)
    assert attempt(team, "after", acknowledged) == ""
    assert [mail["subject"] for mail in reversed(open_mail(team.agent("@target")))] == ["before", "after"]
    (refused,) = [raw for _, raw in lookup.sent_records(team.agent("@alpha")) if raw["status"] == "refused"]
    assert (refused["subject"], refused["refused_reason"]) == ("meanwhile", error)
