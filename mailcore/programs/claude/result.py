"""The object that Claude Code prints at its end, headless: how an attempt came out (contract claude-code)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec

from mailcore.programs.base import Ending, Output, exit_words, tail
from mailcore.programs.json_schema import shaped
from mailcore.programs.transcript_reader import MAX_TRANSCRIPT_LINE, parse_line

LIMITS = {429, 529}
"""`api_error_status` of a rate limit and of an overloaded service."""

TURNS_USED = "error_max_turns"
"""`subtype` of a run that used all the turns that it may."""
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
    total_cost_usd: Annotated[float, msgspec.Meta(ge=0, lt=1e12)] | None = None
    permission_denials: list[Denial] | None = None


DECIDES = {"subtype", "is_error", "api_error_status"}
"""Without these of a result it is not known how the attempt came out."""


def ending(exit_code: int, output: Output) -> Ending:
    """The `result` object decides: `is_error` and `api_error_status`, never `subtype` alone, never the text."""
    found = _result(output.stdout)
    cut_off = exit_code == 0 and any(CUT_OFF in line for line in tail(output.stderr))
    if found is None:
        cause = f"{exit_words(exit_code)}, {'background tasks cut off' if cut_off else 'no result object'}"
        return Ending(exit_code == 0 and not cut_off, cause)
    result, wrong = shaped(found, ClaudeResult, "claude's result")
    text, dollars = result.result or "", result.total_cost_usd or 0.0
    if DECIDES & wrong.keys():
        return Ending(False, "; ".join(wrong.values()), False, text, dollars, final=True)
    if result.api_error_status in LIMITS:
        return Ending(False, f"API {result.api_error_status} ({result.api_error_type})", True, text, dollars)
    if result.is_error or result.subtype != "success" or exit_code != 0:
        # The next attempt would come to the same limit, and begin the work again.
        final = result.subtype == TURNS_USED
        return Ending(False, f"{exit_words(exit_code)}, {result.subtype}", False, text, dollars, final)
    if cut_off:
        return Ending(False, f"{exit_words(exit_code)}, background tasks cut off", False, text, dollars)
    names = dict.fromkeys(denial.tool_name for denial in result.permission_denials or ())
    refused = [f"not permitted: {', '.join(names)}"] if names else []
    return Ending(True, ", ".join([exit_words(exit_code), *refused, *wrong.values()]), False, text, dollars)


def _result(stdout: Path) -> dict[str, Any] | None:
    """The last result object that it printed."""
    for line in reversed(tail(stdout, MAX_TRANSCRIPT_LINE)):
        value = parse_line(line.encode()) if line.startswith("{") else None
        if value is not None and value.get("type") == "result":
            return value
    return None
