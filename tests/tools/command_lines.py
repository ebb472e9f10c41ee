"""The words of both commands, from their own parsers: what a shell completes, and what a manual page tells.

    python -m tests.tools.command_lines [--check]

writes `command_line.json` of `mailcore/cli` and `praxmonitor/cli`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from mailcore.cli import GROUPS, VERBS
from mailcore.cli.call import verb_parser
from mailcore.cli.help_text import EXAMPLES as VERB_EXAMPLES
from mailcore.cli.help_text import ORDINARY, STATUSES
from mailcore.config.reference import TABLES, keys
from praxmonitor.__main__ import EXAMPLES, SUBCOMMANDS, USAGE
from praxmonitor.assets import themes_dir

ROOT = Path(__file__).parents[2]
KINDS = (
    ("themes", "NAME"), ("keys", "KEY"), ("messages", "ID"), ("runs", "RUN"), ("agents", "@"),
    ("directories", "DIR PATH PROJECT"), ("files", "FILE PACK"),
)  # fmt: skip
"""Kind of value → parts of the names that an argument of it has in the usage."""


class Word(NamedTuple):
    """One option, or one argument by its place."""

    names: tuple[str, ...]
    """`--json`, `-C`; none of an argument by its place."""
    value: str
    """What stands for its value in the usage; empty of a flag."""
    choices: tuple[str, ...]
    help: str


class Command(NamedTuple):
    """One verb or subcommand, and those under it."""

    name: str
    what: str
    usage: str
    words: tuple[Word, ...]
    under: tuple[Command, ...]
    status: str
    examples: tuple[str, ...]


def mailcore_commands() -> dict[str, list[Command]]:
    """Heading → its verbs, in the order of `mailcore --help`."""
    return {
        heading: [
            _command(verb, verb_parser(verb, VERBS[verb][0])[0], STATUSES.get(verb, ORDINARY), VERB_EXAMPLES[verb])
            for verb in verbs
        ]
        for heading, verbs in GROUPS.items()
    }


def praxmonitor_commands() -> list[Command]:
    """The subcommands of the screen."""
    found = []
    for name, module in SUBCOMMANDS.items():
        parser = import_module(module).command_parser()
        _, _, status = (parser.epilog or "").partition("Exit status: ")
        found.append(_command(name, parser, status, EXAMPLES[name]))
    return found


def _command(name: str, parser: argparse.ArgumentParser, status: str, examples: tuple[str, ...]) -> Command:
    words, under = [], []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            texts = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for one, inner in action.choices.items():
                under.append(_command(one, inner, "", ())._replace(what=texts.get(one, "")))
            continue
        choices = tuple(map(str, action.choices or ()))
        value = "" if action.nargs == 0 else action.metavar or "|".join(choices) or action.dest.upper()
        text = (action.help or "").replace("%(default)s", str(action.default))
        words.append(Word(tuple(action.option_strings), str(value), choices, text))
    what = re.sub(r"^`[^`]+`: ", "", " ".join((parser.description or "").split()))
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    return Command(name, what, usage, tuple(words), tuple(under), status, examples)


def kinds_of_value(word: Word) -> list[str | list[str]]:
    """What may stand in its place."""
    if word.choices:
        return [list(word.choices)]
    parts = re.findall(r"[@A-Z]+", word.value)
    return [kind for kind, names in KINDS if any(name in parts for name in names.split())]


def completion_words(command: Command) -> dict[str, Any]:
    """A command as `mailcore.cli.completing` reads it."""
    options = {
        name: [word.help, next(iter(kinds_of_value(word)), "text") if word.value else ""]
        for word in command.words
        for name in word.names
        if name not in ("-h", "--help")
    }
    takes: list[str | list[str]] = []
    for word in command.words:
        takes += [kind for kind in kinds_of_value(word) if not word.names and kind not in takes]
    found: dict[str, Any] = {"what": command.what.partition(". ")[0], "options": options, "takes": takes}
    if command.under:
        found["under"] = {one.name: completion_words(one) for one in command.under}
    return found


def mailcore_words() -> dict[str, Any]:
    """The whole of `mailcore`, and the keys of config.toml."""
    verbs = [one for some in mailcore_commands().values() for one in some]
    leading = {
        "-C": ["the workspace that DIR is in", "directories"],
        "--from": ["declare who calls", "agents"],
        "--json": ["one JSON value on standard output", ""],
        "--help": ["every verb", ""],
        "--version": ["the version", ""],
    }
    under = {one.name: completion_words(one) for one in verbs}
    under["help"] = {"what": "what a verb does, with examples: help VERB", "options": {}, "takes": ["verbs"]}
    names = {f"{key.section}.{key.key}": key.meaning for table in TABLES for key in keys(table)}
    return {
        "options": leading, "takes": [], "under": under, "keys": names,
        "verbs": {one.name: one.what for one in verbs},
    }  # fmt: skip


def praxmonitor_words() -> dict[str, Any]:
    """The whole of `praxmonitor`, its screen's own options from its usage."""
    options: dict[str, list[str]] = {
        name: ["", "themes" if value == "NAME" else "text" if value else ""]
        for name, value in re.findall(r"\[(--[a-z-]+)(?: ([A-Z]+))?\]", screen_usage())
    }
    options |= {"-C": ["the workspace that DIR is in", "directories"], "--help": ["", ""], "--version": ["", ""]}
    return {
        "options": options,
        "takes": ["directories"],
        "under": {one.name: completion_words(one) for one in praxmonitor_commands()},
        "themes": {path.stem: "" for path in sorted(themes_dir().glob("*.toml"))},
    }


def screen_usage() -> str:
    """The usage of the screen itself, without a subcommand."""
    return next(line for line in USAGE.splitlines() if line.startswith("praxmonitor [PATH"))


def written() -> Iterator[tuple[Path, str]]:
    """Each file, and what is to stand in it."""
    for package, words in (("mailcore", mailcore_words()), ("praxmonitor", praxmonitor_words())):
        text = json.dumps(words, ensure_ascii=False, indent=1)
        yield ROOT / package / "cli" / "command_line.json", f"{text}\n"


def main(arguments: list[str]) -> int:
    """0 if the files are current or were written, 1 if one is stale."""
    stale = [(path, text) for path, text in written() if not path.exists() or path.read_text("utf-8") != text]
    for path, text in stale:
        if "--check" in arguments:
            print(f"{path.relative_to(ROOT)} is stale; run python -m tests.tools.command_lines")
        else:
            path.write_text(text, encoding="utf-8")
    return int(bool(stale) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
