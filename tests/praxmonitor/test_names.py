"""One word, one meaning: a public name of praxmonitor stands for one thing, or is listed here with its reason."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT / "praxmonitor").with_suffix("").parts): path
    for path in sorted((ROOT / "praxmonitor").rglob("*.py"))
}
MOST_LINES = 400

ACTS = ("cancel", "close", "hold", "kill", "kill_all", "reply", "retry", "wake")
"""An action of the table, and what it asks of mailcore, have the name of the same act."""
SHARED = {
    "main": "the entry point of each command and of each program that is started as a process",
    "command_parser": "the options of each subcommand, which help, completion and manual page come from",
    "T": "a type variable",
    "TICK": "seconds between two ticks of whoever watches by a clock of its own: screen, guard, watch",
    "start_lines": "waiting starts as lines: in a question, in the detail panel",
    "Sound": "the app's part for sound, and what actions may ask of it; in `sound` a kind of event",
    "Terminal": "the app's part for the terminal, and what actions may ask of it",
    **dict.fromkeys(ACTS, "the action, and what it asks of mailcore"),
}
"""A public name that several modules define → why it is the same word in each."""


def defined(path: Path) -> Iterator[str]:
    """The names that a module defines at its top level."""
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (each.id for one in targets for each in ast.walk(one) if isinstance(each, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def doubles(modules: dict[str, Path]) -> dict[str, list[str]]:
    """The public names that more than one of these modules defines, and which do."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for module, path in modules.items():
        for name in set(defined(path)):
            if not name.startswith("_"):
                found[name].append(module)
    return {name: where for name, where in found.items() if len(where) > 1}


def test_a_public_name_is_defined_once() -> None:
    found = doubles(MODULES)
    assert {name: where for name, where in found.items() if name not in SHARED} == {}, "choose another name for one"
    assert found.keys() == SHARED.keys(), "what is listed is still shared"


def test_every_sort_of_double_is_found(tmp_path: Path) -> None:
    """The test above can fail."""
    sources = ("def a(): ...\nB = C = 1\nclass D: ...", "A: int = 1\nasync def a(): ...\nx, C = 1, 2", "class D: ...")
    modules = {}
    for number, source in enumerate(sources):
        modules[f"m{number}"] = tmp_path / f"{number}.py"
        modules[f"m{number}"].write_text(source)
    assert doubles(modules) == {"a": ["m0", "m1"], "C": ["m0", "m1"], "D": ["m0", "m2"]}


def test_no_module_is_too_long() -> None:
    lines = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    assert {module: count for module, count in lines.items() if count > MOST_LINES} == {}
