"""What the view of all that happens offers."""

from __future__ import annotations

from praxmonitor.actions import movement, preconditions, stream
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.scope import STREAM

IN_THE_STREAM = (
    Action(
        "filter_stream", "slash", "filter", STREAM, "show only: text, !not, @name, kind:tool, level:error",
        movement.open_filter, words="find search show only narrow last recent error errors tools agent",
        footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "freeze", "space", "pause", STREAM, "let what is shown stand still; again: go on; what came since is counted",
        stream.freeze, words="stop freeze stand still hold continue", precondition=preconditions.live,
        footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "ten_minutes", "T", "10 min ago", STREAM, "to what happened ten minutes ago; older is read from the files",
        stream.go_back(600.0), words="last ten minutes ago back history earlier time jump", footer=Footer.IF_ROOM,
        in_replay=True,
    ),
    Action(
        "open_source", "enter", "open", STREAM, "go to where it came from: its agent; your mail", stream.open_source,
        words="source jump agent go mail", footer=Footer.IF_ROOM, in_replay=True,
    ),
)  # fmt: skip
