"""The manual pages: every verb and option is in them, they are current, and groff has nothing to say against them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailcore.cli import VERBS
from praxmonitor.__main__ import SUBCOMMANDS
from praxmonitor.actions.table import ACTIONS
from tests.tools import man_pages
from tests.tools.command_lines import Command, mailcore_commands, praxmonitor_commands

PAGES = man_pages.pages()
FORMATTER = shutil.which("groff")


def options(command: Command) -> Iterator[str]:
    for word in command.words:
        yield from (name for name in word.names if name not in ("-h", "--help"))
    for one in command.under:
        yield from options(one)


def section(text: str, name: str) -> str:
    return text.partition(f"\n.SS {name}\n")[2].partition("\n.SS ")[0]


def test_the_pages_are_current() -> None:
    assert {path.name: path.read_text("utf-8") == text for path, text in PAGES.items()} == {
        "mailcore.1": True,
        "praxmonitor.1": True,
    }


@pytest.mark.parametrize(
    ("page", "commands", "names"),
    [
        ("mailcore.1", [one for some in mailcore_commands().values() for one in some], VERBS),
        ("praxmonitor.1", praxmonitor_commands(), SUBCOMMANDS),
    ],
    ids=["mailcore", "praxmonitor"],
)
def test_every_verb_stands_there_with_every_option(
    page: str, commands: list[Command], names: dict[str, object]
) -> None:
    text = (man_pages.ROOT / "docs" / "man" / page).read_text("utf-8")
    assert [command.name for command in commands] == [*names]
    for command in commands:
        said = section(text, command.name)
        assert [name for name in options(command) if man_pages.escaped(name) not in said] == [], command.name
        assert man_pages.escaped(command.what) in said
        assert all(man_pages.escaped(example) in said for example in command.examples)


def test_every_key_of_the_screen_stands_there() -> None:
    text = (man_pages.ROOT / "docs" / "man" / "praxmonitor.1").read_text("utf-8")
    assert [action.id for action in ACTIONS if f"\n{man_pages.escaped(action.help)}\n" not in text] == []


@pytest.mark.skipif(FORMATTER is None, reason="groff is not installed: what it warns of is not seen here")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_groff_warns_of_nothing(path: Path) -> None:
    words = [str(FORMATTER), "-man", "-K", "utf8", "-Tutf8", "-ww", "-b"]
    done = subprocess.run([*words, "-z", str(path)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    shown = subprocess.run([*words, "-P-cbou", str(path)], capture_output=True, text=True, timeout=60).stdout
    assert "--json" in shown and "\\-" not in shown and "\N{HYPHEN}" not in shown, "what is typed can be copied"
    broken = subprocess.run([*words, "-z"], input=".SHH x\n", capture_output=True, text=True, timeout=60)
    assert broken.stderr, "a page with a mistake would be told of"


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed: whether it finds the pages is not seen")
def test_man_finds_what_a_wheel_installs(tmp_path: Path) -> None:
    """`share/man` beside a `bin` that is on PATH, as an environment has them."""
    wheel = tomllib.loads((man_pages.ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    (tmp_path / "bin").mkdir()
    for source, target in wheel["shared-data"].items():
        shutil.copytree(man_pages.ROOT / source, tmp_path / target)
    path = os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]])
    environment = {name: value for name, value in os.environ.items() if name != "MANPATH"} | {"PATH": path}
    for name in ("mailcore", "praxmonitor"):
        done = subprocess.run(["man", "-w", name], env=environment, capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == str(tmp_path / "share" / "man" / "man1" / f"{name}.1"), done.stderr
