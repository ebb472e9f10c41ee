"""The lines of the list of alarms and requests for approval. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mailcore.model.message import Message
from mailcore.model.permission import PermissionRequest, request_words
from mailcore.text.units import age, clock_cells, clock_time, since, soon
from praxmonitor.alarms.alarm_mutes import AlarmMute
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.explanation import explanation
from praxmonitor.alarms.groups import AlarmGroup, AlarmState, began
from praxmonitor.alarms.history import HistoryEntry
from praxmonitor.alarms.listing import AlarmRow
from praxmonitor.text.lines import Line, Respelled, Span, cut, plain, sender, spread, wrap
from praxmonitor.text.permissions import circumstances, hinted
from praxmonitor.widgets.alarm_bar import URGENCY_ROLES, marks

LABEL_WIDTH = 15
"""Cells before the texts that explain the chosen alarm."""
MOST_LISTED = 8
"""Alarms of one group, and hidden ones, that are listed by name; the rest is counted."""
MOST_AGENTS_NAMED = 20
"""Agents that an alarm of many names."""
MOST_SAID = 8
"""Lines of a request's text that are shown in the list."""
WIDE = 76
"""Cells of a line in which counts and states have all their words."""


def group_lines(
    group: AlarmGroup, mutes: Mapping[str, AlarmMute], now: float, width: int, respelled: Respelled | None
) -> list[Line]:
    """One line for an alarm with its group; of the chosen one, for which there is `respelled`, all that explains it.
    `mutes`: by id."""
    role = URGENCY_ROLES[group.urgency] if group.state is AlarmState.WANTS else "muted"
    mark = "▸" if respelled else " "
    summary = plain(group.leader.alarm.summary)
    left: Line = ((f"{mark} {marks(group.urgency):<3} ", role), (summary, role))
    told = [(text, "accent") for text in _counts(group, wide=width >= WIDE)]
    told += [(text, "muted") for text in _states(group, mutes, wide=width >= WIDE)]
    right = tuple(part for text, each in told for part in ((text, each), ("  ", "")))
    line = spread(left, (*right, (since(group.since, now), "faint")), width)
    return [line, *(_explained(group, mutes, now, width, respelled) if respelled else ())]


def beside_lines(
    row: AlarmRow,
    mutes: Mapping[str, AlarmMute],
    entries: Sequence[HistoryEntry],
    now: float,
    width: int,
    respelled: Respelled,
) -> list[Line]:
    """All that explains a row, beside the list, and what happened to it of late. `entries`: the oldest first."""
    asked, group = row.request, row.group
    if row.permission is not None:
        told = list(_permission_explained(row.permission, now, width, respelled))
        said, role = _permission_said(row.permission), "state-waiting"
    elif asked is not None:
        told = list(_request_explained(asked, now, width, respelled))
        said = f"{sender(asked.sender)} asks for your approval: {plain(asked.subject) or 'no subject'}"
        role = "state-waiting"
    elif group is not None:
        told = list(_explained(group, mutes, now, width, respelled))
        states = " · ".join([group.urgency.word, f"since {since(group.since, now)}", str(group.state)])
        told.insert(0, ((states, "muted"),))
        said, role = plain(group.leader.alarm.summary), URGENCY_ROLES[group.urgency]
    else:
        return []
    happened = [entry for entry in entries if entry.key in row.keys][-MOST_LISTED:]
    history = [
        (
            (f"      {'' if number else 'history':<{LABEL_WIDTH - 6}}", "faint"),
            (f"{clock_cells(entry.at)}  {entry.event}{f' by {plain(entry.by)}' if entry.by else ''}", "muted"),
        )
        for number, entry in enumerate(reversed(happened))
    ]
    return [*(((part, f"{role} strong"),) for part in wrap(said, max(10, width))), (), *told, *history]


def _counts(group: AlarmGroup, *, wide: bool) -> Iterator[str]:
    if group.joined:
        yield f"+{len(group.joined)} of one cause" if wide else f"+{len(group.joined)}"
    if group.hidden:
        yield f"hides {len(group.hidden)}"


def _states(group: AlarmGroup, mutes: Mapping[str, AlarmMute], *, wide: bool) -> Iterator[str]:
    leader = group.leader
    match group.state:
        case AlarmState.SNOOZED:
            yield f"snoozed to {clock_time(leader.answered_until, seconds=False)}"
        case AlarmState.MUTED:
            mute = mutes.get(leader.muted_by)
            yield f"muted to {clock_time(mute.until, seconds=False)}" if mute is not None else "muted"
        case AlarmState.SETTLING:
            yield f"settling to {clock_time(leader.cleared_at + leader.settle, seconds=False)}" if wide else "settling"
        case AlarmState.WANTS:
            if leader.times_notified > 1:
                yield f"told {leader.times_notified}×"
        case state:
            yield str(state) if wide else str(state).partition(",")[0]


def _explained(
    group: AlarmGroup, mutes: Mapping[str, AlarmMute], now: float, width: int, respelled: Respelled
) -> Iterator[Line]:
    alarm = group.leader.alarm
    mute = mutes.get(group.leader.muted_by)
    told = (
        ("what", alarm.what),
        *((name, respelled(text) if name == "do" else text) for name, text in explanation(group.leader)),
        ("cause", alarm.cause), ("agents", _named(alarm.agents)),
        ("muted", f"{mute.id}: {_of_mute(mute)}" if mute is not None else ""),
    )  # fmt: skip
    for name, text in told:
        yield from _labelled(name, text, width)
    for name, found in (("with it", group.joined), ("it hides", group.hidden)):
        yield from _others(name, found, now, width)


def _named(agents: Sequence[str]) -> str:
    more = f" and {len(agents) - MOST_AGENTS_NAMED} more" if len(agents) > MOST_AGENTS_NAMED else ""
    return f"{' '.join(agents[:MOST_AGENTS_NAMED])}{more}"


def _labelled(name: str, text: str, width: int) -> Iterator[Line]:
    parts = wrap(plain(text), max(10, width - LABEL_WIDTH - 1)) if text else []
    for number, part in enumerate(parts):
        yield ((f"      {'' if number else name:<{LABEL_WIDTH - 6}}", "faint"), (part, ""))


def _others(name: str, found: Sequence[Episode], now: float, width: int) -> Iterator[Line]:
    for number, episode in enumerate(found[:MOST_LISTED]):
        label: Span = (f"      {'' if number else name:<{LABEL_WIDTH - 6}}", "faint")
        yield spread((label, (plain(episode.alarm.summary), "")), ((since(began(episode), now), "faint"),), width)
    if len(found) > MOST_LISTED:
        yield ((f"{'':<{LABEL_WIDTH}}and {len(found) - MOST_LISTED} more", "faint"),)


def _of_mute(mute: AlarmMute) -> str:
    return "; ".join(filter(None, (mute.words, f"by {mute.by}" if mute.by else "", mute.why)))


def mute_lines(mute: AlarmMute, now: float, width: int) -> list[Line]:
    """One mute: what it hides and until when; who made it when, and why."""
    left: Line = ((f"{mute.id}  ", "faint"), (plain(mute.words), ""))
    right: Line = ((f"until {soon(mute.until, now=now)} ", "muted"), (age(mute.until - now), "faint"))
    by = f"by {mute.by or 'nobody knows'}, {since(mute.at, now)} ago"
    said = wrap(plain(f"{by}: {mute.why}" if mute.why else by), max(10, width - 6))
    return [spread(left, right, width), *(((f"      {part}", "faint"),) for part in said)]


def approval_lines(
    mail: Message, group: AlarmGroup | None, now: float, width: int, respelled: Respelled | None
) -> list[Line]:
    """One line for a request for the operator's approval; of the chosen one, for which there is `respelled`, what it
    says, and the keys that decide."""
    tier = f" (tier {mail.tier})" if mail.tier > 1 else ""
    asked = f"{sender(mail.sender)} asks for your approval{tier}: {plain(mail.subject) or 'no subject'}"
    mark = "▸" if respelled else " "
    left: Line = ((f"{mark} ?   ", "state-waiting"), (asked, "state-waiting"))
    answered = group is not None and group.state not in (AlarmState.WANTS, AlarmState.SETTLING)
    told = f"{group.state}  " if answered and group is not None else ""
    until = f"until {soon(mail.expires_at, now=now)}  " if mail.expires_at else ""
    line = spread(left, ((told, "muted"), (until, "warn"), (since(mail.came_at, now), "faint")), width)
    return [line, *(_request_explained(mail, now, width, respelled) if respelled else ())]


def asked_lines(
    request: PermissionRequest, group: AlarmGroup | None, now: float, width: int, respelled: Respelled | None
) -> list[Line]:
    """One line for a request for permission; of the chosen one, for which there is `respelled`, what would be done."""
    mark = "▸" if respelled else " "
    left: Line = ((f"{mark} ?   ", "state-waiting"), (_permission_said(request), "state-waiting"))
    answered = group is not None and group.state not in (AlarmState.WANTS, AlarmState.SETTLING)
    told = f"{group.state}  " if answered and group is not None else ""
    until = f"until {soon(request.until, now=now)}  "
    line = spread(left, ((told, "muted"), (until, "warn"), (since(request.at, now), "faint")), width)
    return [line, *(_permission_explained(request, now, width, respelled) if respelled else ())]


def _permission_said(request: PermissionRequest) -> str:
    return f"{plain(request.agent)} {plain(request_words(request))}"


def _permission_explained(request: PermissionRequest, now: float, width: int, respelled: Respelled) -> Iterator[Line]:
    indent: Span = (" " * 6, "")
    key = respelled("permission (Y)").rpartition("(")[2].rstrip(")")
    for line in (*hinted(request, max(20, width - 7), key), *circumstances(request, now, max(20, width - 7))):
        yield (indent, *line)
    yield from _labelled("do", respelled("permission (Y) shows all of it, allows or denies it"), width)


def _request_explained(mail: Message, now: float, width: int, respelled: Respelled) -> Iterator[Line]:
    room = max(10, width - LABEL_WIDTH - 1)
    said = [part for text in mail.body.splitlines() if text.strip() for part in wrap(plain(text), room)]
    if len(said) > MOST_SAID:
        said = [*said[: MOST_SAID - 1], cut("… Enter reads all of it", room)]
    for number, part in enumerate(said):
        yield ((f"      {'' if number else 'says':<{LABEL_WIDTH - 6}}", "faint"), (part, ""))
    lapses = f"; it lapses {soon(mail.expires_at, now=now)}" if mail.expires_at else ""
    yield from _labelled("asked", f"{clock_time(mail.came_at)}, {since(mail.came_at, now)} ago{lapses}", width)
    yield from _labelled(
        "do", respelled("approve (Y) it; open (Enter) it among your mail, where you deny (N) it"), width
    )
