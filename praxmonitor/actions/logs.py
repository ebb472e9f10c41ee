"""What the operator does in the logs of an agent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path

from mailcore.model.run import Phase
from praxmonitor.actions.app_parts import LogTarget, Terminal
from praxmonitor.actions.asking import refused
from praxmonitor.actions.context import Context, LogView, View
from praxmonitor.actions.preconditions import Situation


def show_log(context: Context[View]) -> None:
    """The logs of the agent under the cursor; of what happened at a time, at that time."""
    at: float = getattr(context.view, "log_at", 0.0)
    context.display.navigation.show_log(context.view.selected, LogTarget(at=at) if at else None)


def failed(now: Situation) -> bool:
    """The last run of the selected agent failed: its logs say why."""
    return now.facts is not None and now.facts.run is not None and now.facts.run.phase is Phase.BOUNCED


def follow_log(context: Context[LogView]) -> None:
    """To the end, and on with it."""
    context.view.follow()


def toggle_wrap(context: Context[LogView]) -> None:
    """Break long lines, or no more."""
    context.view.toggle_wrap()


def turn_times(context: Context[LogView]) -> None:
    """Another way to show the times."""
    context.view.turn_times()


def turn_level(context: Context[LogView]) -> None:
    """Other levels."""
    context.view.turn_level()


def sideways(way: int) -> Callable[[Context[LogView]], None]:
    """Moves the view to the right (1) or left (-1)."""

    def move(context: Context[LogView]) -> None:
        context.view.sideways(way)

    return move


def next_error(way: int) -> Callable[[Context[LogView]], None]:
    """To the next error (1) or the one before (-1)."""

    def go(context: Context[LogView]) -> None:
        context.view.next_error(way)

    return go


def searching(now: Situation, verb: str) -> str:
    """Something is searched for in the log."""
    return "" if now.searched else f"nothing is searched for: / types what to {verb} to"


def type_search(context: Context[LogView]) -> None:
    """Type what to search for."""
    context.view.type_search()


def next_hit(way: int) -> Callable[[Context[LogView]], None]:
    """To the next hit (1) or the one before (-1)."""

    def go(context: Context[LogView]) -> None:
        context.view.next_hit(way)

    return go


def type_place(context: Context[LogView]) -> None:
    """Type where to go."""
    context.view.type_place()


def mark_line(context: Context[LogView]) -> None:
    """Mark the line under the cursor, or do so no more."""
    context.view.mark()


async def choose_log(context: Context[LogView]) -> None:
    """Another log, or another agent's."""
    await context.view.choose(context.display)


async def copy_lines(context: Context[LogView]) -> None:
    """Copy the lines between the marks, or from the mark to the cursor, or that of the cursor."""
    lines = await context.view.chosen_lines()
    if not lines:
        context.display.notify("there is no line to copy", severity="warning")
        return
    context.terminal.copy("\n".join(lines))
    context.display.notify(f"copied: {len(lines):,} line{'' if len(lines) == 1 else 's'} of the log")


Show = Callable[[Terminal, Path, int], Awaitable[int]]
"""Shows a file at a line, in another program on the terminal; its exit status."""


def _open_in(what: str, show: Callable[[], Show]) -> Callable[[Context[LogView]], Coroutine[None, None, None]]:
    async def opened(context: Context[LogView]) -> None:
        from textual.app import SuspendNotSupported

        place = await context.view.place()
        if place is None:
            context.display.notify("there is no line to open", severity="warning")
            return
        try:
            status = await show()(context.terminal, *place)
        except (OSError, ValueError, SuspendNotSupported) as error:
            refused(context, error)
            return
        if status:
            context.display.notify(f"the {what} ended with {status}", severity="warning")

    return opened


def _editor() -> Show:
    from praxmonitor.actions.editor import edit

    return edit


def _pager() -> Show:
    from praxmonitor.actions.pager import page

    return page


edit_log = _open_in("editor", _editor)
"""Opens the file that the line under the cursor stands in, in the operator's editor, at that line."""
page_log = _open_in("pager", _pager)
"""The same in the operator's pager."""
