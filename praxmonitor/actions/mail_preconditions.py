"""Why something cannot be done with the mail under the cursor, in words for a notification; empty if it can. Pure."""

from __future__ import annotations

from mailcore.model.agent import OPERATOR
from mailcore.model.message import FINAL, Message
from mailcore.text.units import date_and_time
from praxmonitor.actions.preconditions import Situation
from praxmonitor.text.lines import sender

WAITS_FOR_DECISION = "it waits for your decision: approve (Y) or deny (N) it"


def mail(now: Situation, verb: str) -> str:
    """A mail is under the cursor."""
    return "" if now.message is not None else f"no mail here to {verb}"


def own_mail(now: Situation, verb: str) -> str:
    """It lies in the operator's mailbox, open or archived."""
    if now.message is not None and now.selected != OPERATOR:
        return f"this is {now.selected}'s mail: you can {verb} only your own ({OPERATOR}: inbox (i))"
    return mail(now, verb)


def open_mail(now: Situation, verb: str) -> str:
    """It is the operator's, and open."""
    closed = now.message is not None and now.message.status == "closed"
    return own_mail(now, verb) or (f"this mail is closed: open again (U), then {verb} it" if closed else "")


def too_late(message: Message, now: float) -> str:
    """Why a request is not decided any more, and what to do; empty where it can be decided, and for another mail."""
    if not (expired := message.expired_at(now)):
        return ""
    asker = sender(message.sender)
    return (
        f"this request expired {date_and_time(expired, seconds=False)}: nothing is decided any more; "
        f"have {asker} ask again: reply (R), or mail (m) {asker}"
    )


def request(now: Situation, verb: str) -> str:
    """It asks the operator for an approval that is not decided yet, and its time is not over."""
    if why := open_mail(now, verb):
        return why
    if now.message is None or not (now.message.undecided or now.message.lapsed):
        return "this mail asks for no approval"
    return too_late(now.message, now.at)


def open_request(now: Situation, verb: str) -> str:
    """It does, and its text is open."""
    return request(now, verb) or ("" if now.message_open else f"open (enter) it first, then {verb} it")


def is_open_request(now: Situation) -> bool:
    """The text of a request of the operator's is open, be it too late to decide or not."""
    asks = now.message is not None and (now.message.undecided or now.message.lapsed != "")
    return now.message_open and asks and not open_mail(now, "")


def some_request(now: Situation, verb: str) -> str:
    """A request for the operator's approval waits: the one under the cursor, or another."""
    if now.message is not None:
        return request(now, verb)
    if now.facts is not None and now.facts.permissions:
        return f"what {now.selected} asks for is no mail: its permission (Y) is answered"
    waits = any(mail.awaits_decision(now.at) and mail.status != "closed" for mail in now.fleet.operator_mails)
    return "" if waits else f"no request waits for your approval: nothing to {verb}"


def outcome(now: Situation, verb: str) -> str:
    """It tells the operator the end of a task: done, blocked, declined."""
    ack = now.message.ack if now.message is not None else None
    tells = ack is not None and now.message is not None and ack.state in FINAL and ack.by == now.message.sender != ""
    return open_mail(now, verb) or ("" if tells else f"this mail tells no end of a task: nothing to {verb}")


def answerable(now: Situation, verb: str) -> str:
    """It is open, and no decision is what it waits for."""
    if why := open_mail(now, verb):
        return why
    undecided = now.message is not None and now.message.undecided
    return (too_late(now.message, now.at) or WAITS_FOR_DECISION) if now.message is not None and undecided else ""


def closed_before(now: Situation, _verb: str) -> str:
    """There is a mailbox of the operator's."""
    return "" if now.fleet.operator is not None else "there is no mail of yours"
