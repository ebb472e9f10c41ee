"""AIPass's own feedback channel: a file at its @devpulse, in which any project's agent leaves word (contract 7).

It is no mailbox: a flat list, newest last, with `body` instead of `message`. The answer comes into the author's own
mailbox, by the path that the entry names.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError, tolerated
from mailcore.formats import json_codec
from mailcore.formats.timestamps import aipass_time, lock_time
from mailcore.mail import archive, mailbox, numbers
from mailcore.mail.aipass_feed import is_home
from mailcore.mail.outbox import Sent
from mailcore.mail.resumable_act import Act
from mailcore.model.agent import Agent
from mailcore.system import safe_open, writing
from mailcore.system.locks import locked
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

DEVPULSE_ADDRESS = "@devpulse"


def feedback_agent(other: Workspace) -> Agent | None:
    """Whose channel takes feedback in AIPass's home; None in a project that has none."""
    found = (agent for agent in other.agents if agent.address == DEVPULSE_ADDRESS and agent.branch.is_dir())
    return next(found, None) if is_home(other.root) else None


def add_feedback(author: Agent, own: Workspace, to: Agent, subject: str, body: str, act: Act) -> Sent:
    """Add an entry to the channel of `to`, and keep a record of it among what `author` sent.

    MailcoreError, and nothing written, where the channel's file cannot be read: AIPass does not mend it either.
    """
    mailbox.ensure_mailbox(author)  # the answer finds no other way
    path = to.branch / ".feedback.local" / "inbox.json"
    now = datetime.now()
    kept = act.recall(DEVPULSE_ADDRESS) or {"id": mailbox.new_id(), "seq": numbers.reserve_numbers(own.root)}
    act.remember(DEVPULSE_ADDRESS, kept)
    name = str(kept["id"])
    entry = {
        "id": name,
        "from": author.address[1:],
        "subject": subject,
        "body": body,
        "timestamp": lock_time(datetime.now(UTC)),
        "read": False,
        "thread": [],
        "reply_path": str(author.inbox),
        "project": own.root.name,
    }
    try:
        safe_open.inside(to.boundary, path)
        writing.make_directory(path.parent)
        with locked(path.with_name("inbox.json.lock")):
            document = _document(path)
            again = any(isinstance(one, dict) and one.get("id") == name for one in document["messages"])
            if not again:
                document["messages"].append(entry)
                document["total_messages"] = len(document["messages"])
                unread = document.get("unread_count")
                document["unread_count"] = (unread if isinstance(unread, int) else 0) + 1
                writing.replace(path, json.dumps(document, indent=2).encode() + b"\n", root=to.boundary)
    except OSError as error:
        raise MailcoreError(f"{path}: {error.strerror}; nothing was left there") from error
    record = {
        "id": name, "timestamp": aipass_time(now), "from": author.address, "from_name": author.name,
        "seq": kept["seq"], "to": DEVPULSE_ADDRESS, "subject": f"FEEDBACK: {subject}", "message": body,
        "feedback": True, "project": to.root.name, "thread_id": name, "status": "sent",
    }  # fmt: skip
    with tolerated():
        writing.make_directory(author.sent_dir)
        writing.replace(author.sent_dir / archive.file_name(record, now), json_codec.dumps(record))
        facts = {"to": DEVPULSE_ADDRESS, "id": name, "sent_id": name, "seq": kept["seq"]}
        audit.record(own, author.address, "send", **facts, subject=record["subject"], project=to.root.name)
    return Sent(name, name, DEVPULSE_ADDRESS, True, seq=int(kept["seq"]), again=again, subject=subject)


def _document(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(safe_open.read_bytes(path))
    except FileNotFoundError:
        return {"mailbox": "feedback", "total_messages": 0, "unread_count": 0, "messages": []}
    except (ValueError, RecursionError) as error:
        raise MailcoreError(f"{path} cannot be read: {error}; nothing was left there", "unreadable") from error
    if not isinstance(found, dict) or not isinstance(found.get("messages"), list):
        raise MailcoreError(f"{path} is no feedback channel; nothing was left there", "unreadable")
    return found
