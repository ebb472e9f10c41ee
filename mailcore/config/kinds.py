"""The kinds of values that config.toml holds: what each of them may be, and its unit. `schema` is made of them.

msgspec judges by them. It is imported when there is a value to be judged, for it costs 10 ms, a quarter of a command.
"""

from __future__ import annotations

import sys
from typing import Annotated, Literal

MAX_STRING = 1_000_000_000
"""Seconds, 31 years: what is reckoned from now on stays a date, and a wait stays one that the system can wait."""
MAX_COUNT = 2**63 - 1
"""TOML's whole numbers have 64 bits."""


class Meta:
    """What narrows a kind of value, or describes a key. No dataclass: those cost more than all of this file."""

    def __init__(
        self,
        *,
        ge: float | None = None,
        gt: float | None = None,
        le: float | None = None,
        pattern: str | None = None,
        unit: str = "",
        form: str = "",
        description: str = "",
        example: object = None,
    ) -> None:
        """`form`: what the pattern allows, in words. `description`: its first sentence can stand alone. `example`: what
        one may write where the default says nothing.
        """
        self.ge, self.gt, self.le, self.pattern = ge, gt, le, pattern
        self.unit, self.form, self.description, self.example = unit, form, description, example


Seconds = Annotated[float, Meta(ge=0, le=MAX_STRING, unit="seconds")]
Period = Annotated[float, Meta(gt=0, le=MAX_STRING, unit="seconds")]
"""Seconds where none at all would mean nothing."""
Look = Annotated[float, Meta(ge=0.1, le=MAX_STRING, unit="seconds")]
"""The period of something that polls: shorter ones would only heat the machine."""
Sample = Annotated[float, Meta(ge=0.5, le=MAX_STRING, unit="seconds")]
"""The period of a sample of CPU use, which is counted in hundredths of a second."""
Repeat = Annotated[float, Meta(ge=1, le=MAX_STRING, unit="seconds")]
Volume = Annotated[float, Meta(ge=0, le=1)]
Share = Annotated[float, Meta(ge=0, le=1)]
Dollars = Annotated[float, Meta(ge=0, le=sys.float_info.max, unit="US dollars")]
DollarsPerMillion = Annotated[float, Meta(ge=0, le=1_000_000, unit="US dollars a million")]
Count = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
CountOrNone = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
"""A count of which 0 says something: any number, or never."""
ErrorCount = Annotated[int, Meta(ge=1, le=50)]
"""So many times at most are kept of a group of errors."""
Nice = Annotated[int, Meta(ge=0, le=19)]
Bytes = Annotated[int, Meta(ge=1, le=MAX_COUNT, unit="bytes")]
BytesOrNone = Annotated[int, Meta(ge=0, le=MAX_COUNT, unit="bytes")]

Word = Annotated[str, Meta(pattern=r"\A[^\0]*\Z", form="a text without the character NUL")]
"""A word of a command line, which cannot hold NUL."""
PermissionPattern = Annotated[
    str,
    Meta(
        pattern=r"\A[^()\s\0]+(\([^\0]*\))?\Z",
        form='a tool, or a tool and a pattern of its words: "Bash(git status*)"',
    ),
]
Name = Annotated[str, Meta(pattern=r"\A[^\s\0]*\Z", form="a name without spaces, or empty")]
AccountName = Annotated[
    str,
    Meta(
        pattern=r"\A([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?\Z",
        form="an account's name: letters, digits, . _ and -, 64 at most; or empty",
    ),
]
Directory = Annotated[
    str, Meta(pattern=r"\A(~(/[^\0]*)?|/[^\0]*)\Z", form="a directory: an absolute path, or one that begins with ~/")
]
Address = Annotated[str, Meta(pattern=r"\A@?[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z", form="an agent's address, like @lead")]
AddressOrNone = Annotated[
    str,
    Meta(
        pattern=r"\A(@?[A-Za-z0-9][A-Za-z0-9_.-]{0,63})?\Z",
        form="an agent's address, like @lead, or empty",
    ),
]
HostName = Annotated[
    str,
    Meta(pattern=r"\A([a-z][a-z0-9-]{0,30})?\Z", form="a host's name: a letter, then letters, digits and -, or empty"),
]
ListenAddress = Annotated[
    str,
    Meta(pattern=r"\A(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}\Z", form='an address and a port: "127.0.0.1:4222"'),
]
PackName = Annotated[
    str,
    Meta(
        pattern=r"\A[a-z0-9][a-z0-9_-]{0,63}\Z",
        form="a pack's name: lower-case letters, digits, - and _, 64 at most",
    ),
]
QuietHours = Annotated[
    str,
    Meta(
        pattern=r"\A(\s*([01]?[0-9]|2[0-3]):[0-5][0-9]\s*-\s*([01]?[0-9]|2[0-3]):[0-5][0-9]\s*)?\Z",
        form='two times of the day as "HH:MM-HH:MM", or empty',
    ),
]

Proof = Literal["none", "passphrase"]
Notify = Literal["auto", "9", "777", "none"]
ErrorSeverity = Literal["error", "fatal"]
YourMove = Literal["unfocused", "always", "never"]
Backend = Literal[
    "", "miniaudio", "miniaudio/pulse", "miniaudio/alsa", "miniaudio/jack", "miniaudio/oss", "miniaudio/sndio",
    "miniaudio/coreaudio", "miniaudio/wasapi", "simpleaudio", "pw-play", "paplay", "aplay", "afplay", "bell", "none",
]  # fmt: skip
SoundKind = Literal[
    "heartbeat", "tool", "prompt", "turn", "session", "compact", "mail_low", "mail", "dispatched", "start", "retry",
    "done", "all_clear", "mail_high", "stuck", "limit", "error", "waiting", "failed", "silence", "tool.shell",
    "tool.read", "tool.edit", "tool.web", "tool.agent", "tool.other",
]  # fmt: skip


def describe(description: str, example: object = None) -> Meta:
    """What a key means, and what one may write where its default says nothing."""
    return Meta(description=description, example=example)
