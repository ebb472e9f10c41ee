"""The manual pages docs/man/mailcore.1 and docs/man/praxmonitor.1, from the same tables as the help and the completion.

    python -m tests.tools.man_pages [--check]

A wheel installs them as share/man/man1, which `man` finds where the environment's bin is on PATH.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from praxmonitor.__main__ import USAGE
from praxmonitor.actions.keymap import STANDARD
from praxmonitor.actions.table import ACTIONS, SCOPES
from tests.tools.command_lines import Command, Word, mailcore_commands, praxmonitor_commands

ROOT = Path(__file__).parents[2]
FILES = (
    (".praxmonitor/config.toml", "what a workspace is told: mailcore config says what holds, and what each key means"),
    ("*_REGISTRY.json", "who takes part, in the directory that is the workspace"),
)
VARIABLES = (
    ("MAILCORE_ROOT", "the directory of the workspace that is meant, wherever a command stands"),
    ("NO_COLOR", "if set to anything, nothing is in colour"),
    ("CLICOLOR_FORCE", "if set to anything but 0, lists of mail are in colour in a pipe too"),
)


def escaped(text: str) -> str:
    """Text for troff: its escape character, its hyphens as they are typed, and no line that is a request."""
    shown = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in shown.split("\n"))


def _bold(text: str) -> str:
    return f"\\fB{escaped(text)}\\fR"


def _head(name: str, what: str) -> Iterator[str]:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    yield '.\\" Written by python -m tests.tools.man_pages: change what it is made from.'
    yield f'.TH {name.upper()} 1 "" "praxmonitor {version}" "PraxMonitor"'
    yield from (".nh", ".ad l", ".SH NAME", f"{name} \\- {escaped(what)}", ".SH SYNOPSIS")


def _listed(names: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, text in names:
        yield from (".TP", _bold(name), escaped(text) or "\\&")


def _words(words: Sequence[Word]) -> Iterator[str]:
    for word in words:
        if word.names == ("-h", "--help"):
            continue
        value = f" \\fI{escaped(word.value)}\\fR" if word.value else ""
        names = ", ".join(map(_bold, word.names))
        yield from (".TP", f"{names}{value}" if names else value.strip(), escaped(word.help) or "\\&")


def _command(command: Command, depth: str = ".SS") -> Iterator[str]:
    yield from (f"{depth} {escaped(command.name)}", _bold(command.usage), ".PP", escaped(command.what))
    yield from _words(command.words)
    for one in command.under:
        yield from (".PP", _bold(one.usage), ".RS", escaped(one.what), *_words(one.words), ".RE")
    if command.status:
        yield from (".PP", f"Exit status: {escaped(' '.join(command.status.split()))}")
    if command.examples:
        yield from (".PP", ".nf", ".RS", *map(escaped, command.examples), ".RE", ".fi")


def mailcore_page() -> str:
    """The manual page of `mailcore`."""
    lines = [
        *_head("mailcore", "mail and dispatch for AI agents, on files"),
        f"{_bold('mailcore')} [\\fB\\-C\\fR \\fIDIR\\fR] \\fIVERB\\fR ...",
        ".SH DESCRIPTION",
        escaped(
            "Agents and the person at the screen write mail to each other, give tasks and answer them; what runs is "
            "supervised. Everything lies in files; there is no daemon. At a terminal of your own, outside the agents' "
            "directories, you are @operator; a script of yours says --from @operator."
        ),
    ]
    for heading, commands in mailcore_commands().items():
        lines.append(f".SH {escaped(heading.upper())}")
        for command in commands:
            lines += _command(command)
    lines += [".SH EXIT STATUS", escaped("0 done, 2 usage, 3 refused, 4 failed, 5 a wait that timed out, 130 Ctrl-C.")]
    lines += [".SH ENVIRONMENT", *_listed(VARIABLES), ".SH FILES", *_listed(FILES)]
    lines += [".SH SEE ALSO", "\\fBpraxmonitor\\fR(1)"]
    return "\n".join(lines) + "\n"


def praxmonitor_page() -> str:
    """The manual page of `praxmonitor`, with the keys of its screen."""
    lines = [*_head("praxmonitor", "the screen a person keeps open while AI agents work"), ".nf"]
    lines += [*map(escaped, USAGE.rstrip("\n").splitlines()), ".fi"]
    lines += [".SH SUBCOMMANDS"]
    for command in praxmonitor_commands():
        lines += _command(command)
    lines.append(".SH KEYS")
    for scope in SCOPES:
        keys = [
            (" ".join(STANDARD.spoken(action.id)) or "palette", action.help)
            for action in ACTIONS
            if action.scope is scope
        ]
        if keys:
            lines += [f".SS {escaped(scope.title)}", *_listed(keys)]
    lines += [".SH ENVIRONMENT", *_listed(VARIABLES[:2]), ".SH FILES", *_listed(FILES)]
    lines += [".SH SEE ALSO", "\\fBmailcore\\fR(1)"]
    return "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Each page, and what is to stand in it."""
    return {
        ROOT / "docs" / "man" / "mailcore.1": mailcore_page(),
        ROOT / "docs" / "man" / "praxmonitor.1": praxmonitor_page(),
    }


def main(arguments: list[str]) -> int:
    """0 if the pages are current or were written, 1 if one is stale."""
    stale = {path: text for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text}
    for path, text in stale.items():
        if "--check" in arguments:
            print(f"{path.relative_to(ROOT)} is stale; run python -m tests.tools.man_pages")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return int(bool(stale) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
