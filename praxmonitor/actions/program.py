"""The screen itself: its help, its palette, what it said, leaving it."""

from __future__ import annotations

from mailcore.model.agent import OPERATOR
from praxmonitor.actions.context import Context, View


def inbox(context: Context[View]) -> None:
    """The operator's own mail."""
    context.display.navigation.show_agent(OPERATOR)


def notices(context: Context[View]) -> None:
    """List what was said."""
    from praxmonitor.dialogs.notices import NoticesScreen

    context.display.push_screen(NoticesScreen(context.notices))


def palette(context: Context[View]) -> None:
    """Open the command palette."""
    context.display.action_command_palette()


def show_help(context: Context[View]) -> None:
    """List the keys."""
    context.display.show_help()


def change_theme(context: Context[View]) -> None:
    """Other colours."""
    context.display.pick_theme()


def suspend(context: Context[View]) -> None:
    """Back to the shell for a while."""
    context.terminal.suspend()


def leave(context: Context[View]) -> None:
    """Leave; agents and runs go on."""
    context.terminal.leave()
