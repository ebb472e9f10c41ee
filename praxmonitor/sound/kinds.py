"""The sounds by kind, as an operator speaks of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from praxmonitor.sound import Sound


class SoundGroup(NamedTuple):
    """Sounds that are muted together."""

    help: str
    sounds: frozenset[Sound]


SOUND_KINDS: Mapping[str, SoundGroup] = MappingProxyType(
    {
        "ticks": SoundGroup("tools in use, and that work goes on", frozenset((Sound.TOOL, Sound.HEARTBEAT))),
        "turns": SoundGroup(
            "prompts, turns and sessions", frozenset((Sound.PROMPT, Sound.TURN, Sound.SESSION, Sound.COMPACT))
        ),
        "mails": SoundGroup("mail of each priority", frozenset((Sound.MAIL_LOW, Sound.MAIL, Sound.MAIL_HIGH))),
        "starts": SoundGroup(
            "tasks handed out, runs begun and tried again", frozenset((Sound.DISPATCHED, Sound.START, Sound.RETRY))
        ),
        "ends": SoundGroup("runs that ended well, the all-clear", frozenset((Sound.DONE, Sound.ALL_CLEAR))),
        "limits": SoundGroup("usage limits and overloads", frozenset((Sound.LIMIT,))),
        "errors": SoundGroup("errors and failed runs", frozenset((Sound.ERROR, Sound.FAILED))),
        "waits": SoundGroup("who waits for you, and what does not move", frozenset((Sound.WAITING, Sound.STUCK))),
        "silence": SoundGroup("agents that show no sign of life", frozenset((Sound.SILENCE,))),
    }
)
"""Word → what it stands for. Each sound is of one kind."""
KIND_OF: Mapping[Sound, str] = MappingProxyType(
    {sound: kind for kind, of in SOUND_KINDS.items() for sound in of.sounds}
)
