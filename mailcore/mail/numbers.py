"""The number that a person can say (`73`): one count for the workspace, kept in `.praxmonitor/sequence`.

A second file says the same: where the two differ, one was put back by git, a backup or a hand, or a writer was killed
between them; then no number of either, nor of any mail, is given again. It also says up to where numbers may have been
given in this boot of the machine, and for that alone the disk is waited for, once for SPARE of them: after a power cut,
which may have taken the count back, the next boot goes on from there.
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
from mailcore.system.processes import boot_id
from mailcore.workspace.find import workspace_at

TWIN = ".sequence.twin"
"""The second file. It was never without a `.gitignore` beside it, so that no old commit holds it."""
SPARE = 64
"""Numbers that may be given before the disk is waited for again; so many may be left out when the machine starts."""
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
    boot = boot_id()
    with locked(path.with_name(".sequence.flock"), own=True), ExitStack() as stack:
        opened = []
        for one in (path, path.with_name(TWIN)):
            descriptor, _ = safe_open.descriptor(one, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
            stack.callback(os.close, descriptor)
            opened.append(descriptor)
        kept, twin = opened
        number = _number(os.pread(kept, 64, 0))
        other, most, of_boot = _twin(os.pread(twin, 128, 0))
        last = max(number, other)
        if not number == other >= 0:
            last = max(last, highest_number(root))
        if of_boot != boot or not boot:
            last = max(last, most)
        given = last + count
        # Without a name for this boot, as for what another boot had: the disk is waited for at each number.
        if of_boot != boot or not boot or given > most:
            most = given + SPARE if boot else given
            # Of no boot until the disk has it: who finds it so, as its writer was killed, waits for the disk himself.
            os.pwrite(twin, _line(last, most, ""), 0)
            writing.sync(twin)
        os.pwrite(kept, b"%020d\n" % given, 0)
        os.pwrite(twin, _line(given, most, boot), 0)
    return last + 1


def _line(given: int, most: int, boot: str) -> bytes:
    """What the second file says. Always as long: no write grows or shrinks it, so that no kill can tear a number."""
    return b"%020d %020d %-36s\n" % (given, most, boot.encode())


def _number(text: bytes) -> int:
    """What the first file says; -1 if that is no number of ours."""
    return int(text) if len(text) == 21 and text[:20].isdigit() and int(text) < MAX_NUMBER else -1


def _twin(text: bytes) -> tuple[int, int, str]:
    """What the second says: the count, up to where numbers may have been given, and in which boot; -1, -1 and "" if
    that is none of ours. An older version's says only the count."""
    if (alone := _number(text)) >= 0:
        return alone, alone, ""
    given, most, boot = text[:20], text[21:41], text[42:].strip()
    if not (text.endswith(b"\n") and given.isdigit() and most.isdigit() and text[20:21] == text[41:42] == b" "):
        return -1, -1, ""
    if not int(given) <= int(most) < MAX_NUMBER:
        return -1, -1, ""
    return int(given), int(most), boot.decode("ascii", "replace")


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
