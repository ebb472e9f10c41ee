"""What the operator does with a task whose end is told: is content with it, and takes its work over, too."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mailcore.exceptions import Refused
from praxmonitor.actions import mail_requests
from praxmonitor.actions.asking import ask, refused, result_of
from praxmonitor.actions.context import Context, MailboxView
from praxmonitor.text.lines import Line, plain, sender, wrap, wrapped

if TYPE_CHECKING:
    from praxmonitor.actions.work_requests import AcceptChoice

ACCEPT_HINT = "enter does it   j k another   esc back, nothing is done"


async def accept(context: Context[MailboxView]) -> None:
    """Be content with what was done; its notice is closed. Where its work is not in the project yet, it is asked what
    is to become of that."""
    from praxmonitor.actions.work_requests import work_to_accept

    message, workspace = context.view.message, context.opened.workspace
    if message is None:
        return
    found = await result_of(context, work_to_accept, workspace, message)
    if found is None:
        return
    choice = found.choices[0]
    if found.asks:
        from praxmonitor.dialogs.choose import ChooseScreen

        question = f"Accept what {sender(message.sender)} did? {plain(message.subject)}"
        options = [partial(choice_lines, one) for one in found.choices]
        head = partial(standing_lines, found.checks)
        place = await context.display.push_screen_wait(ChooseScreen(question, options, ACCEPT_HINT, head=head))
        if place < 0:
            return
        choice = found.choices[place]
    if choice.hindered:
        refused(context, Refused(choice.hindered))
        return
    await ask(context, mail_requests.accept_outcome, workspace, message.id, choice.how)


def standing_lines(checks: tuple[str, ...], width: int) -> list[Line]:
    """Each check, as it stands."""
    drawn: list[Line] = [
        ((part, "warn" if one.startswith("✗") else ""),) for one in checks for part in wrapped(plain(one), width, 4)
    ]
    return [*drawn, ()] if drawn else []


def choice_lines(choice: AcceptChoice, width: int) -> list[Line]:
    """What it is called, and what will happen, or why it cannot."""
    said = f"✗ not now: {choice.hindered}" if choice.hindered else choice.means
    role = "warn" if choice.hindered else "muted"
    rest: list[Line] = [((f"  {part}", role),) for part in wrap(plain(said), width - 2)]
    return [((choice.label, "faint" if choice.hindered else "strong"),), *rest]
