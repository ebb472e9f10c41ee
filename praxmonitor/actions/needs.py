"""From one thing that needs the operator to the next, whatever it is and wherever it stands."""

from __future__ import annotations

from collections.abc import Callable

from praxmonitor.actions.context import Context, View
from praxmonitor.text.lines import cut


def walk_needs(way: int) -> Callable[[Context[View]], None]:
    """Goes to the next need (1), or to the one before (-1), and says which it is of how many."""

    def go(context: Context[View]) -> None:
        needs = context.needs
        if not needs:
            context.display.notify("nothing needs you")
            return
        place = context.walk.step(needs, way)
        need = needs[place]
        if need.message_id:
            context.display.navigation.show_message(need.message_id)
        elif need.address:
            context.display.navigation.select_agent(need.address)
        else:
            context.display.navigation.show_alarm(need.alarm_key)
        context.display.notify(cut(f"{place + 1} of {len(needs)}: {need.words}", 300))

    return go
