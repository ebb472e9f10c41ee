"""The session files of one agent, followed from near their ends: what it does, and what that uses. Writes nothing."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailcore.model.account import Account
from mailcore.model.activity import Activity
from mailcore.model.limit import Limit
from mailcore.model.usage import Spent
from mailcore.observe.activities import harmless_activity
from mailcore.observe.dedupe import Deduplicator
from mailcore.observe.document_file import DocumentFile
from mailcore.observe.estimates import Estimates
from mailcore.observe.facts import Fact, Seen
from mailcore.observe.file_stamps import FileStamps
from mailcore.observe.file_tail import FileTail
from mailcore.observe.format_drift import FormatDrift, unread_lines
from mailcore.observe.usage_backlog import UsageBacklog
from mailcore.observe.usage_sum import local_midnight
from mailcore.programs.base import SessionFiles
from mailcore.programs.prices import Prices
from mailcore.programs.transcript_reader import Counted, Recent, Transcript
from mailcore.system.open_files import OpenFiles
from mailcore.system.safe_open import open_regular

SESSION_TAIL = 65536
"""Bytes of the end of a session file that are read when it is first seen."""
MAX_FOLLOWED = 64
"""Session files that are followed at a time; the one that was silent longest is let go."""
MAX_BURST_ACTIVITIES = 500
"""Of what a file grew by between two looks, the newest this many activities are kept."""
MAX_COUNTED = 50_000
"""Messages whose use is remembered (2.4 MB at most): more than an agent writes in a day."""
MAX_LEFT = 20_000
"""Session files of which is remembered how far they were read: more than a fleet begins in a day."""
LAST_LINE_BYTES = 1024 * 1024
"""Bytes of a file's end in which its last line's end is looked for."""
BLOCK_BYTES = 4096
"""Bytes of that which are read first."""
CATCH_UP_SECONDS = 0.1
"""Seconds that one piece of catching up may take."""
MAX_READS = 64
"""Reads of one file in one look (16 MB); the next look goes on from there."""


@dataclass(slots=True)
class _Followed:
    files: SessionFiles
    account: Account
    tail: FileTail | DocumentFile
    reader: Transcript
    restarts: int = 0
    touched: float = 0.0
    latest: float = 0.0
    """Time of the newest thing that it reported."""
    place: int = 0
    """How far it was read, in bytes; it stays when the file goes."""
    told_before: float = 0.0
    """Of a file that took the place of another: what is no newer than this was reported."""


class SessionReader:
    """What was last seen of an agent's session files."""

    def __init__(self, address: str, open_files: OpenFiles, once: Deduplicator, prices: Prices | None = None) -> None:
        """`open_files`: where the files that move stay open; `once`: what hooks and logs told of the same agent."""
        self._address = address
        self._held = open_files
        self._once = once
        self._stamps = FileStamps()
        self._followed: dict[str, _Followed] = {}
        """By path, as a string."""
        self._counted = Counted(MAX_COUNTED)
        """What was counted of messages, live and by the backlogs: one that stands in several files counts once."""
        self._backlogs: list[UsageBacklog] = []
        """What earlier lines of today are still to be counted of; also of files that were let go."""
        self._left: Recent[Path, int] = Recent(MAX_LEFT)
        """Where the reading of a file stopped that was let go, or is counted only."""
        self._paths: Recent[tuple[int, str], Path] = Recent(MAX_LEFT)
        """Where a file lay, by inode and name: an archived one lies elsewhere, and is counted already."""
        self.estimates = Estimates(address, prices or Prices())
        """What all of it costs."""
        self.drift = FormatDrift()
        """What of the formats was not understood."""
        self.limits: list[tuple[Account, Limit]] = []
        """The limits that were reported, and of which account; whoever takes them empties this."""

    @property
    def any(self) -> bool:
        """One is followed."""
        return bool(self._followed)

    @property
    def account_keys(self) -> set[str]:
        """Keys of the accounts in whose directories the files lie that are followed."""
        return {one.account.key for one in self._followed.values()}

    @property
    def has_room(self) -> bool:
        """One more can be followed without another being let go."""
        return len(self._followed) < MAX_FOLLOWED

    @property
    def behind(self) -> bool:
        """Earlier lines of today are still to be counted."""
        return bool(self._backlogs)

    @property
    def unread(self) -> bool:
        """One of the files holds more than the last look read of it."""
        return any(one.tail.behind for one in self._followed.values())

    @property
    def lost(self) -> int:
        """Lines that were too long to be read."""
        return sum(one.tail.skipped for one in self._followed.values())

    def follows(self, name: str) -> bool:
        """True of the path of a session file that is followed."""
        return name in self._followed

    def follow(self, path: Path, files: SessionFiles, account: Account, is_new: bool = False) -> bool:
        """Follow a session file, if it is not followed yet; False if it cannot be read.

        From near its end; from its start if it was `is_new` since the looking did. `files`: what its program says of
        it; `account`: in whose directory it lies.
        """
        name = str(path)
        if name in self._followed:
            return True
        left = self._read_before(path)
        self._left.pop(path)
        try:
            start = 0 if is_new or files.whole else _line_before(path, SESSION_TAIL)
            start = left if left is not None and not files.whole else start
            reader = files.reader(self._address, path, start, self._counted)
        except OSError:
            return False
        if left is None and start > 0:
            self._backlogs.append(
                UsageBacklog(self._address, path, files, local_midnight(time.time()), start, self._counted)
            )
        tail = DocumentFile(path) if files.whole else FileTail(path, start=start)
        self._followed[name] = _Followed(files, account, tail, reader, place=start)
        if len(self._followed) > MAX_FOLLOWED:
            self._let_go(min(self._followed, key=lambda one: self._followed[one].touched or time.time()))
        return True

    def count(self, path: Path, files: SessionFiles) -> None:
        """Let what a session file reports of today's use be caught up with, without following it.

        Nothing of it is counted twice: of a file that is followed, or was, only what is not read.
        """
        if str(path) in self._followed:
            return
        known = self._read_before(path) or 0
        try:
            end = path.stat().st_size if files.whole else _end_of_lines(path)
        except OSError:
            return
        if end > known:
            self._left.put(path, end)
            since = local_midnight(time.time())
            self._backlogs.append(UsageBacklog(self._address, path, files, since, end, self._counted, known))

    def _read_before(self, path: Path) -> int | None:
        """How far a file was read, here or where it lay before; None: not at all."""
        try:
            key = (path.stat().st_ino, path.name)
        except OSError:
            return self._left.get(path)
        earlier = self._paths.get(key) or path
        self._paths.put(key, path)
        followed = self._followed.get(str(earlier))
        place = followed.place if followed is not None else self._left.get(earlier)
        if earlier != path and place is not None:
            self._left.put(path, place)
        return place

    def distrust(self) -> None:
        """Let the next look find that everything moved."""
        self._stamps.clear()

    def _let_go(self, name: str) -> None:
        one = self._followed.pop(name)
        self._left.put(one.tail.path, one.place)
        self._stamps.forget(one.tail.path)
        self.count(one.tail.path, one.files)

    def refresh_sessions(self, moved: Iterable[str]) -> list[Fact]:
        """The facts of some of the files alone: they move a hundred times as often as all else of an agent."""
        told, spent = self.read(moved)
        return [Seen(self._address, tuple(self._once.each(told)), tuple(spent))] if told or spent else []

    def read(self, moved: Iterable[str] | None = None) -> tuple[list[Activity], list[Spent]]:
        """What the files report that `moved` since the last call; None: whichever did, by a stat of each."""
        activities: list[Activity] = []
        spent: list[Spent] = []
        open_files = self._held if moved is not None else None
        names = (
            [name for name, one in self._followed.items() if self._stamps.moved(one.tail.path)]
            if moved is None
            else moved
        )
        for name in names:
            if open_files is None:
                self._held.drop(name)  # another file may have its place
            self._read(self._followed[name], open_files, activities, spent)
        return activities, list(self.estimates.priced(spent))

    def catch_up(self, limit: int) -> tuple[list[Spent], int]:
        """What earlier lines of today used, of at most about `limit` more bytes; and how many bytes that took."""
        spent: list[Spent] = []
        left, until = limit, time.monotonic() + CATCH_UP_SECONDS
        while self._backlogs and left > 0 and time.monotonic() < until:
            backlog = self._backlogs[0]
            before = backlog.left
            spent += backlog.read(left)
            left -= before - backlog.left
            if backlog.done:
                del self._backlogs[0]
        return list(self.estimates.priced(spent)), limit - left

    def _read(
        self, one: _Followed, open_files: OpenFiles | None, activities: list[Activity], spent: list[Spent]
    ) -> None:
        newest: deque[Activity] = deque(maxlen=MAX_BURST_ACTIVITIES)
        for _ in range(MAX_READS):
            lines = one.tail.read(open_files)
            one.touched = one.tail.modified
            one.place = one.tail.place if one.touched else one.place
            if one.tail.restarts != one.restarts:
                one.restarts = one.tail.restarts
                one.reader = one.files.reader(self._address, one.tail.path, 0, self._counted)
                one.told_before = one.latest
            now = min(one.tail.modified, time.time())
            unknown = unread_lines(one.reader)
            for line in lines:
                for activity in _told(one.reader, line, now, self.drift):
                    at = activity.seen_at if isinstance(activity, Limit) else activity.at
                    if at <= one.told_before:
                        continue
                    one.latest = max(one.latest, at)
                    if isinstance(activity, Spent):
                        spent.append(activity)
                    elif isinstance(activity, Limit):
                        self.limits.append((one.account, activity))
                    else:
                        newest.append(harmless_activity(activity, now))
            self.drift.read(one.reader, len(lines), unknown)
            if not one.tail.behind:
                break
        else:
            self._stamps.distrust(one.tail.path)
        activities += newest


def _told(reader: Transcript, line: bytes, now: float, drift: FormatDrift) -> Sequence[Activity | Spent | Limit]:
    """What a line reports; nothing where its reader fails, which may be anybody's plug-in: the other lines are read."""
    found: Sequence[Activity | Spent | Limit] = ()
    try:
        found = reader.read(line, now)
    except Exception as error:
        reader.drift = reader.drift or f"{type(reader).__name__} cannot read a line ({type(error).__name__}: {error})"
    if reader.drift:
        drift.odd(reader)
    return found


def _line_before(path: Path, size: int) -> int:
    """Where the first line begins of the last `size` bytes of a file; its end if none does. OSError."""
    with open_regular(path) as file:
        end = file.seek(0, os.SEEK_END)
        start = max(0, end - size)
        if start == 0:
            return 0
        file.seek(start - 1)
        newline = file.read(size + 1).find(b"\n")
    return start + newline if newline >= 0 else end


def _end_of_lines(path: Path) -> int:
    """Where the last whole line of a file ends; the file's end where that is too far back. OSError."""
    with open_regular(path) as file:
        end = file.seek(0, os.SEEK_END)
        for size in (BLOCK_BYTES, LAST_LINE_BYTES):
            begin = max(0, end - size)
            file.seek(begin)
            if (newline := file.read(end - begin).rfind(b"\n")) >= 0:
                return begin + newline + 1
            if begin == 0:
                return 0
    return end
