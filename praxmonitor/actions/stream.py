"""What the operator does with what happens: stop it, look at one thing, go to where it came from."""

from __future__ import annotations

from collections.abc import Callable

from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import OPERATOR
from mailcore.text.names import safe_sender
from praxmonitor.actions.context import ActivityView, Context
from praxmonitor.actions.views import ViewName
from praxmonitor.state.snapshot import Snapshot
from praxmonitor.text.lines import plain


def freeze(context: Context[ActivityView]) -> None:
    """Let what is shown stand still, or go on."""
    context.view.freeze()


def go_back(seconds: float) -> Callable[[Context[ActivityView]], None]:
    """Puts the cursor on what happened so long ago."""

    def go(context: Context[ActivityView]) -> None:
        context.view.go_back(seconds)

    return go


def open_source(context: Context[ActivityView]) -> None:
    """Where the activity under the cursor came from: the operator's mail, else its agent."""
    activity = context.view.activity
    if activity is None:
        context.display.notify("nothing happened yet", severity="warning")
    elif activity.agent != OPERATOR:
        context.display.navigation.show_agent(activity.agent)
    elif message_id := _mail_of(context.snapshot, activity):
        context.display.navigation.show_message(message_id)
    else:
        context.display.navigation.show_view(ViewName.MAIL)


def _mail_of(snapshot: Snapshot, activity: Activity) -> str:
    """The id of the operator's open mail whose arrival it tells; empty where that is closed."""
    operator = snapshot.fleet.operator
    if operator is None or activity.kind is not Kind.MAIL:
        return ""
    mails = [mail for mail in operator.mailbox.messages if mail.id]
    alike = [mail for mail in mails if _alike(f"{safe_sender(mail.sender)}: {mail.subject}", activity.text)]
    nearest = min(alike, key=lambda mail: abs(mail.came_at - activity.at), default=None)
    return nearest.id if nearest is not None else ""


def _alike(told: str, text: str) -> bool:
    """Whether a text, which is cut when it is long, tells this."""
    return plain(told).split() == plain(text).split() or (
        len(text) > 100 and plain(told)[:80].split() == plain(text)[:80].split()
    )
