"""After a break everything is read again: which of it was not reported before. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from math import inf

from mailcore.model.activity import Activity
from mailcore.observe.dedupe import PAIR_WINDOW


def unreported(reported: Iterable[Activity], found: Iterable[Activity], since: float = -inf) -> Iterator[Activity]:
    """What of `found`, read again, is not among what was `reported`: one of these stands for one of those.

    Activities are compared by what they say, not by when: lines are read late, and clocks differ. Only what is older
    than `since` (seconds since the epoch), from where on `reported` is whole, counts as reported.
    """
    left: defaultdict[Hashable, list[Activity]] = defaultdict(list)
    for activity in reported:
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
        return abs(one.at - other.at) <= PAIR_WINDOW
    # A log's line without a time has that of its file, which went on.
    return one.text == other.text and (one.at == other.at or one.source == "log")
