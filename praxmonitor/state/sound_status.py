"""Whether this screen can be heard, and who sounds the alarms if it is another: what the header says of sound."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class SoundStatus:
    """Whether sound can be heard, and why not."""

    backend: str = ""
    """Empty while none is open."""
    muted: bool = False
    trouble: str = ""
    """Why nothing can be heard; empty if all is well."""
    chord: int = 0
    """How many events the chord stands for that was just heard; 0 for none."""
    quiet: bool = False
    """These are quiet hours."""
    muted_until: float = inf
    """Seconds since the epoch."""
    quiet_until: str = ""
    """When the quiet hours end, as text: `07:00`."""
    agents: tuple[tuple[str, float], ...] = ()
    """Addresses of agents, and kinds of sounds, that are muted by themselves, and until when."""
    duty: str = ""
    """Who sounds the alarms in our stead; empty if it is us."""
    not_heard: str = ""
    """Why that one is not heard, in words; empty if it is."""
    trouble_is_new: bool = False
    """Sound was lost just now: it could be heard before, on this screen."""
