"""The number that a person can say (`73`): one count for the workspace, kept in `.praxmonitor/sequence`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mailcore.codec import loads
from mailcore.errors import MailcoreError
from mailcore.system import files, writing
from mailcore.system.locks import locked
from mailcore.system.writing import make_directory
from mailcore.workspace import find

LIMIT = 10**12
"""A number beyond this is no count of ours: a stranger's `seq` must not push the count out of all reason."""


def take(root: Path, count: int = 1) -> int:
    """Reserve `count` numbers of the workspace at `root` and return the first. On disk before this returns.

    MailcoreError, naming the file, where the disk does not allow it.
    """
    path = root / ".praxmonitor" / "sequence"
    try:
        return _take(path, root, count)
    except OSError as error:
        raise MailcoreError(f"{path}: {error.strerror}; no number can be taken") from error


def _take(path: Path, root: Path, count: int) -> int:
    make_directory(path.parent)
    with locked(path) as descriptor:
        text = os.pread(descriptor, 32, 0)
        last = int(text) if len(text) == 21 and text[:20].isdigit() else highest(root)
        # Twenty digits always: the write neither grows nor shrinks the file, so that no kill can tear the number.
        os.pwrite(descriptor, b"%020d\n" % (last + count), 0)
        writing.sync(descriptor)
    return last + 1


def highest(root: Path) -> int:
    """The highest number in any mail of the workspace: where the count goes on if its file was lost."""
    return max(_numbers(root), default=0)


def _numbers(root: Path) -> Iterator[int]:
    workspace = find(root)
    for agent in (*workspace.agents, workspace.operator):
        for path in (agent.inbox, *agent.sent_dir.glob("*.json"), *agent.archive_dir.glob("*.json")):
            try:
                document: Any = loads(files.read_bytes(path))
            except (OSError, ValueError, RecursionError):
                continue
            mails = document.get("messages", [document]) if isinstance(document, dict) else []
            for mail in mails if isinstance(mails, list) else []:
                number = mail.get("seq") if isinstance(mail, dict) else None
                if isinstance(number, int) and not isinstance(number, bool) and number < LIMIT:
                    yield number
