"""What a tool that failed, or a program that ended in error, said: one text → one error."""

from __future__ import annotations

import re

from mailcore.errors.extract import MAX_SAMPLE_LINE, MAX_SAMPLE_LINES, MAX_TITLE, ErrorExtractor
from mailcore.errors.line_text import shown_text
from mailcore.errors.log_record import with_record
from mailcore.model.error_group import ErrorEvent, ErrorOrigin
from mailcore.text import line as one_line

MAX_SAID = 1_000_000
"""Characters of it that are read."""
_STATUS = re.compile(r"(?i)\s{0,20}(?:(?:exit|return) (?:code|status):? \d{1,5}|error:?)\s{0,20}")


def error_in_text(
    text: str, at: float, agent: str, *, origin: ErrorOrigin = ErrorOrigin.TOOL, path: str = "", run_id: str = ""
) -> ErrorEvent:
    """What a tool that failed or a program that ended in error said, as one error: the first that its text tells, one
    with a traceback before others; else its first line."""
    lines = [line.encode("utf-8", "replace") for line in text[:MAX_SAID].split("\n")]
    extractor = ErrorExtractor(agent, path=path, origin=origin, run_id=run_id)
    found = [*extractor.feed([(-1, line) for line in lines], at), *extractor.flush()]
    best = next((event for event in found if event.frames), found[0] if found else None)
    if best is not None:
        return best
    shown = [line for raw in lines[:MAX_SAMPLE_LINES] if (line := shown_text(raw)[:MAX_SAMPLE_LINE])]
    said = next((line for line in shown if not _STATUS.fullmatch(line)), "")
    return ErrorEvent(
        at=at,
        agent=agent,
        kind=origin.value,
        title=one_line(with_record(said), MAX_TITLE) or "it said nothing",
        sample=tuple(shown),
        origin=origin,
        path=path,
        run_id=run_id,
    )
