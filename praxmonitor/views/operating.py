"""What the operator can do from any screen that shows agents: the keys, the dialogs, the acts.

An act runs in a thread through mailcore. It says only "asked": what became of it shows when the files say so.

What asks first, and why. A kill: it cannot be undone. A retry and a wake: each is one small letter, each starts a
program that costs money, and a word typed in the wrong place (the filter, before its `/`) holds both letters; the
question says what the last run came to and used, and `y` answers it. A dispatch, a mail and a decision do not: their
form is the question. A hold does not: the same key takes it back. Closing the one mail under the cursor does not,
for the archive keeps it; closing many does, by their number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ClassVar, ParamSpec, TypeAlias

from textual import work
from textual.binding import BindingType

from mailcore.exceptions import MailcoreError
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts
from mailcore.text.units import UNKNOWN, clock_time
from praxmonitor.actions import kills, requests
from praxmonitor.actions.keymap import bindings
from praxmonitor.actions.table import ACT, busy
from praxmonitor.state.agent_details import WaitingStart
from praxmonitor.text.agents import bypasses, task
from praxmonitor.text.lines import Line, plain
from praxmonitor.views.looking import Looking

P = ParamSpec("P")
Submit: TypeAlias = Callable[[list[str], str, str], str]
"""(addresses, subject, body) → what was asked, for a notification. Raises MailcoreError."""


class Operating(Looking):
    """A screen that acts on the agent under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(ACT)]

    def do_compose(self) -> None:
        """Write a mail."""
        self.write("Mail", partial(requests.send, self.prax.workspace), to=self._addressee())

    def do_dispatch(self) -> None:
        """Give a task."""
        app = self.prax
        self.write("Dispatch", partial(requests.dispatch, app.workspace, app.config), to=self._addressee())

    def write(self, title: str, submit: Submit, *, to: str, subject: str = "", fixed: bool = False) -> None:
        """Open the form. `submit` runs in a thread when the operator sends."""
        from praxmonitor.dialogs.compose import ComposeScreen

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
        from praxmonitor.dialogs.confirm import victim_lines

        app, address = self.prax, self.selected
        facts = app.snapshot.fleet.find(address)
        if facts is None or facts.lock is None:
            return  # it ended just now
        try:
            victims = await asyncio.to_thread(kills.victims, app.workspace, address)
        except (MailcoreError, OSError) as error:
            self._refused(error)
            return
        began = f", since {clock_time(facts.run.started_at, never=UNKNOWN)}" if facts.run is not None else ""
        subject = f"{task(facts)}{began}"
        lines = partial(victim_lines, victims, app.clock())
        asked = f"Kill the run of {plain(address)}?"
        if await self.agreed(asked, subject, lines, "Yes, kill", ends=True) and await self.unlocked():
            await self.ask(kills.kill, app.workspace, app.config, address, facts.lock)

    @work(group="start")
    async def do_retry(self) -> None:
        """Start the agent's last run again, if the operator says yes: the one that the question shows."""
        app, facts = self.prax, self.prax.snapshot.fleet.find(self.selected)
        if facts is not None and await self._starts("retry", facts):
            await self.ask(requests.retry, app.workspace, app.config, facts.address, facts.run)

    @work(group="start")
    async def do_wake(self) -> None:
        """Start the agent without a task of its own, if the operator says yes."""
        app, facts = self.prax, self.prax.snapshot.fleet.find(self.selected)
        if facts is not None and await self._starts("wake", facts):
            await self.ask(requests.wake, app.workspace, app.config, facts.address)

    async def _starts(self, what: str, facts: AgentFacts) -> bool:
        """Whether the operator wants this agent started, having seen what that repeats and what it used."""
        from praxmonitor.actions.questions import start_lines, start_question

        app = self.prax
        lines = partial(start_lines, facts, app.snapshot.now, bypasses(facts, app.bypass))
        return await self.agreed(*start_question(what, facts), lines, "Yes, start")

    async def agreed(
        self, question: str, subject: str, lines: Callable[[int], list[Line]], yes: str, *, ends: bool = False
    ) -> bool:
        """Ask, from a worker; True for a clear yes. The parameters are the dialog's."""
        from praxmonitor.dialogs.confirm import ConfirmScreen

        return await self.app.push_screen_wait(ConfirmScreen(question, subject, lines, yes, ends=ends))

    async def unlocked(self, tier: int = 0) -> bool:
        """Whether what no agent may do may be done here, from a worker. Asks for the passphrase where one is wanted.

        `tier`: that of the approval that is to be decided, if it is one.
        """
        app = self.prax
        try:
            if not await asyncio.to_thread(requests.is_locked, app.workspace, app.config, tier):
                return True
        except (MailcoreError, OSError) as error:
            self._refused(error)
            return False
        from praxmonitor.dialogs.unlock import UnlockScreen

        return await app.push_screen_wait(UnlockScreen(partial(requests.prove, app.workspace)))

    @work(group="cancel")
    async def do_cancel(self) -> None:
        """List the starts that wait for the agent; the one that the operator picks is cancelled."""
        from praxmonitor.dialogs.waiting_starts import WaitingScreen

        app, address = self.prax, self.selected
        try:
            waiting = await asyncio.to_thread(requests.waiting, app.workspace, address)
        except (MailcoreError, OSError) as error:
            self._refused(error)
            return
        if not waiting:
            self.notify(f"no start waits for {plain(address)}", severity="warning", markup=False)
            return
        starts = [WaitingStart(entry.id, entry.at, entry.subject, entry.reason) for entry in waiting]
        if picked := await app.push_screen_wait(WaitingScreen(address, starts, app.clock())):
            await self.ask(requests.cancel, app.workspace, picked)
            self.read_details()

    @work(group="hold")
    async def do_hold(self) -> None:
        """Hold the agent; one that is shown as held is released."""
        app, address = self.prax, self.selected
        facts = app.snapshot.fleet.find(address)
        if facts is not None and facts.held:
            if not await self.unlocked():
                return
            await self.ask(requests.release, app.workspace, app.config, address)
        else:
            await self.ask(requests.hold, app.workspace, address)

    @work(group="kill")
    async def do_kill_all(self) -> None:
        """End every run, if the operator types the workspace's name."""
        from praxmonitor.dialogs.kill_all import KillAllScreen

        app = self.prax
        listed = busy(app.snapshot.fleet)
        if await app.push_screen_wait(KillAllScreen(app.workspace.root.name, listed)) and await self.unlocked():
            shown = {facts.address: facts.lock for facts in listed if facts.lock is not None}
            await self.ask(kills.kill_all, app.workspace, app.config, shown)

    @work(group="attach")
    async def do_attach(self) -> None:
        """Lend the terminal to the agent's own program, in its session."""
        from textual.app import SuspendNotSupported

        from mailcore.programs.base import exit_words
        from praxmonitor.actions.attach import attach

        app, address = self.prax, self.selected
        try:
            status = await attach(app, await asyncio.to_thread(requests.attachment, app.workspace, app.config, address))
        except (MailcoreError, OSError, SuspendNotSupported) as error:
            self._refused(error)
        else:
            self.notify(f"back from {address}'s session: {exit_words(status)}", markup=False)

    @work(group="copy")
    async def do_copy(self) -> None:
        """The story of the agent's run, as Markdown, to the clipboard."""
        address = self.selected
        try:
            told = await asyncio.to_thread(requests.story, self.prax.workspace, address)
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
