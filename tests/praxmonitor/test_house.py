"""How the screen is built: parts that are held rather than inherited, few parameters, files that fit in the head."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from textual.widget import Widget

import praxmonitor
from praxmonitor.actions.context import AgentList, MailView, View
from praxmonitor.app.palette_sources import Offering
from praxmonitor.views.agent import AgentScreen
from praxmonitor.views.fleet import FleetScreen
from praxmonitor.views.frame import Monitor
from praxmonitor.widgets.line_list import Lines
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, workspace

HOUSE = Path(praxmonitor.__file__).parent
ROOMS = ("app", "actions", "views", "dialogs", "widgets")
LONGEST = 400
MOST_PARAMETERS = 5


def classes() -> Iterator[type]:
    """Those that these rooms define."""
    for room in ROOMS:
        package = importlib.import_module(f"praxmonitor.{room}")
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"praxmonitor.{room}.{found.name}")
            for name, value in vars(module).items():
                # A class made by a call, as of a descriptor, has no name of its module's.
                if inspect.isclass(value) and value.__module__ == module.__name__ and value.__name__ == name:
                    yield value


def ours(kind: type) -> list[type]:
    """What a class inherits of ours; protocols only say what fits."""
    bases = [base for base in kind.__mro__[1:] if base.__module__.startswith("praxmonitor.")]
    return [base for base in bases if not getattr(base, "_is_protocol", False)]


def test_nothing_is_inherited_of_ours() -> None:
    """A class inherits Textual's own at most: what draws holds a `Lines`, and no part is another with more to it."""
    assert {kind.__qualname__: ours(kind) for kind in classes() if ours(kind)} == {}


def test_one_widget_paints_and_what_draws_on_it_is_none() -> None:
    """Of the widgets' room `Lines` alone is a widget."""
    widgets = {kind for kind in classes() if issubclass(kind, Widget) and ".widgets." in kind.__module__}
    assert widgets == {Lines}


def test_what_is_inherited_is_found() -> None:
    """The tests above can fail: of ours, of ours over another's, and not what a protocol only says."""

    class Sheet(Lines):
        """A widget over ours."""

    class Told(View, Protocol):
        """A protocol over ours."""

    assert ours(Sheet) == [Lines] and ours(Told) == [] == ours(Lines)


def test_no_constructor_asks_for_more_than_five_things() -> None:
    """Values are no constructors' matter: each of their fields has a name and says what it is."""
    wrong = {}
    for kind in classes():
        made = vars(kind).get("__init__")
        if made is None or dataclasses.is_dataclass(kind) or issubclass(kind, tuple):
            continue
        parameters = list(inspect.signature(made).parameters.values())[1:]
        loose = [each for each in parameters if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)]
        if getattr(kind, "_is_protocol", False):
            continue
        if len(parameters) > MOST_PARAMETERS or loose:
            wrong[kind.__qualname__] = [str(each) for each in parameters]
    assert wrong == {}


def test_no_action_is_found_by_the_name_of_a_method() -> None:
    """The table names each handler itself: no `getattr(self, f"do_{id}")` anywhere, no method of such a name."""
    wrong = []
    for path in (path for room in ROOMS for path in (HOUSE / room).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
                wrong += [f"{path.name}: {ast.unparse(node)}"] if not isinstance(node.args[1], ast.Constant) else []
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("do_"):
                wrong.append(f"{path.name}: {node.name}")
    assert wrong == []


def test_no_chain_of_ids_decides_what_an_action_does() -> None:
    """Outside of the table no action is told from another by its id: what tells them apart is a field of the row."""
    wrong = []
    for path in (path for room in ROOMS for path in (HOUSE / room).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and ast.unparse(node.left) in ("action.id", "action_id", "hint.id"):
                constants = [each for each in ast.walk(node) if isinstance(each, ast.Constant)]
                wrong += [f"{path.name}: {ast.unparse(node)}"] if constants else []
    assert wrong == []


def test_the_app_and_its_views_are_what_others_take_them_for() -> None:
    """Views and palette see the app, and handlers a view, through protocols: mypy checks what is assigned here."""
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    monitor: Monitor = app
    offering: Offering = app
    agents: AgentList = FleetScreen()
    mail: MailView = AgentScreen()
    assert monitor.opened is offering.opened and isinstance(agents, View) and isinstance(mail, View)


@pytest.mark.parametrize("room", ROOMS)
def test_a_file_fits_in_the_head(room: str) -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in (HOUSE / room).glob("*.py")}
    assert lengths and {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
