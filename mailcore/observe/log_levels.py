"""How a line of a log says its level: the common forms, as a table.

`parse_log_line` splits a line into its time, its level and its message. A level counts only at the beginning of the
line or after its time, so that prose about errors does not count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mailcore.model.activity import Kind

ERRORS = (
    "error", "err", "eror", "erro", "severe", "critical", "crit", "fatal", "failure", "panic", "panicked", "alert",
    "emergency", "emerg", "dpanic", "exception",
)  # fmt: skip
WARNINGS = ("warning", "warn", "wrn")
CALM = ("info", "inf", "notice", "debug", "dbg", "dbug", "trace", "trc", "verbose", "silly", "note")
LEVELS = {**dict.fromkeys(ERRORS, Kind.ERROR), **dict.fromkeys(WARNINGS, Kind.WARNING), **dict.fromkeys(CALM, Kind.LOG)}
"""Word, in lower case → what it says."""
LETTERS = {"E": Kind.ERROR, "F": Kind.ERROR, "C": Kind.ERROR, "W": Kind.WARNING, "I": Kind.LOG, "D": Kind.LOG}

_ANY = "|".join(sorted(LEVELS, key=len, reverse=True))
_UPPER = _ANY.upper()

_DATE = r"\d{4}[-/]\d\d[-/]\d\d"
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_ZONE = r"(?:\s?(?:Z|UTC|[+-]\d\d:?\d\d))?"
TIME = re.compile(rf"\[?({_DATE}[T ]{_CLOCK}{_ZONE})\]?(?:\s*(?:-|\||:|,)\s+|:|\s+|$)(.*)")
"""A time at the beginning, in brackets or not, and what follows it."""
CLOCK = re.compile(
    rf"\[?(?:{_CLOCK}|[A-Z][a-z]{{2}}\s+\d{{1,2}} {_CLOCK}(?: [\w.\-]+ [\w.\-/]+(?:\[\d+\])?:)?|\d{{10}}(?:\.\d+)?)\]?"
    r"(?:\s*(?:-|\||:)\s+|\s+)(.*)"
)
"""A time of day, syslog's with its host and program, or seconds since 1970: taken off, and not believed."""

_SIGN = r"(?:[^\w\s\[\](){}<>\"'`/*+$#|=.,:;-]{1,3}\s+)?"
"""A sign before it, as ❌, ✖ or ⚠."""

LEVEL_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    # AIPass's and most of Python's: `logger - ERROR - text`, `source | ERROR | text`, `ERROR - text`.
    ("columns", re.compile(rf"(?:[^|]*? - |[^|]*\| )?(?P<level>{_UPPER})\s*(?: - | \| )\s*(?P<text>.*)")),
    # Python's basicConfig: `ERROR:root:text`.
    ("basic", re.compile(rf"(?P<level>{_UPPER}):[\w.\-]+:\s*(?P<text>.*)")),
    # `[ERROR] text`, `[main] [error] text`, `<warn> text`, `[E] text`.
    ("brackets", re.compile(
        r"(?:\[[^\]]{1,60}\]:?\s+){0,2}"
        rf"[\[(<](?:(?i:(?P<level>{_ANY}))|(?P<letter>[EFWID]))[\])>]:?\s*(?:-\s+)?(?P<text>.*)"
    )),
    # Rust's env_logger, whose time stands within: `[2026-11-29T03:00:00Z ERROR app::db] text`.
    ("env_logger", re.compile(rf"\[(?:{_DATE}T{_CLOCK}{_ZONE} +)?(?P<level>{_UPPER}) +[\w:.\-]+\] (?P<text>.*)")),
    # klog, glog, absl: `E1129 03:00:00.123456   1234 file.go:12] text`.
    ("klog", re.compile(rf"(?P<letter>[EFWI])\d{{4}} {_CLOCK}\s+\d+ [\w.\-/]+:\d+\] (?P<text>.*)")),
    # Java, with its thread: `[main] ERROR com.x.Y - text`; Spring: `ERROR 4711 --- [main] c.x.Y : text`.
    ("java", re.compile(
        rf"(?:\[[^\]]{{1,60}}\] )?(?P<level>{_UPPER}) +"
        r"(?:\d+ --- )?(?:\[[^\]]{1,60}\] )?[\w.$]+ +[-:] +(?P<text>.*)"
    )),
    # npm: `npm ERR! text`, `npm warn text`.
    ("npm", re.compile(r"(?:npm|pnpm|yarn)\s+(?:(?P<error>ERR!|error\b)|(?P<warning>WARN\b|warn\b))\s*(?P<text>.*)")),
    # tracing, zap, loguru and many more: `ERROR app::db: text`, `ERROR  file.go:12  text`.
    ("upper", re.compile(rf"(?:\[[^\]\s]{{1,60}}\]:?\s+)?(?P<level>{_UPPER})(?::\s+|\s+)(?P<text>[^\s=].*)")),
    # Compilers and commands: `error[E0308]: text`, `cc1: fatal error: text`, `src/a.ts:3:1 - error TS1: text`.
    ("command", re.compile(
        rf"{_SIGN}(?:[\w./\-]+(?:\(\d+,\d+\)|(?::\d+){{1,2}})?(?:: | - )|PHP |\(node:\d+\) )?"
        rf"(?:fatal )?(?i:(?P<level>{_ANY}))(?: error)?(?:\s?\[\w+\]| TS\d+)?: (?P<text>.*)"
    )),
    # The shell, the C library and runtimes, in their own words.
    ("words", re.compile(
        r"(?P<error>)(?P<text>(?:\S+: )?(?:Segmentation fault|Aborted|Bus error|Illegal instruction)"
        r"(?: \(core dumped\))?"
        r"|\S+: (?:line \d+: )?.*: (?:command not found|No such file or directory|Permission denied)"
        r"|(?:docker: )?Error response from daemon: .*|terminate called .*"
        r"|Unhandled (?:exception|[Pp]romise [Rr]ejection).*|(?:rsync|runtime) error: .*|(?:[a-z_]\w*\.)+[A-Z]\w+: .*)"
    )),
    # Yarn: `error Command failed`, `warning package.json: text`.
    ("yarn", re.compile(r"(?:(?P<error>error)|(?P<warning>warning)) (?P<text>(?:[A-Z]|[\w.\-/]+: ).*)")),
    # apt and dpkg: `E: text`.
    ("letter", re.compile(r"(?P<letter>[EW]): (?P<text>.*)")),
    # make, Elixir and pnpm: `make: *** [all] Error 2`, `** (RuntimeError) text`, `ERR_PNPM_X  text`.
    ("stars", re.compile(r"(?P<error>make(?:\[\d+\])?: \*\*\* |\*\* \(\w+\) |ERR_[A-Z_]+\s+)(?P<text>.*)")),
    # An uncaught exception or a warning's class: `TypeError: text`, `x.IOException: text`, `a.py:3: UserWarning: text`.
    ("raised", re.compile(
        rf"{_SIGN}(?:Uncaught )?(?:[\w./\-]+:\d+: )?(?:(?P<error>(?:[\w$]+\.)*[A-Z]\w*"
        r"(?:Error|Exception|Interrupt|Exit))|(?P<warning>[A-Z]\w*Warning)): (?P<text>.*)"
    )),
)  # fmt: skip
_KEYED = re.compile(rf"(?:^|\s)(?:level|lvl|severity)=\"?(?i:(?P<level>{_ANY}))\"?(?=\s|$)")
_SAID = re.compile(r'(?:^|\s)(?:msg|message|event|error)=(?:"((?:[^"\\]|\\.)*)"|(\S+))')
_LEVEL_KEYS = ("level", "severity", "lvl", "levelname", "log.level", "loglevel", "levelName")
_TEXT_KEYS = ("msg", "message", "event", "error", "text", "short_message")
_TIME_KEYS = ("time", "timestamp", "ts", "@timestamp", "datetime", "asctime")
_PINO = ((60, Kind.ERROR), (50, Kind.ERROR), (40, Kind.WARNING), (0, Kind.LOG))
"""The levels of pino and bunyan, numbers from these on."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a line says."""

    at: float
    """Its own time in seconds since 1970; 0.0 if it reports none that can be believed."""
    kind: Kind
    """LOG, WARNING or ERROR; LOG also where it says none."""
    text: str
    """Its message, without time and level; untrusted."""
    form: str = ""
    """The form in which it says its level; empty where it says none."""


def parse_log_line(text: str) -> LogLine:
    """One line of a log, without its end."""
    if text.startswith("{") and (found := _json(text)) is not None:
        return found
    at, rest = 0.0, text
    if stamped := TIME.fullmatch(text):
        at, rest = _time(stamped[1]), stamped[2] or text
    elif clocked := CLOCK.fullmatch(text):
        rest = clocked[1]
    if keyed := _KEYED.search(rest):
        message = _SAID.search(rest)
        what = (message[1] or message[2] or "").replace('\\"', '"') if message else rest
        return LogLine(at or _keyed_time(text), LEVELS[keyed["level"].lower()], what or rest, "keyed")
    for form, pattern in LEVEL_FORMS:
        if (match := pattern.fullmatch(rest)) is not None:
            return LogLine(at, _kind(match.groupdict()), match["text"] if form != "raised" else rest, form)
    return LogLine(at, Kind.LOG, rest)


def own_time(text: str) -> float | None:
    """The time of a line that begins with one, as of `LogLine.at`: 0.0 if it is not believed; None: it has none.

    A fifth of what `parse_log_line` takes.
    """
    if stamped := TIME.fullmatch(text):
        return _time(stamped[1])
    if text.startswith("{"):
        return found.at if (found := _json(text)) is not None else None
    if _KEYED.search(text):
        return _keyed_time(text)
    return 0.0 if CLOCK.fullmatch(text) else None


def _kind(groups: Mapping[str, str | None]) -> Kind:
    if level := groups.get("level"):
        return LEVELS[level.lower()]
    if letter := groups.get("letter"):
        return LETTERS[letter]
    return Kind.WARNING if groups.get("warning") else Kind.ERROR


def _json(text: str) -> LogLine | None:
    """A line that is a JSON object with a level."""
    try:
        record: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict):
        return None
    level = next((record[key] for key in _LEVEL_KEYS if key in record), None)
    if isinstance(level, str) and level.lower() in LEVELS:
        kind = LEVELS[level.lower()]
    elif isinstance(level, int) and not isinstance(level, bool):
        kind = next((one for least, one in _PINO if level >= least), Kind.LOG)
    else:
        return None
    message = next((value for key in _TEXT_KEYS if isinstance(value := record.get(key), str) and value), text)
    return LogLine(_any_time(next((record[key] for key in _TIME_KEYS if key in record), None)), kind, message, "json")


def _keyed_time(text: str) -> float:
    found = re.search(r'(?:^|\s)(?:time|ts|timestamp)="?([^"\s]+)"?', text)
    return _time(found[1]) if found else 0.0


def _any_time(value: object) -> float:
    if isinstance(value, str):
        return _time(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return value / 1000 if value > 1e11 else float(value)
    return 0.0


def _time(stamp: str) -> float:
    """Seconds since 1970 of an ISO time or one with slashes; naive: local. 0.0 if it is none."""
    stamp = stamp.replace(",", ".").replace("/", "-").replace(" UTC", "Z")
    stamp = re.sub(r"(\.\d{6})\d+", r"\1", stamp)
    stamp = re.sub(r" (?=[+-]\d\d:?\d\d$)", "", stamp)
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
