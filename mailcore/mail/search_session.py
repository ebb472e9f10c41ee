"""Searches that follow each other while somebody types: each is answered from the index at once, which is then brought
up to date.

Whether it has to be is seen by the mailboxes' and archives' own times, two files an agent, not by each mail's: a file
of an archive that another program rewrote in place is found at the next change of its mailbox, or by `mailcore search`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mailcore.mail import search_index
from mailcore.mail.mail_files import mail_sources
from mailcore.mail.search import FoundMail, Query, rows, scan
from mailcore.workspace.find import Workspace

TAKEN_IN = 2000
"""Files that are taken in at a time: 70 ms on a quiet machine."""


class Refreshed(NamedTuple):
    """What bringing the index up to date came to."""

    changed: bool
    """Something may be found now that was not, or the other way round."""
    complete: bool
    """Every mail is in it; else there is a further step to do."""
    troubles: tuple[str, ...] = ()
    """Why a mailbox cannot be searched, in words."""


class SearchSession:
    """The searches of one screen. From any thread; one at a time brings the index up to date."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}
        """The times of mailboxes and archives when all of them were in the index."""
        self._usable = True
        """Whether there is an index at all: not without FTS5, on a full disk, in a directory that is not ours."""

    def find(self, query: Query, most: int) -> list[FoundMail]:
        """The newest mails that are found, no more than `most`: of what is in the index. Looks at no file of mail."""
        if self._usable:
            try:
                with search_index.open_as_it_is(self._workspace) as connection:
                    return rows(connection, query, most)
            except (sqlite3.Error, OSError):
                self._usable = False
        return scan(self._workspace, query)[:most]

    def refresh(self) -> Refreshed:
        """Bring the index up to date, or do a step of it where much is new."""
        with self._lock:
            began, now = time.time_ns(), self._times()
            if not self._usable or now == self._seen:
                return Refreshed(False, True)
            try:
                with search_index.open_index(self._workspace, list(mail_sources(self._workspace)), TAKEN_IN) as (
                    _,
                    notes,
                ):
                    settled = began - max(now.values(), default=0) > search_index.YOUNG_NS
                    # What changed just now may change again within the same time: it is looked at once more.
                    self._seen = now if settled and not notes else {}
                    return Refreshed(True, True, tuple(notes))
            except search_index.IndexBehind:
                return Refreshed(True, False)
            except (sqlite3.Error, OSError):
                self._usable = False
                return Refreshed(True, True)

    def _times(self) -> dict[str, int]:
        workspace = self._workspace
        found: dict[str, int] = {}
        for agent in (*workspace.agents, workspace.operator, *workspace.former_agents()):
            for path in (agent.inbox, agent.archive_dir):
                with suppress(OSError):
                    found[str(path)] = _time(path)
        return found


def _time(path: Path) -> int:
    status = os.stat(path)  # noqa: PTH116
    return max(status.st_mtime_ns, status.st_ctime_ns)
