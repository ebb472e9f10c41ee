"""The lines of the view of errors: one for each group, and the whole of the one that is chosen. Pure.

All that agents wrote is untrusted: each line of it becomes one harmless line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from mailcore.model.error_group import ErrorEvent, ErrorGroup, GroupState, Severity, StackFrame
from mailcore.text import counted
from mailcore.text.units import clock_time, date_and_time, moment, since, soon
from praxmonitor.text.error_looks import LOOKS_OF_GROUPS
from praxmonitor.text.lines import Line, Respelled, cut, pad, plain, wrap, wrapped

NAME_WIDTH = 10
"""Cells before the texts that tell of the chosen group."""
WITH_AGENT, WITH_OWNER = 76, 96
"""Cells of a line from which it says who reports it, and who is asked."""
MOST_SAMPLE, MOST_FRAMES, MOST_HISTORY, MOST_RUNS, MOST_AGENTS = 60, 30, 12, 4, 8
"""Lines, frames, acts, runs and agents that are listed; the rest is counted."""
MOST_PARTS = 6
"""Lines of what an agent answered."""
RECENT_ENTRY = 86_400.0
"""Seconds for which the time of day alone says when something was done."""
NOTHING_HERE = (
    "No errors are known.",
    "",
    "Here stands each error that agents report in logs, on standard error, by tools that fail and by results, those "
    "that are one error in one row: how often, when last, who reports it, who is asked about it, and what was done.",
    "One that comes back after it was resolved sounds. Warnings are counted, and not listed.",
)


def how_often(count: int) -> str:
    """`7×`, `1,204×`, `12k×`, in six cells."""
    return f"{count:,}×" if count < 10_000 else f"{min(count // 1000, 9999)}k×"


def group_line(group: ErrorGroup, now: float, width: int) -> Line:
    """One row: its state, how often, since when not seen, who reports it and who is asked, what it says."""
    look = LOOKS_OF_GROUPS[group.state_at(now)]
    quiet = look.role == "faint"
    spans = [
        (f"{look.glyph} {pad(look.word, 14)}", look.role),
        (f"{how_often(group.count):>6} ", "muted" if quiet else "strong"),
        (f"{since(group.last_at, now):>4}  ", "faint"),
    ]
    agents = group.reporters
    if width >= WITH_AGENT:
        more = f" +{len(agents) - 1}" if len(agents) > 1 else ""
        who = cut(plain(agents[0]), 14 - len(more)) if agents else ""
        spans.append((f"{pad(f'{who}{more}', 14)} ", "muted"))
    if width >= WITH_OWNER:
        spans.append((f"{pad(f'→ {plain(group.owner)}' if group.owner else '', 14)} ", "muted"))
    if group.state_at(now) is GroupState.MUTED and group.muted_until:
        spans.append((f"until {soon(group.muted_until, now=now)}  ", "muted"))
    return (*spans, (plain(group.title), "muted" if quiet else ""))


def whole_lines(group: ErrorGroup, now: float, width: int, respelled: Respelled = str) -> list[Line]:
    """All that is known of a group."""
    look, room = LOOKS_OF_GROUPS[group.state_at(now)], max(10, width)
    title = [((part, f"{look.role} strong"),) for part in wrapped(plain(group.title), room, 3)]
    return [*title, (), *_told(group, now, width, respelled), *_sample(group, width), *_history(group, now, width)]


def investigation_lines(group: ErrorGroup, now: float, width: int) -> list[Line]:
    """Whom an investigation would start and why, and with what."""
    asked = f"{counted(group.asks, 'time')} before" if group.asks else "not asked before"
    last = f"{counted(group.count, 'time')}, last {since(group.last_at, now)} ago"
    rows = (
        ("who", f"{group.owner or 'it is decided now'} ({asked})"), ("why", group.owner_why), ("how often", last),
        ("reported", f"by {', '.join(who for who, _ in group.agents[:MOST_AGENTS])}"),
        ("it gets", "the sample, the counts, where it stands, the history; its answer closes the error"),
    )  # fmt: skip
    return [line for name, text in rows for line in named_lines(name, text, width)]


def _told(group: ErrorGroup, now: float, width: int, respelled: Respelled) -> Iterator[Line]:
    look = LOOKS_OF_GROUPS[group.state_at(now)]
    fatal = ", fatal" if group.severity is Severity.FATAL else ""
    yield from named_lines("state", f"{look.glyph} {look.word}{_how(group, now)}", width, look.role)
    yield from named_lines("count", f"{counted(group.count, 'time')} ({group.kind}{fatal})", width)
    yield from named_lines("first", f"{moment(group.first_at, now)}, {since(group.first_at, now)} ago", width)
    yield from named_lines("last", f"{moment(group.last_at, now)}, {since(group.last_at, now)} ago", width)
    shown = group.agents[:MOST_AGENTS]
    more = f", and {len(group.agents) - len(shown)} more" if len(group.agents) > len(shown) else ""
    yield from named_lines("from", ", ".join(f"{who} {number:,}×" for who, number in shown) + more, width)
    runs = group.runs[-MOST_RUNS:]
    earlier = f"; {len(group.runs) - len(runs)} before" if len(group.runs) > len(runs) else ""
    yield from named_lines("runs", (", ".join(reversed(runs)) or "") + earlier, width)
    yield from named_lines("asked", _asked(group), width)
    if group.message_id:
        yield from named_lines("mail", respelled(f"{group.message_id}; open it: thread (t)"), width)
    done = wrapped(plain(group.resolution), max(10, width - NAME_WIDTH), MOST_PARTS) if group.resolution else []
    yield from _column("done", done)
    if group.sample is not None and group.sample.path:
        yield from named_lines("where", _where(group.sample), width)
    yield from named_lines("do", respelled(_remedy(group, now)), width)


def _how(group: ErrorGroup, now: float) -> str:
    match group.state_at(now):
        case GroupState.MUTED:
            return f" until {soon(group.muted_until, now=now)}" if group.muted_until else " until it is unmuted"
        case GroupState.RESOLVED:
            return f" {moment(group.resolved_at, now)}" if group.resolved_at else ""
        case GroupState.BACK:
            times = f", the {_nth(group.returns)} time" if group.returns > 1 else ""
            return f" after it was resolved {moment(group.resolved_at, now)}{times}"
    return f"; it came back {counted(group.returns, 'time')} before" if group.returns else ""


def _nth(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _asked(group: ErrorGroup) -> str:
    if not group.owner:
        return "nobody yet"
    return f"{group.owner}: {group.owner_why}" if group.owner_why else group.owner


def _where(sample: ErrorEvent) -> str:
    path = PurePath(sample.path)
    at = f", byte {sample.offset:,}" if sample.offset >= 0 else ""
    return f"{'/'.join(path.parts[-3:])}{at} ({sample.origin})"


def _remedy(group: ErrorGroup, now: float) -> str:
    log = "read it where it stands: log (L)"
    match group.state_at(now):
        case GroupState.RESOLVED:
            return f"{log}; not over after all? resolve (R), once more"
        case GroupState.MUTED:
            return f"{log}; ask for it again: mute (m), once more"
        case GroupState.INVESTIGATING:
            return f"{log}; wait for the answer, or resolve (R) it yourself, mute (m)"
    return f"{log}; investigate (I), resolve (R) or mute (m) it"


def _sample(group: ErrorGroup, width: int) -> Iterator[Line]:
    sample = group.sample
    if sample is None:
        return
    yield ()
    yield ((f"the newest, {date_and_time(sample.at)}, of {plain(sample.agent)}", "accent"),)
    for text in sample.sample[:MOST_SAMPLE]:
        yield from (((f"  {part}", ""),) for part in wrapped(plain(text), max(10, width - 2), MOST_PARTS))
    if len(sample.sample) > MOST_SAMPLE:
        yield ((f"  and {counted(len(sample.sample) - MOST_SAMPLE, 'line')} more, in the log", "faint"),)
    if sample.frames:
        yield ()
        yield (("frames, the innermost first", "accent"),)
    for frame in tuple(reversed(sample.frames))[:MOST_FRAMES]:
        yield ((f"  {_place(frame)}", ""), (f"  {plain(frame.function)}" if frame.function else "", "muted"))
    if len(sample.frames) > MOST_FRAMES:
        yield ((f"  and {len(sample.frames) - MOST_FRAMES} more", "faint"),)


def _place(frame: StackFrame) -> str:
    return f"{plain(frame.file)}:{frame.line}" if frame.line else plain(frame.file)


def _history(group: ErrorGroup, now: float, width: int) -> Iterator[Line]:
    if not group.history:
        return
    yield ()
    yield (("history", "accent"),)
    room = max(10, width - 20)
    for entry in reversed(group.history[-MOST_HISTORY:]):
        at = clock_time(entry.at) if now - entry.at < RECENT_ENTRY else date_and_time(entry.at, seconds=False)
        said = f"{entry.what} (by {entry.by})" if entry.by else entry.what
        for number, part in enumerate(wrapped(plain(said), room, MOST_PARTS)):
            yield ((f"  {'' if number else at:<18}", "faint"), (part, "muted"))
    if len(group.history) > MOST_HISTORY:
        yield ((f"  and {len(group.history) - MOST_HISTORY} before", "faint"),)


def named_lines(name: str, text: str, width: int, role: str = "") -> Iterator[Line]:
    """A text behind its name, in as many lines as it takes; nothing where it is empty."""
    yield from _column(name, wrap(plain(text), max(10, width - NAME_WIDTH)) if text else [], role)


def _column(name: str, parts: list[str], role: str = "") -> Iterator[Line]:
    for number, part in enumerate(parts):
        yield ((f"{'' if number else name:<{NAME_WIDTH}}", "faint"), (part, role))
