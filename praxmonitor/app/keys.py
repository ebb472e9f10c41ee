"""The operator's own keys, read from their file for the views that there are; and what the help says of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Protocol

import praxmonitor.views
from mailcore.system.settled_file import SettledFile
from praxmonitor.actions.key_names import keymap_path
from praxmonitor.actions.keymap import STANDARD, Keymap
from praxmonitor.actions.keymap_file import USUAL_HOLD, load_keymap
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.actions.scope import REPLAY, Scope
from praxmonitor.actions.table import ACTIONS, SCOPES

if TYPE_CHECKING:
    from praxmonitor.app.navigation import Navigation
    from praxmonitor.dialogs.help import KeyRow


def view_scopes() -> dict[str, tuple[Scope, ...]]:
    """Name of each view's class → the scopes of the actions that it offers. Imports them all."""
    found: dict[str, tuple[Scope, ...]] = {}
    for module in iter_modules(praxmonitor.views.__path__):
        for name, view in getmembers(import_module(f"praxmonitor.views.{module.name}"), isclass):
            if scopes := getattr(view, "SCOPES", ()):
                found[name] = tuple(scopes)
    return found


BEFORE_HOLD = "the keys from before hold"


class Keyed(Protocol):
    """The app, by what its keys ask of it."""

    keymap: Keymap
    own_troubles: tuple[str, ...]
    navigation: Navigation

    def notify(self, message: str) -> None:
        """Say it for some seconds."""


def own_keymap() -> tuple[Keymap, tuple[str, ...]]:
    """The keys that hold, and what is wrong with the operator's file of them, as one line of the header;
    `praxmonitor keys` says where the file lies."""
    path = keymap_path()
    if not path.exists():
        return STANDARD, ()
    keymap, troubles = load_keymap(path, view_scopes().values())
    if len(troubles) > 1:
        return keymap, (f"{path.name}: {len(troubles)} entries do not hold; praxmonitor keys tells",)
    return keymap, tuple(trouble.replace(str(path), path.name) for trouble in troubles)


class OwnKeys:
    """Follows the operator's file of keys while the screen is open."""

    def __init__(self) -> None:
        self._path = keymap_path()
        self._file = SettledFile(self._path)

    def follow(self, app: Keyed) -> None:
        """Let the keys of the file hold, if it has changed; of one that is wrong none does, and the header says why."""
        if not self._file.changed():
            return
        keymap, troubles = own_keymap()
        app.own_troubles = tuple(f"{trouble.removesuffix(f'; {USUAL_HOLD}')}; {BEFORE_HOLD}" for trouble in troubles)
        if not troubles:
            app.keymap = keymap
            app.notify("keys.toml changed: its keys hold")
        app.navigation.bind_anew()


def help_rows(keymap: Keymap, opened: OpenWorkspace, here: Collection[Scope]) -> list[KeyRow]:
    """What the help lists: the scopes of the view in front first, what is its own before what every view has."""
    mine = [scope for scope in here if scope is not REPLAY or opened.playback is not None]
    mine.sort(key=lambda scope: scope.place)
    rows = [row for scope in mine for row in _rows(keymap, opened, scope, "")]
    others = (scope for scope in SCOPES if scope not in mine)
    return [*rows, *(row for scope in others for row in _rows(keymap, opened, scope, ", in its own view"))]


def _rows(keymap: Keymap, opened: OpenWorkspace, scope: Scope, where: str) -> Iterator[KeyRow]:
    from praxmonitor.dialogs.help import KeyRow

    for action in (action for action in ACTIONS if action.scope is scope):
        said = action.demo_help if opened.ends_agents and action.demo_help else action.help
        title = scope.title if scope is REPLAY else f"{scope.title}{where}"
        yield KeyRow(title, keymap.spoken(action.id), said, action.label)
