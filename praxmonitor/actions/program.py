"""The screen itself: its help, its palette, what it said, leaving it."""

from __future__ import annotations

from functools import partial

from mailcore.config import Config
from mailcore.model.agent import OPERATOR
from mailcore.programs.registry import keeps_sessions
from praxmonitor.actions.asking import result_of
from praxmonitor.actions.context import Context, View
from praxmonitor.text.lines import plain


def inbox(context: Context[View]) -> None:
    """The operator's own mail."""
    context.display.navigation.show_agent(OPERATOR)


def notices(context: Context[View]) -> None:
    """List what was said."""
    from praxmonitor.dialogs.notices import NoticesScreen

    context.display.push_screen(NoticesScreen(context.notices))


def show_cost(context: Context[View]) -> None:
    """What each agent cost today, and all together."""
    from praxmonitor.dialogs.cost import CostScreen

    snapshot, config = context.snapshot, context.opened.config
    context.display.push_screen(CostScreen(snapshot.fleet, snapshot.now, partial(why_no_cost, config)))


async def show_link(context: Context[View]) -> None:
    """The hosts of the link: who is there, and what waits for whom."""
    from praxmonitor.dialogs.link import LinkScreen
    from praxmonitor.state.link_view import read_link_view

    found = await result_of(context, read_link_view, context.opened.workspace)
    if found is not None:
        context.display.push_screen(LinkScreen(found, context.opened.clock()))


def why_no_cost(config: Config, address: str) -> str:
    """Why nothing is told of what an agent cost today, by what its program writes; in words."""
    program = config.agent(address).program
    return f"its program ({program}) writes no session files" if not keeps_sessions(program) else "no session of today"


def own_keys(context: Context[View]) -> None:
    """Say where the operator's own keys are written."""
    from praxmonitor.actions.key_names import keymap_path

    context.display.notify(f"your own keys: {plain(str(keymap_path()))}; `praxmonitor keys` checks it", timeout=12)


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
