"""The house as a reader finds it: one public name has one meaning, and no file is long."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from mailcore.cli import VERBS

ROOT = Path(__file__).parents[2]

ALLOWED = {
    "arguments": "the options of the verbs of one module, which the command line asks for by this name",
    "main": "the entry point of a command",
    "T": "a type variable",
    "put": "what is to go out is put somewhere: into an outbox, into the channel to a host",
    "waiting": "what is still to go out: of an outbox, of a channel",
}
"""Names that several modules of mailcore define, each with the reason why nobody is misled."""

IMPLEMENTATIONS = (
    ("mailcore.system.linux.", "mailcore.system.portable."),
    ("mailcore.programs.claude.", "mailcore.programs.codex.", "mailcore.programs.gemini."),
)
"""Folders that do the same each in its own way: a name that stands in several of them has one meaning."""

MOST_LINES = 400


def public_names(source: str) -> set[str]:
    """The names that a module defines at its top level, functions, classes and constants."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return {name for name in found if not name.startswith("_")}


def place(module: str, name: str) -> str:
    """Where a name is at home: its module, or what is one place to a reader.

    The command and the MCP tool of one verb are one place, and so are the implementations of one protocol.
    """
    if name in VERBS and module.startswith(("mailcore.cli.", "mailcore.mcp.")):
        return "the verb"
    return next((folders[0] for folders in IMPLEMENTATIONS if module.startswith(folders)), module)


def doubles(sources: dict[str, str]) -> dict[str, list[str]]:
    """Names that stand in more than one place, or twice within one folder of an implementation."""
    modules = defaultdict(list)
    for module, source in sources.items():
        for name in public_names(source):
            modules[name].append(module)
    return {
        name: sorted(found)
        for name, found in modules.items()
        if len({place(module, name) for module in found}) > 1
        or any(sum(module.startswith(folder) for module in found) > 1 for folder in sum(IMPLEMENTATIONS, ()))
    }


def sources() -> dict[str, str]:
    """Every module of mailcore, by its name."""
    paths = sorted((ROOT / "mailcore").rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text() for path in paths}


def test_one_public_name_has_one_meaning() -> None:
    assert {name: found for name, found in doubles(sources()).items() if name not in ALLOWED} == {}


def test_every_exception_is_needed() -> None:
    assert ALLOWED.keys() <= doubles(sources()).keys()


def test_a_double_is_found() -> None:
    """The tests above can fail: a name in two modules, and in two modules of one program."""
    assert doubles({"mailcore.a": "LIMIT = 1", "mailcore.b": "def LIMIT(): ..."}).keys() == {"LIMIT"}
    here, there = "mailcore.programs.claude.a", "mailcore.programs.codex.a"
    assert doubles({here: "class Reader: ...", there: "class Reader: ..."}) == {}
    assert doubles({here: "READ = 1", "mailcore.programs.claude.b": "READ = 2"}).keys() == {"READ"}
    assert doubles({"mailcore.cli.mail": "def send(): ...", "mailcore.mcp.mail": "async def send(): ..."}) == {}


def own_bases(all_sources: dict[str, str]) -> dict[str, list[str]]:
    """Each class of ours with the classes of ours that it inherits from; protocols and exceptions are left out."""
    found = {}
    for source in all_sources.values():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                found[node.name] = [ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in node.bases]
    plain = {
        name for name, bases in found.items() if "Protocol" not in bases and not name.endswith(("Error", "Failed"))
    }
    return {name: [base for base in bases if base in plain] for name, bases in found.items() if name in plain}


def test_nothing_inherits_from_what_inherits() -> None:
    """Parts are held, not inherited: one level at most."""
    bases = own_bases(sources())
    assert {name for name in bases for base in bases[name] if bases[base]} == set()


def test_a_second_level_is_found() -> None:
    source = "class A: ...\nclass B(A): ...\nclass C(B): ..."
    assert own_bases({"mailcore.a": source}) == {"A": [], "B": ["A"], "C": ["B"]}


def test_no_file_is_long() -> None:
    """A file over 250 lines asks to be two; 400 is the limit."""
    packages = ("mailcore", "praxmonitor")
    lengths = {path: len(path.read_text().splitlines()) for name in packages for path in (ROOT / name).rglob("*.py")}
    assert {str(path.relative_to(ROOT)) for path, lines in lengths.items() if lines > MOST_LINES} == set()
