"""What the operator does with the agent under the cursor, or with those that are marked, and with all that run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from msgspec import structs

from mailcore.model.agent import OPERATOR, SESSION_SIGN
from mailcore.model.fleet import AgentFacts
from mailcore.text.units import UNKNOWN_TIME, clock_time
from praxmonitor.actions import kills, requests
from praxmonitor.actions.asking import ask, refused, result_of, unlocked
from praxmonitor.actions.composing import begin
from praxmonitor.actions.context import Context, MailboxView, View
from praxmonitor.actions.preconditions import (
    Precondition,
    background_job,
    busy,
    fit_for,
    holdable,
    runs,
    startable,
    startable_again,
)
from praxmonitor.actions.several import of_each
from praxmonitor.state.agent_details import WaitingStart
from praxmonitor.text.agents import bypasses, task
from praxmonitor.text.letters import Letter
from praxmonitor.text.lines import plain


def compose(context: Context[View]) -> None:
    """Write a mail."""
    begin(context, "Mail", Letter(_other_party(context.view) or _addressees(context)))


def dispatch(context: Context[View]) -> None:
    """Give a task."""
    begin(context, "Dispatch", Letter(_addressees(context), is_task=True))


def _other_party(view: View) -> str:
    """With whom the mail under the cursor of the mail view was exchanged; empty where there is none."""
    entry = view.entry if isinstance(view, MailboxView) else None
    if entry is None:
        return ""
    message = entry.message
    sent = entry.sent or message.sender == OPERATOR
    parties = (message.recipient, message.sender) if sent else (message.sender, message.recipient)
    return next((address for address in parties if address != OPERATOR), "")


def _addressees(context: Context[View]) -> str:
    return " ".join(one for one in context.targets if one != OPERATOR and not one.startswith(SESSION_SIGN))


def _fit(context: Context[View], condition: Precondition) -> list[AgentFacts]:
    """What is shown of the agents that an act is meant for and can take: the marked ones, else the selected one."""
    found = (context.snapshot.fleet.find(address) for address in fit_for(context.situation, condition, ""))
    return [facts for facts in found if facts is not None]


async def kill(context: Context[View]) -> None:
    """Show what would be ended; end it if the operator says yes."""
    from praxmonitor.actions.confirm_texts import victim_lines
    from praxmonitor.dialogs.confirm import ConfirmScreen

    opened = context.opened
    if context.view.marked:
        await _kill_marked(context)
        return
    facts = context.facts
    if facts is None or facts.lock is None:
        return  # it ended just now
    victims = await result_of(context, kills.victims, opened.workspace, facts.address)
    if victims is None:
        return
    began = f", since {clock_time(facts.run.started_at, never=UNKNOWN_TIME)}" if facts.run is not None else ""
    other = "not the run of this alarm, a later one: " if context.situation.earlier_run else ""
    subject = f"{other}{task(facts)}{began}"
    lines = partial(victim_lines, victims, opened.clock(), host=facts.agent.host)
    question = ConfirmScreen(f"Kill the run of {plain(facts.address)}?", subject, lines, "Yes, kill", ends=True)
    if await context.display.push_screen_wait(question) and await unlocked(context):
        await ask(context, kills.kill, opened.workspace, opened.config, facts.address, facts.lock)


async def _kill_marked(context: Context[View]) -> None:
    """List the runs of the marked agents in one question; end them if the operator says yes."""
    from praxmonitor.actions.confirm_texts import agent_lines
    from praxmonitor.dialogs.confirm import ConfirmScreen

    opened = context.opened
    shown = {facts.address: facts.lock for facts in _fit(context, runs) if facts.lock is not None}
    if not shown:
        return  # they ended just now
    listed = partial(agent_lines, [facts for facts in _fit(context, runs) if facts.address in shown])
    number = f"{len(shown)} runs" if len(shown) > 1 else "1 run"
    question = ConfirmScreen(
        f"Kill {number} of the marked agents?", _left_alone(context, len(shown)), listed, "Yes, kill", ends=True
    )
    if await context.display.push_screen_wait(question) and await unlocked(context):
        await _ask_each(
            context, tuple(shown),
            lambda address: kills.kill(opened.workspace, opened.config, address, shown[address]),
        )  # fmt: skip


async def _ask_each(context: Context[View], addresses: Sequence[str], act: Callable[[str], str]) -> None:
    """Do it for each of these; once it was asked for, they are marked no more."""
    if await ask(context, of_each, addresses, act):
        context.drop_marks()


def _left_alone(context: Context[View], taken: int) -> str:
    """Of how many marked agents an act takes none."""
    rest = len(context.view.marked) - taken
    return f"{rest} other{'s' if rest > 1 else ''} of those marked cannot be asked for it now" if rest else ""


async def kill_all(context: Context[View]) -> None:
    """End every run, if the operator types the workspace's name."""
    from praxmonitor.dialogs.kill_all import KillAllScreen

    opened, listed = context.opened, busy(context.snapshot.fleet)
    question = KillAllScreen(opened.workspace.root.name, listed)
    if await context.display.push_screen_wait(question) and await unlocked(context):
        shown = {facts.address: facts.lock for facts in listed if facts.lock is not None}
        await ask(context, kills.kill_all, opened.workspace, opened.config, shown)


async def retry(context: Context[View]) -> None:
    """Start the agent's last run again, if the operator says yes: the one that the question shows. On an alarm of an
    earlier run, that one."""
    opened, facts, earlier = context.opened, context.facts, context.situation.earlier_run
    if earlier and facts is not None:
        run = await result_of(context, requests.run_of, opened.workspace, earlier)
        if run is not None and await _starts(context, "retry", [structs.replace(facts, run=run)], earlier):
            await ask(context, requests.retry_earlier, opened.workspace, opened.config, run)
        return
    chosen = {facts.address: facts for facts in _fit(context, startable_again)}
    if chosen and await _starts(context, "retry", list(chosen.values())):
        await _ask_each(
            context, tuple(chosen),
            lambda address: requests.retry(opened.workspace, opened.config, address, chosen[address].run),
        )  # fmt: skip


async def move(context: Context[View]) -> None:
    """Do the agent's last task in another program, or for another account, which the operator picks from a list."""
    from praxmonitor.dialogs.choose import ChooseScreen
    from praxmonitor.widgets.row_list import text_row

    opened, facts = context.opened, context.facts
    if facts is None:
        return
    found = await result_of(context, requests.elsewhere, opened.workspace, opened.config, facts.address)
    if found == []:
        text = "no other program is on PATH, and config.toml names no other account"
        context.display.notify(text, severity="warning")
    if not found:
        return
    question = f"Where is {facts.address} to do its task? {task(facts)}"
    options = [text_row(label) for label, _ in found]
    picked = await context.display.push_screen_wait(
        ChooseScreen(question, options, "enter begin it there   j k another   esc back")
    )
    if picked >= 0 and await unlocked(context):
        how = found[picked][1]
        await ask(context, requests.retry_elsewhere, opened.workspace, opened.config, facts.address, facts.run, how)


async def wake(context: Context[View]) -> None:
    """Start the agent without a task of its own, if the operator says yes."""
    opened, chosen = context.opened, _fit(context, startable)
    if chosen and await _starts(context, "wake", chosen):
        addresses = tuple(facts.address for facts in chosen)
        await _ask_each(context, addresses, partial(requests.wake, opened.workspace, opened.config))


async def _starts(context: Context[View], what: str, chosen: list[AgentFacts], earlier: str = "") -> bool:
    """Whether the operator wants these agents started, having seen what that repeats and what it used.

    `earlier`: the id of the run that is repeated, if it is not the last of its agent.
    """
    from praxmonitor.actions.confirm_texts import agent_lines, start_lines, start_question
    from praxmonitor.dialogs.confirm import ConfirmScreen

    facts = chosen[0]
    if len(chosen) == 1:
        lines = partial(start_lines, facts, context.snapshot.now, bypasses(facts, context.opened.bypass))
        asked, subject = start_question(what, facts, earlier)
        goes_on = what == "retry" and facts.run is not None and facts.run.parked
    else:
        lines, goes_on = partial(agent_lines, chosen), False
        number = len(chosen)
        asked = f"Run the last tasks of {number} agents again?" if what == "retry" else f"Wake {number} agents?"
        subject = _left_alone(context, len(chosen))
    question = ConfirmScreen(asked, subject, lines, "Yes, go on" if goes_on else "Yes, start")
    return await context.display.push_screen_wait(question)


async def cancel(context: Context[View]) -> None:
    """List the starts that wait for the agent; the one that the operator picks is cancelled."""
    from praxmonitor.dialogs.choose import ChooseScreen
    from praxmonitor.widgets.detail import start_lines

    opened, address = context.opened, context.view.selected
    waiting = await result_of(context, requests.waiting, opened.workspace, address)
    if waiting == []:
        context.display.notify(f"no start waits for {plain(address)}", severity="warning")
    if not waiting:
        return
    starts = (WaitingStart(entry.id, entry.at, entry.subject, entry.reason) for entry in waiting)
    options = [partial(start_lines, start, opened.clock()) for start in starts]
    question = ChooseScreen(
        f"Cancel which start of {address}?", options, "enter cancel it   j k another   esc back; its mail stays"
    )
    picked = await context.display.push_screen_wait(question)
    if picked >= 0:
        await ask(context, requests.cancel, opened.workspace, waiting[picked].id)
        context.view.read_agent()


async def hold(context: Context[View]) -> None:
    """Hold the agent; one that is shown as held is released. Of several those are held that are not yet; where all are,
    all are released."""
    opened, chosen = context.opened, _fit(context, holdable)
    free = tuple(facts.address for facts in chosen if not facts.held)
    held = tuple(facts.address for facts in chosen if facts.held)
    if free:
        await _ask_each(context, free, partial(requests.hold, opened.workspace))
    elif held and await unlocked(context):
        await _ask_each(context, held, partial(requests.release, opened.workspace, opened.config))


async def attach(context: Context[View]) -> None:
    """Lend the terminal to the agent's own program, in its session."""
    from textual.app import SuspendNotSupported

    from mailcore.programs.base import exit_words
    from praxmonitor.actions.lending import BY_SIGNAL, lend

    opened, address = context.opened, context.view.selected
    facts = context.facts
    if facts is not None and facts.agent.is_session:
        found = await result_of(context, requests.stray_attachment, opened.workspace, opened.config, facts)
    elif facts is not None and (job := background_job(facts)) is not None:
        found = await result_of(context, requests.join_attachment, opened.workspace, opened.config, address, job)
    else:
        found = await result_of(context, requests.attachment, opened.workspace, opened.config, address)
    if found is None:
        return
    try:
        status = await lend(
            context.terminal,
            found.argv,
            directory=found.directory,
            environment=found.environment,
            said=f"{found.address}'s session; leave it to come back to PraxMonitor",
            held=True,
        )
    except (OSError, SuspendNotSupported) as error:
        refused(context, error)
    else:
        how = plain(shlex.join((found.argv[0].rpartition("/")[2], *found.argv[1:])))
        check = f"; it ran {how} in {plain(str(found.directory))}" if 0 < status < BY_SIGNAL else ""
        severity: Literal["information", "warning"] = "warning" if check else "information"
        context.display.notify(f"back from {address}'s session: {exit_words(status)}{check}", severity=severity)


async def copy(context: Context[View]) -> None:
    """The story of the agent's run, as Markdown, to the clipboard."""
    address = context.view.selected
    told = await result_of(context, requests.story, context.opened.workspace, address)
    if told is not None:
        context.terminal.copy(told)
        context.display.notify(f"copied: the story of {address}'s run, as Markdown")
