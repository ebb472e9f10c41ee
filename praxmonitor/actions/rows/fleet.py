"""What the view of all agents offers."""

from __future__ import annotations

from praxmonitor.actions import listing, movement, preconditions
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.movement import step
from praxmonitor.actions.scope import FLEET

ON_THE_FLEET = (
    Action("left", "h,left", "left", FLEET, "the agent to the left", step("left"), in_replay=True),
    Action("right", "l,right", "right", FLEET, "the agent to the right", step("right"), in_replay=True),
    Action(
        "filter", "slash", "filter", FLEET, "show only some: word, !not, @name, state:failed, limit:, host:",
        movement.open_filter, words="find search show only narrow who silent", in_replay=True,
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
    Action(
        "table", "v", "table", FLEET, "a table of all agents; again: cards", listing.toggle_table,
        words="cards rows list view columns toggle", in_replay=True,
    ),
    Action(
        "arrange", "V", "columns", FLEET, "columns of the table, order and groups; kept", listing.arrange,
        words="sort order group arrange table choose", in_replay=True,
    ),
    Action(
        "pin", "p", "pin", FLEET, "let the selected agent stand first; again: no more", listing.pin,
        words="favourite top first stick unpin", precondition=preconditions.selected, in_replay=True,
    ),
    Action(
        "mark", "space", "mark", FLEET, "mark the agent, or no more: acts take all that are marked", listing.mark,
        words="select several multiple choose tag give task many five agents", precondition=preconditions.selected,
    ),
    Action(
        "mark_all", "asterisk", "mark all", FLEET, "mark all that are shown; again: none", listing.mark_all,
        words="select everyone several none clear", precondition=preconditions.some_agent,
    ),
    *(
        Action(
            f"mark_{way}", f"shift+{way}", f"mark {way}", FLEET, help, listing.mark_on(way),
            words="select range several many five agents", precondition=preconditions.selected,
        )
        for way, help in (
            ("down", "mark from here to the one below, and all between; back up: not those"),
            ("up", "mark from here up to the one above, and all between"),
            ("right", "mark this one and the next"),
            ("left", "mark this one and the one before"),
        )
    ),
)  # fmt: skip
