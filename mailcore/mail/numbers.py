"""The number that a person can say (`73`): one count for the workspace, kept in `.praxmonitor/sequence`.

A second file says the same: where the two differ, one was put back by git, a backup or a hand, or a writer was killed
between them; then no number of either, nor of any mail, is given again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError
from mailcore.formats.json_codec import loads
from mailcore.system import safe_open, self_ignore, writing
from mailcore.system.locks import locked
from mailcore.workspace.find import workspace_at

TWIN = ".sequence.twin"
"""The second file. It was never without a `.gitignore` beside it, so that no old commit holds it."""
MAX_NUMBER = 10**12
"""A number beyond this is no count of ours: a stranger's `seq` must not push the count out of all reason."""


def reserve_numbers(root: Path, count: int = 1) -> int:
    """Reserve `count` numbers of the workspace at `root` and return the first. On disk before this returns.

    MailcoreError, naming the file, where the disk does not allow it.
    """
    path = root / ".praxmonitor" / "sequence"
    try:
        return _take(path, root, count)
    except OSError as error:
        where = error.filename if error.filename and "/" in str(error.filename) else path
        raise MailcoreError(f"{where}: {error.strerror}; no number can be taken") from error


def _take(path: Path, root: Path, count: int) -> int:
    self_ignore.make_ignored(path.parent)
    with locked(path.with_name(".sequence.flock"), own=True), ExitStack() as stack:
        numbers = []
        for one in (path, path.with_name(TWIN)):
            descriptor, _ = safe_open.descriptor(one, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
            stack.callback(os.close, descriptor)
            numbers.append((descriptor, _number(descriptor)))
        (kept, number), (twin, other) = numbers
        last = number if number == other >= 0 else max(number, other, highest_number(root))
        # Twenty digits always: the write neither grows nor shrinks the file, so that no kill can tear the number.
        text = b"%020d\n" % (last + count)
        os.pwrite(kept, text, 0)
        os.pwrite(twin, text, 0)  # not synced: what a power cut leaves of it is compared
        writing.sync(kept)
    return last + 1


def _number(descriptor: int) -> int:
    """What one of the two files says; -1 if that is no number of ours."""
    text = os.pread(descriptor, 32, 0)
    return int(text) if len(text) == 21 and text[:20].isdigit() else -1


def highest_number(root: Path) -> int:
    """The highest number in any mail of the workspace: where the count goes on if its file was lost."""
    return max(_numbers(root), default=0)


def _numbers(root: Path) -> Iterator[int]:
    workspace = workspace_at(root)
    for agent in (*workspace.agents, workspace.operator, workspace.watcher):
        for path in (agent.inbox, *agent.sent_dir.glob("*.json"), *agent.archive_dir.glob("*.json")):
            try:
                document: Any = loads(safe_open.read_bytes(path))
            except (OSError, ValueError, RecursionError):
                continue
            mails = document.get("messages", [document]) if isinstance(document, dict) else []
            for mail in mails if isinstance(mails, list) else []:
                number = mail.get("seq") if isinstance(mail, dict) else None
                if isinstance(number, int) and not isinstance(number, bool) and number < MAX_NUMBER:
                    yield number
