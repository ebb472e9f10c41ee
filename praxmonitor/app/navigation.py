"""Which view is in front, and which were before it. Views stay: each is made when it is first wanted, and kept; each
project that is open has its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from textual.app import App
from textual.screen import Screen

from mailcore.model.agent import OPERATOR
from praxmonitor.actions.app_parts import LogTarget
from praxmonitor.actions.context import View
from praxmonitor.actions.keymap import Keymap
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.actions.views import ViewName
from praxmonitor.state.agent_details import Section
from praxmonitor.state.mail import MailFolder
from praxmonitor.views.fleet import FleetScreen

if TYPE_CHECKING:
    from praxmonitor.views.agent import AgentScreen
    from praxmonitor.views.alarms import AlarmsScreen
    from praxmonitor.views.errors import ErrorsScreen
    from praxmonitor.views.log import LogScreen
    from praxmonitor.views.mail import MailScreen
    from praxmonitor.views.stream import StreamScreen

Made: TypeAlias = "FleetScreen | AgentScreen | MailScreen | StreamScreen | AlarmsScreen | LogScreen | ErrorsScreen"


def _agent() -> AgentScreen:
    from praxmonitor.views.agent import AgentScreen

    return AgentScreen()


def _mail() -> MailScreen:
    from praxmonitor.views.mail import MailScreen

    return MailScreen()


def _alarms() -> AlarmsScreen:
    from praxmonitor.views.alarms import AlarmsScreen

    return AlarmsScreen()


def _errors() -> ErrorsScreen:
    from praxmonitor.views.errors import ErrorsScreen

    return ErrorsScreen()


def _stream() -> StreamScreen:
    from praxmonitor.views.stream import StreamScreen

    return StreamScreen()


def _logs() -> LogScreen:
    from praxmonitor.views.log import LogScreen

    return LogScreen()


MAKERS: dict[ViewName, Callable[[], Made]] = {
    ViewName.FLEET: FleetScreen, ViewName.AGENT: _agent, ViewName.MAIL: _mail, ViewName.STREAM: _stream,
    ViewName.ALARMS: _alarms, ViewName.LOGS: _logs, ViewName.ERRORS: _errors,
}  # fmt: skip


class Navigation:
    """The views of one app."""

    def __init__(self, app: App[Any], keymap: Callable[[], Keymap], opened: Callable[[], OpenWorkspace]) -> None:
        """`keymap` says which keys hold when a view is made, `opened` of which workspace it is."""
        self._app, self._keymap, self._opened = app, keymap, opened
        self._made: list[Made] = []
        """Every view that there is by now."""
        self._project = 0
        """The place of the project that is shown, among those that are open."""
        self._order: list[ViewName] = [ViewName.FLEET]
        """Those that were shown, the one in front last, each once."""

    @property
    def current(self) -> ViewName:
        """The view in front, dialogs aside."""
        return self._order[-1]

    def view(self, name: ViewName) -> Screen[None]:
        """This view, of the project that is shown, made now if it never was. Installed, Textual keeps it when it is
        left."""
        installed = self._installed(name)
        if not self._app.is_screen_installed(installed):
            made = MAKERS[name]()
            made.frame.own = self._opened()
            self._made.append(made)
            self._bind(made)
            self._app.install_screen(made, installed)
        return self._app.get_screen(installed)

    def _bind(self, made: Made) -> None:
        made._bindings = self._keymap().bound(made._bindings, cast("View", made).SCOPES)

    def bind_anew(self) -> None:
        """Let the keys that hold now hold in the views that are made already, and be said."""
        for made in self._made:
            self._bind(made)
            made.frame.refresh()

    def _installed(self, name: ViewName) -> str:
        """What Textual calls it."""
        return f"{name}-{self._project}" if self._project else str(name)

    def show_view(self, name: str) -> None:
        """Bring a view to the front. A dialog that is open stays what it is: then nothing changes."""
        name = ViewName(name)
        if self._app.screen.is_modal or name is self.current:
            return
        before = self._installed(self.current)
        self._order = [*(each for each in self._order if each is not name), name]
        self._bring_to_front(before)

    def show_project(self, number: int) -> None:
        """Show the views of the project at this place, the same one in front."""
        before = self._installed(self.current)
        self._project = number
        self._bring_to_front(before)

    def _bring_to_front(self, before: str) -> None:
        """Show the current view in the place of the one of this name."""
        # The fleet that the screen began with lies at the bottom: Textual can switch from no such screen.
        if self._installed(self.current) == ViewName.FLEET:
            self._app.pop_screen()
        elif before == ViewName.FLEET:
            self._app.push_screen(self.view(self.current))
        else:
            self._app.switch_screen(self.view(self.current))

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

    def show_host(self, host: str) -> None:
        """The agents of that host alone."""
        self.show_view(ViewName.FLEET)
        cast("FleetScreen", self.view(ViewName.FLEET)).show_only(f"host:{host}")

    def show_message(self, message_id: str) -> None:
        """The operator's own mail, this message selected."""
        self.show_mail(OPERATOR)
        cast("MailScreen", self.view(ViewName.MAIL)).select_message(message_id)

    def show_alarm(self, key: str) -> None:
        """The alarms, the one of this key chosen."""
        self.show_view(ViewName.ALARMS)
        cast("AlarmsScreen", self.view(ViewName.ALARMS)).select_alarm(key)

    def show_error(self, fingerprint: str) -> None:
        """The errors, the group of this fingerprint chosen."""
        self.show_view(ViewName.ERRORS)
        cast("ErrorsScreen", self.view(ViewName.ERRORS)).select_group(fingerprint)

    def show_letter(self, owner: str, folder: MailFolder, message_id: str) -> None:
        """This list of an agent's mail, the message of this id open."""
        cast("MailScreen", self.view(ViewName.MAIL)).open_letter(owner, folder, message_id)
        self.show_view(ViewName.MAIL)

    def show_mail(self, address: str) -> None:
        """The mail view, with the open mail of this agent."""
        cast("MailScreen", self.view(ViewName.MAIL)).turn_to(address)
        self.show_view(ViewName.MAIL)

    def show_log(self, address: str, target: LogTarget | None = None) -> None:
        """The logs of this agent; with a target that line of them. With no address those looked at last."""
        if address not in ("", OPERATOR):
            cast("LogScreen", self.view(ViewName.LOGS)).turn_to(address, target)
        self.show_view(ViewName.LOGS)
