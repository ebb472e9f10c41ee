"""One agent's mailbox, read without its lock: at any moment, by anybody, beside any writer."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mailcore.exceptions import Refused
from mailcore.mail.mailbox_document import Unreadable, messages_in, parse_mailbox
from mailcore.mail.store import LOCK, MAX_MAILBOX
from mailcore.model.agent import Agent
from mailcore.model.message import Mailbox, MailboxStatus, Message
from mailcore.system import locks, safe_open

TORN_READS = 20
"""Tries of an unlocked reader: AIPass rewrites in place, so a read beside a writer may be torn (contract 0.1)."""
TORN_SECONDS = 0.5
"""The same in time: a look at a mailbox of 8 MB takes 0.1 s."""
TORN_PATIENCE = 1.0
"""Seconds that a torn file is looked at again while its lock is held, unless the reader says otherwise."""


def read_mailbox(path: Path, root: Path | None = None, patience: float = TORN_PATIENCE) -> Mailbox:
    """The mailbox at `path` at this moment. Never raises, keeps nobody waiting, writes nothing.

    With the project's `root` a file that a symlink leads out of it is unreadable, not read. `patience`: seconds that a
    torn file is looked at again while its lock is held; with 0 there is one look.
    """
    began, looks, last_look = time.monotonic(), 0, patience <= 0
    deadline = began + patience
    while True:
        looks += 1
        try:
            found = messages_in(parse_mailbox(path, _read(path, root)))
        except FileNotFoundError:
            return Mailbox(MailboxStatus.MISSING)
        except OSError as error:
            return Mailbox(MailboxStatus.UNREADABLE, reason=f"{path}: {error.strerror}")
        except Refused as error:
            return Mailbox(MailboxStatus.UNREADABLE, reason=str(error))
        except Unreadable as error:
            # Torn by a writer at this moment, or for good: 20 looks over 40 ms tell, and whether somebody holds the
            # lock (a writer that a busy machine put aside in mid-write). When nobody does any more, one look is last.
            if last_look:
                return Mailbox(MailboxStatus.UNREADABLE, reason=str(error))
            if looks >= TORN_READS or time.monotonic() - began > TORN_SECONDS:
                writing = locks.is_locked(path.with_name(LOCK))
                last_look = not writing or time.monotonic() > deadline
            time.sleep(0.002)
            continue
        return Mailbox(MailboxStatus.OK, tuple(Message.from_json(raw) for raw in found))


def absent(agent: Agent) -> str:
    """Why an agent's mailbox that is not there is no empty one; empty if it is there, or none was made yet."""
    if agent.inbox.exists():
        return ""
    if not (agent.is_reserved or agent.branch.is_dir()):
        return f"{agent.address}'s directory {agent.branch} is gone; restore it, or mend the registry"
    kept = [
        path for path in (agent.mail_dir / LOCK, agent.sent_dir, agent.archive_dir, agent.runs_dir) if path.exists()
    ]
    if kept:
        return f"{agent.inbox} is gone, though {kept[0]} is there: restore it; the next mail makes an empty one"
    return ""


def _read(path: Path, root: Path | None) -> bytes:
    with safe_open.open_regular(path) as file:
        if root is not None:
            safe_open.inside(root, path, file.fileno())
        if (size := file.seek(0, os.SEEK_END)) > MAX_MAILBOX:
            raise Refused(
                f"{path}: {size:,} bytes are more than a mailbox can have ({MAX_MAILBOX:,}): look what wrote it"
            )
        file.seek(0)
        return safe_open.read_whole(file, size, path, MAX_MAILBOX)
