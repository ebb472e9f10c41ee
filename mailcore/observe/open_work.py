"""What an agent began and has not ended, as its activities report. Pure; a part of the fold."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from mailcore.model.activity import Activity, Kind
from mailcore.model.fleet import AgentFacts
from mailcore.model.usage import Spending
from mailcore.observe import permission_prompts, turns

TURNS = frozenset({Kind.PROMPT, Kind.TOOL, Kind.TOOL_DONE, Kind.TOOL_FAILED, Kind.THINKING})
"""What only an agent in the midst of a turn does."""
BEGINNINGS = frozenset({Kind.TOOL, Kind.SUBAGENT, Kind.COMPACT})
ENDS = {
    Kind.TOOL_DONE: Kind.TOOL,
    Kind.TOOL_FAILED: Kind.TOOL,
    Kind.SUBAGENT_DONE: Kind.SUBAGENT,
    Kind.COMPACTED: Kind.COMPACT,
}
CLEARS = frozenset({Kind.PROMPT, Kind.SESSION, Kind.TURN_END, Kind.ERROR})
"""After one of these of the agent itself nothing that its session began before goes on, save subagents: they may work
in the background, until a session begins again."""
MOST_OPEN = 32
"""Of what is open the newest so many are kept: ends that never came must not pile up."""


def with_activities(
    old: AgentFacts, happened: Iterable[Activity], floor: float, activities: tuple[Activity, ...], spending: Spending
) -> AgentFacts:
    """What is open, waited for and last seen after what `happened`, oldest first; the other two are set with it.

    What began before `floor` (seconds since the epoch) counts as a sign of life and as nothing else. Log lines and the
    program's output report no turn.
    """
    open_now, asking, turn_open, last_active = old.open, old.prompts, old.turn_open, old.last_active
    turn_ended, granted, newest_turns = old.turn_ended, old.granted, old.turns
    for activity in happened:
        last_active = max(last_active, activity.at)
        if activity.source == "log" or activity.at < floor:
            continue
        newest_turns = turns.turns_after(newest_turns, activity)
        if activity.kind is Kind.WAITING:
            asking = permission_prompts.after_request(asking, activity, open_now)
        else:
            asking, granted = (
                permission_prompts.after_activity(asking, activity),
                permission_prompts.after_activity(granted, activity),
            )
        late = _late(activity, turn_ended)
        if not (late and activity.kind in BEGINNINGS):
            open_now = _after(open_now, activity)
        if activity.subagent:
            continue
        if activity.kind in TURNS and not late:
            turn_open = True
        elif activity.kind in (Kind.TURN_END, Kind.ERROR):
            turn_open, turn_ended = turn_open and late, max(turn_ended, activity.at)
    return replace(
        old,
        activities=activities,
        spending=spending,
        open=open_now,
        prompts=asking,
        granted=granted,
        turn_open=turn_open,
        turn_ended=turn_ended,
        turns=newest_turns,
        last_active=last_active,
    )


def _late(activity: Activity, turn_ended: float) -> bool:
    """Reported after a turn's end, of a moment before it: session files are written a moment after the hooks ran."""
    if activity.subagent or not turn_ended:
        return False
    # A hook script may stamp with `date +%s`.
    return activity.at < (turn_ended if activity.source == "transcript" else int(turn_ended))


def begun_since(activities: tuple[Activity, ...], floor: float) -> tuple[Activity, ...]:
    """Those that began at `floor` or later."""
    kept = tuple(activity for activity in activities if activity.at >= floor)
    return kept if len(kept) < len(activities) else activities


def _after(open_now: tuple[Activity, ...], activity: Activity) -> tuple[Activity, ...]:
    if activity.kind in BEGINNINGS:
        others = [one for one in open_now if one.kind is not activity.kind or not _same(activity, one)]
        return (*others, activity)[-MOST_OPEN:]
    if (ended := ENDS.get(activity.kind)) is not None:
        gone = next((one for one in open_now if one.kind is ended and _ends(activity, one)), None)
        open_now = tuple(one for one in open_now if one is not gone)
        if ended is Kind.SUBAGENT and activity.subagent:
            open_now = tuple(one for one in open_now if one.subagent != activity.subagent)
        return open_now
    if activity.kind in CLEARS and not activity.subagent:
        stays = frozenset() if activity.kind is Kind.SESSION else frozenset({Kind.SUBAGENT})
        begins = activity.kind in (Kind.SESSION, Kind.PROMPT)  # a session file may tell of it after what came after it
        kept = [
            one for one in open_now
            if one.kind in stays or "" != one.session != activity.session != "" or (begins and one.at > activity.at)
        ]  # fmt: skip
        return tuple(kept) if len(kept) < len(open_now) else open_now
    return open_now


def _same(one: Activity, other: Activity) -> bool:
    """Two of a kind: reported twice, by the same call's id, else by what only one of can go on in a session."""
    if one.session != other.session:
        return False
    if one.kind is Kind.SUBAGENT:
        return bool(one.tool_id or one.subagent) and (one.tool_id, one.subagent) == (other.tool_id, other.subagent)
    # Calls without ids come one at a time: the next begins when the former is over, reported or not.
    return one.tool_id == other.tool_id and one.subagent == other.subagent


def _ends(done: Activity, start: Activity) -> bool:
    match start.kind:
        case Kind.TOOL | Kind.SUBAGENT if done.tool_id and start.tool_id:
            return done.tool_id == start.tool_id
        case Kind.TOOL:
            return done.tool == start.tool
        case Kind.SUBAGENT if done.subagent and start.subagent:
            return done.subagent == start.subagent
        case _:
            return not (done.session and start.session) or done.session == start.session
