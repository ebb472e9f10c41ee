"""Which view is in front, and which were before it. Views stay: each is made when it is first wanted, and kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from textual.app import App
from textual.screen import Screen

from mailcore.model.agent import OPERATOR
from praxmonitor.actions.context import View
from praxmonitor.actions.keymap import Keymap
from praxmonitor.actions.views import ViewName
from praxmonitor.views.agent import AgentScreen
from praxmonitor.views.fleet import FleetScreen

MAKERS: dict[ViewName, Callable[[], Screen[None]]] = {ViewName.FLEET: FleetScreen, ViewName.AGENT: AgentScreen}


def _mail() -> Screen[None]:
    from praxmonitor.views.mail import MailScreen

    return MailScreen()


def _stream() -> Screen[None]:
    from praxmonitor.views.stream import StreamScreen

    return StreamScreen()


MAKERS |= {ViewName.MAIL: _mail, ViewName.STREAM: _stream}


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

    def show(self, name: ViewName) -> None:
        """Bring a view to the front. A dialog that is open stays what it is: then nothing changes."""
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

    def show_last(self) -> None:
        """Bring the view to the front that was there before this one."""
        if len(self._order) > 1:
            self.show(self._order[-2])

    def leave(self) -> None:
        """Out of the view in front, to the one before; the fleet is never left."""
        if self.current is not ViewName.FLEET:
            left = self.current
            self.show(self._order[-2])
            self._order = [left, *(each for each in self._order if each is not left)]

    def show_agent(self, address: str) -> None:
        """The view of one agent; the operator's is that of the own mail."""
        if address == OPERATOR:
            self.show(ViewName.MAIL)
            return
        cast("AgentScreen", self.view(ViewName.AGENT)).turn_to(address)
        self.show(ViewName.AGENT)
