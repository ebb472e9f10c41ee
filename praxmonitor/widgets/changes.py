"""The files that changed since a run began, and the lines of one."""

from __future__ import annotations

from functools import partial

from mailcore.model.changes import ChangedFile, ChangeKind, ChangeSet, FileDiff
from praxmonitor.text.lines import Line, plain, spread, wrapped
from praxmonitor.widgets.line_list import READING
from praxmonitor.widgets.row_list import Row, marked

SIGNS = {
    ChangeKind.CHANGED: ("~", ""),
    ChangeKind.NEW: ("+", "state-done"),
    ChangeKind.DELETED: ("-", "state-failed"),
    ChangeKind.UNTRACKED: ("+", "state-done"),
    ChangeKind.SEEN: ("~", ""),
}
LINE_ROLES = {"+": "state-done", "-": "state-failed", "@": "accent", "\\": "faint"}
"""By the sign that a line begins with, which says the same without colours."""


def changes_head(changes: ChangeSet | None, width: int, newer: str = "") -> list[Line]:
    """Against what is compared, where, how much; why nothing can be said. `newer`: what is said of a run that has begun
    since, empty where none has."""
    if changes is None:
        return [READING]
    if changes.trouble:
        return [((part, "warn"),) for part in wrapped(plain(changes.trouble), width, 4)]
    count, added, removed = len(changes.files), 0, 0
    for file in changes.files:
        added, removed = added + (file.added or 0), removed + (file.removed or 0)
    many = f"{count} file{'' if count == 1 else 's'}" if count else "no file changed"
    more = f", and {changes.more} more or further" if changes.more else ""
    lines = f"   +{added} -{removed}" if added or removed else ""
    head: list[Line] = [((many, "strong"), (f"{more}{lines}", "muted"))]
    head += [((part, "muted"),) for part in wrapped(plain(changes.since), width, 3)]
    if changes.branch:
        tree = "worktree" if changes.linked else "in"
        head.append(((f"branch {plain(changes.branch)}, {tree} {plain(changes.top)}", "faint"),))
    elif changes.base:
        head.append(((f"no branch is checked out, in {plain(changes.top)}", "faint"),))
    head += [((part, "accent"),) for part in wrapped(newer, width, 3) if part]
    return [*head, ()]


def changes_rows(changes: ChangeSet | None, place: str) -> list[Row]:
    """A row of each file; `place`: the directory, as its paths begin, that is not said in each."""
    files = changes.files if changes is not None else ()
    return [Row((file.path,), marked(partial(_file_lines, file, place))) for file in files]


def _file_lines(file: ChangedFile, place: str, width: int) -> list[Line]:
    sign, role = SIGNS[file.kind]
    counts = [f"+{file.added}" if file.added else "", f"-{file.removed}" if file.removed else ""]
    kind = "" if file.kind in (ChangeKind.CHANGED, ChangeKind.SEEN) else f"{file.kind}  "
    if file.added is None and file.kind is ChangeKind.CHANGED:
        kind = "not counted  "
    right: Line = ((kind, "faint"), (" ".join(filter(None, counts)), "muted"))
    name = plain(file.path.removeprefix(place))
    return [spread(((f"{sign} ", role), (name, "")), right, width)]


class DiffLines:
    """The lines of a diff under what is said of it, each made when it comes in view."""

    def __init__(self, diff: FileDiff, width: int) -> None:
        self._diff = diff
        self._head: list[Line] = [((plain(diff.path), "strong"),)]
        self._head += [((part, "warn"),) for part in (wrapped(plain(diff.note), width, 3) if diff.note else ())]
        count = "many" if diff.more < 0 else f"{diff.more:,}"
        self._tail: list[Line] = [((f"… {count} more lines; e opens the file", "faint"),)] if diff.more else []

    def __len__(self) -> int:
        return len(self._head) + len(self._diff.lines) + len(self._tail)

    def __getitem__(self, place: int) -> Line:
        if place < len(self._head):
            return self._head[place]
        place -= len(self._head)
        if place < len(self._diff.lines):
            text = self._diff.lines[place]
            # Tabs are drawn as four cells: the terminal's own stops would not know of the sign before them.
            return ((plain(text.expandtabs(4)), LINE_ROLES.get(text[:1], "")),)
        return self._tail[place - len(self._diff.lines)]
