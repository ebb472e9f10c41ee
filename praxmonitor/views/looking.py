"""What every screen that follows the app offers without acting on an agent: moving, sound, alarms, lists, leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.widget import Widget

from mailcore.model.agent import OPERATOR
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.table import BY_ID, EVERYWHERE, MOVE, REPLAY, why_disabled
from praxmonitor.state.snapshot import EMPTY
from praxmonitor.views.following import Following
from praxmonitor.widgets.footer import Keys
from praxmonitor.widgets.line_list import Lines


class Looking(Following):
    """A screen that follows the app and whose keys run the actions of the table."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(MOVE, EVERYWHERE, REPLAY)]

    def action_do(self, action_id: str) -> None:
        """Run one action of the table, or say why it cannot be run."""
        app = self.prax
        why = why_disabled(BY_ID[action_id], app.snapshot.fleet, self.selected, played=app.playback is not None)
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

    def do_acknowledge(self) -> None:
        """Take note of all alarms."""
        self._answer_all(snooze=False)

    def do_snooze(self) -> None:
        """Silence all alarms for a while."""
        self._answer_all(snooze=True)

    @work(group="alarms")
    async def _answer_all(self, *, snooze: bool) -> None:
        keys = [episode.alarm.key for episode in self.prax.notifier.unanswered()]
        if keys:
            await self.prax.answer_alarms(keys, snooze)
        else:
            self.notify("no alarm is waiting", markup=False)

    @work(group="alarms")
    async def do_alarms(self) -> None:
        """List the alarms."""
        from praxmonitor.views.alarms import AlarmsScreen

        app = self.prax
        screen = AlarmsScreen(
            lambda: (app.alarms, app.clock() if app.snapshot is not EMPTY else 0.0), app.answer_alarms
        )
        if address := await app.push_screen_wait(screen):
            self.show_agent(address)

    def do_pause(self) -> None:
        """Let the recording stand still, or go on."""
        if self.prax.playback is not None:
            self.prax.playback.pause()
            self.prax.show_playback()

    def do_faster(self) -> None:
        """Play twice as fast."""
        self._change_speed(2.0)

    def do_slower(self) -> None:
        """Play half as fast."""
        self._change_speed(0.5)

    def _change_speed(self, factor: float) -> None:
        if self.prax.playback is not None:
            self.prax.playback.change_speed(factor)
            self.prax.show_playback()

    def do_palette(self) -> None:
        """Open the command palette."""
        self.app.action_command_palette()

    def do_quit(self) -> None:
        """Leave."""
        self.app.exit()

    def do_suspend(self) -> None:
        """Back to the shell for a while."""
        self.app.action_suspend_process()

    def do_help(self) -> None:
        """List the keys."""
        from praxmonitor.dialogs.help import HelpScreen

        self.app.push_screen(HelpScreen(ends_agents=self.prax.ends_agents))

    def do_notices(self) -> None:
        """List what was said."""
        from praxmonitor.dialogs.notices import NoticesScreen

        self.app.push_screen(NoticesScreen(self.prax.notices))

    def do_inbox(self) -> None:
        """The operator's own mail."""
        self.show_agent(OPERATOR)

    def show_agent(self, address: str) -> None:
        """One agent, full screen."""
        self.prax.show_agent(address)
