"""The action table as Textual's bindings."""

from __future__ import annotations

from textual.binding import Binding

from praxmonitor.actions.scope import Scope
from praxmonitor.actions.table import ACTIONS


def bindings(*scopes: Scope) -> list[Binding]:
    """Bindings of all actions of these scopes. Each runs `action_do(id)` of the app, which says why if it cannot."""
    return [
        Binding(action.key, f"app.do('{action.id}')", action.label, show=False, id=action.id, tooltip=action.help)
        for action in ACTIONS
        if action.scope in scopes and action.key
    ]
