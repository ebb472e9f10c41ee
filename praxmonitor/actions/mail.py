"""What the operator does with the mail under the cursor."""

from __future__ import annotations

import asyncio
from functools import partial

from mailcore.exceptions import MailcoreError
from mailcore.hosts.names import joined
from mailcore.model.agent import OPERATOR
from mailcore.model.message import Message
from mailcore.text import plain as text_plain
from praxmonitor.actions import requests
from praxmonitor.actions.asking import answer, ask, unlocked
from praxmonitor.actions.context import Context, MailView, View
from praxmonitor.actions.mail_preconditions import too_late
from praxmonitor.text.lines import plain, sender


async def read(context: Context[MailView]) -> None:
    """Show the selected mail. The operator's own is marked opened; looking into another's changes nothing."""
    context.view.open_message()
    message, opened = context.view.message, context.opened
    if message is None or not message.unread or context.view.selected != OPERATOR or not opened.writable:
        return
    try:
        await asyncio.to_thread(requests.mark_opened, opened.workspace, message.id)
        await asyncio.to_thread(opened.note_presence)
    except (MailcoreError, OSError) as error:
        context.display.notify(plain(str(error)), title="not marked", severity="error")


def reply(context: Context[MailView]) -> None:
    """Answer the selected mail."""
    message, opened = context.view.message, context.opened
    if message is None or _asks_approval(context, message):
        return

    quoted = quoted_body(message)

    def send(_to: list[str], _subject: str, body: str) -> str:
        own = "" if body.strip() == quoted.strip() else body  # a quotation alone answers nothing
        return requests.reply(opened.workspace, opened.config, message.id, own.strip("\n"))

    subject = f"RE: {message.subject.removeprefix('RE: ')}"
    answer(context, "Reply", send, to=message.sender, subject=subject, body=quoted)


def quoted_body(message: Message) -> str:
    """Room for an answer, then who wrote what."""
    quoted = "\n".join(f"> {line}".rstrip() for line in text_plain(message.body).rstrip().splitlines())
    return f"\n\n{sender(message.sender)} wrote:\n{quoted}\n"


async def close(context: Context[MailView]) -> None:
    """Archive the selected mail."""
    message = context.view.message
    if message is not None and not _asks_approval(context, message):
        await ask(context, requests.close, context.opened.workspace, [message.id])


async def close_read(context: Context[MailView]) -> None:
    """Archive every mail that was read, if the operator says yes to their number; none that came since."""
    from praxmonitor.actions.confirm_texts import close_lines
    from praxmonitor.dialogs.confirm import ConfirmScreen

    facts = context.facts
    done = [m for m in facts.mailbox.messages if not m.unread and not m.undecided] if facts is not None else []
    if not done:
        context.display.notify("no mail here was read and waits for nothing", severity="warning")
        return
    question = f"Close {len(done)} mail{'s' if len(done) > 1 else ''} that you have read?"
    kept = "the archive keeps them; new and undecided mail stays open"
    lines = partial(close_lines, done, context.snapshot.now)
    if await context.display.push_screen_wait(ConfirmScreen(question, kept, lines, "Yes, close")):
        await ask(context, requests.close, context.opened.workspace, [message.id for message in done])


def _asks_approval(context: Context[MailView], message: Message) -> bool:
    """Whether neither an answer nor a close is what this mail wants; it is said then."""
    if message.undecided:
        waits = f"{sender(message.sender)} waits for your decision: approve (Y) or deny (N) it"
        why = too_late(message, context.snapshot.now) or waits
        context.display.notify(plain(why), severity="warning")
    return message.undecided


async def approve(context: Context[MailView]) -> None:
    """Grant what the selected mail asks for."""
    if context.view.message is not None:
        await ask_decision(context, context.view.message, "Approve", "approved")


async def deny(context: Context[MailView]) -> None:
    """Refuse what the selected mail asks for."""
    if context.view.message is not None:
        await ask_decision(context, context.view.message, "Deny", "denied")


async def ask_decision(context: Context[View], message: Message, title: str, decision: str) -> None:
    """Say `approved` or `denied` to a request, in a form with that title."""
    opened = context.opened
    if not message.awaits_decision(context.snapshot.now):
        why = too_late(message, context.snapshot.now) or "this mail asks for no approval"
        context.display.notify(plain(why), severity="warning")
        return
    if not await unlocked(context, message.tier):
        return

    facts = context.snapshot.fleet.find(message.sender)
    elsewhere = facts is not None and message in facts.remote_requests
    approver = joined(OPERATOR, facts.agent.host) if facts is not None and elsewhere else OPERATOR

    def submit(_to: list[str], _subject: str, why: str) -> str:
        return requests.decide(opened.workspace, opened.config, message.id, decision, why, approver)

    answer(context, title, submit, to=message.sender, subject=f"{decision.upper()}: {message.subject}")
