"""How the agents are listed, and which of them are marked."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from praxmonitor.actions.context import AgentList, Context
from praxmonitor.widgets.grid_layout import is_table


def mark(context: Context[AgentList]) -> None:
    """Mark the agent under the cursor, or do so no more, and go on to the next."""
    context.view.mark()


def mark_all(context: Context[AgentList]) -> None:
    """Mark all agents that are shown; again: none."""
    context.view.mark_all()


def mark_on(way: str) -> Callable[[Context[AgentList]], None]:
    """Marks from the agent where the first of such keys was pressed to where this way leads."""

    def stretch(context: Context[AgentList]) -> None:
        context.view.mark_on(way)

    return stretch


def toggle_table(context: Context[AgentList]) -> None:
    """A table instead of cards, or cards instead of a table."""
    chosen = context.view.arrangement
    table = is_table(len(context.snapshot.fleet.agents), chosen.table)
    context.view.list_as(replace(chosen, table=not table))


def pin(context: Context[AgentList]) -> None:
    """Let the agent under the cursor stand first from now on; one that does, no more."""
    chosen, address = context.view.arrangement, context.view.selected
    pinned = tuple(each for each in chosen.pinned if each != address)
    unpinned = len(pinned) < len(chosen.pinned)
    context.view.list_as(replace(chosen, pinned=pinned if unpinned else (*pinned, address)))
    context.display.notify(f"{address} {'is no longer pinned' if unpinned else 'stands first now; p again: no more'}")


async def arrange(context: Context[AgentList]) -> None:
    """Choose the columns of the table, the order and the groups in a dialog."""
    from praxmonitor.dialogs.arrange import ArrangeScreen

    chosen = await context.display.push_screen_wait(ArrangeScreen(context.view.arrangement))
    if chosen is not None:
        context.view.list_as(chosen)
