"""Hooks and a session file report the same work: each event counts once. Stateful, bounded, pure."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from mailcore.model.activity import Activity, Kind
from mailcore.observe.hook_tally import HookTally
from mailcore.programs.transcript_reader import Recent

PAIR_WINDOW = 10.0
"""Seconds within which two sources report one event that has no id."""
MAX_CALLS = 500
"""Tool events that are remembered, 60 kB of each agent: its traces report one within seconds of each other."""
MAX_UNPAIRED = 256
"""Events without an id that still wait for the other source's word."""

_CALLS = {Kind.TOOL: Kind.TOOL, Kind.TOOL_DONE: Kind.TOOL_DONE, Kind.TOOL_FAILED: Kind.TOOL_DONE}
"""A call ends once, whether it is reported as done or as failed."""
_PAIRED = frozenset(
    {
        Kind.SESSION,
        Kind.PROMPT,
        Kind.TURN_END,
        Kind.COMPACT,
        Kind.COMPACTED,
        Kind.SUBAGENT,
        Kind.SUBAGENT_DONE,
        Kind.ERROR,
    }
)
_CHILDREN = frozenset({Kind.SUBAGENT, Kind.SUBAGENT_DONE})
"""Of these a transcript does not always know the subagent's id."""


@dataclass(frozen=True, slots=True)
class _Event:
    at: float
    source: str
    key: tuple[str, Kind, str]


class Deduplicator:
    """The filter for one agent: what one source reported is dropped when another reports it; the first one wins."""

    def __init__(self) -> None:
        self._calls: Recent[int, str] = Recent(MAX_CALLS)
        """By the hash of session, what happened and the call's id: the source that reported it first."""
        self._unpaired: list[_Event] = []
        self.hooks = HookTally()
        """Whether hooks and session files still report the same."""

    def each(self, activities: list[Activity]) -> list[Activity]:
        """In order of time, each event once, whichever of its traces told it first."""
        activities.sort(key=attrgetter("at"))
        for activity in activities:
            self.hooks.see(activity)
        return [activity for activity in activities if not self.is_duplicate(activity)]

    def is_duplicate(self, activity: Activity) -> bool:
        """True if another source told this already.

        A tool event is known by session and call. The others, which have no id, are paired one to one: each event of
        one source takes up one of the same session and kind that another source reported within PAIR_WINDOW seconds.
        """
        kind = _CALLS.get(activity.kind)
        if kind is not None and activity.tool_id:
            call = hash((activity.session, kind, activity.tool_id))
            if self._calls.get(call) not in (None, activity.source):
                return True
            self._calls.put(call, activity.source)
            return False
        if activity.kind in _PAIRED:
            child = "" if activity.kind in _CHILDREN else activity.subagent
            return self._pair(_Event(activity.at, activity.source, (activity.session, activity.kind, child)))
        return False

    def _pair(self, event: _Event) -> bool:
        for n, other in enumerate(self._unpaired):
            same = other.key == event.key and other.source != event.source
            if same and abs(other.at - event.at) <= PAIR_WINDOW:
                del self._unpaired[n]
                return True
        self._unpaired.append(event)
        if len(self._unpaired) > MAX_UNPAIRED:
            del self._unpaired[0]
        return False
