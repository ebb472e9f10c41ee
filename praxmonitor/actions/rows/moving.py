"""What moves in the panel that has the focus."""

from __future__ import annotations

from praxmonitor.actions import movement
from praxmonitor.actions.action import Action
from praxmonitor.actions.movement import step
from praxmonitor.actions.scope import MOVE

MOVING = (
    Action("down", "j,down", "down", MOVE, "down: a row of agents, a mail, a line", step("down"), in_replay=True),
    Action("up", "k,up", "up", MOVE, "up", step("up"), in_replay=True),
    Action("first", "g,home", "first", MOVE, "to the first, or the top", step("first"), in_replay=True),
    Action("last", "G,end", "last", MOVE, "to the last, or the bottom", step("last"), in_replay=True),
    Action(
        "page_down", "pagedown", "page down", MOVE, "a page down; of the mail that is open, if one is",
        step("page_down"), in_replay=True,
    ),
    Action("page_up", "pageup", "page up", MOVE, "a page up", step("page_up"), in_replay=True),
    Action("panel", "tab", "panel", MOVE, "next panel", movement.next_panel, in_replay=True),
)  # fmt: skip
