"""Activities as rows of the stream: the lines that every run begins with are folded into one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mailcore.model.activity import Activity, Kind
from mailcore.text.units import duration

FOLDED = {Kind.SESSION: "session up", Kind.PROMPT: "prompt given"}
"""What a start is followed by in every run, and how its row says it."""
WITHIN = 120.0
"""Seconds after a start in which these are the start's own."""


class ActivityRow(NamedTuple):
    """One row: an activity, and what is folded into it."""

    activity: Activity
    folded: str = ""
    """`session up after 0.3 s, prompt given`; empty: nothing."""


def activity_rows(activities: Iterable[Activity]) -> tuple[ActivityRow, ...]:
    """A row of each, in their order; the session and the prompt that a started attempt begins with stand in the row of
    its start. Any other act of its agent ends that: a prompt given later is a row."""
    rows: list[ActivityRow] = []
    starts: dict[str, int] = {}
    """By address: the row of the start that goes on."""
    for activity in activities:
        start = starts.get(activity.agent)
        if activity.kind is Kind.STARTED:
            starts[activity.agent] = len(rows)
        elif start is not None:
            began = rows[start]
            words = FOLDED.get(activity.kind, "")
            if words and words not in began.folded and activity.at - began.activity.at <= WITHIN:
                after = "" if began.folded else f" after {duration(max(0.0, activity.at - began.activity.at))}"
                said = ", ".join(filter(None, (began.folded, words + after)))
                rows[start] = ActivityRow(began.activity, said)
                continue
            if activity.kind not in (Kind.LOG, Kind.MAIL):
                del starts[activity.agent]
        rows.append(ActivityRow(activity))
    return tuple(rows)
