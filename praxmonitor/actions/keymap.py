"""The action table as Textual's bindings."""

from __future__ import annotations

from textual.binding import Binding

from praxmonitor.actions.table import ACTIONS


def bindings(*scopes: str) -> list[Binding]:
    """Bindings of all actions of these scopes. Each runs `action_do(id)` of the screen, which says why if it cannot."""
    return [
        Binding(action.key, f"do('{action.id}')", action.label, show=False, id=action.id, tooltip=action.help)
        for action in ACTIONS
        if action.scope in scopes
    ]
