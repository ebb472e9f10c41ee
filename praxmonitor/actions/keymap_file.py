"""The operator's own keys: `keys.toml` in the user's config directory.

    [keys]
    kill = "X"
    filter = ["/", "Ctrl+f"]
    snooze = []

An entry that cannot hold is told with its line, and the keys of the table stay for it; the others hold. No workspace
has such a file: what somebody cloned must not decide what a key does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mailcore.system.safe_open import read_bytes
from praxmonitor.actions.key_names import key_named, spoken_key
from praxmonitor.actions.keymap import STANDARD, Keymap
from praxmonitor.actions.scope import Scope
from praxmonitor.actions.table import BY_ID

LARGEST_KEYMAP = 100_000
"""Bytes of the file."""
RESERVED = {"escape": "back", "ctrl+c": "", "ctrl+q": "quit", "ctrl+p": "palette"}
"""Keys that mean one action alone, or none: dialogs and forms are left by them."""
KEPT = {"back": "escape"}
"""Action → a key that it has to keep."""
USUAL_HOLD = "the usual keys hold"
NEEDED = ("back", "quit", "palette")
"""Actions that may not be without a key: nobody could leave, or reach what has none."""


def load_keymap(path: Path, views: Collection[Collection[Scope]]) -> tuple[Keymap, tuple[str, ...]]:
    """The keys that hold, and what is wrong with the file in words, one line each; no file: the table's.

    `views`: the scopes of each view. A key may mean two things in different views, and not in one.
    """
    try:
        text = read_bytes(path, most=LARGEST_KEYMAP).decode()
        data = tomllib.loads(text)
    except FileNotFoundError:
        return STANDARD, ()
    except (OSError, ValueError, RecursionError) as error:
        return STANDARD, (f"{path}: {getattr(error, 'strerror', None) or error}; {USUAL_HOLD}",)
    troubles = [f"{path}: [{name}] is not known; there is [keys]" for name in data if name != "keys"]
    table = data.get("keys", {})
    if not isinstance(table, dict):
        return STANDARD, (*troubles, f"{path}: [keys] is a table of actions and their keys")
    lines = _line_numbers(text)
    chosen: dict[str, tuple[str, ...]] = {}
    told = [(0, trouble) for trouble in troubles]
    for action_id, value in table.items():
        where = lines.get(action_id, 0)
        try:
            chosen[action_id] = _keys_of(action_id, value)
        except ValueError as error:
            told.append((where, f"{path}:{where}: {error}"))
    for action_id, why in _collisions(chosen, views):
        where = lines.get(action_id, 0)
        told.append((where, f"{path}:{where}: {why}"))
    return Keymap(MappingProxyType(chosen)), tuple(trouble for _, trouble in sorted(told))


def _keys_of(action_id: str, value: Any) -> tuple[str, ...]:
    """The keys that an entry names. ValueError says what is wrong with it."""
    if action_id not in BY_ID:
        from difflib import get_close_matches

        near = get_close_matches(action_id, BY_ID, 1)
        raise ValueError(f"no action {action_id!r}{f'; did you mean {near[0]}?' if near else ''}")
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{action_id}: a key in quotation marks, or a list of them, not {value!r}")
    keys = tuple(dict.fromkeys(_checked(action_id, word) for word in words if word))
    if not keys and action_id in NEEDED:
        raise ValueError(f"{action_id} cannot be without a key")
    if (kept := KEPT.get(action_id)) is not None and kept not in keys:
        raise ValueError(f"{action_id}: {spoken_key(kept)} has to be one of its keys, as it is in each dialog")
    return keys


def _checked(action_id: str, word: str) -> str:
    try:
        key = key_named(word)
    except ValueError as error:
        raise ValueError(f"{action_id}: {error}") from None
    if RESERVED.get(key, action_id) != action_id:
        raise ValueError(f"{action_id}: {spoken_key(key)} leaves dialogs and forms, and means nothing else")
    return key


def _collisions(chosen: dict[str, tuple[str, ...]], views: Collection[Collection[Scope]]) -> list[tuple[str, str]]:
    """(action, why) of each entry that gives a key to an action which means another in the same view; it is taken out
    of `chosen`. Of two that were chosen the later one is. What shares a key in the table may go on to share one."""
    found: list[tuple[str, str]] = []
    while (pair := _first_collision(chosen, views)) is not None:
        wrong, other, key = pair
        del chosen[wrong]
        found.append((wrong, f"{wrong}: {spoken_key(key)} is already {BY_ID[other].label} ({other}) in the same view"))
    return found


def _first_collision(
    chosen: Mapping[str, tuple[str, ...]], views: Collection[Collection[Scope]]
) -> tuple[str, str, str] | None:
    """The entry that has to give way, the action in whose way it is, and the key that both have."""
    keymap, order = Keymap(chosen), list(chosen)
    for place, mine in enumerate(order):
        for other in BY_ID:
            shared = set(keymap.keys(mine)) & set(keymap.keys(other))
            if not shared or other == mine or _rivals(mine, other) or not _together(mine, other, views):
                continue
            later = other in chosen and order.index(other) > place
            wrong, right = (other, mine) if later else (mine, other)
            return wrong, right, min(shared)
    return None


def _rivals(one: str, other: str) -> bool:
    """They share a key in the table already: which of them is meant, the moment decides."""
    return not set(STANDARD.keys(one)).isdisjoint(STANDARD.keys(other))


def _together(one: str, other: str, views: Iterable[Collection[Scope]]) -> bool:
    return any(BY_ID[one].scope in scopes and BY_ID[other].scope in scopes for scopes in views)


def _line_numbers(text: str) -> dict[str, int]:
    """Name of each entry → the line that it stands in, from 1."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if entry := re.match(r"""\s*(?:keys\s*\.\s*)?["']?([\w-]+)["']?\s*=""", line):
            found.setdefault(entry[1], number)
    return found
