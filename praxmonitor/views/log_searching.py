"""What is searched for in the log that is shown: counted in the background, gone to, and seen where it is in view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from msgspec.structs import replace

from mailcore.logs.patterns import LogPattern, highlights, log_pattern
from mailcore.text.units import size
from praxmonitor.state.log_hits import LogHits
from praxmonitor.state.log_pages import LogPages
from praxmonitor.text.log_lines import Stretch, shown_text
from praxmonitor.text.log_rows import LogViewRow, RowKey, SearchState
from praxmonitor.views.log_reading import LogReading
from praxmonitor.widgets.log_pane import LogPane

LONG = 16 * 1024
"""Characters of a line from which on it may be longer than what is shown of it."""


class LogSearching:
    """One search at a time. All of it is asked in the thread that reads the log."""

    def __init__(
        self, pane: LogPane, reading: LogReading, changed: Callable[[], None], told: Callable[[str], None]
    ) -> None:
        """`changed` is called when something else is to be said of it; `told` says something in the bottom line."""
        self._pane, self._reading, self._changed, self._told = pane, reading, changed, told
        self.pattern: LogPattern | None = None
        """What is searched for; None: nothing."""
        self.state = SearchState()
        self._hits: LogHits | None = None
        self._at: RowKey | None = None
        """The hit that was gone to last."""
        self._sought: RowKey | None = None
        """The hit that the view is to be moved sideways to, as soon as it is known where in its row it stands."""
        self._asked = False
        """Matches are being looked for in what is in view."""

    def begin(self, text: str, begun: Callable[[], None]) -> None:
        """Search for this from now on; empty: for nothing. UsageError where it is no pattern. `begun` is called when it
        can be asked for hits."""
        self.pattern = log_pattern(text) if text else None
        self.begin_anew(begun)

    def begin_anew(self, begun: Callable[[], None] = lambda: None) -> None:
        """Search the log that is shown now for the same."""
        self._hits, self._at, self._sought, self._asked = None, None, None, False
        pattern = self.pattern
        self.state = SearchState(done=pattern is None, progress=0.0)
        self._reading.search(pattern, partial(self._take, pattern, begun))
        self._pane.search(wanted=pattern is not None)
        self._changed()

    def _take(self, pattern: LogPattern | None, begun: Callable[[], None], hits: LogHits) -> None:
        if pattern is self.pattern:
            self._hits = hits
            begun()
            self.look(grew=True)

    def look(self, *, grew: bool) -> None:
        """Look how far it is; where the log `grew`, go on in what came."""
        hits = self._hits
        if hits is None or (self.state.done and not grew):
            return

        def look(pages: LogPages) -> SearchState:
            if grew:
                hits.add(pages.sources)
                hits.follow()
            return hits.state(*self._at) if self._at is not None else hits.state()

        self._reading.ask(look, self._say)

    @property
    def number(self) -> int | None:
        """Which hit the row under the cursor is; None: not known, or it is none that was gone to."""
        row = self._pane.row
        return self.state.number if row is not None and row.key == self._at else None

    def _say(self, state: SearchState) -> None:
        self.state = state
        self._changed()

    def next(self, way: int, found: Callable[[RowKey | None, SearchState], None]) -> None:
        """Look for the next hit (1), or the one before (-1); `found` is told its key, None where none is known."""
        hits, row = self._hits, self._pane.row
        if hits is None or row is None:
            found(None, self.state)
            return

        def look(pages: LogPages) -> tuple[RowKey | None, SearchState]:
            key = pages.hit(hits, row, way)
            self._at = key or self._at
            return key, hits.state(*key) if key is not None else hits.state()

        self._reading.ask(look, partial(self._found, found))

    def _found(
        self, told: Callable[[RowKey | None, SearchState], None], found: tuple[RowKey | None, SearchState]
    ) -> None:
        self._say(found[1])
        self._sought = found[0]
        told(*found)

    def show_matches(self, rows: Sequence[LogViewRow]) -> None:
        """Let what matches in these rows stand out."""
        pattern, look = self.pattern, self._pane.look
        if pattern is None or self._asked:
            return
        self._asked = True

        def match(_: LogPages) -> dict[RowKey, Sequence[Stretch]]:
            found = highlights(pattern, [shown_text(row, look).replace("\n", " ") for row in rows])
            return {row.key: stretches for row, stretches in zip(rows, found, strict=True)}

        self._reading.ask(match, partial(self._matched, pattern), self._looked)

    def _looked(self) -> None:
        self._asked = False

    def _matched(self, pattern: LogPattern, found: dict[RowKey, Sequence[Stretch]]) -> None:
        if pattern is self.pattern:
            self._pane.show_matches(found)
            self.reveal()

    def reveal(self) -> None:
        """Bring the hit that was gone to into view, where it stands far in its line."""
        row = self._pane.row
        if row is None or row.key != self._sought or (stretches := self._pane.stretches(row)) is None:
            return
        self._sought = None
        read = len(shown_text(replace(row, left_out=0), self._pane.look)) if row.left_out else None
        first = next((one for one in stretches if read is None or one[0] < read), None)
        if first is not None:
            self._pane.show_stretch(row, first)
            self._changed()
        elif row.left_out or len(row.text) >= LONG:
            self._told(f"the hit stands further in this line, of which {size(len(row.text))} are shown")
