"""What the mail view reads that the fleet does not hold, each in a thread: pages of sent and closed mail, threads, the
run of a task, what a search finds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from textual.screen import Screen
from textual.timer import Timer
from textual.worker import get_current_worker

from mailcore.exceptions import MailcoreError
from mailcore.hosts.directory import find_agent
from mailcore.hosts.membership import is_elsewhere
from mailcore.mail.search_index import without_index
from mailcore.mail.search_session import SearchSession
from mailcore.model.fleet import Fleet
from mailcore.model.run import Run
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.state import mail_reader
from praxmonitor.state.mail import FoundPage, MailEntry, MailFolder, MailPage
from praxmonitor.state.remote_files import COPIED_MAIL, RemoteFiles

AGAIN = 1.0
"""Seconds between two readings of one list while mail moves."""
TYPED = 0.02
"""Seconds after a key until what was typed is searched: what is pasted is sought once."""
MOST_FOLLOWED = 300
"""A list that was read further than so many mails is not read anew by itself: who reads back wants it to stand."""
MOST_KEPT = 12
"""Lists that are kept while others are in view."""
_FAILURES = (MailcoreError, OSError, sqlite3.Error)

FolderKey = tuple[str, MailFolder]


class MailReading:
    """The pages, threads and searches that were read last."""

    def __init__(self, screen: Screen[None], opened: Callable[[], OpenWorkspace], draw: Callable[[], None]) -> None:
        """`draw`: something else was read."""
        self._screen, self._opened, self._draw = screen, opened, draw
        self.found = FoundPage("", complete=True)
        """What was found last."""
        self.trouble = ""
        """Why something could not be read, in words."""
        self._pages: dict[FolderKey, MailPage] = {}
        self._reading: set[FolderKey] = set()
        self._stale: set[FolderKey] = set()
        self._runs: dict[tuple[str, str, str], Run | None] = {}
        self._old_runs: set[tuple[str, str, str]] = set()
        """Those that may have gone on since they were read."""
        self.moves = 0
        """How often mail moved, so far as it was looked at: what a thread or search shows is of one such moment."""
        self._moved: tuple[int, ...] = ()
        self._shown: FolderKey | None = None
        self._again: Timer | None = None
        self._settle: Timer | None = None
        self._session: SearchSession | None = None
        self._remote = RemoteFiles(lambda: opened().workspace)

    def page(self, owner: str, folder: MailFolder) -> MailPage | None:
        """What was read of this list; None before it was, which is begun then."""
        key = self._shown = (owner, folder)
        if key not in self._pages or key in self._stale:
            self._stale.discard(key)
            self._read(key, "")
        return self._pages.get(key)

    def follow(self, fleet: Fleet) -> None:
        """Mail moved: the list in view is read again soon, each other one when it is next looked at."""
        moved = tuple(id(facts.mailbox) for facts in (*fleet.agents, fleet.operator) if facts is not None)
        if moved == self._moved:
            return
        self._moved = moved
        self._old_runs = set(self._runs)
        self._stale.update(key for key, page in self._pages.items() if len(page.entries) <= MOST_FOLLOWED)
        if self._again is None:
            self._again = self._screen.set_timer(AGAIN, self._look_again)

    def leave(self) -> None:
        """No list of these is in view."""
        self._shown = None

    def _look_again(self) -> None:
        self._again = None
        self.moves += 1
        self._draw_if_shown()

    def more(self, owner: str, folder: MailFolder) -> None:
        """Read the next page, if there is one."""
        page = self._pages.get((owner, folder))
        if page is not None and page.following:
            self._read((owner, folder), page.following)

    def _read(self, key: FolderKey, after: str) -> None:
        if key in self._reading:
            return
        self._reading.add(key)
        self._screen.run_worker(partial(self._read_page, key, after), thread=True, group="mail")

    def _read_page(self, key: FolderKey, after: str) -> None:
        workspace, trouble = self._opened().workspace, ""
        before = self._pages.get(key, MailPage())
        most = mail_reader.PAGE if after else max(mail_reader.PAGE, len(before.entries))
        try:
            if is_elsewhere(workspace.root, key[0]):
                trouble = self._remote.bring(find_agent(workspace, key[0]), (COPIED_MAIL,)).trouble
            with self._index():
                page = mail_reader.read_folder(workspace, *key, most, after)
        except _FAILURES as error:
            page, trouble = before, str(error)
        else:
            if after:
                page = MailPage((*before.entries, *page.entries), page.following)
        self._screen.app.call_from_thread(self._take_page, key, page, trouble)

    def _take_page(self, key: FolderKey, page: MailPage, trouble: str) -> None:
        self._reading.discard(key)
        self._pages.pop(key, None)
        self._pages[key], self.trouble = page, trouble
        if len(self._pages) > MOST_KEPT:
            self._pages.pop(next(iter(self._pages)))
        self._draw_if_shown()

    def thread(self, entry: MailEntry, then: Callable[[tuple[MailEntry, ...]], None]) -> None:
        """Read the thread of a mail, and hand it on."""
        self._screen.run_worker(partial(self._read_thread, entry, then), thread=True, exclusive=True, group="thread")

    def _read_thread(self, entry: MailEntry, then: Callable[[tuple[MailEntry, ...]], None]) -> None:
        try:
            with self._index():
                mails = mail_reader.read_thread(self._opened().workspace, entry)
        except _FAILURES as error:
            self._screen.app.call_from_thread(self._say, str(error))
            return
        if not get_current_worker().is_cancelled:
            self._screen.app.call_from_thread(then, mails)

    def _index(self) -> AbstractContextManager[None]:
        """In it the index of all mail is used and kept up to date, unless nothing may be written."""
        return nullcontext() if self._opened().writable else without_index()

    def _say(self, trouble: str) -> None:
        self.trouble = trouble
        self._draw_if_shown()

    def run_of(self, entry: MailEntry) -> Run | None:
        """The run that a task started, if that is known by now; else it is read."""
        if entry.run is not None or not entry.message.is_task or self._opened().playback is not None:
            return entry.run
        if entry.key not in self._runs or entry.key in self._old_runs:
            self._old_runs.discard(entry.key)
            self._runs.setdefault(entry.key, None)
            self._screen.run_worker(partial(self._read_run, entry), thread=True, group="run")
        return self._runs[entry.key]

    def _read_run(self, entry: MailEntry) -> None:
        try:
            run = mail_reader.read_run_of(self._opened().workspace, entry)
        except _FAILURES:
            return  # its ladder stands as its mail tells it
        if run is not None:
            self._screen.app.call_from_thread(self._take_run, entry, run)

    def _take_run(self, entry: MailEntry, run: Run) -> None:
        self._runs[entry.key] = run
        self._draw_if_shown()

    def search(self, text: str) -> None:
        """Search, as soon as nobody types any more."""
        if self._settle is not None:
            self._settle.stop()
        self._settle = self._screen.set_timer(TYPED, partial(self._search, text))

    def find_more(self) -> None:
        """List older mails that were found too."""
        if self.found.more:
            self._search(self.found.text, len(self.found.entries) + mail_reader.FOUND)

    def search_again(self) -> None:
        """Search for the same, for mail has moved."""
        self._search(self.found.text, max(mail_reader.FOUND, len(self.found.entries)))

    def _search(self, text: str, most: int = mail_reader.FOUND) -> None:
        if self._session is None:
            self._session = SearchSession(self._opened().workspace)
        self._screen.run_worker(
            partial(self._find, self._session, text, most), thread=True, exclusive=True, group="search"
        )

    def _find(self, session: SearchSession, text: str, most: int) -> None:
        worker = get_current_worker()
        try:
            with self._index():
                for page in mail_reader.search(session, self._opened().workspace, text, most):
                    if worker.is_cancelled:
                        return
                    self._screen.app.call_from_thread(self._take_found, page)
        except _FAILURES as error:
            self._screen.app.call_from_thread(self._take_found, FoundPage(text, complete=True, trouble=str(error)))

    def _take_found(self, page: FoundPage) -> None:
        self.found = page
        self._draw_if_shown()

    def _draw_if_shown(self) -> None:
        if self._screen.is_mounted:
            self._draw()
