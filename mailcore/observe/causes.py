"""What a failure comes of, as far as its own words say: one table of causes and their wordings. Pure.

The wordings are those that Claude Code, Codex, Gemini CLI, Node, Bun, Rust, Python and libc print, and our own of a
start that came to nothing. The first cause that fits is taken: a disk or a network that is gone is also told as a
service that failed.
"""

from __future__ import annotations

import re
from functools import lru_cache

from mailcore.model.run import Run

NETWORK, SERVICE, DISK, AUTH, SUPERVISOR = "network", "service", "disk", "auth", "supervisor"
MISSING_PROGRAM, MEMORY, TURN_LIMIT = "missing program", "memory", "turn limit"
LONGEST = 4000
"""Characters of a text that are looked at."""
_TELLS = ("API Error", "Error:", "error:", "Unable to connect")
"""How the last words of a program begin that are its own, and no answer of its agent's."""

CAUSE_WORDS: tuple[tuple[str, str], ...] = (
    (DISK, r"no space left on device|\bENOSPC\b|disk quota exceeded|\bEDQUOT\b|(?:disk|database or disk) is full"),
    (
        NETWORK,
        r"\bENOTFOUND\b|\bEAI_AGAIN\b|\bECONNREFUSED\b|\bECONNRESET\b|\bETIMEDOUT\b|\bENETUNREACH\b|\bEHOSTUNREACH\b"
        r"|\bENETDOWN\b|\bConnectionRefused\b|\bFailedToOpenSocket\b|\bgetaddrinfo\b|unable to connect|connection error"
        r"|fetch failed|network (?:is|was) unreachable|network error|no route to host|could ?n[o']t resolve host"
        r"|name resolution|name or service not known|failed to lookup address|dns error|error sending request"
        r"|stream disconnected before completion|internet connection|connection (?:refused|reset|timed out)",
    ),
    (
        AUTH,
        r"invalid api key|incorrect api key|api key not valid|invalid x-api-key|authentication_error"
        r"|(?:please )?run /login|not logged in|\blogin required\b|oauth token (?:has expired|revoked)"
        r"|\b(?:API|HTTP|status(?: code)?)[: ]+401\b|\b401 Unauthorized\b|token (?:has )?expired",
    ),
    (
        SERVICE,
        r"overloaded|\bat capacity\b|high demand|service unavailable|internal server error|bad gateway|gateway timeout"
        r"|\b(?:API|HTTP|status(?: code)?|API Error:)[: ]+(?:5\d\d)\b|server_error",
    ),
    (
        MISSING_PROGRAM,
        r"command not found|is not on PATH|cannot start [^:]{1,80}: (?:no such file|permission denied|exec format)"
        r"|\bspawn \S+ ENOENT\b|\bexit 127\b",
    ),
    (MEMORY, r"cannot allocate memory|\bENOMEM\b|out of memory|heap limit"),
    (SUPERVISOR, r"its supervisor \(PID \d+\) died"),
    (TURN_LIMIT, r"error_max_turns|limit of turns"),
)
"""(cause, pattern of the words that tell it), the first that fits decides."""

_PATTERNS = tuple((cause, re.compile(pattern, re.IGNORECASE)) for cause, pattern in CAUSE_WORDS)


def cause_of(text: str) -> str:
    """The cause that the words of a failure tell; empty where none of those known does."""
    return _cause(text[:LONGEST])


@lru_cache(1024)
def _cause(beginning: str) -> str:
    return next((cause for cause, pattern in _PATTERNS if pattern.search(beginning)), "")


def cause_of_run(run: Run) -> str:
    """The cause of a run's failure: by its reason, else by the last words of its program, where these are an error."""
    last = run.result.lstrip()
    told = cause_of(run.reason) or (cause_of(last[:LONGEST]) if last.startswith(_TELLS) else "")
    return of_program(told, run.program)


def of_program(cause: str, program: str) -> str:
    """The same cause where it is one of every program's; of a service, and of the way to it, this program's own."""
    return f"{cause} {program}".rstrip() if cause in (NETWORK, SERVICE) else cause


def sort_of_cause(cause: str) -> str:
    """The cause without the program that it is of."""
    sort = cause.partition(" ")[0]
    return sort if sort in (NETWORK, SERVICE) else cause
