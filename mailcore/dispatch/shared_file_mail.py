"""Tells agents that they change the same files: each in one mail, of all that is new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from mailcore.formats.digest import digest
from mailcore.mail import post
from mailcore.model.agent import WATCHER
from mailcore.model.file_write import SharedFile
from mailcore.text import counted, line
from mailcore.text.frames import quoted
from mailcore.workspace.find import Workspace

MOST_TOLD_FILES = 20
"""Files that are named in one mail."""
ADVICE = """
In another worktree both changes stand, and will have to be merged; in the same directory who writes last may undo what
the other wrote. Agree who goes on with it (`mailcore send`). Whoever does can lease it, which warns others:
`mailcore lease PATH --for 1h`."""


def tell_shared(workspace: Workspace, shared: Sequence[SharedFile]) -> list[str]:
    """Mail all, of high priority: who is at work hears it at its next step. Who could not be told, in words."""
    of_each: defaultdict[str, list[tuple[str, SharedFile]]] = defaultdict(list)
    for one in shared:
        of_each[one.first].append((one.second, one))
        of_each[one.second].append((one.first, one))
    failed = []
    for address, files in of_each.items():
        key = digest("\n".join(sorted(f"{other} {one.path}" for other, one in files)).encode("utf-8", "replace"))
        sent = post.send_mail(
            workspace, WATCHER, [address], _subject(files), _body(files), priority="high", key=f"same file {key}"
        )[0]
        if not sent.delivered:
            failed.append(f"{address}: {sent.error}")
    return failed


def _subject(files: Sequence[tuple[str, SharedFile]]) -> str:
    others = list(dict.fromkeys(other for other, _ in files))
    who = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    paths = list(dict.fromkeys(one.path for _, one in files))
    return f"Same file: {line(paths[0], 120) if len(paths) == 1 else counted(len(paths), 'file')}, as {who}"


def _body(files: Sequence[tuple[str, SharedFile]]) -> str:
    rows = [
        f"- {quoted(one.path, 300)}, by {other} in {'another worktree' if one.apart else 'the same directory'}"
        for other, one in files[:MOST_TOLD_FILES]
    ]
    if len(files) > MOST_TOLD_FILES:
        rows.append(f"- and {len(files) - MOST_TOLD_FILES} more")
    return "\n".join(["Changed by you and by others, within the last hour:", "", *rows, ADVICE])
