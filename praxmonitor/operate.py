"""What the operator can do from any screen that shows agents: the keys, the dialogs, the acts.

An act runs in a thread through mailcore. It says only "asked": what became of it shows when the files say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ClassVar, ParamSpec, TypeAlias

from textual import work
from textual.binding import BindingType
from textual.widget import Widget

from mailcore.errors import MailcoreError
from mailcore.model.agent import OPERATOR
from praxmonitor import acts
from praxmonitor.actions import ACT, BY_ID, EVERYWHERE, MOVE, REPLAY, busy, why_disabled
from praxmonitor.follow import Following
from praxmonitor.keymap import bindings
from praxmonitor.present import clock, plain, task
from praxmonitor.widgets.keys import Keys
from praxmonitor.widgets.lines import Lines

P = ParamSpec("P")
Submit: TypeAlias = Callable[[list[str], str, str], str]
"""(addresses, subject, body) → what was asked, for a notification. Raises MailcoreError."""


class Operating(Following):
    """A screen that follows the app and acts on the agent under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(MOVE, ACT, EVERYWHERE, REPLAY)]

    def action_do(self, action_id: str) -> None:
        """Run one action of the table, or say why it cannot be run."""
        app = self.prax
        why = why_disabled(BY_ID[action_id], app.moment.fleet, self.selected, played=app.playback is not None)
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
        keys = [episode.alarm.key for episode in self.prax.sentry.unanswered()]
        if keys:
            await self.prax.answer_alarms(keys, snooze)
        else:
            self.notify("no alarm is waiting", markup=False)

    @work(group="alarms")
    async def do_alarms(self) -> None:
        """List the alarms."""
        from praxmonitor.screens.alarms import AlarmsScreen

        app = self.prax
        screen = AlarmsScreen(lambda: (app.alarms, app.clock()), app.answer_alarms)
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

        def submitted(addresses: list[str], subject: str, body: str) -> str:
            asked = submit(addresses, subject, body)
            self.prax.note_presence()
            return asked

        self.app.push_screen(ComposeScreen(title, submitted, to=to, subject=subject, fixed=fixed))

    def _addressee(self) -> str:
        return "" if self.selected == OPERATOR else self.selected

    @work(group="kill")
    async def do_kill(self) -> None:
        """Show what would be ended; end it if the operator says yes."""
        from praxmonitor.screens.confirm import ConfirmScreen

        app, address = self.prax, self.selected
        facts = app.moment.fleet.find(address)
        if facts is None or facts.lock is None:
            return  # it ended just now
        try:
            victims = await asyncio.to_thread(acts.victims, app.workspace, address)
        except (MailcoreError, OSError) as error:
            self._refused(error)
            return
        began = f", since {clock(facts.run.started_at)}" if facts.run is not None else ""
        subject = f"{task(facts)}{began}"
        question = ConfirmScreen(f"Kill the run of {plain(address)}?", subject, victims, app.clock())
        if await app.push_screen_wait(question):
            await self.ask(acts.kill, app.workspace, app.config, address, facts.lock)

    @work(group="retry")
    async def do_retry(self) -> None:
        """Start the agent's last run again."""
        await self.ask(acts.retry, self.prax.workspace, self.prax.config, self.selected)

    @work(group="wake")
    async def do_wake(self) -> None:
        """Start the agent without a task of its own."""
        await self.ask(acts.wake, self.prax.workspace, self.prax.config, self.selected)

    @work(group="hold")
    async def do_hold(self) -> None:
        """Hold the agent; one that is shown as held is released."""
        app, address = self.prax, self.selected
        facts = app.moment.fleet.find(address)
        if facts is not None and facts.held:
            await self.ask(acts.release, app.workspace, app.config, address)
        else:
            await self.ask(acts.hold, app.workspace, address)

    @work(group="kill")
    async def do_kill_all(self) -> None:
        """End every run, if the operator types the workspace's name."""
        from praxmonitor.screens.kill_all import KillAllScreen

        app = self.prax
        listed = busy(app.moment.fleet)
        if await app.push_screen_wait(KillAllScreen(app.workspace.root.name, listed)):
            shown = {facts.address: facts.lock for facts in listed if facts.lock is not None}
            await self.ask(acts.kill_all, app.workspace, app.config, shown)

    @work(group="attach")
    async def do_attach(self) -> None:
        """Lend the terminal to the agent's own program, in its session."""
        from textual.app import SuspendNotSupported

        from mailcore.programs.base import exit_words
        from praxmonitor.attach import attach

        app, address = self.prax, self.selected
        try:
            status = await attach(app, await asyncio.to_thread(acts.attachment, app.workspace, app.config, address))
        except (MailcoreError, OSError, SuspendNotSupported) as error:
            self._refused(error)
        else:
            self.notify(f"back from {address}'s session: {exit_words(status)}", markup=False)

    @work(group="copy")
    async def do_copy(self) -> None:
        """The story of the agent's run, as Markdown, to the clipboard."""
        address = self.selected
        try:
            told = await asyncio.to_thread(acts.story, self.prax.workspace, address)
        except (MailcoreError, OSError) as error:
            self._refused(error)
        else:
            self.app.copy_to_clipboard(told)
            self.notify(f"copied: the story of {address}'s run, as Markdown", markup=False)

    async def ask(self, act: Callable[P, str], *args: P.args, **kwargs: P.kwargs) -> None:
        """Run an act in a thread and say that it was asked for, or why it was refused."""
        try:
            asked = await asyncio.to_thread(act, *args, **kwargs)
        except (MailcoreError, OSError) as error:
            self._refused(error)
        else:
            self.notify(f"asked: {plain(asked)}", markup=False)
            await asyncio.to_thread(self.prax.note_presence)

    def _refused(self, error: Exception) -> None:
        self.notify(plain(str(error)), title="not done", severity="error", markup=False, timeout=12)
