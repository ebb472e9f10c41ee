"""Everything that happens, full screen: filtered, frozen, and back over hours as the files tell it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Input

from mailcore.model.activity import Activity
from mailcore.observe.stream_history import HistoryPage
from mailcore.text.units import clock_time, since
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import EVERYWHERE, MOVE, REPLAY, STREAM, VIEWS, Scope
from praxmonitor.state.snapshot import EMPTY
from praxmonitor.state.stream_pages import StreamPages
from praxmonitor.text.activity_filter import ActivityFilter, read_filter
from praxmonitor.text.activity_rows import ActivityRow, activity_rows
from praxmonitor.text.lines import Line, Span, plain
from praxmonitor.views.frame import Frame
from praxmonitor.views.history_reading import HistoryReading
from praxmonitor.widgets.activity_list import ActivityList
from praxmonitor.widgets.line_list import Lines

SEARCHED = 43_200.0
"""Seconds before now to which a filter, or a time in which nothing happened, is read back by itself."""


class StreamScreen(Screen[None]):
    """The stream of the fleet; a line above it says what of it is shown."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (VIEWS, MOVE, STREAM, EVERYWHERE, REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*SCOPES)]
    DEFAULT_CSS = """
    StreamScreen {
        background: $background; color: $ink;
        #said { height: 1; }
        #stream { height: 1fr; border-top: solid $rule; }
        #stream:focus { border-top: solid $accent; }
        #filter { display: none; height: 1; border: none; padding: 0 1; background: $panel; color: $ink; }
        #filter.-open { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.frame = Frame(self, self.SCOPES)
        self.stream = ActivityList(moved=self._say)
        self.said = Lines(id="said", classes="bar")
        self.said.can_focus = False
        self._input = Input(placeholder="text  !not  @name  kind:tool  level:error", id="filter", compact=True)
        self._filter = ActivityFilter()
        self._rows: tuple[ActivityRow, ...] = ()
        """As they are shown."""
        self._shown: tuple[Activity, ...] = ()
        """What they were made of, by the present filter."""
        self._pages = StreamPages()
        self._history = HistoryReading(self, self._take)
        self._latest: tuple[Activity, ...] | None = None
        """The fleet's stream as it was seen last."""
        self._target = 0.0
        """The moment that the cursor is to go to, once it is read; 0.0: none."""
        self._searching = False
        """Older pages are read until what matches fills the screen."""
        self._frozen = False
        self._missed = 0
        """What happened since it was frozen."""

    def compose(self) -> ComposeResult:
        """Header, what is shown, stream, footer."""
        yield from self.frame.around(self.said, self.stream.lines, self._input)

    def on_mount(self) -> None:
        """Follow the app."""
        self.stream.lines.focus()
        self.frame.follow(self._draw)

    @property
    def selected(self) -> str:
        """The agent of what is under the cursor."""
        activity = self.stream.selected
        return activity.agent if activity is not None else ""

    @property
    def activity(self) -> Activity | None:
        """What is under the cursor."""
        return self.stream.selected

    @property
    def log_at(self) -> float:
        """The time at which the logs of the agent are opened: that of what is under the cursor."""
        activity = self.stream.selected
        return activity.at if activity is not None else 0.0

    @property
    def marked(self) -> tuple[str, ...]:
        """Nobody is marked here."""
        return ()

    def read_agent(self) -> None:
        """Nothing is read of an agent here."""

    def _draw(self) -> None:
        snapshot = self.frame.app.snapshot
        stream = snapshot.fleet.stream
        if snapshot is not EMPTY and stream is not self._latest:
            self._latest = stream
            came = self._pages.follow(stream)
            if self._frozen:
                self._missed += came
            else:
                self._show()
        self._say()
        self.frame.show(self.selected)

    def _show(self) -> None:
        nothing: Line = (("nothing that matches" if not self._filter.shows_all else "nothing happened yet", "faint"),)
        held, known = self._pages.activities, len(self._shown)
        if known and len(held) >= known and held[0] is self._shown[0] and held[known - 1] is self._shown[-1]:
            self._rows += activity_rows(self._filter.each(held[known:]))  # of 20,000 that are held a few are new
        else:
            self._rows = activity_rows(self._filter.each(held))
        self._shown = held
        self.stream.show(self._rows, nothing, self.frame.app.snapshot.host_names)

    def _read_older(self, back_to: float = 0.0) -> None:
        """Read the page before what is held, unless one is being read, or none is left."""
        app = self.frame.app
        if self.frame.opened.playback is not None or self._history.reads:
            return
        begin, end = self._pages.wanted(app.snapshot.now, back_to)
        if end:
            self._history.read(self.frame.opened, begin, end, self._filter.matches)
        self._say()

    def _take(self, page: HistoryPage, end: float) -> None:
        """A page was read."""
        now = self.frame.app.snapshot.now
        self._pages.add(page.activities, page.begin, end, now, older=page.older)
        self._show()
        reached = bool(self._target) and self._pages.begin <= self._target
        if reached:
            self.stream.go_to(self._target)
            self._target = 0.0
        few = len(self._rows) < self.stream.lines.line_count
        self._searching = self._searching and few and self._pages.begin > now - SEARCHED
        if self._searching or self._target or not (page.activities or reached or self._pages.begin <= now - SEARCHED):
            self._read_older(self._target)
        self._say()

    def go_back(self, seconds: float) -> None:
        """Put the cursor on what happened so long ago; it is read, if it is not held."""
        at = self.frame.app.snapshot.now - seconds
        if (self._pages.begin and self._pages.begin <= at) or self.frame.opened.playback is not None:
            self.stream.go_to(at)
        else:
            self._target = at
            self._read_older(at)

    def on_activity_list_older_wanted(self) -> None:
        """Up from the oldest: read on."""
        self._read_older()

    def on_activity_list_followed(self) -> None:
        """Back at the end: nothing of what was read back stays in memory."""
        if self._pages.begin and not self._searching and not self._target and self._filter.shows_all:
            self._history.drop()
            self._pages.forget()
            self._show()
            self._say()

    def _say(self) -> None:
        parts: list[Line] = []
        if not self._filter.shows_all:
            parts.append((("only ", "muted"), (plain(self._input.value.strip()), "accent"), (" (Esc: all)", "muted")))
        if self._filter.trouble:
            parts.append(((plain(self._filter.trouble), "warn"),))
        if self._frozen:
            goes_on = self.frame.app.keymap.first("freeze")
            parts.append(((f"paused, not live: {self._missed} came since ({goes_on} goes on)", "warn"),))
        elif not self.stream.follows and (chosen := self.stream.selected) is not None:
            ago, newest = since(chosen.at, self.frame.app.snapshot.now), self.frame.app.keymap.first("last")
            parts.append(((f"{ago} ago · not live · {newest}: now", "warn"),))
        parts.append((self._how_far(),))
        said = [span for number, part in enumerate(parts) for span in ((" · " if number else " ", "faint"), *part)]
        self.said.set_lines([tuple(said)])

    def _how_far(self) -> Span:
        """How far back what is shown goes."""
        if self._history.reads:
            return f"reading… before {clock_time(self._pages.begin or self.frame.app.snapshot.now)}", "accent"
        if self._history.trouble:
            return f"older: {plain(self._history.trouble)}", "warn"
        return self._pages.words(self.frame.app.snapshot.now), "muted"

    def freeze(self) -> None:
        """Let what is shown stand still while things happen; again: catch up and go on."""
        self._frozen = not self._frozen
        self._missed = 0
        if not self._frozen:
            self._show()
        self._say()

    def open_filter(self) -> None:
        """Type what to show."""
        self._input.add_class("-open")
        self._input.focus()

    def on_input_changed(self) -> None:
        """Filter as it is typed."""
        self._filter = read_filter(self._input.value)
        self._history.drop()
        self._pages.forget()
        self._shown = ()
        self._target, self._searching = 0.0, False
        self._show()
        self._say()

    def on_input_submitted(self) -> None:
        """Keep the filter, back to the stream."""
        self._input.remove_class("-open")
        self.stream.lines.focus()
        self._searching = not self._filter.shows_all and len(self._rows) < self.stream.lines.line_count
        if self._searching:
            self._read_older()

    def on_activity_list_chosen(self) -> None:
        """A double click."""
        self.frame.app.action_do("open_source")

    def step(self, way: str) -> None:
        """Move in the stream."""
        self.stream.step(way)
        self.frame.show(self.selected)

    def next_panel(self) -> None:
        """There is one panel."""

    def back(self) -> None:
        """Drop the filter, else go on where it was frozen; else back to the view before."""
        if self._input.value or self._input.has_class("-open"):
            self._input.value = ""
            self._input.remove_class("-open")
            self.stream.lines.focus()
        elif self._frozen:
            self.freeze()
        else:
            self.frame.app.navigation.leave_view()
