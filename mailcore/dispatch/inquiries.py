"""The watcher's mails about errors: each is fixed in the errors' book first, then sent, then noted there as sent.

What of the sending was done stands in a file of its own while it goes on, locked: whoever comes after one that was
killed between any two of these steps goes on where that one stopped, and of several at once one sends.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from msgspec.structs import replace

from mailcore.config import Config
from mailcore.dispatch import control
from mailcore.errors import groups
from mailcore.errors.store import Inquiry, changing_errors, read_errors
from mailcore.exceptions import MailcoreError, Refused, UsageError, tolerated
from mailcore.mail import post, resumable_act
from mailcore.mail.outbox import dispatch_id
from mailcore.model.agent import WATCHER
from mailcore.system import writing
from mailcore.system.locks import try_lock
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

INQUIRIES = "inquiries"
"""In the watcher's own directory: what was begun of each that is being sent."""
GIVE_UP = 86_400.0
"""Seconds after which one that cannot be sent is dropped."""
EXPECT = "an answer that says what was wrong and what was done"


def send_inquiries(workspace: Workspace, config: Config, now: float | None = None) -> tuple[list[str], list[str]]:
    """Send what stands in the book: whom it went to, and what could not be sent, in words."""
    now = time.time() if now is None else now
    sent, failed = [], []
    proof, run = audit.current_proof.set("supervisor"), dispatch_id.set("")  # it is nobody's act who called this
    try:
        for inquiry in read_errors(workspace).inquiries.values():
            try:
                if _send_once(workspace, config, inquiry, now):
                    sent.append(inquiry.to)
            except (MailcoreError, OSError) as error:
                failed.append(f"{inquiry.to}: {error}")
                if now - inquiry.at > GIVE_UP:
                    _drop(workspace, inquiry, f"could not be mailed: {error}", now)
        _sweep(workspace)
    finally:
        audit.current_proof.reset(proof)
        dispatch_id.reset(run)
    return sent, failed


def _send_once(workspace: Workspace, config: Config, inquiry: Inquiry, now: float) -> bool:
    with _begun(workspace, inquiry) as descriptor:
        if descriptor is None or inquiry.name not in read_errors(workspace).inquiries:
            return False  # another sends it, or has
        path = workspace.watcher.branch / INQUIRIES / inquiry.name
        with resumable_act.noted_in(workspace.watcher, path, descriptor):
            message_id, run_id, why = _send(workspace, config, inquiry)
        _note_sent(workspace, inquiry, message_id, run_id, why, now)
    return True


@contextmanager
def _begun(workspace: Workspace, inquiry: Inquiry) -> Iterator[int | None]:
    """The open, locked file of what was done of it; None if another has it. It goes once that stands in the book."""
    directory = workspace.watcher.branch / INQUIRIES
    writing.make_directory(directory, parents=True)
    descriptor = try_lock(directory / inquiry.name)
    try:
        yield descriptor
        if descriptor is not None:
            writing.remove_file(directory / inquiry.name, workspace.root)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _send(workspace: Workspace, config: Config, inquiry: Inquiry) -> tuple[str, str, str]:
    """The id of the mail, the run that was started for it, and why none was."""
    if inquiry.dispatch:
        try:
            done = control.dispatch_task(
                workspace, config, WATCHER, inquiry.to, inquiry.subject, inquiry.body, expect=EXPECT,
                thread=inquiry.thread,
            )  # fmt: skip
        except (Refused, UsageError) as error:
            why = str(error)
        else:
            return done.sent_id, done.run_id or "", done.busy
    else:
        why = ""
    sent = post.send_mail(workspace, WATCHER, [inquiry.to], inquiry.subject, inquiry.body, extra=inquiry.thread)[0]
    if not sent.delivered:
        raise MailcoreError(sent.error)
    return sent.sent_id, "", why


def _note_sent(workspace: Workspace, inquiry: Inquiry, message_id: str, run_id: str, why: str, now: float) -> None:
    with changing_errors(workspace) as at_hand:
        book = at_hand.book
        rest = {name: one for name, one in book.inquiries.items() if name != inquiry.name}
        book = replace(book, inquiries=rest)
        if (group := book.groups.get(inquiry.key)) is not None:
            group = groups.asked(group, now, message_id, run_id)
            book = book.with_group(groups.entered(group, now, f"not dispatched: {why}") if why else group)
        at_hand.book = book
    facts = {"run": run_id} if run_id else {}
    with tolerated():
        audit.record(workspace, WATCHER, "errors", asked=inquiry.to, group=inquiry.key, sent_id=message_id, **facts)


def _drop(workspace: Workspace, inquiry: Inquiry, why: str, now: float) -> None:
    with changing_errors(workspace) as at_hand:
        book = at_hand.book
        book = replace(book, inquiries={name: one for name, one in book.inquiries.items() if name != inquiry.name})
        group = book.groups.get(inquiry.key)
        at_hand.book = book.with_group(groups.entered(group, now, why)) if group is not None else book


def _sweep(workspace: Workspace) -> None:
    """Remove the files of those that are noted as sent, where whoever sent them died before it did."""
    directory = workspace.watcher.branch / INQUIRIES
    with suppress(OSError):
        for name in os.listdir(directory):  # noqa: PTH208 (names alone)
            descriptor = try_lock(directory / name)
            if descriptor is None:
                continue
            try:
                if name not in read_errors(workspace).inquiries:
                    writing.remove_file(directory / name, workspace.root)
            finally:
                os.close(descriptor)
