"""What happened before: pages of it are read in a thread, one at a time, and handed to the view that asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.screen import Screen

from mailcore.exceptions import MailcoreError
from mailcore.observe.stream_history import HistoryPage, Keep, StreamHistory
from praxmonitor.actions.open_workspace import OpenWorkspace


class HistoryReading:
    """Reads pages for one view."""

    def __init__(self, screen: Screen[None], take: Callable[[HistoryPage, float], None]) -> None:
        """`take` is given each page, and its end (seconds since the epoch), in the screen's own thread."""
        self._screen, self._take = screen, take
        self._number = 0
        """Of the page that is wanted last: what was wanted before is dropped when it comes."""
        self.reads = False
        """One is being read."""
        self.trouble = ""
        """Why the last one could not be read; empty if it could."""

    def read(self, opened: OpenWorkspace, begin: float, end: float, keep: Keep) -> None:
        """Read what happened from `begin` until before `end` and is wanted."""
        self._number += 1
        self.reads, self.trouble = True, ""
        work = partial(self._read, self._number, opened, begin, end, keep)
        self._screen.run_worker(work, thread=True, exclusive=True, group="older")

    def drop(self) -> None:
        """Nothing that is being read is wanted any more."""
        self._number += 1
        self.reads = False

    def _read(self, number: int, opened: OpenWorkspace, begin: float, end: float, keep: Keep) -> None:
        page, trouble = HistoryPage((), begin), ""
        try:
            page = StreamHistory(opened.workspace, opened.config).page(begin, end, keep)
        except (MailcoreError, OSError) as error:
            trouble = str(error)
        self._screen.app.call_from_thread(self._done, number, page, end, trouble)

    def _done(self, number: int, page: HistoryPage, end: float, trouble: str) -> None:
        if number != self._number or not self._screen.is_mounted:
            return
        self.reads, self.trouble = False, trouble
        if not trouble:
            self._take(page, end)
