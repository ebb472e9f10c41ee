"""What the operator can do from any screen that shows agents: the keys, the dialogs, the acts.

An act runs in a thread through mailcore. It says only "asked": what became of it shows when the files say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ClassVar, ParamSpec, TypeAlias, cast

from textual import work
from textual.binding import BindingType
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from mailcore.errors import MailcoreError
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts
from praxmonitor import acts
from praxmonitor.actions import ACT, ACTIONS, BY_ID, EVERYWHERE, FLEET, MAIL, MOVE, why_disabled
from praxmonitor.glance import Reader
from praxmonitor.keymap import bindings
from praxmonitor.moment import EMPTY, Moment
from praxmonitor.present import clock, plain, task
from praxmonitor.widgets.detail import Glance
from praxmonitor.widgets.header import Header, header_line
from praxmonitor.widgets.keys import Hint, Keys
from praxmonitor.widgets.lines import Lines

if TYPE_CHECKING:
    from praxmonitor.app import PraxApp

SETTLE = 0.08
"""Seconds that a selection stands before its process and log are read: a key held down reads nothing."""

P = ParamSpec("P")
Submit: TypeAlias = Callable[[list[str], str, str], str]
"""(addresses, subject, body) → what was asked, for a notification. Raises MailcoreError."""


class Operating(Screen[None]):
    """A screen with a header, a footer and one agent under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(MOVE, ACT, EVERYWHERE)]
    DEFAULT_CSS = """
    Operating { background: $background; color: $foreground; }
    """
    SCOPES: ClassVar[tuple[str, ...]] = ()
    """Scopes of actions that this screen adds to those that every screen has."""

    def __init__(self) -> None:
        super().__init__()
        self.glance: Glance | None = None
        """The last reading of the agent in view."""
        # Held, not looked up: a reading may come in while the screen is taken down, child by child.
        self._header, self._keys = Header(), Keys()
        self._reader = Reader()
        self._settle: Timer | None = None
        self._read_of: AgentFacts | None = None

    @property
    def prax(self) -> PraxApp:
        """The app, by its own type."""
        return cast("PraxApp", self.app)

    @property
    def selected(self) -> str:
        """Address of the agent under the cursor; empty for none."""
        raise NotImplementedError

    def show_moment(self, moment: Moment) -> None:
        """Draw this moment."""
        raise NotImplementedError

    def show_glance(self) -> None:
        """Draw `self.glance`, which was just read."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Follow the app."""
        self.watch(self.app, "moment", self.refresh_all)
        self.watch(self.app, "hearing", self.refresh_all, init=False)
        self.set_interval(max(0.5, self.prax.config.observe.sample), self.read_glance)

    def on_screen_resume(self) -> None:
        """Catch up after another screen was on top."""
        self.refresh_all()

    def refresh_all(self) -> None:
        """Draw the present moment, unless another full screen covers this one."""
        top = next((screen for screen in reversed(self.app.screen_stack) if not screen.is_modal), self)
        if top is not self or not self.is_mounted:
            return
        moment = self.prax.moment
        self.show_frame()
        if moment is EMPTY:
            return
        self.show_moment(moment)
        facts = moment.fleet.find(self.selected)
        if facts is not self._read_of:
            self.settle_on(facts)

    def show_frame(self) -> None:
        """Header and footer."""
        app, moment = self.prax, self.prax.moment
        operator = moment.fleet.operator
        line = header_line(
            app.workspace.root.name,
            moment.statuses,
            operator.mailbox if operator else None,
            app.hearing,
            moment.now or app.clock(),
            app.size.width,
        )
        self._header.show(line, app.notes)
        scopes = (MAIL, ACT, FLEET, EVERYWHERE)
        mine = (*self.SCOPES, ACT, EVERYWHERE)
        offered = [a for a in ACTIONS if a.footer and a.scope in mine]
        offered.sort(key=lambda action: scopes.index(action.scope))
        selected = self.selected
        self._keys.show(Hint(a.id, a.keys[0], a.label, bool(why_disabled(a, moment.fleet, selected))) for a in offered)

    def on_resize(self) -> None:
        """The header is laid out for the width."""
        if self.is_mounted:
            self.call_after_refresh(self.refresh_all)

    def settle_on(self, facts: AgentFacts | None) -> None:
        """Read process and log of this agent as soon as the cursor rests."""
        self._read_of = facts
        if self._settle is not None:
            self._settle.stop()
        self._settle = self.set_timer(SETTLE, self.read_glance)

    def read_glance(self) -> None:
        """Read process and log of the agent in view, in a thread."""
        facts = self.prax.moment.fleet.find(self.selected)
        if facts is not None and self.is_current:
            self._read(facts)

    @work(thread=True, exclusive=True, group="glance")
    def _read(self, facts: AgentFacts) -> None:
        self.app.call_from_thread(self._take_glance, self._reader.read(facts))

    def _take_glance(self, glance: Glance) -> None:
        if glance.address == self.selected and self.is_mounted:
            self.glance = glance
            self.show_glance()

    # The keys -------------------------------------------------------------------------------------------------------

    def action_do(self, action_id: str) -> None:
        """Run one action of the table, or say why it cannot be run."""
        why = why_disabled(BY_ID[action_id], self.prax.moment.fleet, self.selected)
        if why:
            self.notify(why, severity="warning", markup=False)
            return
        run: Callable[[], object] | None = getattr(self, f"do_{action_id}", None)
        if run is not None:
            run()
        else:
            self.step(action_id)

    def on_keys_pressed(self, event: Keys.Pressed) -> None:
        """A click in the footer."""
        self.action_do(event.action)

    def step(self, way: str) -> None:
        """Move in the panel that has the focus."""
        panel = self.focused
        if isinstance(panel, Lines):
            panel.step(way)

    def do_panel(self) -> Widget | None:
        """Focus the next panel."""
        return self.focus_next()

    def do_mute(self) -> None:
        """All sound off, or on again."""
        self.prax.mute()

    def do_palette(self) -> None:
        """Open the command palette."""
        self.app.action_command_palette()

    def do_quit(self) -> None:
        """Leave."""
        self.app.exit()

    def do_help(self) -> None:
        """List the keys."""
        from praxmonitor.screens.help import HelpScreen

        self.app.push_screen(HelpScreen())

    def do_inbox(self) -> None:
        """The operator's own mail."""
        self.show_agent(OPERATOR)

    def show_agent(self, address: str) -> None:
        """One agent, full screen."""
        from praxmonitor.screens.agent import AgentScreen

        self.app.push_screen(AgentScreen(address))

    def do_compose(self) -> None:
        """Write a mail."""
        self.write("Mail", partial(acts.send, self.prax.workspace), to=self._addressee())

    def do_dispatch(self) -> None:
        """Give a task."""
        app = self.prax
        self.write("Dispatch", partial(acts.dispatch, app.workspace, app.config), to=self._addressee())

    def write(self, title: str, submit: Submit, *, to: str, subject: str = "", fixed: bool = False) -> None:
        """Open the form. `submit` runs in a thread when the operator sends."""
        from praxmonitor.screens.compose import ComposeScreen

        self.app.push_screen(ComposeScreen(title, submit, to=to, subject=subject, fixed=fixed))

    def _addressee(self) -> str:
        return "" if self.selected == OPERATOR else self.selected

    @work(group="kill")
    async def do_kill(self) -> None:
        """Show what would be ended; end it if the operator says yes."""
        from praxmonitor.screens.confirm import ConfirmScreen

        app, address = self.prax, self.selected
        facts = app.moment.fleet.find(address)
        try:
            victims = await asyncio.to_thread(acts.victims, app.workspace, address)
        except (MailcoreError, OSError) as error:
            self._refused(error)
            return
        began = f", since {clock(facts.run.started_at)}" if facts is not None and facts.run is not None else ""
        subject = f"{task(facts) if facts is not None else ''}{began}"
        question = ConfirmScreen(f"Kill the run of {plain(address)}?", subject, victims, app.clock())
        if await app.push_screen_wait(question):
            await self.ask(acts.kill, app.workspace, app.config, address)

    @work(group="retry")
    async def do_retry(self) -> None:
        """Start the agent's last run again."""
        await self.ask(acts.retry, self.prax.workspace, self.prax.config, self.selected)

    async def ask(self, act: Callable[P, str], *args: P.args, **kwargs: P.kwargs) -> None:
        """Run an act in a thread and say that it was asked for, or why it was refused."""
        try:
            asked = await asyncio.to_thread(act, *args, **kwargs)
        except (MailcoreError, OSError) as error:
            self._refused(error)
        else:
            self.notify(f"asked: {plain(asked)}", markup=False)

    def _refused(self, error: Exception) -> None:
        self.notify(plain(str(error)), title="not done", severity="error", markup=False, timeout=12)
