"""The logs of one agent, full screen: all of them in the order of time, or one file of any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input

from mailcore.exceptions import UsageError
from mailcore.model.agent import Agent
from mailcore.model.log import LogSource
from praxmonitor.actions.app_parts import Display, LogTarget
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import ACT, EVERYWHERE, LOGS, MOVE, REPLAY, VIEWS, Scope
from praxmonitor.state.log_open import ListedLog, open_log
from praxmonitor.state.log_signs import legend, shown_name, signs_of
from praxmonitor.state.snapshot import EMPTY
from praxmonitor.text.ansi_roles import colour_spans
from praxmonitor.text.lines import plain
from praxmonitor.text.log_lines import Times
from praxmonitor.text.log_places import HOW, typed_place
from praxmonitor.text.log_status import LogStatus, status_line
from praxmonitor.views.frame import Frame
from praxmonitor.views.log_choices import LogChoice, LogChoices, log_options
from praxmonitor.views.log_reading import LogList, failure
from praxmonitor.views.open_log import OpenLog
from praxmonitor.widgets.line_list import Lines
from praxmonitor.widgets.log_pane import LogPane

FILES_PERIOD = 0.25
"""Seconds between two looks at the files that are shown, while they are in front: a look is a few calls of stat."""
LISTED_FROM = 200
"""Columns from which on the agents and their logs are listed beside the log."""
SIDEWAYS = 20
"""Cells by which a key moves the view sideways."""


class LogScreen(Screen[None]):
    """A line that says which log, where in it the cursor stands and how it goes on; and its lines."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (LISTED_FROM, "-beside")]  # noqa: RUF012
    SCOPES: ClassVar[tuple[Scope, ...]] = (VIEWS, MOVE, LOGS, ACT, EVERYWHERE, REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*SCOPES)]
    DEFAULT_CSS = """
    LogScreen {
        background: $background; color: $ink;
        #said { height: 1; }
        #both { height: 1fr; }
        #choices { width: 52; height: 1fr; display: none; border-top: solid $rule; border-title-color: $muted;
            border-title-align: left; border-right: vkey $rule; }
        #choices:focus { border-top: solid $accent; }
        &.-beside #choices { display: block; }
        #log { width: 1fr; height: 1fr; border-top: solid $rule; border-title-color: $muted; border-title-align: left;
            overflow: hidden hidden; scrollbar-gutter: auto; }
        #log:focus { border-top: solid $accent; }
        #typed { display: none; height: 1; border: none; padding: 0 1; background: $panel; color: $ink; }
        #typed.-open { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.frame = Frame(self, self.SCOPES)
        self.said = Lines(id="said", classes="bar", resized=self._say)
        self.said.can_focus = False
        self.log_shown = OpenLog(self, self._say, self._tell)
        self.pane = self.log_shown.pane
        self.choices = LogChoices(self, self._choose)
        self._typed = Input(id="typed", compact=True)
        self._submit: Callable[[str], None] = lambda _: None
        """What is done with what is typed."""
        self._address = ""
        self._wanted = ""
        """Path of the log that is wanted; empty: all of the agent's."""
        self._target: LogTarget | None = None
        """The line that the cursor is to go to, once that log is open."""
        self._logs: tuple[ListedLog, ...] = ()
        """Those that there are, the one that was written last first."""
        self._listed_at = 0.0
        self._list = LogList(lambda: self.frame.opened.workspace)

    def compose(self) -> ComposeResult:
        """Header, what is shown, log, what is typed, footer."""
        yield from self.frame.around(
            self.said, Horizontal(self.choices.list.lines, self.pane.lines, id="both"), self._typed
        )

    def on_mount(self) -> None:
        """Follow the app."""
        self.pane.lines.focus()
        self.frame.follow(self._draw)
        self.set_interval(FILES_PERIOD, self._look)

    def on_unmount(self) -> None:
        """Let go of the files."""
        self.log_shown.reading.close()

    @property
    def selected(self) -> str:
        """The agent whose logs are shown."""
        return self._address

    @property
    def marked(self) -> tuple[str, ...]:
        """No agent is marked here."""
        return ()

    def read_agent(self) -> None:
        """Its logs are followed anyway."""

    def turn_to(self, address: str, target: LogTarget | None = None) -> None:
        """Show all logs of this agent from now on; where a line is meant, that one. Nothing hides it: no level is left
        out, and nothing is searched for any more."""
        if address == self._address and target is None and self.log_shown.sources:
            self.choose_log("")
            return
        self._address, self._target = address, target
        self.log_shown.hide_nothing()
        self._wanted = target.path if target is not None else ""
        self.log_shown.sources = ()
        self._listed_at = 0.0
        if self.is_mounted:
            self._list_logs()

    def _agent(self) -> Agent | None:
        """Whose logs can be read; nobody's of a recording."""
        facts = self.frame.app.snapshot.fleet.find(self._address)
        return facts.agent if facts is not None and self.frame.opened.playback is None else None

    def _draw(self) -> None:
        snapshot = self.frame.app.snapshot
        if snapshot is not EMPTY:
            if not self._address and snapshot.fleet.agents:
                self._address = snapshot.fleet.agents[0].address
            if not self._listed_at:
                self._list_logs()
            self._show_choices()
        self._say()
        self._show_keys()

    def _show_keys(self) -> None:
        self.frame.searched = self.searched
        self.frame.show(self.selected)

    def on_resize(self) -> None:
        """The list beside the log may have room by now."""
        self.call_after_refresh(self._show_choices)

    def _show_choices(self) -> None:
        if self.choices.list.lines.display:  # else nobody sees it, and it is made anew at each moment for nobody
            self.choices.show(self.frame.app.snapshot, self._logs, LogChoice(self._address, self._wanted))

    def _look(self) -> None:
        if self.frame.in_front:
            now = self.frame.opened.clock()
            self.log_shown.look(now)
            if self._listed_at and not 0 <= now - self._listed_at < self._list.period:
                self._list_logs()

    def _list_logs(self) -> None:
        """Look which logs there are, and open what is wanted of them."""
        self._listed_at = self.frame.opened.clock() or 1.0
        agent = self._agent()
        if agent is None:
            recorded = self.frame.opened.playback is not None
            self.log_shown.show_nothing(
                "a recording holds no logs: open the workspace itself" if recorded else "there is no agent to read of"
            )
        else:
            self.run_worker(partial(self._read_list, agent), thread=True, exclusive=True, group="logs")

    def _read_list(self, agent: Agent) -> None:
        try:
            logs = self._list.read(agent)
        except Exception as error:  # as of the reading of a log: the view stays
            self.app.call_from_thread(self.log_shown.failed, f"its logs cannot be listed: {failure(error)}")
        else:
            self.app.call_from_thread(self._take_list, agent, logs)

    def _take_list(self, agent: Agent, logs: tuple[ListedLog, ...]) -> None:
        if agent.address != self._address or not self.is_mounted:
            return
        self._logs = logs
        self._show_choices()
        sources = self._sources()
        wanted = tuple(source for source in sources if source.path == self._wanted) or sources
        shown = {source.path for source in self.log_shown.sources}
        new = not shown >= {source.path for source in wanted}
        if not logs:
            self.log_shown.show_nothing(self._list.nothing(agent, self.frame.opened.clock()))
        elif not shown:
            self._open(agent, wanted)
        elif new and len(shown) > 1:
            self.log_shown.add(wanted)
            self._tell_apart(wanted)
        elif new:
            row = self.log_shown.row
            if row is not None and not self.pane.follows:
                self._target = LogTarget(row.source.path, row.offset)
            self._open(agent, wanted)

    def _sources(self) -> tuple[LogSource, ...]:
        """Those of the logs that there are, in an order that stays: of what is of one time the first comes first."""
        return tuple(sorted((each.source for each in self._logs), key=lambda source: source.path))

    def _open(self, agent: Agent, sources: tuple[LogSource, ...]) -> None:
        self.pane.draw_as(times=Times.COLUMN if len(sources) > 1 else Times.WRITTEN, column=0)
        self._tell_apart(sources)
        target, self._target = self._target, None
        self.log_shown.turn_to(sources, partial(open_log, sources, agent), target)
        self._say()

    def _tell_apart(self, sources: tuple[LogSource, ...]) -> None:
        """Give each of several a sign."""
        several = len(sources) > 1
        self.pane.draw_as(signs=signs_of(sources) if several else {})
        self.pane.lines.border_title = legend(sources) if several else ""

    def on_log_pane_wanted(self, event: LogPane.Wanted) -> None:
        """More rows than are held come near."""
        self.log_shown.read_more(event.way)

    def on_log_pane_moved(self) -> None:
        """Another row is under the cursor."""
        self.log_shown.moved()

    def _say(self) -> None:
        """Which log, where in it, and how it goes on."""
        shown = self.log_shown
        name = shown_name(shown.sources, str(self.frame.opened.workspace.root))
        search = shown.search
        status = LogStatus(
            self._address, name, shown.position if shown.row is not None else None, shown.level,
            self.pane.follows and bool(shown.sources), shown.waiting, shown.rate, shown.trouble, self.pane.look,
            search.pattern.text if search.pattern is not None else "", replace(search.state, number=search.number),
        )  # fmt: skip
        self.said.set_lines([status_line(status, self.said.line_width)])

    def step(self, way: str) -> None:
        """Move in the log, or in the list beside it."""
        if self.choices.has_focus:
            self.choices.list.step(way)
        else:
            self.log_shown.step(way)

    def follow(self) -> None:
        """Go to the end and on with it; again: stay here."""
        self.log_shown.follow()

    def turn_level(self) -> None:
        """All lines, warnings and errors, errors alone."""
        self.log_shown.turn_level()

    def next_error(self, way: int) -> None:
        """To the next error, or the one before."""
        self.log_shown.next_error(way)

    @property
    def searched(self) -> bool:
        """Something is searched for."""
        return self.log_shown.search.pattern is not None

    def type_search(self) -> None:
        """Type what to search for."""
        pattern = self.log_shown.search.pattern
        self._type("search: a regular expression; its case counts if it has a capital", self._search,
                   pattern.text if pattern is not None else "")  # fmt: skip

    def _search(self, typed: str) -> None:
        self._close_typed()
        try:
            self.log_shown.search_for(typed)
        except UsageError as error:
            self._tell(plain(str(error)))
        self._show_keys()

    def next_hit(self, way: int) -> None:
        """To the next hit, or the one before."""
        self.log_shown.next_hit(way)

    def on_log_pane_unmatched(self, event: LogPane.Unmatched) -> None:
        """What is searched for may stand in rows that came into view."""
        self.log_shown.search.show_matches(event.rows)

    async def chosen_lines(self) -> Sequence[str]:
        """The lines that are to be copied, as they are shown."""
        lines = await self.log_shown.chosen_lines()
        return ["".join(text for text, _ in colour_spans(line)) for line in lines]

    async def place(self) -> tuple[Path, int] | None:
        """File and line of the one under the cursor."""
        return await self.log_shown.place()

    def mark(self) -> None:
        """Mark the line under the cursor, or do so no more."""
        self.log_shown.mark()

    def toggle_wrap(self) -> None:
        """Break long lines, or no more."""
        self.pane.draw_as(wrap=not self.pane.look.wrap, column=0)
        self._say()

    def turn_times(self) -> None:
        """Times as written, in a column, or left out."""
        modes = list(Times)
        self.pane.draw_as(times=modes[(modes.index(self.pane.look.times) + 1) % len(modes)])
        self._say()

    def sideways(self, way: int) -> None:
        """Move the view to the right (1) or left (-1), where lines are not broken."""
        if not self.pane.look.wrap:
            self.pane.draw_as(column=max(0, self.pane.look.column + way * SIDEWAYS))
            self._say()

    def type_place(self) -> None:
        """Type a line, a share or a time to go to."""
        self._type(f"go to {HOW}", self._go_to)

    def _go_to(self, typed: str) -> None:
        place = typed_place(typed, self.frame.opened.clock())
        if place is not None:
            self.log_shown.go_to(place, self._close_typed)
        elif typed.strip():
            self._tell(f"{plain(typed.strip())!r} is no place: {HOW}")
        else:
            self._close_typed()

    def _tell(self, text: str) -> None:
        self.app.notify(text, severity="warning")

    def _type(self, hint: str, submit: Callable[[str], None], text: str = "") -> None:
        self._submit = submit
        self._typed.placeholder, self._typed.value = hint, text
        self._typed.add_class("-open")
        self.set_focus(self._typed)

    def _close_typed(self) -> None:
        self._typed.remove_class("-open")
        self.pane.lines.focus()

    def on_input_submitted(self) -> None:
        """What was typed is wanted; a place that is none stays, to be mended."""
        self._submit(self._typed.value)

    def next_panel(self) -> None:
        """The next log of the agent; after the last all of them."""
        paths = ["", *(each.source.path for each in self._logs)] if len(self._logs) > 1 else [""]
        now = self._wanted if self._wanted in paths else ""
        self.choose_log(paths[(paths.index(now) + 1) % len(paths)])

    def choose_log(self, path: str) -> None:
        """Show this log of the agent; empty: all of them."""
        agent = self._agent()
        self._wanted = path
        sources = tuple(source for source in self._sources() if path in ("", source.path))
        if agent is not None and sources and sources != self.log_shown.sources:
            self._open(agent, sources)

    async def choose(self, display: Display) -> None:
        """Let the operator choose another log, or another agent's: beside the log, where that has room, else in a list
        of its own."""
        if self.choices.list.lines.display:
            (self.pane.lines if self.choices.has_focus else self.choices.list.lines).focus()
            return
        from praxmonitor.dialogs.choose import ChooseScreen

        shown = LogChoice(self._address, self._wanted)
        options = list(log_options(self.frame.app.snapshot, self._logs, shown))
        if options:
            choices, draws = zip(*options, strict=True)
            hint = "enter show it   j k another   esc back"
            at = choices.index(shown) if shown in choices else 0
            picked = await display.push_screen_wait(ChooseScreen("Which logs?", draws, hint, at))
            if picked >= 0:
                self._choose(choices[picked])

    def _choose(self, choice: LogChoice) -> None:
        if choice.address == self._address:
            self.choose_log(choice.path)
        else:
            self.turn_to(choice.address, LogTarget(choice.path) if choice.path else None)

    def back(self) -> None:
        """Close what is typed; from the list back to the log; drop the search; else the view before."""
        if self._typed.has_class("-open"):
            self._close_typed()
        elif self.choices.has_focus:
            self.pane.lines.focus()
        elif self.searched:
            self._search("")
        else:
            self.frame.app.navigation.leave_view()
