"""What an error is of that no agent can mend: a usage limit, an outage of the service or of the network, a full disk.

Such a cause is told by its own alarms. It is counted here, and while it stands nobody is mailed about errors: most of
what fails then fails of it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mailcore.model.error_group import ErrorEvent, ErrorOrigin
from mailcore.observe.causes import AUTH, DISK, NETWORK, SERVICE, cause_of

LIMIT = "limit"
CAUSE_STANDS = 300.0
"""Seconds after its last sign for which a cause is taken to stand."""
_LIMIT_WORDS = re.compile(
    r"usage limit|rate.?limit(?:ed)?\b|\bquota (?:exceeded|reached)|exceeded your current quota|too many requests"
    r"|\b(?:HTTP|status(?: code)?|API Error:)[: ]+429\b",
    re.IGNORECASE,
)
_PROGRAM_WORDS = re.compile(r"API Error|Unable to connect to API|stream disconnected before completion", re.IGNORECASE)
_LOOPBACK = re.compile(r"\b127\.\d+\.\d+\.\d+\b|\blocalhost\b|(?<![\w:])::1\b|\[::1\]|\b0\.0\.0\.0\b", re.IGNORECASE)
WORDS = {
    LIMIT: "a usage limit",
    SERVICE: "an outage of the service",
    NETWORK: "an outage of the network",
    DISK: "a disk that is full",
    AUTH: "a login that is not valid",
}
"""By cause: how it is said."""


def error_cause(event: ErrorEvent) -> str:
    """The cause of an error as its own words tell it; empty of one that somebody can mend.

    What a program of an agent's says of its own service is believed; the same words in a log may be of a server that
    the agents write themselves, and count as an error.
    """
    text = "\n".join((event.title, *event.sample))
    found = cause_of(text)
    if found == DISK:
        return DISK
    program = event.origin is ErrorOrigin.RESULT or _PROGRAM_WORDS.search(text) is not None
    if program and _LIMIT_WORDS.search(text):
        return LIMIT
    if found in (NETWORK, SERVICE, AUTH) and program and not _LOOPBACK.search(text):
        return found
    return ""


def standing_cause(causes: Mapping[str, float], now: float) -> str:
    """The cause that stands, in words; empty where none does."""
    found = {cause: at for cause, at in causes.items() if now - CAUSE_STANDS <= at}
    return WORDS.get(max(found, key=lambda cause: found[cause]), "a cause of its own") if found else ""
