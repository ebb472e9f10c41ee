"""Requests for approval that lapse by their time: the asker is notified, and nothing is decided any more.

Nobody sleeps until then: each such request is a file in `.praxmonitor/expiring/`, named by its sent id, which whoever
looks next finds to be due, a screen or a guard within seconds, and a command that shows mail or waits.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mailcore.exceptions import MailcoreError, tolerated
from mailcore.formats import journal
from mailcore.mail import mailbox, outbox, post, resumable_act, route
from mailcore.mail.outbox import Sent
from mailcore.model.agent import Agent
from mailcore.model.message import LAPSED, Message
from mailcore.system import safe_open, self_ignore
from mailcore.system.locks import try_lock
from mailcore.system.writing import make_directory, replace
from mailcore.text.units import duration
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

EXPIRING = "expiring"


def record_expiry(workspace: Workspace, approver: str, sent_id: str, expires_at: float) -> None:
    """Note when a request lapses. OSError where the disk refuses; decided after that time it is not, all the same."""
    self_ignore.make_ignored(workspace.state_dir)
    path = workspace.state_dir / EXPIRING / sent_id
    data = json.dumps({"approver": approver, "expires_at": expires_at}).encode()
    make_directory(path.parent)
    try:
        replace(path, data)
    except FileNotFoundError:  # the directory was empty, and was removed at this moment
        make_directory(path.parent)
        replace(path, data)


def is_any_due(state_dir: Path) -> bool:
    """True if some request of the workspace is past its time: one look at a directory that is seldom there."""
    return any(at <= time.time() for _, _, at in _recorded(state_dir))


def lapse_expired(workspace: Workspace) -> list[tuple[Sent, str]]:
    """Let lapse what is past its time; what was reported to each asker, and who had not decided.

    What fails is done by the next look.
    """
    claim = try_lock(workspace.state_dir / ".expiring.flock", own=True) if is_any_due(workspace.state_dir) else None
    if claim is None:
        return []  # one does it for all
    notified: list[tuple[Sent, str]] = []
    try:
        for path, approver, at in list(_recorded(workspace.state_dir)):
            if at > time.time():
                continue
            with suppress(MailcoreError, OSError):
                notified += [(sent, approver) for sent in _lapse(workspace, workspace.agent(approver), path.name, at)]
                path.unlink(missing_ok=True)
    finally:
        with suppress(OSError):
            (workspace.state_dir / EXPIRING).rmdir()  # where none is left
        os.close(claim)
    return notified


def _lapse(workspace: Workspace, approver: Agent, sent_id: str, at: float) -> list[Sent]:
    try:
        request = post.find_message(approver, sent_id, closed=True)
    except MailcoreError as error:
        if error.code != "no_message":
            raise
        return []  # pruned
    if request.undecided:
        why = f"nobody decided within {duration(max(0.0, at - request.came_at))}"
        ack = {"state": LAPSED, "result": why, "at": journal.now()}
        lapsed = mailbox.amend(approver, lambda one: one.undecided and one.sent_id == sent_id, {"ack": ack})
        request = next(iter(lapsed), request)
    if not request.lapsed:
        return []  # decided in time
    with tolerated():
        audit.record(workspace, approver.address, LAPSED, id=request.id, sent_id=sent_id, asked_by=request.sender)
    return [_notify_asker(workspace, approver, request)]


def _notify_asker(workspace: Workspace, approver: Agent, request: Message) -> Sent:
    text = f"{approver.address} was asked, and {request.lapsed}. Nothing is approved. Ask again if it is still wanted."
    fields = {
        "subject": f"LAPSED: {request.subject}",
        "message": text,
        "priority": "high",
        "auto_execute": False,
        "upsert_key": f"approval:{request.sent_id}",
        **outbox.answer_keys(request),
    }
    with resumable_act.begin_act(approver, LAPSED, request.id) as act:
        sent = outbox.send_one(workspace, approver, route.reply_recipient(workspace, request), fields, act)
        if not sent.delivered:
            act.leave_open()
            raise MailcoreError(sent.error)
    return sent


def _recorded(state_dir: Path) -> Iterator[tuple[Path, str, float]]:
    """Each request that is noted: its file, its approver, when it lapses."""
    directory = state_dir / EXPIRING
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 (names only)
    except OSError:
        return
    for name in names:
        if name.startswith("."):
            continue
        try:
            record = json.loads(safe_open.read_bytes(directory / name))
            yield directory / name, str(record["approver"]), float(record["expires_at"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
