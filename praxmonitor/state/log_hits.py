"""What is searched for in the logs that are shown: every hit counted in the background. For a thread."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mailcore.logs.log_file import LogFile, LogRow
from mailcore.logs.patterns import LogPattern
from mailcore.logs.search import LogSearch
from mailcore.model.log import LogSource
from mailcore.observe.log_rotation import file_identity
from praxmonitor.text.log_rows import SearchState


class LogHits:
    """One search, in one log or several."""

    def __init__(self, sources: Sequence[LogSource], pattern: LogPattern) -> None:
        """A log that cannot be opened is left out."""
        self.pattern = pattern
        self._logs: dict[str, tuple[LogFile, LogSearch]] = {}
        self.add(sources)

    def add(self, sources: Sequence[LogSource]) -> None:
        """Search these too. A file that was rotated is the same by another name: its hits stay counted. One whose name
        another has, and that has none itself, is let go."""
        found: dict[str, tuple[LogFile, LogSearch]] = {}
        known = {log.identity: (log, search) for log, search in self._logs.values()}
        for source in sources:
            with suppress(OSError):
                identity = file_identity(Path(source.path).stat())
                if identity not in known:
                    log = LogFile(source.path)
                    known[identity] = log, LogSearch(log, self.pattern)
                found[source.path] = known[identity]
        for path, (log, search) in self._logs.items():
            if (log, search) in found.values():
                continue
            if path not in found:  # it was deleted, and is read on
                found[path] = log, search
            else:
                search.close()
                log.close()
        self._logs = found

    def close(self) -> None:
        """End the search."""
        for log, search in self._logs.values():
            search.close()
            log.close()

    def follow(self) -> None:
        """Search what came since."""
        for log, search in self._logs.values():
            log.look()
            search.follow()

    def state(self, path: str = "", offset: int = -1, line: int = 0) -> SearchState:
        """How far it is; `number` of the hit in that line of one log, where there is one log alone."""
        searches = [search for _, search in self._logs.values()]
        if not searches:
            return SearchState()
        number = None
        if len(searches) == 1 and path in self._logs and offset >= 0:
            begin = self.row(path, offset, line).offset
            search = searches[0]
            number = search.number_of(begin) if search.next(begin) == begin else None
        return SearchState(
            sum(search.count for search in searches), all(search.done for search in searches),
            sum(search.progress for search in searches) / len(searches),
            next((search.error for search in searches if search.error), ""), number,
        )  # fmt: skip

    def rows(self, path: str, offset: int, count: int) -> list[LogRow]:
        """Rows of a log, from one on."""
        return self._logs[path][0].rows(offset, count)

    def row(self, path: str, offset: int, line: int = 0) -> LogRow:
        """The row of a log that is so many below the one at that offset."""
        log, _ = self._logs[path]
        rows = log.rows(log.row_at(offset).offset, line + 1)
        return rows[-1] if rows else LogRow(offset, offset, b"")

    def near(self, path: str, offset: int, way: int) -> int | None:
        """The first hit of a log at an offset or behind it (1), or the last before it (-1)."""
        if path not in self._logs:
            return None
        search = self._logs[path][1]
        return search.next(offset) if way > 0 else search.before(offset)

    def beside(self, path: str, offset: int, line: int, way: int) -> int | None:
        """The same from a row of that log on, which is left out."""
        if path not in self._logs:
            return None
        row = self.row(path, offset, line)
        return self.near(path, row.end if way > 0 else row.offset, way)
