"""What the sections of the view of one agent say: processes, timeline, log, memories. Pure text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.cells import cell_len

from mailcore.model.activity import Activity
from mailcore.model.fleet import AgentFacts
from mailcore.model.run import Phase
from mailcore.text import counted
from mailcore.text.units import UNKNOWN_TIME, clock_cells, clock_time, date_and_time, since, size
from praxmonitor.state.agent_details import AgentDetails, CopyState, MemoryFile, ProcessRow
from praxmonitor.text.lines import Line, cut, plain, sender, wrap
from praxmonitor.widgets.agent_story import run_lines
from praxmonitor.widgets.card import activity_spans, timed
from praxmonitor.widgets.line_list import READING

REPLAYED = "a recording is played: it holds no {}; open the workspace itself to see them"
HEADING = "    pid     age    cpu   memory  command"


def process_tree_lines(facts: AgentFacts, details: AgentDetails | None, now: float) -> list[Line]:
    """Every process of the run, one a line, those that another started below it."""
    if details is None or details.tree is None:
        return [READING]
    if not details.tree:
        run = facts.run
        if run is not None and run.phase.ended:
            why = f"the run ended at {clock_time(run.since, never=UNKNOWN_TIME)}"
        elif run is not None and run.phase is Phase.WAITING:
            why = "the run waits between two attempts"
        else:
            why = "none of it can be seen from here" if facts.lock is not None else "nothing runs at this agent"
        return [(("no process: ", "muted"), (why, "faint"))]
    rows = details.tree
    total = sum(row.cpu_percent or 0.0 for row in rows)
    measured = any(row.cpu_percent is not None for row in rows)
    many = f"{len(rows)} processes" if len(rows) > 1 else "1 process"
    head: Line = (
        (many, "strong"),
        (f"   {_percent(total if measured else None)} cpu   {size(sum(row.rss for row in rows))}", "muted"),
    )
    return [head, ((HEADING, "faint"),), *(_process_line(row, now) for row in rows)]


def _process_line(row: ProcessRow, now: float) -> Line:
    return (
        (f"{row.pid:>7} ", ""),
        (f"{since(row.started_at, now):>7} {_percent(row.cpu_percent):>6} {size(row.rss):>8}  ", "muted"),
        ("  " * min(row.depth, 12), ""),
        (plain(row.command), ""),
    )


def _percent(share: float | None) -> str:
    return "?" if share is None else f"{share:.0f} %"


def timeline(facts: AgentFacts, stream: Iterable[Activity]) -> list[Line]:
    """All that is known of when something happened at this agent, oldest first: what it did, and, of before the oldest
    of that, its run and the mail that it has."""
    known = {(one.at, one.kind, one.text): one for one in stream if one.agent == facts.address}
    known |= {(one.at, one.kind, one.text): one for one in facts.activities}
    activities = sorted(known.values(), key=lambda one: one.at)
    oldest = activities[0].at if activities else float("inf")
    moments = [(at, line) for at, line in _before(facts) if 0 < at < oldest]
    moments.sort(key=lambda moment: moment[0])
    lines: list[Line] = [line for _, line in moments]
    lines += [((timed(one), "faint"), *activity_spans(one, "")) for one in activities]
    if not lines:
        return [(("nothing has been seen of this agent yet: neither a run nor mail nor a line of its logs", "faint"),)]
    began = min([*(at for at, _ in moments[:1]), *(one.at for one in activities[:1])])
    return [((f"what is known, from {date_and_time(began, never='-')} on", "faint"),), *lines]


def _before(facts: AgentFacts) -> Iterator[tuple[float, Line]]:
    run = facts.run
    if run is not None:
        yield run.created_at, _moment(run.created_at, f"asked for by {sender(run.sender)}: {plain(run.subject)}")
        for attempt in run.attempts:
            which = f"attempt {run.place(attempt)} of {run.attempts_allowed}"
            yield attempt.started_at, _moment(attempt.started_at, f"{which} begins, pid {attempt.pid}")
            if attempt.ended_at:
                yield attempt.ended_at, _moment(attempt.ended_at, f"{which}: {plain(attempt.cause) or 'ended'}")
    for message in facts.mailbox.messages:
        yield message.at, _moment(message.at, f"✉ from {sender(message.sender)}: {plain(message.subject)}")


def _moment(at: float, text: str) -> Line:
    return ((f"{clock_cells(at)}  ", "faint"), (text, "muted"))


def log_section_lines(details: AgentDetails | None, width: int) -> list[Line]:
    """The end of the newest log."""
    if details is None:
        return [READING]
    if not details.log_name:
        return [
            (("no log yet: ", "muted"), ("what its program prints, and *.log in its logs/, would stand here", "faint"))
        ]
    name = cut(plain(details.log_name), max(4, width - 24))
    head: Line = ((name, "strong"), (f"   its last {counted(len(details.log), 'line')}", "muted"))
    return [head, (), *(((plain(text), ""),) for text in details.log)]


def memory_lines(details: AgentDetails | None, width: int) -> list[Line]:
    """Each file with its path, size and time, and what it says."""
    if details is None or details.memories is None:
        return [READING]
    if not details.memories:
        text = "no memories: .trinity/passport.json, .trinity/*.json and *.md and instructions would stand here"
        return [((part, "faint"),) for part in wrap(text, width)]
    lines: list[Line] = []
    for file in details.memories:
        lines += [*_memory(file, width), ()]
    return lines[:-1]


def _memory(file: MemoryFile, width: int) -> Iterator[Line]:
    if file.trouble:
        yield ((plain(file.path), "strong"), (f"   {plain(file.trouble)}", "warn"))
        return
    yield (
        (plain(file.path), "strong"),
        (f"   {size(file.size)}   {date_and_time(file.modified_at, never='-')}", "muted"),
    )
    for text in file.lines:
        harmless = plain(text.expandtabs(4))
        for part in wrap(harmless, width) if cell_len(harmless) > width else [harmless]:
            yield ((part, ""),)
    if file.cut:
        yield (("… and more: open the file to read the rest", "faint"),)


def recorded_run(facts: AgentFacts, what: str, now: float) -> list[Line]:
    """What a recording holds in the place of what was never recorded: the run."""
    return [((REPLAYED.format(what), "muted"),), (), *run_lines(facts, now)]


def run_there(facts: AgentFacts, what: str, now: float) -> list[Line]:
    """What is known here, in the place of what is seen on the agent's own host alone: the run."""
    host = plain(facts.agent.host)
    said: Line = ((f"{what} of an agent on {host} are seen there alone: praxmonitor on {host}", "muted"),)
    return [said, (), *run_lines(facts, now)]


def copy_words(copy: CopyState, now: float) -> str:
    """`from beta, asked for 2s ago`; why it did not come, and how old what is shown is."""
    host, ago = plain(copy.host), f"{since(copy.at, now)} ago" if copy.at else ""
    if copy.trouble:
        return f"{plain(copy.trouble)}; this is of {ago}" if ago else plain(copy.trouble)
    if ago:
        return f"from {host}, asked for {ago}"
    return f"asking {host}…"
