"""What needs the operator, from every view."""

from __future__ import annotations

from praxmonitor.actions import digest, needs
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.scope import EVERYWHERE


def _some_need(now: Situation) -> bool:
    return bool(now.needing)


ON_NEEDS = (
    Action(
        "next_need", "n", "next", EVERYWHERE,
        "the next thing that needs you, the most urgent first: alarms, approvals, agents, tasks, unread mail",
        needs.walk_needs(1), words="needs me attention waiting problem jump who silent stuck", wanted=_some_need,
        footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "previous_need", "N", "previous", EVERYWHERE, "the thing before that needs you", needs.walk_needs(-1),
        words="needs me attention back before jump", footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "digest", "W", "since away", EVERYWHERE,
        "what was done, failed, asked and spent since you were away, and where it stands", digest.show_digest,
        words="digest summary what happened briefing back while away missed last hour report",
        looks=True,
    ),
)  # fmt: skip
