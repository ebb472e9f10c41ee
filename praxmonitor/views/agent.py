"""One agent, full screen: its mail, its run's story, what it did, the end of its log."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from mailcore.model.fleet import AgentFacts
from mailcore.model.message import Message
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.scope import ACT, EVERYWHERE, MAIL, MOVE, REPLAY, VIEWS, Scope
from praxmonitor.state.snapshot import EMPTY, Snapshot
from praxmonitor.text.agents import bypasses
from praxmonitor.views.frame import Frame
from praxmonitor.views.reading import Reading
from praxmonitor.widgets.agent_story import Story
from praxmonitor.widgets.mail import Body, MailList


class AgentScreen(Screen[None]):
    """Mail at the left, story at the right; one above the other below 110 columns."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (VIEWS, MOVE, MAIL, ACT, EVERYWHERE, REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*SCOPES)]
    DEFAULT_CSS = """
    AgentScreen {
        background: $background; color: $ink;
        #panels { height: 1fr; }
        #letters { width: 1fr; height: 1fr; }
        #mail { height: 1fr; min-height: 4; }
        #body { height: 2fr; display: none; padding: 0 0 0 1; }
        #body.-open { display: block; }
        #story { width: 1fr; height: 1fr; padding: 0 0 0 1; }
        #mail, #body, #story {
            border-top: solid $rule; border-title-color: $muted; border-title-align: left;
        }
        #mail:focus, #body:focus, #story:focus { border-top: solid $accent; border-title-color: $ink-accent; }
        &.-narrow #panels { layout: vertical; }
        &.-narrow #letters, &.-narrow #story { width: 100%; }
        &.-narrow #story { height: 3fr; }
        &.-narrow #letters { height: 2fr; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._address = ""
        self.frame = Frame(self, self.SCOPES)
        self.reading = Reading(self, self._readable, self._show_reading)
        self.mail, self.body, self.story = MailList(), Body(), Story()
        self.body.lines.border_title = "message"

    def compose(self) -> ComposeResult:
        """Header, story beside mail, footer."""
        letters = Vertical(self.mail.lines, self.body.lines, id="letters")
        yield self.frame.header.lines
        yield self.frame.alarm_bar.lines
        yield Horizontal(self.story.lines, letters, id="panels")
        yield self.frame.keys.lines

    def turn_to(self, address: str) -> None:
        """Be about this agent from now on."""
        if address != self._address:
            self._address = address
            self.mail.lines.border_title = f"mail of {address}"
            self.body.lines.remove_class("-open")
            self.story.lines.jump(0)

    def on_mount(self) -> None:
        """The mail has the focus; follow the app."""
        self.mail.lines.focus()
        self.frame.follow(self.refresh_all)
        self.reading.begin(self.frame.app.opened.config.observe.sample)

    def on_screen_resume(self) -> None:
        """Catch up after another view was in front; where no agent was chosen yet, the first."""
        agents = self.frame.app.snapshot.fleet.agents
        if not self._address and agents:
            self.turn_to(agents[0].address)
        self.refresh_all()

    def on_resize(self) -> None:
        """The header is laid out for the width."""
        if self.is_mounted:
            self.call_after_refresh(self.refresh_all)

    @property
    def selected(self) -> str:
        """The agent that this screen is about."""
        return self._address

    @property
    def marked(self) -> tuple[str, ...]:
        """Nobody is marked here."""
        return ()

    def _readable(self) -> AgentFacts | None:
        """The agent; none of a recording, which has neither process nor log here."""
        app = self.frame.app
        return app.snapshot.fleet.find(self._address) if app.opened.playback is None else None

    def read_agent(self) -> None:
        """Read process, log and queue of the agent now."""
        self.reading.read()

    def refresh_all(self) -> None:
        """Draw the present snapshot, unless another full screen covers this one."""
        if not self.frame.in_front:
            return
        snapshot = self.frame.app.snapshot
        self.frame.show(self._address, self.message)
        if snapshot is not EMPTY:
            self.show_snapshot(snapshot)
            self.reading.follow(snapshot.fleet.find(self._address))

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Hand the snapshot down."""
        facts = snapshot.fleet.find(self._address)
        gone = "" if facts is not None else ": no longer in the registry; this is the last that was known"
        self.story.lines.border_title = self._address + gone
        if facts is None:
            return
        self.mail.show(facts.mailbox, snapshot.now)
        bypass = bypasses(facts, self.frame.app.opened.bypass)
        self.story.show(facts, snapshot.status(self._address), self.reading.of(self._address), snapshot.now, bypass)

    def _show_reading(self) -> None:
        self.show_snapshot(self.frame.app.snapshot)

    def step(self, way: str) -> None:
        """Move in the panel that has the focus; from the list, pages are those of the mail that is open."""
        if not self.mail.lines.has_focus:
            self.frame.step(way)
        elif way.startswith("page") and self.body.lines.has_class("-open"):
            self.body.lines.step(way)
        else:
            self.mail.step(way)

    def next_panel(self) -> None:
        """Focus the next panel."""
        self.focus_next()

    def on_mail_list_picked(self, event: MailList.Picked) -> None:
        """Another mail: if one is open, show this one instead."""
        if self.body.lines.has_class("-open"):
            self.body.show(event.message)

    def on_mail_list_opened(self) -> None:
        """A double click."""
        self.frame.app.action_do("read")

    @property
    def message(self) -> Message | None:
        """The mail under the cursor."""
        return self.mail.selected

    def open_message(self) -> None:
        """Show the text of the mail under the cursor."""
        self.body.show(self.mail.selected)
        self.body.lines.add_class("-open")

    def back(self) -> None:
        """Close the message, else the view."""
        if self.body.lines.has_class("-open"):
            self.body.lines.remove_class("-open")
            self.mail.lines.focus()
        else:
            self.frame.app.leave_view()
