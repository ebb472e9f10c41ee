"""Session files of whatever program: where they lie, whose they are, and the reader for each."""

from __future__ import annotations

import math
import time
from functools import partial
from pathlib import Path

from mailcore import files
from mailcore.programs.claude import sessions as claude_sessions
from mailcore.programs.claude.transcript import ClaudeTranscript
from mailcore.programs.claude.usage import Counted
from mailcore.programs.codex import sessions as codex_sessions
from mailcore.programs.codex.rollout import CodexRollout
from mailcore.programs.transcript import Transcript, dollars_of, parsed

HEAD = 65536
"""Bytes of a file's beginning that are read for what only stands there."""
BEFORE = 65536
"""Bytes before the place where the reading begins that are read for what the reader has to know there."""
MONEY = 256 * 1024 * 1024
"""Bytes before it in which the last total of a session's money is looked for: 0.1 s of reading, once a session."""
BLOCK = 4 * 1024 * 1024
OVERLAP = 16384
"""A line that is cut where a block begins is read with the block before it."""


def is_rollout(path: Path) -> bool:
    """True of Codex's session files, by their name; all others are Claude Code's."""
    return path.name.startswith("rollout-")


def cwd_of(path: Path) -> str:
    """Where the session of that file was begun, as its head says; empty while it says nothing or cannot be read."""
    return codex_sessions.cwd_of(path) if is_rollout(path) else claude_sessions.cwd_of(path)


def read_from(
    agent: str, path: Path, offset: int, counted: Counted | None = None, *, earlier: float = 0.0
) -> Transcript:
    """A reader for what stands in a session file from `offset` (bytes) on, told what it has to know of what is before.

    `counted`: the messages that the readers of an agent's files share, so that a copied one counts once. `earlier`: a
    moment before which all stands that is before `offset`; for what tells no time, where its message is too far back.
    OSError if the file cannot be read.
    """
    reader: Transcript
    if is_rollout(path):
        reader = CodexRollout(agent, path)
        if offset > BEFORE:
            with files.opened(path) as file:
                _tell(reader, file.read(min(HEAD, offset - BEFORE)))
    else:
        reader = ClaudeTranscript(agent, path)
        if offset > BEFORE:
            reader.cwd = cwd_of(path)
    if offset > 0:
        begin = max(0, offset - BEFORE)
        with files.opened(path) as file:
            file.seek(begin)
            _tell(reader, file.read(offset - begin))
    if isinstance(reader, ClaudeTranscript):
        if counted is not None:
            # Only now: what stands before the offset is another reader's to count.
            reader.counted = counted
        if offset > BEFORE and not reader.last and earlier:
            reader.last = math.nextafter(earlier, 0.0)
        # What was just read told it better, if it told any.
        reader.former = partial(_money_before, path, max(0, offset - BEFORE))
    return reader


def _money_before(path: Path, offset: int) -> float | None:
    """The last total of a session's money that is told before `offset`; None if it is too far back, or not to be read.

    Claude Code tells it when it ends, so it may stand far back; it is looked for when the next one is met.
    """
    floor = max(0, offset - MONEY)
    try:
        with files.opened(path) as file:
            while offset > floor:
                begin = max(floor, offset - BLOCK)
                file.seek(begin)
                data = file.read(offset - begin + OVERLAP)
                at = data.rfind(b'"cost-state"')
                start = data.rfind(b"\n", 0, at) + 1 if at >= 0 else 0
                if at >= 0 and (start > 0 or begin == 0):
                    return dollars_of(parsed(data[start : data.find(b"\n", at)]) or {}, "totalCostUSD")
                offset = begin
    except OSError:
        return None
    return 0.0 if floor == 0 else None


def _tell(reader: Transcript, data: bytes) -> None:
    """Read lines, of which the first and last may be torn; what they tell is not wanted any more."""
    now = time.time()
    for line in data.split(b"\n"):
        reader.read(line, now)
    reader.drift = ""
