"""Every action of the screen, once: bindings, footer, help, palette and docs/keys.md come from here."""

from __future__ import annotations

from praxmonitor.actions.rows.agent_sections import IN_SECTIONS, TO_SECTIONS
from praxmonitor.actions.rows.agents import ON_AGENTS
from praxmonitor.actions.rows.alarms import IN_ALARMS, ON_ALARMS
from praxmonitor.actions.rows.composing import ON_WHAT_WAS_WRITTEN
from praxmonitor.actions.rows.errors import IN_ERRORS
from praxmonitor.actions.rows.fleet import ON_THE_FLEET
from praxmonitor.actions.rows.logs import IN_LOGS, TO_LOGS
from praxmonitor.actions.rows.mail import ON_MAIL
from praxmonitor.actions.rows.moving import MOVING
from praxmonitor.actions.rows.needs import ON_NEEDS
from praxmonitor.actions.rows.replay import IN_A_REPLAY
from praxmonitor.actions.rows.screen import ON_THE_SCREEN
from praxmonitor.actions.rows.stream import IN_THE_STREAM
from praxmonitor.actions.rows.views import TO_VIEWS

ACTIONS = (
    *TO_VIEWS,
    *TO_SECTIONS,
    *MOVING,
    *ON_THE_FLEET,
    *IN_SECTIONS,
    *IN_THE_STREAM,
    *IN_ALARMS,
    *IN_LOGS,
    *IN_ERRORS,
    *ON_AGENTS,
    *ON_MAIL,
    *TO_LOGS,
    *ON_NEEDS,
    *ON_ALARMS,
    *ON_WHAT_WAS_WRITTEN,
    *ON_THE_SCREEN,
    *IN_A_REPLAY,
)
BY_ID = {action.id: action for action in ACTIONS}
SCOPES = tuple(dict.fromkeys(action.scope for action in ACTIONS))
"""In the order in which help and README list them."""
