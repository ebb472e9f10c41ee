"""What the lines of an agent's logs told in a stretch of time, read back from the files. Writes nothing.

A line without a time of its own has that of the line before it. Of a file none of whose lines has one it is only known
when it was written last: its end is told as of then, and what it grew by before is not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from mailcore.model.activity import Activity
from mailcore.model.agent import Agent
from mailcore.model.run import RUN_ID, Run
from mailcore.observe.log_levels import parse_log_line
from mailcore.observe.log_lines import LogLineReader, terminal_text
from mailcore.observe.log_reader import LOG_START, MAX_BURST, STDOUT
from mailcore.observe.usage_backlog import PROBE, first_at
from mailcore.programs.base import Program
from mailcore.programs.registry import find_program
from mailcore.programs.transcript_reader import MAX_TRANSCRIPT_LINE
from mailcore.system.safe_open import open_regular

_LOG = re.compile(r"(?!dispatch_stdout\.attempt-).*\.log(?:\.\d{1,3})?")
"""The live reader's logs, and what they were rotated to: its lines were told while they stood in the first."""
_OUTPUT = re.compile(r"attempt-\d+\.(?:stdout|stderr)\.log")


def of_logs(agent: Agent, begin: float, end: float) -> Iterator[Activity]:
    """What the logs of the agent told from `begin` until before `end`, seconds since the epoch."""
    for path in _written_since(agent.logs_dir, _LOG, begin):
        yield from _of_log(agent.address, path, begin, end)


def of_output(agent: Agent, run: Run, begin: float, end: float) -> Iterator[Activity]:
    """The same of what the attempts of a run wrote; what their program reports in a form of its own is left to its
    session file."""
    if run.foreign or not RUN_ID.fullmatch(run.run_id):
        return
    program = find_program(run.program)
    for path in _written_since(agent.runs_dir / run.run_id, _OUTPUT, begin):
        yield from _of_log(agent.address, path, begin, end, program if path.name.endswith(STDOUT) else None)


def log_paths(agent: Agent) -> list[Path]:
    """The logs that are read back."""
    return _written_since(agent.logs_dir, _LOG, 0.0)


def time_of_log_line(line: bytes) -> float:
    """The time that a line of a log has of its own, seconds since the epoch; 0.0 for none."""
    return parse_log_line(terminal_text(line)).at


def _written_since(directory: Path, form: re.Pattern[str], begin: float) -> list[Path]:
    found = []
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            with suppress(OSError):
                if form.fullmatch(entry.name) and entry.stat().st_mtime >= begin:
                    found.append(directory / entry.name)
    return sorted(found)


def _of_log(address: str, path: Path, begin: float, end: float, program: Program | None = None) -> Iterator[Activity]:
    """`program`: whose standard output it is; None where all its lines are a log's."""
    with suppress(OSError), open_regular(path) as file:
        written = os.fstat(file.fileno()).st_mtime
        size = file.seek(0, os.SEEK_END)
        timed = any(time_of_log_line(line) for line in _end_of(file, size, PROBE))
        if timed:
            start, stop = (first_at(file, moment, size, time_of_log_line) for moment in (begin, end))
            file.seek(start)
            lines = _until(file, start, stop)
        elif begin <= written < end:
            lines = iter(_end_of(file, size, LOG_START)[-MAX_BURST:])
        else:
            return
        for activity in _read(address, lines, begin if timed else written, program):
            if begin <= activity.at < end:
                yield activity


def _read(address: str, lines: Iterator[bytes], at: float, program: Program | None) -> Iterator[Activity]:
    """`at`: the time of the lines before the first that has one."""
    reader = LogLineReader(address)
    output = program.output_reader(address) if program is not None else None
    for line in lines:
        at = time_of_log_line(line) or at
        if output is not None:
            try:
                if output.read(line, at) is not None:
                    continue
            except Exception:  # of anybody's plug-in: then the line is a log's, as it is live
                output = None
        if line.strip():
            yield from reader.read([line], at)


def _end_of(file: BinaryIO, size: int, most: int) -> list[bytes]:
    """The whole lines of the last so many bytes."""
    file.seek(max(0, size - most))
    lines = file.read(most).splitlines(keepends=True)
    return lines[1:] if size > most else lines


def _until(file: BinaryIO, offset: int, stop: int) -> Iterator[bytes]:
    while offset < stop and (line := file.readline(MAX_TRANSCRIPT_LINE)):
        offset += len(line)
        yield line
