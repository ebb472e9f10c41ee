"""Errors that agents report, those that are one in one row: how often, who is asked, what was done about them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input

from mailcore.model.error_group import ErrorGroup
from mailcore.text import counted
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import ACT, ERRORS, EVERYWHERE, MOVE, REPLAY, VIEWS, Scope
from praxmonitor.state.error_listing import NO_PLACES, ErrorPlaces, listed
from praxmonitor.text.error_lines import NOTHING_HERE, group_line, whole_lines
from praxmonitor.text.error_looks import SETTLED, ErrorFilter, read_error_filter, tally_words
from praxmonitor.text.lines import Line, plain, wrap
from praxmonitor.views.frame import BESIDE, Frame
from praxmonitor.widgets.line_list import Lines
from praxmonitor.widgets.row_list import Row, RowList, marked
from praxmonitor.widgets.text_panel import TextPanel

FILTER_HINT = "text  !not  @name  state:new"


class ErrorsScreen(Screen[None]):
    """A head that counts, and the list; the whole of the chosen group takes its place, on a wide screen beside it."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (BESIDE, "-beside")]  # noqa: RUF012

    SCOPES: ClassVar[tuple[Scope, ...]] = (VIEWS, MOVE, ERRORS, ACT, EVERYWHERE, REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*SCOPES)]
    DEFAULT_CSS = """
    ErrorsScreen {
        background: $background; color: $ink;
        #summary { height: auto; max-height: 4; padding: 0 1; scrollbar-gutter: auto; }
        #panels { height: 1fr; }
        #groups { width: 3fr; height: 1fr; border-top: solid $rule; }
        #whole { width: 2fr; height: 1fr; padding: 0 1; border-top: solid $rule; border-left: vkey $rule; }
        #groups:focus, #whole:focus { border-top: solid $accent; }
        &.-narrow #whole { display: none; width: 100%; border-left: none; }
        &.-narrow.-whole #whole { display: block; }
        &.-narrow.-whole #groups { display: none; }
        #line { display: none; height: 1; border: none; padding: 0 1; background: $panel; color: $ink; }
        #line.-open { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.frame = Frame(self, self.SCOPES)
        self.summary = Lines(id="summary", resized=self._show_summary)
        self.summary.can_focus = False
        self.list = RowList("groups", picked=self._pick, opened=self._open)
        self.panel = TextPanel("whole")
        self._line = Input(id="line", compact=True)
        self._typed = ""
        """What was typed to see only some."""
        self._filter = ErrorFilter()
        self._submit: Callable[[str], Awaitable[bool]] | None = None
        """What the line is written for; None for the filter."""
        self._groups: tuple[ErrorGroup, ...] = ()
        """Those that are listed, in their order."""
        self._places: ErrorPlaces = NO_PLACES
        """Where they stood before."""
        self._lets_go = False
        """The chosen one is hidden like any other by what is drawn next; else it stays, whatever becomes of it."""
        self._hidden = 0
        """How many are not shown as they are muted or resolved."""

    def compose(self) -> ComposeResult:
        """Header, head, list and the whole of one, what is typed, footer."""
        panels = Horizontal(self.list.lines, self.panel.lines, id="panels")
        yield from self.frame.around(self.summary, panels, self._line)

    def on_mount(self) -> None:
        """Follow the app."""
        self.list.lines.focus()
        self.frame.follow(self._show)

    def on_screen_suspend(self) -> None:
        """Another view comes to the front: when this one comes back, its order is made anew."""
        if not self.app.screen.is_modal:
            self._places = NO_PLACES
            self._lets_go = not self.whole

    @property
    def chosen(self) -> ErrorGroup | None:
        """The group under the cursor."""
        place = self.list.index
        return self._groups[place] if place is not None else None

    @property
    def selected(self) -> str:
        """The agent that reported the newest event of the group under the cursor."""
        return next(iter(self.chosen.reporters), "") if self.chosen is not None else ""

    @property
    def marked(self) -> tuple[str, ...]:
        """Nobody is marked here."""
        return ()

    @property
    def whole(self) -> bool:
        """Whether all of the chosen group is what is read."""
        return self.has_class("-whole")

    def read_agent(self) -> None:
        """Nothing is read of an agent here."""

    def refresh_all(self) -> None:
        """Draw what is known now."""
        self.frame.refresh()

    def _show(self) -> None:
        fleet, now = self.frame.app.snapshot.fleet, self._now
        errors = fleet.errors
        groups = errors.groups if errors is not None else ()
        kept = "" if self._lets_go or self.chosen is None else self.chosen.fingerprint
        self._lets_go = False
        shown = [group for group in groups if group.fingerprint == kept or self._filter.shows(group, now)]
        settled = sum(group.state_at(now) in SETTLED for group in groups)
        self._hidden = settled - sum(group.state_at(now) in SETTLED for group in shown)
        self._groups, self._places = listed(shown, self._places, now, kept)
        rows = [Row((group.fingerprint,), marked(partial(self._draw, group))) for group in self._groups]
        known = self.frame.app.snapshot.now > 0
        self.list.show(rows if known else None, self._nothing if not rows else lambda _: [])
        if self.chosen is None or self.chosen.fingerprint != kept:
            self.close_whole()  # what was read is forgotten
        self._show_summary()
        self._show_chosen()

    @property
    def _now(self) -> float:
        return self.frame.app.snapshot.now

    def _draw(self, group: ErrorGroup, width: int) -> list[Line]:
        return [group_line(group, self._now, width)]

    def _nothing(self, width: int) -> list[Line]:
        """In words what would stand here."""
        errors = self.frame.app.snapshot.fleet.errors
        if errors is None and self.frame.opened.playback is not None:
            said: tuple[str, ...] = ("The recording tells of no errors.",)
        elif errors is not None and errors.groups:
            key = self.frame.app.keymap.first("settled_errors")
            all_shown = f"; {key} shows those that are muted or resolved" if self._hidden else ""
            typed = "; Esc drops the filter" if self._typed else ""
            said = (f"None of {counted(len(errors.groups), 'error')} is shown{all_shown}{typed}.",)
        elif errors is not None and errors.trouble:
            said = ("No error was read before that.",)
        else:
            said = NOTHING_HERE
        lines = [part for text in said for part in (wrap(text, max(10, width - 4)) if text else [""])]
        return [(), *(((f"  {part}", "muted"),) for part in lines)]

    def _show_summary(self) -> None:
        self.summary.set_lines(list(self._summary()) if self._now else [])

    def _summary(self) -> list[Line]:
        errors, app = self.frame.app.snapshot.fleet.errors, self.frame.app
        groups = errors.groups if errors is not None else ()
        found: list[Line] = []
        room = max(10, self.summary.line_width)
        if errors is not None and errors.trouble:
            found += [((part, "error"),) for part in wrap(plain(errors.trouble), room)]
        hidden = f"; {self._hidden} not shown ({app.keymap.first('settled_errors')})"
        warnings = errors.warnings if errors is not None else 0
        told = f"  {counted(warnings, 'warning')} besides" if warnings else ""
        found.append((
            (tally_words(groups, self._now), ""), (hidden if self._hidden else "", "muted"), (told, "faint"),
        ))  # fmt: skip
        if errors is not None and errors.breaker_at:
            found.append((("too many agents were asked at once: nobody is asked for now", "warn"),))
        if self._filter.trouble:
            found.append(((plain(self._filter.trouble), "warn"),))
        elif self._typed:
            found.append((("only ", "muted"), (plain(self._typed), "accent"), (" (Esc: all)", "muted")))
        return found

    def _show_chosen(self) -> None:
        """What the keys do, they do to the group under the cursor, and to its agent."""
        group, now = self.chosen, self._now
        respelled = self.frame.app.keymap.respelled
        self.panel.show(
            lambda width: [] if group is None else whole_lines(group, now, width, respelled)
        )  # the same lines paint nothing anew
        self.frame.show(self.selected)

    def _pick(self) -> None:
        """Another group: the list is what is moved in."""
        self.close_whole()
        self._show()

    def _open(self) -> None:
        self.frame.app.action_do("open_error")

    def select_group(self, fingerprint: str) -> None:
        """Choose this group, once the view is drawn; one that a filter hides is shown."""
        if fingerprint not in {group.fingerprint for group in self._groups}:
            self._typed = ""
            self._read_filter(settled=True)
        self.call_after_refresh(self._choose, fingerprint)

    def _choose(self, fingerprint: str) -> None:
        self.list.choose(fingerprint)
        self._show_chosen()

    def open_whole(self) -> None:
        """Let all of the chosen group be read, in the place of the list where there is no room for both."""
        if self.chosen is not None:
            self.add_class("-whole")
            self.call_after_refresh(self.panel.lines.focus)

    def close_whole(self) -> bool:
        """Back to the list; whether it was not there."""
        was = self.whole
        if was:
            self.remove_class("-whole")
            self.panel.lines.jump(0)
            self.call_after_refresh(self.list.lines.focus)
        return was

    def whole_text(self) -> str:
        """All of the chosen group, as text."""
        return "" if self.chosen is None else "\n".join(
            "".join(text for text, _ in line).rstrip() for line in whole_lines(self.chosen, self._now, 120)
        )  # fmt: skip

    def toggle_settled(self) -> None:
        """Show what is muted or resolved too, or not."""
        self._read_filter(settled=not self._filter.settled)

    def _read_filter(self, *, settled: bool) -> None:
        self._filter = read_error_filter(self._typed, settled=settled)
        self._lets_go = not self.whole
        self.frame.refresh()

    def open_filter(self) -> None:
        """Type what to show."""
        self._submit = None
        self._open_line(FILTER_HINT, self._typed)

    def write_line(self, what: str, submit: Callable[[str], Awaitable[bool]]) -> None:
        """Let one line be written at the bottom; Enter hands it to `submit`, which says whether it was taken."""
        self._submit = submit
        self._open_line(what, "")

    def _open_line(self, placeholder: str, value: str) -> None:
        self._line.placeholder = placeholder
        with self.prevent(Input.Changed):
            self._line.value = value
        self._line.add_class("-open")
        self._line.focus()

    def _close_line(self) -> None:
        self._submit = None
        self._line.remove_class("-open")
        (self.panel if self.whole else self.list).lines.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        if self._submit is None:
            self._typed = event.value.strip()
            self._read_filter(settled=self._filter.settled)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter; hand on what was written, which stays where it is refused."""
        if self._submit is None or await self._submit(event.value.strip()):
            self._close_line()

    def step(self, way: str) -> None:
        """Move in the panel that is read; from the list, pages are those of the whole where it stands beside."""
        if self.whole or (way.startswith("page") and self.has_class("-beside")):
            self.panel.lines.step(way)
        else:
            self.list.step(way)

    def next_panel(self) -> None:
        """From the list to the whole of one, and back."""
        if not self.close_whole():
            self.open_whole()

    def back(self) -> None:
        """Close the line that is written, then the whole, then the filter; else the view."""
        if self._line.has_class("-open"):
            if self._submit is None:
                self._line.value = ""
            self._close_line()
        elif self.close_whole():
            return
        elif self._typed:
            self._typed = ""
            self._read_filter(settled=self._filter.settled)
        else:
            self.frame.app.navigation.leave_view()
