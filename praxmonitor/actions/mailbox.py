"""What the operator does in the mail view: mailboxes, threads, search, and the acts that want one line."""

from __future__ import annotations

from functools import partial

from mailcore.model.agent import OPERATOR
from praxmonitor.actions import mail_requests, requests
from praxmonitor.actions.asking import ask, taken, write
from praxmonitor.actions.context import Context, MailboxView, View
from praxmonitor.actions.mail import quoted_body
from praxmonitor.text.lines import plain

OUTCOMES = ("done", "blocked", "declined", "acknowledged")
_MEANS = {
    "done": "done: you say the result; it is closed",
    "blocked": "blocked: you say what it waits for; it stays open",
    "declined": "declined: you say why; it is closed",
    "acknowledged": "acknowledged: you take it on; nothing more is asked",
}


def next_folder(context: Context[MailboxView]) -> None:
    """The list after this one: In, Sent, Waiting, Archive."""
    context.view.turn_folder(1)


def previous_folder(context: Context[MailboxView]) -> None:
    """The list before this one."""
    context.view.turn_folder(-1)


async def choose_owner(context: Context[MailboxView]) -> None:
    """Ask whose mail is to be listed."""
    from praxmonitor.dialogs.choose import ChooseScreen
    from praxmonitor.widgets.row_list import text_row

    fleet = context.snapshot.fleet
    everyone = [facts for facts in (fleet.operator, *fleet.agents) if facts is not None]
    options = [
        text_row(f"{facts.address}  {facts.mailbox.open} open, {facts.mailbox.unread} new") for facts in everyone
    ]
    hint = "j k choose    enter looks at it (nothing becomes read)    esc back"
    place = await context.display.push_screen_wait(ChooseScreen("Whose mail?", options, hint))
    if place >= 0:
        context.view.turn_to(everyone[place].address)


def show_mailbox(context: Context[View]) -> None:
    """The mail of the selected agent, in the mail view."""
    context.display.navigation.show_mail(context.view.selected)


def toggle_thread(context: Context[MailboxView]) -> None:
    """The mails that answer each other; again: back."""
    context.view.toggle_thread()


def toggle_raw(context: Context[MailboxView]) -> None:
    """As it was written; again: as Markdown."""
    context.view.toggle_raw()


def open_search(context: Context[MailboxView]) -> None:
    """Type what to find."""
    context.view.open_search()


def reply_in_a_line(context: Context[MailboxView]) -> None:
    """Answer with one line."""
    message, opened = context.view.message, context.opened
    if message is not None:
        act = partial(requests.reply, opened.workspace, opened.config, message.id)
        context.view.write_line(f"reply to {plain(message.sender)}: enter sends, esc back", taken(context, act))


async def tell_outcome(context: Context[MailboxView]) -> None:
    """Say what became of the mail under the cursor: choose, then say the result in one line."""
    from praxmonitor.dialogs.choose import ChooseScreen
    from praxmonitor.widgets.row_list import text_row

    message, opened = context.view.message, context.opened
    if message is None:
        return
    question = f"What became of it? {message.subject}"
    options = [text_row(_MEANS[state]) for state in OUTCOMES]
    place = await context.display.push_screen_wait(
        ChooseScreen(question, options, "j k choose    enter this    esc back")
    )
    if place < 0:
        return
    state = OUTCOMES[place]
    act = partial(mail_requests.acknowledge_mail, opened.workspace, opened.config, message.id, state)
    if state == "acknowledged":
        await ask(context, act, "")
    else:
        what = {"done": "the result", "blocked": "what it waits for", "declined": "why not"}[state]
        context.view.write_line(f"{state}: {what}, told to {plain(message.sender)}", taken(context, act))


def reopen(context: Context[MailboxView]) -> None:
    """Not be content: say why in one line; the task is dispatched again."""
    message, opened = context.view.message, context.opened
    if message is not None:
        act = partial(mail_requests.reopen_task, opened.workspace, opened.config, message.id)
        said = f"open it again: why? {plain(message.sender)} is started"
        context.view.write_line(said, taken(context, act))


def forward(context: Context[MailboxView]) -> None:
    """Send the mail under the cursor on to others, quoted whole."""
    message, opened = context.view.message, context.opened
    if message is None:
        return

    def send(to: list[str], subject: str, body: str) -> str:
        return mail_requests.forward_mail(opened.workspace, message, to, subject, body)

    write(context, "Forward", send, to="", subject=f"FWD: {message.subject}", body=quoted_body(message))


async def undo_close(context: Context[MailboxView]) -> None:
    """Open the archived mail under the cursor again; elsewhere the one that was closed last."""
    message, entry = context.view.message, context.view.entry
    here = message is not None and entry is not None and entry.archived and entry.owner == OPERATOR
    name = (message.id or message.sent_id) if here and message is not None else ""
    await ask(context, mail_requests.reopen_closed, context.opened.workspace, name)
