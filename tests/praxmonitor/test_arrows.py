"""What the screen's modules import of each other: arrows run only down, late imports and those for types included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).parents[2] / "praxmonitor"
MODULES = {
    ".".join(path.relative_to(HOUSE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(HOUSE.rglob("*.py"))
}


def imported(path: Path) -> Iterator[str]:
    """Modules of the screen's that this one names in an import, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else str(node.module)


def circle(module: str, arrows: dict[str, set[str]], way: tuple[str, ...], seen: set[str]) -> tuple[str, ...]:
    """The first circle that is met on the way down from `module`; empty for none."""
    if module in way:
        return (*way[way.index(module) :], module)
    if module in seen:
        return ()
    seen.add(module)
    found = (circle(below, arrows, (*way, module), seen) for below in sorted(arrows[module]))
    return next(filter(None, found), ())


def test_no_module_of_the_screen_imports_one_that_stands_on_it() -> None:
    arrows = {name: {i for i in imported(path) if i in MODULES and i != name} for name, path in MODULES.items()}
    seen: set[str] = set()
    circles = [found for name in arrows if (found := circle(name, arrows, (), seen))]
    assert circles == []


def test_the_dialogs_stand_below_what_opens_them() -> None:
    """A dialog knows neither the app nor the views nor the actions: a handler opens it and takes its answer."""
    above = ("praxmonitor.app.", "praxmonitor.views.", "praxmonitor.actions.")
    dialogs = {name for name in MODULES if name.startswith("praxmonitor.dialogs.")}
    wrong = [(name, below) for name in dialogs for below in imported(MODULES[name]) if below.startswith(above)]
    assert wrong == [] and dialogs
