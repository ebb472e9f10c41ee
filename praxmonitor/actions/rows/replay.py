"""How a recording is played."""

from __future__ import annotations

from praxmonitor.actions import preconditions, replay
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.scope import REPLAY

IN_A_REPLAY = (
    Action(
        "pause", "space", "pause", REPLAY, "stand still, and go on again", replay.pause,
        words="stop stand still continue", precondition=preconditions.played, footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "faster", "plus,greater_than_sign", "faster", REPLAY, "play twice as fast", replay.speed(2.0),
        words="speed up quick", precondition=preconditions.played, footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "slower", "less_than_sign", "slower", REPLAY, "play half as fast", replay.speed(0.5),
        words="speed down", precondition=preconditions.played, footer=Footer.IF_ROOM, in_replay=True,
    ),
)  # fmt: skip
