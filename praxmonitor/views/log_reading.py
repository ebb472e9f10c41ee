"""What is read for the view of a log: in a thread of its own, one thing after the other, and handed to the view."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from textual.screen import Screen

from mailcore.exceptions import MailcoreError
from mailcore.logs.patterns import LogPattern
from mailcore.model.agent import Agent
from mailcore.workspace.find import Workspace
from praxmonitor.state.agent_details import CopyState
from praxmonitor.state.log_hits import LogHits
from praxmonitor.state.log_open import ListedLog, listed_logs
from praxmonitor.state.log_pages import LogPages
from praxmonitor.state.remote_files import ASK_PERIOD, COPIED_LOGS, RemoteFiles
from praxmonitor.text.lines import plain
from praxmonitor.widgets.agent_sections import copy_words

T = TypeVar("T")
LIST_PERIOD = 5.0
"""Seconds between two looks at which logs there are."""


def failure(error: Exception) -> str:
    """Why something could not be read, in words; of an error that nobody foresaw which it is."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) if isinstance(error, MailcoreError) else f"{type(error).__name__}: {error}"


class LogList:
    """Which logs there are of an agent. Of one on another host there are copies, which are brought up to date first."""

    def __init__(self, workspace: Callable[[], Workspace]) -> None:
        self._remote = RemoteFiles(workspace)
        self._copy: CopyState | None = None
        self.period = LIST_PERIOD
        """Seconds between two looks."""

    def read(self, agent: Agent) -> tuple[ListedLog, ...]:
        """The one that was written last first. For a thread."""
        self._copy = self._remote.bring(agent, (COPIED_LOGS,)) if agent.is_remote else None
        self.period = LIST_PERIOD if self._copy is None else ASK_PERIOD
        return listed_logs(agent)

    def nothing(self, agent: Agent, now: float) -> str:
        """What is said where there are none."""
        why = "" if self._copy is None or (self._copy.at and not self._copy.trouble) else copy_words(self._copy, now)
        return f"{plain(agent.address)}: {why}" if why else f"{plain(agent.address)} has no logs yet"


class LogReading:
    """Holds the log that is open; all of it happens in one thread, so that nobody reads what another lets go."""

    def __init__(self, screen: Screen[None], failed: Callable[[str], None]) -> None:
        """`failed` is told in words why something could not be read."""
        self._screen, self._failed = screen, failed
        self._thread: ThreadPoolExecutor | None = None
        self._pages: LogPages | None = None
        self._hits: LogHits | None = None
        """What is searched for in it."""
        self._number = 0
        """Of the log that is wanted: what was asked of one before is dropped when it comes."""
        self.asked = 0
        """What is being read, or waits for that."""

    def begin(self, make: Callable[[], LogPages]) -> None:
        """Read this log from now on; what is asked from here on is asked of it."""
        self._number += 1
        self._start(partial(self._open, make), lambda _: None)

    def _open(self, make: Callable[[], LogPages]) -> None:
        self._let_go()
        self._pages = make()

    def ask(
        self, work: Callable[[LogPages], T], take: Callable[[T], None], over: Callable[[], None] = lambda: None
    ) -> None:
        """Ask the log for something; `take` is given it, if the same log is still wanted then. `over` is called in any
        case, whatever came of it."""
        self._start(partial(self._ask, work), take, over)

    def search(self, pattern: LogPattern | None, take: Callable[[LogHits], None]) -> None:
        """Search the log for this from now on, and for nothing else; None: for nothing. It ends with the log."""
        self.ask(partial(self._search, pattern), lambda hits: take(hits) if hits is not None else None)

    def _search(self, pattern: LogPattern | None, pages: LogPages) -> LogHits | None:
        self._end_search()
        if pattern is not None:
            self._hits = LogHits(pages.sources, pattern)
        return self._hits

    def _end_search(self) -> None:
        hits, self._hits = self._hits, None
        if hits is not None:
            hits.close()

    def _ask(self, work: Callable[[LogPages], T]) -> T | None:
        return work(self._pages) if self._pages is not None else None

    def _start(
        self, work: Callable[[], T | None], take: Callable[[T], None], over: Callable[[], None] = lambda: None
    ) -> None:
        self._screen.run_worker(self._hand_over(work, take, over), group="log")

    async def _hand_over(
        self, work: Callable[[], T | None], take: Callable[[T], None], over: Callable[[], None]
    ) -> None:
        number = self._number
        try:
            found = await self._result(work)
        finally:
            over()
        if found is not None and number == self._number and self._screen.is_mounted:
            take(found)

    async def result(self, work: Callable[[LogPages], T]) -> T | None:
        """What the log says; None if it could not be read, or no log is open."""
        return await self._result(partial(self._ask, work))

    async def _result(self, work: Callable[[], T | None]) -> T | None:
        self._thread = self._thread or ThreadPoolExecutor(1, "log")
        number = self._number
        self.asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except Exception as error:  # no right to read, say; or what nobody thought of: the view stays
            if number == self._number and self._screen.is_mounted:
                self._failed(failure(error))
            return None
        finally:
            self.asked -= 1

    def close(self) -> None:
        """Let go of the log, as soon as what is read now was read."""
        self._number += 1
        if self._thread is not None:
            self._thread.submit(self._let_go)
            self._thread.shutdown(wait=False)
            self._thread = None

    def _let_go(self) -> None:
        self._end_search()
        pages, self._pages = self._pages, None
        if pages is not None:
            pages.close()
