"""Of a particular program nothing is known outside of its own folder: no name, no text, no import."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from mailcore.programs.registry import BUILT_IN
from tests.mailcore.test_layers import MODULES, imports, within

NAMES = tuple(name for name in BUILT_IN if name != "command")
"""Of the built-in programs; `command` is a word of many meanings, of which the imports are looked at."""
FOLDERS = tuple(f"mailcore.programs.{name}" for name in BUILT_IN)


def words(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The identifiers and texts of a module with their lines; texts that stand alone, as docstrings do, left out."""
    alone = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant):
            if id(node) not in alone and isinstance(node.value, str | bytes):
                yield line, node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
            continue
        for _, value in ast.iter_fields(node):
            for word in value if isinstance(value, list) else [value]:
                if isinstance(word, str):
                    yield line, word


def named(source: str) -> list[tuple[int, str]]:
    """Where a module names a program."""
    return [(at, word) for at, word in words(ast.parse(source)) if any(name in word.lower() for name in NAMES)]


OUTSIDE = {name: path for name, path in MODULES.items() if not within(name, ["mailcore.programs"])}


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_module_names_a_program(name: str) -> None:
    assert named(OUTSIDE[name].read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        'x = program == "codex"',
        "x = b'claude'",
        "x = f'{a} is no Claude'",
        "def is_codex(): ...",
        "class Claude: ...",
        "from mailcore.programs.codex import sessions",
        "from mailcore.programs import claude as it",
        "import x as codex",
        "x.claude = 1",
        "claude: int = 1",
        "f(codex=1)",
        "def f(claude): ...",
        "def f():\n    global claude_home",
        "match x:\n    case {**codex}: ...",
        "match x:\n    case 'claude': ...",
        "try: ...\nexcept E as codex: ...",
        "def f():\n    'A docstring.'\n    return 'claude'",
    ],
)
def test_a_name_is_found_wherever_it_stands(source: str) -> None:
    assert named(source)


@pytest.mark.parametrize("source", ['"""As Claude does."""', "x = 1\n'What codex says.'", "x = 1  # as in claude"])
def test_a_docstring_and_a_comment_may_name_it(source: str) -> None:
    assert not named(source)


def test_nobody_but_the_registry_reaches_into_a_programs_folder() -> None:
    """The registry does so by name; the other modules of `programs` know no program, nor does one program another."""
    wrong = []
    for name, path in MODULES.items():
        own = next((folder for folder in FOLDERS if within(name, [folder])), "")
        others = [folder for folder in FOLDERS if folder != own]
        wrong += [(name, imported) for imported in imports(path) if within(imported, others)]
    assert wrong == []
