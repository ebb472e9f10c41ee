"""Activities as rows of the stream: the lines that every run begins with are folded into one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mailcore.model.activity import Activity, Kind
from mailcore.text.units import duration
from praxmonitor.text.lines import plain

FOLDED = {Kind.SESSION: "session up", Kind.PROMPT: "prompt given"}
"""What a start is followed by in every run, and how its row says it."""
WITHIN = 120.0
"""Seconds after a start in which these are the start's own."""
FIRST_WORDS = 10.0
"""Seconds in which so is the first line that its program prints, if it is short."""
SHORT_LINE = 40


class ActivityRow(NamedTuple):
    """One row: an activity, and what is folded into it."""

    activity: Activity
    folded: str = ""
    """`session up after 0.3 s, prompt given`; empty: nothing."""


def activity_rows(activities: Iterable[Activity]) -> tuple[ActivityRow, ...]:
    """A row of each, in their order. The session, the prompt and the short first line that a started attempt begins
    with stand in the row of its start. Any other act of its agent ends that: a prompt given later is a row."""
    rows: list[ActivityRow] = []
    starts: dict[str, int] = {}
    """By address: the row of the start that goes on."""
    for activity in activities:
        start = starts.get(activity.agent)
        if activity.kind is Kind.STARTED:
            starts[activity.agent] = len(rows)
        elif start is not None:
            began = rows[start]
            if words := _folded(began, activity):
                rows[start] = ActivityRow(began.activity, ", ".join(filter(None, (began.folded, words))))
                continue
            if activity.kind not in (Kind.LOG, Kind.MAIL):
                del starts[activity.agent]
        rows.append(ActivityRow(activity))
    return tuple(rows)


def _folded(row: ActivityRow, activity: Activity) -> str:
    """How the row of a start says what followed it; empty of what is a row of its own."""
    after = max(0.0, activity.at - row.activity.at)
    if (
        activity.kind is Kind.LOG
        and after <= FIRST_WORDS
        and "“" not in row.folded
        and len(activity.text) <= SHORT_LINE
    ):
        return f"“{plain(activity.text)}”"
    words = FOLDED.get(activity.kind, "")
    if not words or words in row.folded or after > WITHIN:
        return ""
    return words if row.folded else f"{words} after {duration(after)}"
