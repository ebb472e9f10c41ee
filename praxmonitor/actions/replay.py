"""The clock of a recording that is played."""

from __future__ import annotations

from collections.abc import Callable

from praxmonitor.actions.context import Context, View


def pause(context: Context[View]) -> None:
    """Let the recording stand still, or go on."""
    if context.opened.playback is not None:
        context.opened.playback.pause()
        context.display.show_playback()


def speed(factor: float) -> Callable[[Context[View]], None]:
    """Plays so many times faster than now."""

    def change(context: Context[View]) -> None:
        if context.opened.playback is not None:
            context.opened.playback.change_speed(factor)
            context.display.show_playback()

    return change
