"""What a topic may be called: a name that may be a file's, and a word of a command line and of a mail, and no more."""

from __future__ import annotations

import re

from mailcore.exceptions import UsageError
from mailcore.text.frames import quoted

TOPIC = re.compile("[a-z0-9][a-z0-9_-]{0,62}")


def topic_name(text: str) -> str:
    """`#Release` or `release`: `release`. UsageError (code `topic`) of what no topic can be called."""
    wanted = text.removeprefix("#").lower()
    if not TOPIC.fullmatch(wanted):
        raise UsageError(
            f"{quoted(text, 80)} is no topic's name: letters from a to z, digits, - and _, 63 at most; "
            "quote it where it begins with #, which begins a comment in a shell, or leave the # out",
            "topic",
        )
    return wanted
