"""Everything that happens, full screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import EVERYWHERE, MOVE, REPLAY, STREAM, VIEWS, Scope
from praxmonitor.state.snapshot import EMPTY
from praxmonitor.views.frame import Frame
from praxmonitor.widgets.stream import Stream


class StreamScreen(Screen[None]):
    """The stream of the fleet."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (VIEWS, MOVE, STREAM, EVERYWHERE, REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*SCOPES)]
    DEFAULT_CSS = """
    StreamScreen {
        background: $background; color: $ink;
        #stream { height: 1fr; border-top: solid $rule; border-title-color: $muted; border-title-align: left; }
        #stream:focus { border-top: solid $accent; border-title-color: $ink-accent; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.frame = Frame(self, self.SCOPES)
        self.stream = Stream()
        self.stream.lines.border_title = "stream"

    def compose(self) -> ComposeResult:
        """Header, stream, footer."""
        yield self.frame.header.lines
        yield self.frame.projects.lines
        yield self.frame.alarm_bar.lines
        yield self.stream.lines
        yield self.frame.keys.lines

    def on_mount(self) -> None:
        """Follow the app."""
        self.stream.lines.focus()
        self.frame.follow(self.refresh_all)

    def on_screen_resume(self) -> None:
        """Catch up after another view was in front."""
        self.refresh_all()

    def on_resize(self) -> None:
        """The header is laid out for the width."""
        if self.is_mounted:
            self.call_after_refresh(self.refresh_all)

    @property
    def selected(self) -> str:
        """No agent is under the cursor."""
        return ""

    @property
    def marked(self) -> tuple[str, ...]:
        """Nobody is marked here."""
        return ()

    def read_agent(self) -> None:
        """Nothing is read of an agent here."""

    def refresh_all(self) -> None:
        """Draw the present snapshot, unless another full screen covers this one."""
        if not self.frame.in_front:
            return
        self.frame.show("")
        if (snapshot := self.frame.app.snapshot) is not EMPTY:
            self.stream.show(snapshot.fleet.stream)

    def step(self, way: str) -> None:
        """Move in the stream."""
        self.stream.lines.step(way)

    def next_panel(self) -> None:
        """There is one panel."""

    def back(self) -> None:
        """Back to the view before."""
        self.frame.app.leave_view()
