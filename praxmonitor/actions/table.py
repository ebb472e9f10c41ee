"""Every action of the screen, once: bindings, footer, help, palette and the README's key table come from here."""

from __future__ import annotations

from collections.abc import Collection

from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.rows.agent_sections import IN_SECTIONS, TO_SECTIONS
from praxmonitor.actions.rows.agents import ON_AGENTS
from praxmonitor.actions.rows.alarms import IN_ALARMS, ON_ALARMS
from praxmonitor.actions.rows.fleet import ON_THE_FLEET
from praxmonitor.actions.rows.mail import ON_MAIL
from praxmonitor.actions.rows.moving import MOVING
from praxmonitor.actions.rows.needs import ON_NEEDS
from praxmonitor.actions.rows.replay import IN_A_REPLAY
from praxmonitor.actions.rows.screen import ON_THE_SCREEN
from praxmonitor.actions.rows.stream import IN_THE_STREAM
from praxmonitor.actions.rows.views import TO_VIEWS
from praxmonitor.actions.scope import Scope

ACTIONS = (
    *TO_VIEWS,
    *TO_SECTIONS,
    *MOVING,
    *ON_THE_FLEET,
    *IN_SECTIONS,
    *IN_THE_STREAM,
    *IN_ALARMS,
    *ON_AGENTS,
    *ON_MAIL,
    *ON_NEEDS,
    *ON_ALARMS,
    *ON_THE_SCREEN,
    *IN_A_REPLAY,
)
BY_ID = {action.id: action for action in ACTIONS}
SCOPES = tuple(dict.fromkeys(action.scope for action in ACTIONS))
"""In the order in which help and README list them."""
_RIVALS = {
    action.id: tuple(each for each in ACTIONS if not {*action.key.split(",")}.isdisjoint(each.key.split(",")))
    for action in ACTIONS
}
"""Those that share a key with an action, itself among them, in the order of the table."""


def is_elected(action_id: str, scopes: Collection[Scope], now: Situation) -> bool:
    """Whether this action is what its key means now in a view of these scopes: of several actions of one key the first
    that can be done; where none can, the first."""
    rivals = [each for each in _RIVALS[action_id] if each.scope in scopes]
    return len(rivals) < 2 or next((each for each in rivals if not each.refusal(now)), rivals[0]).id == action_id
