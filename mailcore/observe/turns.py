"""The newest turn of each session of an agent: whether it goes on, and what was said last in it. Pure; a part of the
fold."""

from __future__ import annotations

from msgspec.structs import replace

from mailcore.model.activity import Activity, Kind
from mailcore.model.session import Turn
from mailcore.programs.hook_lines import HOOKS_SOURCE, SESSION_OVER
from mailcore.programs.transcript_reader import TRANSCRIPT_SOURCE

MAX_TURNS = 16
"""Sessions of one agent whose newest turn is kept."""
BEGINS = frozenset({Kind.PROMPT, Kind.TOOL, Kind.TOOL_DONE, Kind.TOOL_FAILED, Kind.THINKING})
TURN_OVER = frozenset({Kind.TURN_END, Kind.ERROR})
TOLD = BEGINS | TURN_OVER | {Kind.MESSAGE}
SOURCES = frozenset({HOOKS_SOURCE, TRANSCRIPT_SOURCE})
"""Where the agent's program itself speaks."""


def turns_after(turns: tuple[Turn, ...], activity: Activity) -> tuple[Turn, ...]:
    """The turns once that was seen, those of the same object where nothing changed; the one that began last at the
    end."""
    if activity.kind not in TOLD or activity.subagent or activity.source not in SOURCES:
        return turns
    newest = turns[-1] if turns else None
    if activity.kind in BEGINS and newest is not None and newest.session == activity.session and not newest.ended:
        return turns  # as it is of most
    old = next((turn for turn in turns if turn.session == activity.session), None)
    if activity.kind in BEGINS:
        if old is not None and (not old.ended or activity.at < int(old.ended)):
            return turns  # reported late: session files are written a moment after the hooks ran
        others = tuple(turn for turn in turns if turn is not old)
        return (*others, Turn(activity.session, activity.at))[-MAX_TURNS:]
    if activity.kind is Kind.TURN_END and activity.text.startswith(SESSION_OVER):
        return tuple(turn for turn in turns if turn is not old) if old is not None else turns
    turn = old or Turn(activity.session, activity.at)
    if activity.kind is Kind.MESSAGE:
        if activity.at < turn.said_at:
            return turns
        turn = replace(turn, words=activity.text, said_at=activity.at)
    else:
        words = turn.words if turn.said_at >= turn.began else activity.text
        turn = replace(turn, ended=max(turn.ended, activity.at), words=words)
    if old is None:
        return (*turns, turn)[-MAX_TURNS:]
    return tuple(turn if one is old else one for one in turns)
