"""AIPass's feed and central counters, kept by us too where its home is: its bell and dashboard know our mail by them.

Its home is the directory that holds `AIPASS_REGISTRY.json` (contract sections 1 and 4).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError
from mailcore.formats import json_codec
from mailcore.formats.timestamps import registry_date, utc_time
from mailcore.mail.mailbox_document import messages_in
from mailcore.model.agent import Agent
from mailcore.model.message import is_unread
from mailcore.system import safe_open, self_ignore, writing
from mailcore.system.locks import locked
from mailcore.workspace.find import workspace_at

HOME = "AIPASS_REGISTRY.json"
CENTRAL = ".ai_central"
PREVIEW = 100
"""Characters of a mail's text that the feed shows."""
LINES = (400, 200)
"""The feed's most lines, and how many it is cut to, as AIPass does."""
_LARGE = 40_000
"""Bytes below which the feed's lines are not counted: as many lines of 100 bytes."""
_HEAD = re.compile(rb'\A\s*\{\s*"mailbox":\s*"[^"]*",\s*"total_messages":\s*(\d+),\s*"unread_count":\s*(\d+),')


def is_home(root: Path) -> bool:
    """True of the directory of an AIPass home."""
    return (root / HOME).is_file()


def append_row(directory: Path, name: str, row: Mapping[str, Any], most: tuple[int, int] | None = None) -> None:
    """Add a line to one of AIPass's journals in its `.aipass` directory, cut where it has become too long."""
    self_ignore.make_ignored(directory)
    line = json.dumps(row, ensure_ascii=False).encode("utf-8", "replace")
    path = directory / f"{name}.jsonl"
    with locked(directory / f".{name}.lock"):
        writing.append(path, line)
        if most is not None and path.stat().st_size > _LARGE:
            lines = safe_open.read_bytes(path, links=False).splitlines(keepends=True)
            if len(lines) > most[0]:
                writing.replace(path, *lines[-most[1] :], durable=False)


def add_feed_line(directory: Path, kind: str, title: str, body: str, source: str, **extra: Any) -> None:
    """A line of the feed in an `.aipass` directory; `kind` is `mail`, `wake`, `dispatch` or `system`."""
    from time import time

    from mailcore.text.masks import masked  # 3 ms, which a mail elsewhere need not cost

    texts = {"title": masked(title), "body": masked(body)}
    append_row(
        directory, "notifications", {**extra, "ts": utc_time(time()), "kind": kind, **texts, "source": source}, LINES
    )


def announce_mail(author: Agent, recipient: Agent, message_id: str, subject: str, body: str) -> None:
    """Tell the feed of a mail that was delivered into a mailbox of AIPass's home."""
    if not is_home(recipient.root):
        return
    preview = body[:PREVIEW].replace("\n", " ").strip()
    names = f"{author.address[1:].upper()} -> {recipient.address[1:].upper()}"
    text = f"{subject}\n{preview}" if preview else subject
    where = {"mail_id": message_id, "recipient": recipient.address[1:], "project": "aipass"}
    with suppress(MailcoreError, OSError):  # the mail is delivered all the same
        add_feed_line(recipient.root / ".aipass", "mail", names, text, author.address[1:], **where)


def update_counts(root: Path) -> None:
    """Bring the central counters of AIPass's home up to date; elsewhere there are none."""
    if not is_home(root):
        return
    with suppress(MailcoreError, OSError):
        self_ignore.make_ignored(root / ".praxmonitor")
        with locked(root / ".praxmonitor" / ".central.flock", own=True):  # among ourselves: AIPass takes no lock
            path = root / CENTRAL / "AI_MAIL.central.json"
            data = json.dumps(_central(root), indent=2, ensure_ascii=False).encode()
            if not path.exists() or safe_open.read_bytes(path, links=False) != data:
                path.parent.mkdir(exist_ok=True)
                writing.replace(path, data, durable=False)


def _central(root: Path) -> dict[str, Any]:
    workspace = workspace_at(root)
    known = {agent.name.upper() for agent in workspace.agents}
    stats = {}
    for agent in workspace.agents:
        name = agent.branch.name.upper()
        counts = _counts(agent.inbox) if name in known else None
        if counts is not None:
            stats[name] = {"unread": counts[1], "total": counts[0]}
    totals = {f"total_{key}": sum(one[which] for one in stats.values()) for key, which in _TOTALS}
    today = registry_date(datetime.now())
    return {"service": "ai_mail", "last_updated": today, "branch_stats": stats, "system_totals": totals}


_TOTALS = (("unread", "unread"), ("messages", "total"))


def _counts(inbox: Path) -> tuple[int, int] | None:
    """How many messages a mailbox holds and how many of them are unread; None where it cannot be read."""
    with suppress(OSError, ValueError, RecursionError):
        with safe_open.open_regular(inbox) as file:
            head = file.read(4096)
            if found := _HEAD.match(head):
                return int(found[1]), int(found[2])
        document = json_codec.loads(safe_open.read_bytes(inbox))
        mails = messages_in(document)
        return len(mails), sum(map(is_unread, mails))
    return None
