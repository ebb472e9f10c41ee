"""The views that have a number, and the way from one to the other."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from praxmonitor.actions.context import Context, View


class ViewName(StrEnum):
    """One full screen each. It stays as it was left: cursor, filter and what is open in it."""

    FLEET = "fleet"
    AGENT = "agent"
    MAIL = "mail"
    STREAM = "stream"
    ALARMS = "alarms"
    LOGS = "logs"
    ERRORS = "errors"


def bring(name: ViewName) -> Callable[[Context[View]], None]:
    """Brings this view to the front."""

    def to_front(context: Context[View]) -> None:
        context.display.navigation.show_view(name)

    return to_front


def show_agent(context: Context[View]) -> None:
    """The selected agent, full screen; where none is selected the one that was looked at last."""
    facts = context.facts
    if facts is None or facts.agent.is_operator:
        context.display.navigation.show_view(ViewName.AGENT)
    else:
        context.display.navigation.show_agent(facts.address)


def turn_project(step: int) -> Callable[[Context[View]], None]:
    """Shows the next project (1) or the one before (-1), where several are open."""

    def to_project(context: Context[View]) -> None:
        context.display.show_project(step)

    return to_project


def show_last(context: Context[View]) -> None:
    """The view that was in front before this one."""
    context.display.navigation.show_last_view()
