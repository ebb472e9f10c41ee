"""The logs of an agent: the way to them from every view, and what is done in them."""

from __future__ import annotations

from praxmonitor.actions import logs, preconditions
from praxmonitor.actions.action import Action, Footer
from praxmonitor.actions.scope import EVERYWHERE, LOGS

TO_LOGS = (
    Action(
        "open_log", "L", "logs", EVERYWHERE, "the logs of the selected agent; of what happened, at its time",
        logs.show_log, words="log logs file output stderr stdout tail read trace whole",
        precondition=preconditions.logs_of_agent, verb="read the logs of", in_replay=True, footer=Footer.WANTED,
        wanted=logs.failed,
    ),
)  # fmt: skip

IN_LOGS = (
    Action(
        "search_log", "slash", "search", LOGS,
        "search all of it for a pattern; every hit is counted, n and N go to them",
        logs.type_search, words="search find grep pattern regex hits", looks=True, footer=Footer.IF_ROOM,
    ),
    Action(
        "next_hit", "n", "next hit", LOGS, "the next hit of what is searched for; without a search what needs you",
        logs.next_hit(1), words="search next hit match", precondition=logs.searching, verb="go", looks=True,
        footer=Footer.IF_ROOM,
    ),
    Action(
        "previous_hit", "N", "hit before", LOGS, "the hit before", logs.next_hit(-1),
        words="search previous last hit match", precondition=logs.searching, verb="go", looks=True,
    ),
    Action(
        "next_error", "right_square_bracket", "error", LOGS, "the next error", logs.next_error(1),
        words="error failure next jump", looks=True, footer=Footer.IF_ROOM,
    ),
    Action(
        "previous_error", "left_square_bracket", "error before", LOGS, "the error before", logs.next_error(-1),
        words="error failure previous last jump", looks=True, footer=Footer.IF_ROOM,
    ),
    Action(
        "follow_log", "f", "follow", LOGS, "to the end, and on with what comes; again: stay here", logs.follow_log,
        words="follow tail end live stop", looks=True, footer=Footer.IF_ROOM,
    ),
    Action(
        "choose_log", "s", "which", LOGS, "choose one log, all of them, or another agent's; Tab: the next one",
        logs.choose_log, words="source choose file another agent list which logs", looks=True, footer=Footer.IF_ROOM,
    ),
    Action(
        "log_level", "F", "levels", LOGS, "warnings and errors alone, errors alone, or all lines", logs.turn_level,
        words="level levels filter errors warnings only hide", looks=True, footer=Footer.IF_ROOM,
    ),
    Action(
        "wrap_log", "w", "wrap", LOGS, "break long lines; again: no more, then h and l move sideways",
        logs.toggle_wrap, words="wrap break long lines fold", looks=True, footer=Footer.IF_ROOM,
    ),
    Action(
        "log_times", "t", "times", LOGS, "times in a column, left out, or as they are written", logs.turn_times,
        words="times time stamp clock column hide show", looks=True, footer=Footer.IF_ROOM,
    ),
    Action(
        "go_to_line", "T", "go to", LOGS, "go to a line, a share, a time: 1200, 50%, 14:30, 10m (ago)",
        logs.type_place, words="go line number time percent jump ago minutes", looks=True, footer=Footer.IF_ROOM,
    ),
    Action(
        "mark_line", "space", "mark", LOGS, "mark the line, or no more: y copies from mark to mark", logs.mark_line,
        words="mark select range bookmark lines", looks=True, footer=Footer.IF_ROOM,
    ),
    Action(
        "copy_lines", "y", "copy", LOGS, "copy the lines between marks; from one mark to here; or this line",
        logs.copy_lines, words="yank clipboard copy range lines", looks=True, footer=Footer.IF_ROOM,
    ),
    Action(
        "edit_log", "e", "edit", LOGS, "the file in $EDITOR, at this line", logs.edit_log,
        words="editor vim nano open file edit", looks=True, footer=Footer.IF_ROOM,
    ),
    Action(
        "page_log", "vertical_line", "pager", LOGS, "the file in $PAGER, at this line", logs.page_log,
        words="pager less more page file", looks=True,
    ),
    Action(
        "log_left", "h,left", "left", LOGS, "sideways, to the left: where lines are not wrapped", logs.sideways(-1),
        looks=True,
    ),
    Action("log_right", "l,right", "right", LOGS, "sideways, to the right", logs.sideways(1), looks=True),
)  # fmt: skip
