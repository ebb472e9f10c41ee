"""What happened between two snapshots → the cues to be heard. Pure. Waiting and silence are left to the alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts, Fleet, State, changed_agents
from mailcore.model.message import Message
from praxmonitor.sound import Cue, Sound
from praxmonitor.state.snapshot import Snapshot

SOUND_OF_ACTIVITY = {
    Kind.SESSION: Sound.SESSION,
    Kind.PROMPT: Sound.PROMPT,
    Kind.TOOL: Sound.TOOL,
    Kind.TURN_END: Sound.TURN,
    Kind.COMPACT: Sound.COMPACT,
    Kind.LIMIT: Sound.LIMIT,
    Kind.ERROR: Sound.ERROR,
    Kind.STARTED: Sound.START,
    Kind.RETRYING: Sound.RETRY,
    Kind.DONE: Sound.DONE,
    Kind.FAILED: Sound.FAILED,
    Kind.KILLED: Sound.FAILED,
}
SOUND_OF_MAIL = {"low": Sound.MAIL_LOW, "high": Sound.MAIL_HIGH}
HEARTBEAT_STATES = (State.STARTING, State.WORKING, State.IN_TOOL)

TOOL_FAMILIES = {
    "shell": ("bash", "bashoutput", "killshell", "shell", "local_shell", "exec_command", "write_stdin"),
    "read": ("read", "grep", "glob", "ls", "notebookread", "toolsearch", "view_image"),
    "edit": ("edit", "write", "multiedit", "notebookedit", "apply_patch"),
    "web": ("webfetch", "websearch", "web_search"),
    "agent": ("task", "agent", "taskoutput", "sendmessage", "spawn_agent"),
}
"""Family → its tools, as Claude Code and Codex name them, in lower case."""
_FAMILY_OF = {tool: tool_family for tool_family, tools in TOOL_FAMILIES.items() for tool in tools}

NEWS_WINDOW = 2.0
"""Seconds after which an event is not heard any more: it is no news."""
AGENT_MAIL_VOLUME = 0.5
"""Volume of mail that is not for the operator."""


def event_cues(old: Snapshot, new: Snapshot, opened: float, subagents: float = 0.0) -> list[Cue]:
    """Each event that is to be heard, the most important first.

    `opened` (seconds since the epoch) is when the screen was: what happened before it is history, and history is
    silent even where its file is read late. `subagents`: the volume of what subagents do, 0.0 for not at all.
    """
    if new.fleet is old.fleet:
        return []
    due: list[Cue] = []
    since = max(opened, new.now - NEWS_WINDOW)
    voices = new.fleet.places or {facts.address: voice for voice, facts in enumerate(new.fleet.agents)}
    for earlier, facts in _changed(old.fleet, new.fleet):
        voice = voices.get(facts.address, 0)
        for activity in _new_activities(earlier, facts):
            sound = SOUND_OF_ACTIVITY.get(activity.kind)
            volume = subagents if activity.subagent else 1.0
            if sound is not None and volume and _is_news(activity.at, since):
                due.append(Cue(sound, facts.address, voice, tool_family(activity.tool), volume))
        due += [_mail_cue(facts.address, message, voices) for message in _new_mail(earlier, facts, since)]
    return sorted(due, key=lambda cue: -cue.sound.priority)


def heartbeat_cue(snapshot: Snapshot, heard_at: float, period: float) -> Cue | None:
    """The sign that work goes on: due when an agent works and nothing was to be heard since `heard_at` (seconds since
    the epoch) for `period` seconds; 0 for never."""
    if not period or snapshot.now - heard_at < period:
        return None
    at_work = any(status.state in HEARTBEAT_STATES for status in snapshot.statuses.values())
    return Cue(Sound.HEARTBEAT) if at_work else None


def tool_family(tool: str) -> str:
    """The family of a tool: `shell`, `read`, `edit`, `web`, `agent`, or `other`; empty for no tool."""
    return _FAMILY_OF.get(tool.lower(), "other") if tool else ""


def _is_news(at: float, since: float) -> bool:
    # Whole seconds, as `date +%s` and AIPass's timestamps give them, may stand for up to a second later.
    return at + (0.0 if at % 1 else 1.0) >= since


def _new_activities(earlier: AgentFacts | None, facts: AgentFacts) -> Iterator[Activity]:
    known = earlier.activities if earlier is not None else ()
    same = set(map(id, known))  # nearly all are the very same; to compare thirty with thirty by value costs 0.2 ms
    return (activity for activity in facts.activities if id(activity) not in same and activity not in known)


def _new_mail(earlier: AgentFacts | None, facts: AgentFacts, since: float) -> Iterator[Message]:
    messages = facts.mailbox.messages
    known = earlier.mailbox.messages if earlier is not None else ()
    if messages is known:
        return iter(())
    before = {(message.id, message.sent_id) for message in known}
    return (
        message
        for message in messages
        if (message.id, message.sent_id) not in before and _is_news(message.stored_at or message.at, since)
    )


def _mail_cue(address: str, message: Message, voices: Mapping[str, int]) -> Cue:
    """A task has the pitch of its agent, and so has mail between agents; mail for the operator that of its sender."""
    if message.is_task:
        return Cue(Sound.DISPATCHED, address, voices.get(address, 0))
    sound = SOUND_OF_MAIL.get(message.priority, Sound.MAIL)
    if address == OPERATOR:
        return Cue(sound, message.sender, voices.get(message.sender, 0))
    return Cue(sound, address, voices.get(address, 0), volume=AGENT_MAIL_VOLUME)


def _changed(old: Fleet, new: Fleet) -> Iterator[tuple[AgentFacts | None, AgentFacts]]:
    """(before, now) of each of whom something changed, the operator last; no `before` of who is new."""
    few = changed_agents(old, new)
    for facts in new.agents if few is None else few:
        earlier = old.find(facts.address)
        if earlier is not facts:
            yield earlier, facts
    if new.operator is not None and new.operator is not old.operator:
        yield old.operator, new.operator
