"""The object that Claude Code prints at its end, headless: how an attempt came out (contract claude-code)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec

from mailcore.programs.base import Ending, Output, exit_words, is_session_id, tail
from mailcore.programs.claude.limits import LIMITED, ending_limit
from mailcore.programs.claude.places import root
from mailcore.programs.json_schema import shaped
from mailcore.programs.transcript_reader import MAX_TRANSCRIPT_LINE, parse_line, short_result

TURNS_USED = "error_max_turns"
"""`subtype` of a run that used all the turns that it may."""
REQUEST_FAILED = "API Error"
"""How the text of a result begins that the program itself wrote of a failed request."""
CUT_OFF = "Background tasks still running"
"""On standard error: it ended, with exit 0, before what it had begun was done (contract aipass, section 4)."""


class Denial(msgspec.Struct):
    """A tool use that was refused for want of a permission."""

    tool_name: str = ""


class ClaudeResult(msgspec.Struct):
    """The object that it prints at its end."""

    subtype: str | None = None
    is_error: bool | None = None
    api_error_status: int | None = None
    api_error_type: str | None = None
    result: str | None = None
    session_id: str | None = None
    total_cost_usd: Annotated[float, msgspec.Meta(ge=0, lt=1e12)] | None = None
    permission_denials: list[Denial] | None = None


DECIDES = {"subtype", "is_error", "api_error_status"}
"""Without these of a result it is not known how the attempt came out."""


def ending(exit_code: int, output: Output) -> Ending:
    """The `result` object decides: `is_error` and `api_error_status`, never `subtype` alone, never the text.

    Only of an error that an older release reports without a status the program's own words say that it is a limit.
    """
    found, before = _result(output.stdout)
    cut_off = exit_code == 0 and any(CUT_OFF in line for line in tail(output.stderr))
    if found is None:
        cause = f"{exit_words(exit_code)}, {'background tasks cut off' if cut_off else 'no result object'}"
        return Ending(exit_code == 0 and not cut_off, cause)
    result, wrong = shaped(found, ClaudeResult, "claude's result")
    text, dollars = result.result or "", result.total_cost_usd or 0.0
    if DECIDES & wrong.keys():
        return Ending(False, "; ".join(wrong.values()), False, text, dollars, final=True)
    if result.is_error or result.api_error_status in LIMITED:
        status = result.api_error_status
        limit = ending_limit(status, text, _session_files(output, result.session_id or ""), before, output.written_at)
        if limit is not None:
            kind = f" ({result.api_error_type})" if result.api_error_type else ""
            cause = f"API {status}{kind}" if status is not None else f"{exit_words(exit_code)}, {text}"
            return Ending(False, cause, True, text, dollars, limit=limit)
    if result.is_error or result.subtype != "success" or exit_code != 0:
        # The next attempt would come to the same limit, and begin the work again.
        final = result.subtype == TURNS_USED
        # A request that failed is told as `success`, and why in the text alone.
        why = short_result(text) if result.is_error and text.startswith(REQUEST_FAILED) else result.subtype
        return Ending(False, f"{exit_words(exit_code)}, {why}", False, text, dollars, final)
    if cut_off:
        return Ending(False, f"{exit_words(exit_code)}, background tasks cut off", False, text, dollars)
    names = dict.fromkeys(denial.tool_name for denial in result.permission_denials or ())
    refused = [f"not permitted: {', '.join(names)}"] if names else []
    return Ending(True, ", ".join([exit_words(exit_code), *refused, *wrong.values()]), False, text, dollars)


def _result(stdout: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The last result object that it printed, and the lines before it, the last first."""
    lines = tail(stdout, MAX_TRANSCRIPT_LINE)[::-1]
    for number, line in enumerate(lines):
        value = parse_line(line.encode()) if line.startswith("{") else None
        if value is not None and value.get("type") == "result":
            return value, lines[number + 1 :]
    return None, []


def _session_files(output: Output, session: str) -> Iterable[Path]:
    """Where the session of an attempt is written down."""
    if output.home is None or not is_session_id(session):
        return ()
    return root(output.home).glob(f"*/{session}.jsonl")
