"""What the view of all agents offers."""

from __future__ import annotations

from praxmonitor.actions import movement, preconditions
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.movement import step
from praxmonitor.actions.scope import FLEET

ON_THE_FLEET = (
    Action("left", "h,left", "left", FLEET, "the agent to the left", step("left"), in_replay=True),
    Action("right", "l,right", "right", FLEET, "the agent to the right", step("right"), in_replay=True),
    Action(
        "filter", "slash", "filter", FLEET, "show only agents whose name, state or task holds a text",
        movement.open_filter, words="find search show only narrow", in_replay=True,
    ),
    Action(
        "open", "enter", "open", FLEET, "open the selected agent: mail, run, activities, log", movement.open_agent,
        words="log details session cost tokens diff changes files full screen", precondition=preconditions.selected,
        footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "order", "o", "order", FLEET, "those that need attention first; again: as in the registry", movement.order,
        words="sort arrange attention urgent first", footer=Footer.IF_ROOM, in_replay=True,
    ),
)  # fmt: skip
