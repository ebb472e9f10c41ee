"""One raw line of any output: what a terminal shows of it, what carries it, and whether it may tell an error."""

from __future__ import annotations

import re

MAX_LINE = 2000
"""Bytes of a line that are looked at; of a JSON object, `MAX_JSON`."""
MAX_JSON = 65_536
SCANNED = 1024
"""Bytes of a line within which it says that it tells an error."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]{0,60}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\)|[ -/]{0,8}[0-~])")
_DATE = r"\d{4}[-/]\d\d[-/]\d\d"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_SYSLOG = r"[\w.\-]{1,80} ([\w.\-/]{1,80}(?:\[\d{1,10}\])?):(?: |$)"
_SYSLOG_ID = r"[\w.\-]{1,80} ([\w.\-/]{1,80}\[\d{1,10}\]):(?: |$)"
_CARRIER = re.compile(
    # docker compose: `web_1  | `
    r"(?:([a-zA-Z][\w.\-]{0,60}) {1,30}\|(?: |$)"
    # kubectl: `[pod/web/app] `
    r"|(\[pod/[\w.\-/]{1,200}\])(?: |$)"
    # The container runtimes and GitHub's runners: `2026-11-22T01:03:29.123456789Z stdout F `
    rf"|{_DATE}[T ]{_CLOCK}(?:Z|[+-]\d\d:?\d\d)?"
    rf"(?: (?:stdout|stderr) [FP](?: |$)| {_SYSLOG_ID}| (?!- [\w.\-]{{1,60}} - |\| )|$)"
    # syslog: `Nov 22 01:03:29 host app[123]: `
    rf"|[A-Z][a-z]{{2}} [ \d]\d {_CLOCK} {_SYSLOG}"
    rf"|\[{_DATE}[T ]{_CLOCK}(?:Z|[+-]\d\d:?\d\d)?\] (?!- [\w.\-]{{1,60}} - |\| )"
    rf"|\[?{_CLOCK}\]? (?!- [\w.\-]{{1,60}} - |\| )"
    r")"
)

_SIGNS = (
    b"err", b"fail", b"exception", b"fatal", b"panic", b"traceback", b"crit", b"not found", b"denied", b"no such",
    b"warn", b"wrn", b"sever", b"abort", b"fault", b"cannot", b"undefined", b"*** ", b"kill", b"throw", b"sanitizer",
    b"assert", b"conflict", b"rejected", b"alert", b"emerg", b"unbound", b"corruption", b"free(): ", b".go:", b".kt:",
    b'file "', b"\xe2\x97\x8f", b"not ok ", b"interrupt", b"___ ", b"no space", b"daemon", b"refused", b"multiple",
    b"timed out", b"could not", b"unable to", b"can't", b"invalid", b"illegal", b"bus e", b"exist", b"directory",
    b"e: ", b"stack smash", b"malloc", b"too many", b"expected", b"unterminated", b"unmatched", b"unrecognized",
    b"missing", b"oom", b"no module",
)  # fmt: skip
"""One of these, in lower case, is in each line that begins an error or warns."""
_LEVEL = re.compile(rb'"level" ?: ?[4-6]0')


def may_tell(raw: bytes) -> bool:
    """Whether the line may begin an error, or warn: a cheap look at its beginning."""
    start = raw[:SCANNED].lower()
    for sign in _SIGNS:
        if sign in start:
            return True
    return start[:1] in b"efw[{" and (
        start[1:2].isdigit() or b"[e]" in start or _LEVEL.search(raw[:MAX_LINE]) is not None
    )


def bare_text(raw: bytes) -> str:
    """What a terminal shows of the line: what it was overwritten with, without escapes; empty if it is blank."""
    shown = raw.strip(b"\0\r\n")
    if b"\r" in shown:
        shown = shown.rpartition(b"\r")[2]
    shown = shown.lstrip(b"\0")
    text = shown[: MAX_JSON if shown[:1] == b"{" else MAX_LINE].decode("utf-8", "replace")
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return text.rstrip()


def carried(text: str) -> tuple[str, str]:
    """(who wrote the line, the line as it wrote it), where what collects several writers' lines says so; else ("",
    the same)."""
    if found := _CARRIER.match(text):
        return next((group for group in found.groups() if group), ""), text[found.end() :]
    return "", text
