"""`logs`: what the agents' programs logged and printed, in the order of time, of all files at once."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from stat import S_ISFIFO
from typing import Any, BinaryIO

from mailcore.cli import output
from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.cli.since import parse_since
from mailcore.exceptions import MailcoreError, UsageError
from mailcore.logs.merged import MergedLog
from mailcore.logs.sources import logs_of, source_sign
from mailcore.logs.wanted import LogFilter
from mailcore.model.activity import Kind
from mailcore.model.agent import Agent
from mailcore.model.log import LogEntry, LogSource
from mailcore.model.run import Run
from mailcore.text import line
from mailcore.text.ansi import ansi_coloured, ansi_text
from mailcore.text.listing import COLOURS
from mailcore.text.terminal import colours
from mailcore.text.units import iso, moment

LAST = 100
"""Entries that are shown to one who does not say how many, nor since when."""
PAGE = 200
MAX_VALUES = 5000
"""Entries of one JSON value; there is no end to what --jsonl may print."""
FOLLOW_PERIOD = 0.5
"""Seconds between two looks where the kernel reports no changes."""
ROUNDING = 1.0
"""Seconds by which a log may say the time of its lines too early or too late."""
_ROLES = {Kind.ERROR: "error", Kind.WARNING: "warn"}


def arguments(verb: str, parser: Parser) -> None:
    """`logs [@a…] [--errors] [--grep RE] [--since WHEN] [--run ID] [-n N] [--all] [--who] [--follow] [--jsonl]`."""
    del verb
    parser.add_argument("agents", nargs="*", metavar="@a", help="whose; else your own, of a person outside all of them")
    parser.add_argument("--errors", action="store_true", help="only errors")
    parser.add_argument("--grep", metavar="RE", help="only where this expression is found; a capital letter counts")
    parser.add_argument("--since", metavar="WHEN", help="from then on, all of it: an ISO time, or 30m, 2h, 7d")
    parser.add_argument("--run", metavar="ID", help="what was logged in that run, and what it printed")
    parser.add_argument("-n", dest="count", type=int, metavar="N", help=f"the last ones; else {LAST}, or all since")
    parser.add_argument("--all", action="store_true", help="everybody's that you may see")
    parser.add_argument("--who", action="store_true", help="and which run or tool call wrote each, as far as is known")
    parser.add_argument("--follow", action="store_true", help="and what comes, until Ctrl-C")
    parser.add_argument("--jsonl", action="store_true", help="a JSON object a line, with file, offset and run")
    sender_option(parser)


def logs(call: Call) -> VerbResult:
    """The last entries, or all since then; at a shell they are printed as they are found, and with --follow as they
    come."""
    a = call.arguments
    if a.count is not None and a.count < 0:
        raise UsageError(f"-n {a.count}: 0 or more")
    if a.follow and call.served is not None:
        raise UsageError("--follow goes on until it is interrupted: ask again with since")
    agents, wanted = _whose(call), _wanted(call)
    who = _writers(agents) if a.who else None
    with closing(MergedLog(_sources(call, agents), agents)) as log:
        count = a.count if a.count is not None else None if wanted.begin else LAST
        pages = _last_page(log, wanted, count, follow=a.follow) if count is not None else _all_pages(log, wanted)
        if call.as_json and not (a.jsonl or a.follow):
            found = islice((entry for page in pages for entry in page), MAX_VALUES)
            return [entry_value(entry, who) for entry in found], ""
        printer = _Printer(agents, who, as_json=a.jsonl or a.json)
        if all(map(printer.show, pages)) and a.follow:
            output.print_note(f"mailcore logs: {' '.join(agent.address for agent in agents)}, until Ctrl-C")
            for entries in _coming(call, log, agents):
                if not printer.show([entry for entry in entries if wanted.wants(entry)]):
                    break
    return None, "" if printer.any or a.jsonl or a.follow else "nothing is found"


def _whose(call: Call) -> list[Agent]:
    a = call.arguments
    if a.all and a.agents:
        raise UsageError("@a, or --all: one of the two")
    if a.run:
        from mailcore.dispatch.runs.run_list import find_run

        agent, run = find_run(call.workspace, a.run)
        if not call.sees(agent.address, *((run.sender, run.target) if run is not None else ())):
            call.visible(agent.address)
        return [agent]
    if a.agents:
        return list(dict.fromkeys(call.visible(address) for address in a.agents))
    return list(call.workspace.agents) if call.viewer.is_operator else [call.viewer]


def _wanted(call: Call) -> LogFilter:
    a = call.arguments
    pattern = None
    if a.grep is not None:
        from mailcore.logs.patterns import log_pattern

        pattern = log_pattern(a.grep)
    begin, end = parse_since(a.since) if a.since else 0.0, float("inf")
    if (run := _run(call)) is not None:
        begin = max(begin, run.started_at - ROUNDING)
        end = run.since + ROUNDING if run.phase.ended else end
    return LogFilter(a.errors, pattern, begin, end)


def _run(call: Call) -> Run | None:
    if not call.arguments.run:
        return None
    from mailcore.dispatch.runs.run_list import find_run

    return find_run(call.workspace, call.arguments.run)[1]


def _sources(call: Call, agents: Sequence[Agent]) -> list[LogSource]:
    """With --run of what runs printed that of this one alone; what else was logged meanwhile may be of it."""
    run = _run(call)
    return [one for one in logs_of(agents) if run is None or one.run_id in ("", run.run_id)]


def _last_page(log: MergedLog, wanted: LogFilter, count: int, *, follow: bool) -> Iterator[Sequence[LogEntry]]:
    found: list[LogEntry] = []
    position = log.looked if follow else log.end
    while len(found) < count:
        page = log.before(position, count - len(found), wanted)
        found[:0], position = page.entries, page.begin
        if not page.entries and page.whole:
            break
    yield found


def _all_pages(log: MergedLog, wanted: LogFilter) -> Iterator[Sequence[LogEntry]]:
    position = log.at_time(wanted.begin)
    while True:
        page = log.after(position, PAGE, wanted)
        position = page.end
        if page.entries:
            yield page.entries
        elif page.whole:
            return


def _writers(agents: Sequence[Agent]) -> Callable[[LogEntry], str]:
    """An entry → who wrote it, in words."""
    from mailcore.logs.writer import writer_of

    by_address = {agent.address: agent for agent in agents}
    return lambda entry: writer_of(entry, by_address[entry.source.agent]).words


def entry_value(entry: LogEntry, who: Callable[[LogEntry], str] | None = None) -> dict[str, Any]:
    """What `--jsonl` says of an entry; `who` tells who wrote it."""
    source = entry.source
    value = {
        "at": iso(entry.at, milliseconds=True), "agent": source.agent, "level": str(entry.level),
        "source": str(source.kind), "path": source.path, "offset": entry.offset, "run": source.run_id or None,
        "attempt": source.attempt or None, "text": "\n".join(entry.lines),
    }  # fmt: skip
    return value if who is None else {**value, "writer": who(entry)}


class _Printer:
    """Prints entries, each line of them so that it is taken for no other, and steers no terminal."""

    def __init__(self, agents: Sequence[Agent], who: Callable[[LogEntry], str] | None, *, as_json: bool) -> None:
        self._who = who
        self.any = False
        """Something was printed."""
        self._width = max((len(agent.address) for agent in agents), default=0)
        self._json, self._colour, self._now = as_json, colours(), time.time()
        encoding = (sys.stdout.encoding if sys.stdout is not None else None) or "utf-8"
        self._encoding, self._ascii = encoding, encoding.lower().replace("-", "") != "utf8"

    def show(self, entries: Sequence[LogEntry]) -> bool:
        """False if nobody reads any more."""
        if not entries:
            return True
        self.any = True
        said = b"\n".join(map(self._value if self._json else self._text, entries))
        if unsaid := output.print_stdout(said):
            if unsaid != output.READER_GONE:
                raise MailcoreError(unsaid, "output")
            return False
        return True

    def _value(self, entry: LogEntry) -> bytes:
        from mailcore.formats.json_codec import printed

        return printed(entry_value(entry, self._who), indent=False)

    def _text(self, entry: LogEntry) -> bytes:
        at = moment(entry.at, self._now, never="--:--:--")
        sign = source_sign(entry.source, ascii_only=self._ascii)
        head = f"{at} {entry.source.agent:<{self._width}} "
        indent = " " * (len(head) + 2)
        if self._colour:
            role = _ROLES.get(entry.level, "")
            head = f"\x1b[{COLOURS['faint']}m{head}\x1b[0m"
            sign = f"\x1b[{COLOURS[role]}m{sign}\x1b[0m" if role else sign
        shown = ansi_coloured if self._colour else ansi_text
        first, *others = map(shown, entry.lines)
        lines = [f"{head}{sign} {first}", *(f"{indent}{one}" for one in others)]
        if self._who is not None:
            lines.append(f"{indent}written by: {line(self._who(entry))}")
        return "\n".join(lines).encode(self._encoding, "replace")


def _coming(call: Call, log: MergedLog, agents: Sequence[Agent]) -> Iterator[tuple[LogEntry, ...]]:
    """What comes to the logs, and to those that come; ends when nobody reads what is printed."""
    from mailcore.system.watching import Watcher, inodes

    reader = _pipe()
    with Watcher(FOLLOW_PERIOD) as watcher:
        known = _directories(log, agents)
        watcher.watch(inodes(known))
        while True:
            yield log.look()
            if log.behind:
                continue
            changes = watcher.wait(others=reader)
            if changes.ready:
                return
            files = {source.path for source in log.sources}
            if changes.lost or not changes.paths <= files:  # something came that is none of those that are followed
                log.add(_sources(call, agents))
                if (found := _directories(log, agents)) != known:
                    known = found
                    watcher.watch(inodes(known))


def _directories(log: MergedLog, agents: Sequence[Agent]) -> set[Path]:
    places = (place for agent in agents for place in (agent.branch, agent.logs_dir, agent.mail_dir, agent.runs_dir))
    return {*places, *(Path(source.path).parent for source in log.sources)}


def _pipe() -> list[BinaryIO]:
    """Standard output, if it is a pipe, which says when its reader goes."""
    with suppress(OSError, ValueError, AttributeError):
        if S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode):
            return [sys.stdout.buffer]
    return []
