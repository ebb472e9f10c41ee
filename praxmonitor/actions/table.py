"""Every action of the screen, once: bindings, footer, help, palette and the README's key table come from here."""

from __future__ import annotations

from collections.abc import Collection

from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.rows.agents import ON_AGENTS
from praxmonitor.actions.rows.alarms import ON_ALARMS
from praxmonitor.actions.rows.composing import ON_WHAT_WAS_WRITTEN
from praxmonitor.actions.rows.fleet import ON_THE_FLEET
from praxmonitor.actions.rows.mail import ON_MAIL
from praxmonitor.actions.rows.moving import MOVING
from praxmonitor.actions.rows.replay import IN_A_REPLAY
from praxmonitor.actions.rows.screen import ON_THE_SCREEN
from praxmonitor.actions.rows.views import TO_VIEWS
from praxmonitor.actions.scope import Scope

ACTIONS = (
    *TO_VIEWS,
    *MOVING,
    *ON_THE_FLEET,
    *ON_AGENTS,
    *ON_MAIL,
    *ON_ALARMS,
    *ON_WHAT_WAS_WRITTEN,
    *ON_THE_SCREEN,
    *IN_A_REPLAY,
)


def is_elected(action_id: str, scopes: Collection[Scope], now: Situation) -> bool:
    """Whether this action is what its key means now in a view of these scopes: of several actions of one key the first
    that can be done; where none can, the first."""
    wanted = BY_ID[action_id]
    keys = frozenset(wanted.key.split(","))
    rivals = [each for each in ACTIONS if each.scope in scopes and not keys.isdisjoint(each.key.split(","))]
    return len(rivals) < 2 or next((each for each in rivals if not each.refusal(now)), rivals[0]) is wanted


BY_ID = {action.id: action for action in ACTIONS}
SCOPES = tuple(dict.fromkeys(action.scope for action in ACTIONS))
"""In the order in which help and README list them."""
