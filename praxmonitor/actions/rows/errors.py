"""What is asked of the chosen error in the view of errors."""

from __future__ import annotations

from praxmonitor.actions import errors, movement
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.scope import ERRORS

IN_ERRORS = (
    Action(
        "open_error", "enter,l,right", "open", ERRORS,
        "all of the chosen error: sample, frames, history; Enter again: its agent", errors.open_error,
        words="whole sample frames traceback history detail agent read", footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "close_error", "h,left", "list", ERRORS, "back to the list", errors.close_error, in_replay=True,
    ),
    Action(
        "filter_errors", "slash", "filter", ERRORS, "show only: text, !not, @name, state:new", movement.open_filter,
        words="find search show only narrow state agent", footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "investigate_error", "I", "investigate", ERRORS, "start an agent to look at it now; asks, says whom and why",
        errors.investigate_error, words="dispatch ask who agent look fix debug owner", footer=Footer.IF_ROOM,
    ),
    Action(
        "resolve_error", "R", "resolve", ERRORS,
        "say that it is over, with a word of what was done; if it comes back, that sounds. Again: not over after all",
        errors.resolve_error, words="done fixed close finish reopen undo unresolve over", footer=Footer.IF_ROOM,
    ),
    Action(
        "mute_error", "m", "mute", ERRORS, "count it on and ask nobody, for so many minutes; again: no more",
        errors.mute_error, words="silence hide quiet ignore unmute shelve later", footer=Footer.IF_ROOM,
    ),
    Action(
        "settled_errors", "v", "muted too", ERRORS, "show what is muted or resolved too, or not", errors.toggle_settled,
        words="resolved muted all hidden show closed over", footer=Footer.IF_ROOM, in_replay=True,
    ),
    Action(
        "open_error_log", "L", "log", ERRORS, "the log where it stands", errors.open_error_log,
        words="log where line source file event", footer=Footer.IF_ROOM, looks=True,
    ),
    Action(
        "open_error_mail", "t", "thread", ERRORS, "the mail by which an agent was asked about it, and its answer",
        errors.open_error_mail, words="mail thread asked answer message conversation", footer=Footer.IF_ROOM,
        in_replay=True,
    ),
    Action(
        "copy_error", "y", "copy", ERRORS, "copy all of the chosen error as text", errors.copy_error,
        words="yank clipboard copy text traceback", in_replay=True,
    ),
)  # fmt: skip
