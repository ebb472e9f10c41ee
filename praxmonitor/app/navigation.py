"""Which view is in front, and which were before it. Views stay: each is made when it is first wanted, and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from textual.app import App
from textual.screen import Screen

from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts
from praxmonitor.actions.context import View
from praxmonitor.actions.keymap import Keymap
from praxmonitor.actions.views import ViewName
from praxmonitor.state.agent_details import Section
from praxmonitor.views.agent import AgentScreen
from praxmonitor.views.fleet import FleetScreen

if TYPE_CHECKING:
    from praxmonitor.views.alarms import AlarmsScreen
    from praxmonitor.views.mail import MailScreen

MAKERS: dict[ViewName, Callable[[], Screen[None]]] = {ViewName.FLEET: FleetScreen, ViewName.AGENT: AgentScreen}


def _mail() -> Screen[None]:
    from praxmonitor.views.mail import MailScreen

    return MailScreen()


def _alarms() -> Screen[None]:
    from praxmonitor.views.alarms import AlarmsScreen

    return AlarmsScreen()


def _stream() -> Screen[None]:
    from praxmonitor.views.stream import StreamScreen

    return StreamScreen()


MAKERS |= {ViewName.MAIL: _mail, ViewName.STREAM: _stream, ViewName.ALARMS: _alarms}


class Navigation:
    """The views of one app."""

    def __init__(self, app: App[Any], keymap: Callable[[], Keymap]) -> None:
        """`keymap` says which keys hold when a view is made."""
        self._app, self._keymap = app, keymap
        self._order: list[ViewName] = [ViewName.FLEET]
        """Those that were shown, the one in front last, each once."""

    @property
    def current(self) -> ViewName:
        """The view in front, dialogs aside."""
        return self._order[-1]

    def view(self, name: ViewName) -> Screen[None]:
        """This view, made now if it never was. Installed, Textual keeps it when it is left."""
        if not self._app.is_screen_installed(name):
            made = MAKERS[name]()
            made._bindings = self._keymap().bound(made._bindings, cast("View", made).SCOPES)
            self._app.install_screen(made, name)
        return self._app.get_screen(name)

    def show_view(self, name: str) -> None:
        """Bring a view to the front. A dialog that is open stays what it is: then nothing changes."""
        name = ViewName(name)
        if self._app.screen.is_modal or name is self.current:
            return
        before = self.current
        self._order = [*(each for each in self._order if each is not name), name]
        # The fleet lies at the bottom: Textual can switch from no screen that it started with.
        if name is ViewName.FLEET:
            self._app.pop_screen()
        elif before is ViewName.FLEET:
            self._app.push_screen(self.view(name))
        else:
            self._app.switch_screen(self.view(name))

    def show_last_view(self) -> None:
        """Bring the view to the front that was there before this one."""
        if len(self._order) > 1:
            self.show_view(self._order[-2])

    def leave_view(self) -> None:
        """Out of the view in front, to the one before; the fleet is never left."""
        if self.current is not ViewName.FLEET:
            left = self.current
            self.show_view(self._order[-2])
            self._order = [left, *(each for each in self._order if each is not left)]

    def turn_to_agents(self, agents: Sequence[AgentFacts]) -> None:
        """Other agents are there, of another workspace: the view of one agent is about the first of them."""
        if self._app.is_screen_installed(ViewName.AGENT):
            cast("AgentScreen", self.view(ViewName.AGENT)).turn_to(agents[0].address if agents else "")

    def show_agent(self, address: str) -> None:
        """The view of one agent; the operator's is that of the own mail."""
        if address == OPERATOR:
            self.show_mail(OPERATOR)
            return
        cast("AgentScreen", self.view(ViewName.AGENT)).turn_to(address)
        self.show_view(ViewName.AGENT)

    def show_section(self, address: str, section: Section) -> None:
        """A section of the view of one agent; with no address, or the operator's, of the agent looked at last."""
        screen = cast("AgentScreen", self.view(ViewName.AGENT))
        if address not in ("", OPERATOR):
            screen.turn_to(address)
        screen.show_section(section)
        self.show_view(ViewName.AGENT)

    def select_agent(self, address: str) -> None:
        """This agent under the cursor of the fleet; in the view of one agent, and where a filter hides it, whole."""
        fleet = cast("FleetScreen", self.view(ViewName.FLEET))
        if self.current is ViewName.AGENT or not fleet.select_agent(address):
            self.show_agent(address)
        else:
            self.show_view(ViewName.FLEET)

    def show_message(self, message_id: str) -> None:
        """The operator's own mail, this message selected."""
        self.show_mail(OPERATOR)
        cast("MailScreen", self.view(ViewName.MAIL)).select_message(message_id)

    def show_alarm(self, key: str) -> None:
        """The alarms, the one of this key chosen."""
        self.show_view(ViewName.ALARMS)
        cast("AlarmsScreen", self.view(ViewName.ALARMS)).select_alarm(key)

    def show_mail(self, address: str) -> None:
        """The mail view, with the open mail of this agent."""
        cast("MailScreen", self.view(ViewName.MAIL)).turn_to(address)
        self.show_view(ViewName.MAIL)
