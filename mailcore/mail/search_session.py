"""Searches that follow each other while somebody types: each is answered from the index at once, which is then brought
up to date; while it does not hold all mail yet, from the files themselves, the newest first.

Whether it has to be is seen by the mailboxes' and archives' own times, two files an agent, and only what lies in those
that changed is looked at: a file of an archive that another program rewrote in place is found at the next change of
that archive, or by `mailcore search`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from mailcore.mail import search_index, search_update
from mailcore.mail.mail_files import Source, mail_places, mail_sources
from mailcore.mail.search import rows
from mailcore.mail.search_index import IndexState
from mailcore.mail.search_query import FoundMail, Query
from mailcore.mail.search_scan import Progress, read_newest, scan
from mailcore.workspace.find import Workspace

TAKEN_IN = 2000
"""Files that are taken in at a time: 150 ms."""


class SearchAnswer(NamedTuple):
    """What is found in the index, and what that is worth."""

    mails: list[FoundMail]
    state: IndexState


class Refreshed(NamedTuple):
    """What bringing the index up to date came to."""

    version: int
    """Of the index: what was found in one of another version has to be sought again."""
    complete: bool
    """Every mail is in it; else there is a further step to do."""
    troubles: tuple[str, ...] = ()
    """Why a mailbox cannot be searched, in words."""


_NO_INDEX = IndexState(-1, whole=True)


class _Work(NamedTuple):
    """What is to be looked at, as it was when that began."""

    began: int
    times: dict[str, int]
    places: set[str] | None
    files: list[Source]


class SearchSession:
    """The searches of one screen. From any thread; one at a time brings the index up to date."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}
        """The times of mailboxes and archives when what lies in them was in the index."""
        self._work: _Work | None = None
        """What is taken in step by step."""
        self._usable = True
        """Whether there is an index at all: not without FTS5, on a full disk, in a directory that is not ours."""

    def find(self, query: Query, most: int) -> SearchAnswer:
        """The newest mails that are found, no more than `most`: of what is in the index. Looks at no file of mail."""
        if self._usable:
            try:
                with search_index.open_as_it_is(self._workspace) as connection:
                    state = search_index.index_state(connection)
                    if not state.whole and self._work is None:
                        self._seen = {}  # it was made again since: everything is new to it
                    return SearchAnswer(rows(connection, query, most), state)
            except (sqlite3.Error, OSError) as error:
                self._usable = _is_locked(error)
        return SearchAnswer(scan(self._workspace, query)[:most], _NO_INDEX)

    def is_current(self) -> bool:
        """True if no mailbox and no archive changed since all of them were in the index."""
        return not self._usable or self._times() == self._seen

    def read(self, query: Query, most: int) -> Iterator[Progress]:
        """What is found by reading the files, the newest first, after each part of them: until there is so much."""
        for progress in read_newest(self._workspace, query):
            yield progress
            if len(progress.found) >= most:
                return

    def refresh(self) -> Refreshed:
        """Bring the index up to date, or do a step of it where much is new."""
        with self._lock:
            if not self._usable:
                return Refreshed(_NO_INDEX.version, True)
            work = self._work or self._looked_at()
            self._work = None
            try:
                with search_index.open_as_it_is(self._workspace) as connection:
                    done = search_update.take_in(connection, work.files, TAKEN_IN, work.places)
            except search_update.IndexBehind:
                self._work = work
                return Refreshed(-1, False)
            except (sqlite3.Error, OSError) as error:
                self._usable = _is_locked(error)
                return Refreshed(_NO_INDEX.version, not self._usable)
            # What changed just now may change again within the same time: it is looked at once more.
            self._seen = {
                path: changed
                for path, changed in work.times.items()
                if work.began - changed > search_update.YOUNG_NS and path not in done.troubles
            }
            return Refreshed(done.state.version, True, tuple(done.troubles.values()))

    def _looked_at(self) -> _Work:
        began, times = time.time_ns(), self._times()
        if not self._seen:
            return _Work(began, times, None, mail_sources(self._workspace))
        places = {path for path, _ in times.items() ^ self._seen.items()}
        return _Work(began, times, places, mail_sources(self._workspace, places))

    def _times(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for _, *paths in mail_places(self._workspace):
            for path in paths:
                with suppress(OSError):
                    found[path] = _time(path)
        return found


def _is_locked(error: Exception) -> bool:
    """True where another brings it up to date for so long that it could not be had: it can be later."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY


def _time(path: str) -> int:
    status = os.stat(path)  # noqa: PTH116
    return max(status.st_mtime_ns, status.st_ctime_ns)
