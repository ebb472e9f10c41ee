"""The life of a group of errors: what is observed, and what is done about it, each makes the next value. Pure.

A group is told apart from others by its fingerprint alone. Nothing of its size grows without bound: its count does, and
of its parts the newest are kept.
"""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from mailcore.model.error_group import ErrorEvent, ErrorGroup, GroupEntry, GroupState, Severity

MAX_AGENTS, MAX_RUNS, MAX_RECENT, MAX_ENTRIES = 50, 20, 64, 40
"""Agents, runs, times and entries of the history that a group keeps."""
MAX_SAMPLE_LINES, MAX_SAMPLE_LINE, MAX_FRAMES, MAX_TITLE, MAX_WORDS = 40, 400, 30, 300, 2000
"""Lines of a sample, characters of one; frames; characters of a title, and of what was done about a group."""


def observed(group: ErrorGroup | None, event: ErrorEvent, fingerprint: str, *, history: bool = False) -> ErrorGroup:
    """The group with one more event; a new one where there was none.

    An event that happened after the group was resolved brings it back. `history`: it stood there before anybody looked;
    it counts, and does not call for an act.
    """
    event = bounded_event(event)
    recent = () if history else (event.at,)
    if group is None:
        return ErrorGroup(
            fingerprint,
            event.title,
            event.kind,
            event.severity,
            GroupState.NEW,
            1,
            event.at,
            event.at,
            agents=((event.agent, 1),),
            runs=(event.run_id,) if event.run_id else (),
            recent=recent,
            sample=event,
        )
    tally = Counter(dict(group.agents))
    tally[event.agent] += 1
    runs = (*(run for run in group.runs if run != event.run_id), event.run_id)[-MAX_RUNS:] if event.run_id else None
    newest = group.sample is None or event.at >= group.sample.at
    came = replace(
        group,
        title=event.title if newest else group.title,
        severity=Severity.FATAL if Severity.FATAL in (group.severity, event.severity) else Severity.ERROR,
        count=group.count + 1,
        first_at=min(group.first_at, event.at),
        last_at=max(group.last_at, event.at),
        agents=tuple(sorted(tally.items(), key=lambda row: (-row[1], row[0]))[:MAX_AGENTS]),
        runs=group.runs if runs is None else runs,
        recent=tuple(sorted((*group.recent, *recent))[-MAX_RECENT:]),
        sample=event if newest else group.sample,
    )
    if group.unmuted_state is not GroupState.RESOLVED or event.at <= group.resolved_at or history:
        return came
    state = GroupState.MUTED if group.state is GroupState.MUTED else GroupState.BACK
    came = replace(came, state=state, returns=group.returns + 1, came_back_at=event.at)
    return entered(came, event.at, "came back after it was resolved")


def bounded_event(event: ErrorEvent) -> ErrorEvent:
    """An event of which no part is larger than is kept."""
    sample = tuple(line[:MAX_SAMPLE_LINE] for line in event.sample[:MAX_SAMPLE_LINES])
    return replace(event, title=event.title[:MAX_TITLE], sample=sample, frames=event.frames[-MAX_FRAMES:])


def entered(group: ErrorGroup, at: float, what: str, by: str = "") -> ErrorGroup:
    """The group with one more entry in its history; of many the first and the newest are kept."""
    history = (*group.history, GroupEntry(at, what[:MAX_WORDS], by))
    if len(history) > MAX_ENTRIES:
        history = (history[0], *history[1 - MAX_ENTRIES :])
    return replace(group, history=history)


def owned(group: ErrorGroup, owner: str, why: str) -> ErrorGroup:
    """Whose it is, and why."""
    return group if (group.owner, group.owner_why) == (owner, why) else replace(group, owner=owner, owner_why=why)


def asked(group: ErrorGroup, at: float, message_id: str, run_id: str = "") -> ErrorGroup:
    """Its owner has the mail `message_id`, or was dispatched with it as the run `run_id`."""
    how = f"dispatched {group.owner}, run {run_id}" if run_id else f"mailed {group.owner}"
    again = " again" if group.asks else ""
    state = group.state if group.state is GroupState.MUTED else GroupState.INVESTIGATING
    group = replace(
        group,
        state=state,
        asked_at=at,
        asks=group.asks + 1,
        asked_run=run_id,
        message_id=group.message_id or message_id,
    )
    return entered(group, at, f"{how}{again}")


def muted(group: ErrorGroup, at: float, by: str, minutes: float = 0.0) -> ErrorGroup:
    """Counted on, and nobody is asked: for so many minutes; 0: until it is unmuted."""
    until = at + minutes * 60 if minutes > 0 else 0.0
    how = f"muted for {minutes:g} minutes" if until else "muted"
    return entered(replace(group, state=GroupState.MUTED, muted_until=until), at, how, by)


def unmuted(group: ErrorGroup, at: float, by: str = "") -> ErrorGroup:
    """It stands as it would, had it not been muted; a group that is not muted is left as it is."""
    if group.state is not GroupState.MUTED:
        return group
    how = "unmuted" if by else "its mute is over"
    return entered(replace(group, state=group.unmuted_state, muted_until=0.0), at, how, by)


def mute_lapsed(group: ErrorGroup, now: float) -> ErrorGroup:
    """The group, unmuted where its mute had an end that is past."""
    return unmuted(group, now) if group.state is GroupState.MUTED and 0 < group.muted_until <= now else group


def resolved(group: ErrorGroup, at: float, by: str, how: str) -> ErrorGroup:
    """`by` says that it is over, and what was done; what happens after `at` brings it back."""
    before = (group.resolution, group.resolved_at)
    if group.unmuted_state is GroupState.RESOLVED:  # said again, in other words
        before = (group.earlier_resolution, group.earlier_resolved_at)
    done = replace(
        group,
        state=GroupState.RESOLVED,
        earlier_resolution=before[0],
        earlier_resolved_at=before[1],
        resolution=how[:MAX_WORDS],
        resolved_at=at,
        muted_until=0.0,
        recent=tuple(one for one in group.recent if one > at),
    )
    done = entered(done, at, f"resolved: {how}" if how else "resolved", by)
    since = [one for one in group.recent if one > at]
    if not since:
        return done
    back = replace(done, state=GroupState.BACK, returns=group.returns + 1, came_back_at=since[0])
    return entered(back, since[0], "came back after it was resolved")


def reopened(group: ErrorGroup, at: float, by: str) -> ErrorGroup:
    """It is not over after all, says `by`: it stands as before; a group that is not resolved is left as it is."""
    if group.state is not GroupState.RESOLVED:
        return group
    again = replace(
        group,
        resolution=group.earlier_resolution,
        resolved_at=group.earlier_resolved_at,
        earlier_resolution="",
        earlier_resolved_at=0.0,
    )
    again = replace(again, state=again.acted_state)
    return entered(again, at, "not over after all", by)


def in_window(group: ErrorGroup, now: float, window: float) -> int:
    """How many of its events happened within the last `window` seconds, of those that are kept."""
    return sum(1 for at in group.recent if now - window <= at <= now + window)


def is_open(group: ErrorGroup) -> bool:
    """Something is still to be done about it."""
    return group.state in (GroupState.NEW, GroupState.INVESTIGATING, GroupState.BACK)
