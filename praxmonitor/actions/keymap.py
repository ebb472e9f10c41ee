"""Which keys stand for which action: those of the table of actions, save where the operator's own file says others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from textual.binding import Binding, BindingsMap

from praxmonitor.actions.action import Action
from praxmonitor.actions.key_names import spoken_key
from praxmonitor.actions.preconditions import Situation
from praxmonitor.actions.scope import ACT, Scope
from praxmonitor.actions.table import ACTIONS, BY_ID


def _own(rivals: Sequence[Action]) -> Action:
    """The first of several actions of one key that is not about the agent under the cursor, whatever the view."""
    return next((each for each in rivals if each.scope is not ACT), rivals[0])


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys that hold."""

    changed: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Id of an action → its keys by Textual's names, where they are not those of the table; none: it has no key."""

    _rivals: dict[str, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Id of an action → those that share a key with it, itself among them, in the order of the table; as it was asked
    for: the footer asks at each drawing."""

    def elects(self, action_id: str, scopes: Collection[Scope], now: Situation) -> bool:
        """Whether this action is what its key means now in a view of these scopes: of several actions of one key the
        first that can be done, or that claims it; where none can, the first that is the view's own."""
        sharing = self._rivals.get(action_id)
        if sharing is None:
            mine = frozenset(self.keys(action_id))
            sharing = tuple(each.id for each in ACTIONS if not mine.isdisjoint(self.keys(each.id)))
            self._rivals[action_id] = sharing
        rivals = [BY_ID[each] for each in sharing if BY_ID[each].scope in scopes]
        return (
            len(rivals) < 2
            or next((each for each in rivals if each.claims(now) or not each.refusal(now)), _own(rivals)).id
            == action_id
        )

    def keys(self, action_id: str) -> tuple[str, ...]:
        """The keys of an action, by Textual's names."""
        known = self.changed.get(action_id)
        return BY_ID[action_id].default_keys if known is None else known

    def spoken(self, action_id: str) -> tuple[str, ...]:
        """The same as a person reads them."""
        return tuple(map(spoken_key, self.keys(action_id)))

    def first(self, action_id: str) -> str:
        """The key that is shown where there is room for one, as a person reads it; empty if the action has none."""
        return next(iter(self.spoken(action_id)), "")

    def respelled(self, text: str) -> str:
        """The same text, in which `label (key)` names the key that holds, where it is not the table's."""
        for action_id in self.changed:
            action, before, now = BY_ID[action_id], STANDARD.first(action_id), self.first(action_id)
            if before and now:
                for label in filter(None, (action.label, action.held_label)):
                    text = text.replace(f"{label} ({before})", f"{label} ({now})")
        return text

    def bindings(self, scopes: Collection[Scope]) -> list[Binding]:
        """Bindings of all actions of these scopes. Each runs the app's `action_do(id)`, which says why if it cannot."""
        return [
            Binding(key, f"app.do('{action.id}')", action.label, show=False, id=action.id, tooltip=action.help)
            for action in ACTIONS
            if action.scope in scopes
            for key in self.keys(action.id)
        ]

    def bound(self, before: BindingsMap, scopes: Collection[Scope]) -> BindingsMap:
        """The bindings of a view, with these keys in the place of those that it was declared with."""
        keys: dict[str, list[Binding]] = {}
        for key, bindings in before.key_to_bindings.items():
            if kept := [binding for binding in bindings if binding.id not in BY_ID]:
                keys[key] = kept
        for binding in self.bindings(scopes):
            keys.setdefault(binding.key, []).append(binding)
        return BindingsMap.from_keys(keys)


STANDARD = Keymap()
"""The keys of the table."""


def bindings(*scopes: Scope) -> list[Binding]:
    """What a view of these scopes is declared with: the keys of the table."""
    return STANDARD.bindings(scopes)
