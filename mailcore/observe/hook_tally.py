"""Whether a session's hooks still tell of its tool calls, as its session file does. Stateful, bounded, pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailcore.model.activity import Activity, Kind
from mailcore.model.hooks_stopped import HooksStopped
from mailcore.programs.hook_lines import HOOKS_SOURCE
from mailcore.programs.transcript_reader import TRANSCRIPT_SOURCE, Recent

MISSED_CALLS = 5
MISSED_SECONDS = 60.0
"""So many calls without a hook event, and so long after the last one: hooks and session file are read at their own
times, and a hook may be slow."""
HEARD_SESSIONS = 16
HEARD_TOOLS = 100
"""Sessions, and tools of each, that are remembered."""


@dataclass(slots=True)
class _Heard:
    """What the hooks told of one session."""

    last: float = 0.0
    tools: set[str] = field(default_factory=set)
    """Of which they told calls: hooks may be set for some tools alone."""
    missed: int = 0


class HookTally:
    """Of one agent. It is shown each activity of hooks and session files, before one that both report is dropped."""

    def __init__(self) -> None:
        self._heard: Recent[str, _Heard] = Recent(HEARD_SESSIONS)
        self.stopped: HooksStopped | None = None
        """Of the session whose hooks stopped last; None once hooks are heard again."""

    def see(self, activity: Activity) -> None:
        """Take account of it."""
        if activity.source == HOOKS_SOURCE and activity.session:
            self._hook(activity)
        elif activity.source == TRANSCRIPT_SOURCE and activity.kind is Kind.TOOL and not activity.subagent:
            self._call(activity)

    def _hook(self, activity: Activity) -> None:
        heard = self._heard.get(activity.session) or _Heard()
        self._heard.put(activity.session, heard)
        if activity.at < heard.last:
            return
        heard.last, heard.missed = activity.at, 0
        if activity.kind is Kind.TOOL and len(heard.tools) < HEARD_TOOLS:
            heard.tools.add(activity.tool)
        if self.stopped is not None and activity.at > self.stopped.last:
            self.stopped = None

    def _call(self, activity: Activity) -> None:
        heard = self._heard.get(activity.session)
        if heard is None or activity.tool not in heard.tools or activity.at <= heard.last:
            return
        heard.missed += 1
        told = self.stopped is not None and self.stopped.session == activity.session
        if not told and heard.missed >= MISSED_CALLS and activity.at - heard.last >= MISSED_SECONDS:
            self.stopped = HooksStopped(activity.session, heard.last, heard.missed, activity.at)
