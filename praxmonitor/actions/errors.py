"""What the operator does about an error: read it, have it looked at, say that it is over, mute it."""

from __future__ import annotations

from functools import partial

from mailcore.exceptions import UsageError
from mailcore.model.error_group import ErrorGroup, GroupState
from mailcore.text.units import seconds_in
from praxmonitor.actions.app_parts import LogTarget
from praxmonitor.actions.asking import ask, ask_reversible
from praxmonitor.actions.context import Context, ErrorList
from praxmonitor.state.mail import MailFolder
from praxmonitor.text.lines import cut, plain

MOST_ASKED = 120
"""Characters of a title in a question."""


def _chosen(context: Context[ErrorList]) -> ErrorGroup | None:
    """The group under the cursor; where none is, that is said."""
    group = context.view.chosen
    if group is None:
        context.display.notify("no error is chosen", severity="warning")
    return group


def open_error(context: Context[ErrorList]) -> None:
    """All of the chosen one; where that is read already, its agent."""
    if _chosen(context) is None:
        return
    if not context.view.whole:
        context.view.open_whole()
    elif context.view.selected:
        context.display.navigation.show_agent(context.view.selected)


def close_error(context: Context[ErrorList]) -> None:
    """Back to the list."""
    context.view.close_whole()


def toggle_settled(context: Context[ErrorList]) -> None:
    """Show what is muted or resolved too, or not."""
    context.view.toggle_settled()


async def investigate_error(context: Context[ErrorList]) -> None:
    """Say whom it would start and why; start that agent if the operator says yes."""
    from praxmonitor.actions import error_requests
    from praxmonitor.dialogs.confirm import ConfirmScreen
    from praxmonitor.text.error_lines import investigation_lines

    group, opened = _chosen(context), context.opened
    if group is None:
        return
    lines = partial(investigation_lines, group, context.snapshot.now)
    whom = plain(group.owner) or "its agent"
    question = ConfirmScreen(f"Start {whom} to look at it?", cut(plain(group.title), MOST_ASKED), lines, "Yes, start")
    if await context.display.push_screen_wait(question):
        await ask(context, error_requests.ask_to_investigate, opened.workspace, opened.config, group.fingerprint)


async def resolve_error(context: Context[ErrorList]) -> None:
    """Say in one line what was done; one that is resolved is not over after all."""
    from praxmonitor.actions import error_requests

    group, opened = _chosen(context), context.opened
    if group is None:
        return
    if group.state is GroupState.RESOLVED:
        reopen = partial(error_requests.ask_to_reopen, opened.workspace, group.fingerprint)
        await ask_reversible(context, reopen, "resolve_error", "resolve")
        return

    async def resolve(how: str) -> bool:
        act = partial(error_requests.ask_to_resolve, opened.workspace, group.fingerprint, how)
        return await ask_reversible(context, act, "resolve_error", "not over after all")

    context.view.write_line("resolved: what was done, in a word; enter takes it, esc back", resolve)


async def mute_error(context: Context[ErrorList]) -> None:
    """Ask for how long, and mute it; one that is muted is unmuted."""
    from praxmonitor.actions import error_requests

    group, opened = _chosen(context), context.opened
    if group is None:
        return
    if group.state_at(context.snapshot.now) is GroupState.MUTED:
        unmute = partial(error_requests.ask_to_unmute, opened.workspace, group.fingerprint)
        await ask_reversible(context, unmute, "mute_error", "mute")
        return

    async def mute(typed: str) -> bool:
        def act() -> str:
            return error_requests.ask_to_mute(opened.workspace, group.fingerprint, parse_minutes(typed))

        return await ask_reversible(context, act, "mute_error", "unmute")

    context.view.write_line("mute for how long: 30 (minutes), 2h, 3d; nothing: until you unmute it", mute)


def parse_minutes(typed: str) -> float:
    """Minutes of a length as people write it, of a bare number as many; 0.0 of nothing: no end. UsageError else."""
    if not typed.strip():
        return 0.0
    try:
        minutes = float(typed)
    except ValueError:
        seconds = seconds_in(typed)
        minutes = seconds / 60 if seconds is not None else -1.0
    if not 0 < minutes < 1_000_000:
        raise UsageError(f"no length: {plain(typed)!r}; 30 (minutes), 2h or 3d")
    return minutes


def open_error_log(context: Context[ErrorList]) -> None:
    """The log in which the newest event stands, at its first line; where that is not known, where its time is."""
    if (group := _chosen(context)) is not None:
        sample, target = group.sample, LogTarget(at=group.last_at)
        if sample is not None and sample.offset >= 0 and sample.path:
            target = LogTarget(sample.path, sample.offset)
        context.display.navigation.show_log(context.view.selected, target)


def open_error_mail(context: Context[ErrorList]) -> None:
    """The mail by which an agent was asked about it, in that agent's mailbox."""
    group = _chosen(context)
    if group is not None and not (group.message_id and group.owner):
        context.display.notify("nobody was asked about it by mail yet", severity="warning")
    elif group is not None:
        facts = context.snapshot.fleet.find(group.owner)
        letters = facts.mailbox.messages if facts is not None else ()
        is_open = any(group.message_id in (mail.id, mail.sent_id) for mail in letters)
        folder = MailFolder.IN if is_open else MailFolder.ARCHIVE
        context.display.navigation.show_letter(group.owner, folder, group.message_id)


def copy_error(context: Context[ErrorList]) -> None:
    """All of the chosen one to the clipboard."""
    if _chosen(context) is not None:
        context.terminal.copy(context.view.whole_text())
        context.display.notify("copied: the error")
