"""Keys that only move, and those that change what the list of agents shows."""

from __future__ import annotations

from collections.abc import Callable

from praxmonitor.actions.context import AgentList, Context, Filtered, View


def step(way: str) -> Callable[[Context[View]], None]:
    """Moves this way in the panel that has the focus."""

    def move(context: Context[View]) -> None:
        context.view.step(way)

    return move


def next_panel(context: Context[View]) -> None:
    """Focus the next panel."""
    context.view.next_panel()


def back(context: Context[View]) -> None:
    """Close what is open, else the view."""
    context.view.back()


def open_agent(context: Context[View]) -> None:
    """The selected agent, full screen."""
    context.display.navigation.show_agent(context.view.selected)


def order(context: Context[AgentList]) -> None:
    """Those that need attention first; again: the registry's order."""
    context.view.change_order()


def open_filter(context: Context[Filtered]) -> None:
    """Type what to show."""
    context.view.open_filter()
