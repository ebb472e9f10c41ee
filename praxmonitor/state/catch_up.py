"""After a break everything is read anew: which of it was told before. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from math import inf

from mailcore.model.activity import Activity
from mailcore.observe.dedupe import WINDOW


def unreported(told: Iterable[Activity], found: Iterable[Activity], since: float = -inf) -> Iterator[Activity]:
    """What of `found`, read anew, is not among what was `told`: one of these stands for one of those.

    By what they say, not by when: lines are read late, and clocks differ. Only what is older than `since` (seconds
    since the epoch), from where on `told` is whole, counts as told.
    """
    left: defaultdict[Hashable, list[Activity]] = defaultdict(list)
    for activity in told:
        left[_of(activity)].append(activity)
    for activity in found:
        alike = left[_of(activity)]
        same = next((n for n, other in enumerate(alike) if _same(activity, other)), -1)
        if same >= 0:
            del alike[same]
        elif activity.at >= since:
            yield activity


def _of(activity: Activity) -> Hashable:
    return activity.agent, activity.kind, activity.session, activity.tool_id


def _same(one: Activity, other: Activity) -> bool:
    """Whether one is the other, read again. A call is known by its id."""
    if one.tool_id:
        return True
    if one.source != other.source:  # hooks and a session file tell of the same; which is heard may differ
        return abs(one.at - other.at) <= WINDOW
    # A log's line without a time has that of its file, which went on.
    return one.text == other.text and (one.at == other.at or one.source == "log")
