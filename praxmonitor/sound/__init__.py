"""What PraxMonitor lets a person hear: one sound for each kind of event.

This module is cheap to import; the device lives in a child process, see `praxmonitor.sound.player`.
"""

from __future__ import annotations

from enum import StrEnum


class Sound(StrEnum):
    """A kind of event that can be heard, in order of priority: when voices run out, the later one wins."""

    TOOL = "tool"
    """An agent used a tool: the soft tick that says work goes on."""
    START = "start"
    """A run began."""
    MAIL = "mail"
    """Mail for the operator."""
    DONE = "done"
    """A run ended well."""
    WAITING = "waiting"
    """An agent waits for the operator."""
    FAILED = "failed"
    """A run failed."""
    SILENCE = "silence"
    """An agent that should be working has gone quiet."""

    @property
    def priority(self) -> int:
        """0 (tool) to 6 (silence)."""
        return list(Sound).index(self)

    @property
    def category(self) -> str | None:
        """The CESP 1.0 category it is looked up in; `None` for SILENCE, which CESP does not know."""
        return _CATEGORY.get(self)


_CATEGORY = {
    Sound.TOOL: "task.progress",
    Sound.START: "session.start",
    Sound.MAIL: "task.acknowledge",
    Sound.DONE: "task.complete",
    Sound.WAITING: "input.required",
    Sound.FAILED: "task.error",
}
