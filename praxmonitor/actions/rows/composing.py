"""What was written: drafts, and mail that is not sent yet."""

from __future__ import annotations

from praxmonitor.actions import composing, preconditions
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.scope import EVERYWHERE


def _something_waits(now: Situation) -> bool:
    return bool(now.sending)


ON_WHAT_WAS_WRITTEN = (
    Action(
        "take_back", "ctrl+u", "take back", EVERYWHERE, "take your last mail or task back, before it is sent",
        composing.take_back, words="undo unsend recall revoke undone cancel send sent mail",
        precondition=preconditions.unsent, footer=Footer.WANTED, wanted=_something_waits,
        moment=lambda now: now.sending,
    ),
    Action(
        "drafts", "ctrl+e", "drafts", EVERYWHERE, "what you wrote and did not send: go on with one, throw one away",
        composing.drafts,
        words="draft delete discard written unsent unfinished letter compose edit",
    ),
)  # fmt: skip
