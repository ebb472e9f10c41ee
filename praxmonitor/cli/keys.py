"""`praxmonitor keys`: every key of the screen as it holds, and what is wrong with a file of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mailcore.text import counted, plain
from mailcore.text.terminal import print_error, print_json, print_line
from praxmonitor.actions.key_names import keymap_path
from praxmonitor.actions.keymap import STANDARD, Keymap
from praxmonitor.actions.keymap_file import load_keymap
from praxmonitor.actions.table import ACTIONS, SCOPES
from praxmonitor.app.keys import view_scopes
from praxmonitor.cli.arguments import Parser


def command_parser() -> Parser:
    """What it may be told, in words."""
    parser = Parser(
        prog="praxmonitor keys",
        description="Every key of the screen, as it holds with your keys.toml, and what of that does not hold.",
    )
    parser.add_argument("--file", type=Path, metavar="FILE", help="instead of your own")
    parser.add_argument("--json", action="store_true", help="one JSON value")
    return parser


def main(argv: Sequence[str]) -> int:
    """`praxmonitor keys`. Exit status 0, or 1 if an entry of the file does not hold; 2 if there is no such file."""
    parser = command_parser()
    options = parser.parse_args(argv)
    path = options.file or keymap_path()
    if options.file is not None and not path.is_file():
        parser.error(f"--file: there is no file {path}")
    keymap, troubles = load_keymap(path, view_scopes().values())
    if options.json:
        print_json(
            {"keys": {action.id: list(keymap.keys(action.id)) for action in ACTIONS}, "troubles": list(troubles)}
        )
        return 1 if troubles else 0
    print_line("\n".join(_table(keymap)))
    own = f"{counted(len(keymap.changed), 'action')} with keys of your own" if path.exists() else "not there"
    print_line(f"\n{path}: {own}")
    for trouble in troubles:
        print_error(plain(trouble))
    return 1 if troubles else 0


def _table(keymap: Keymap) -> Iterator[str]:
    """Id, keys and help of each action, by scope; `*` at those that the operator chose."""
    for scope in SCOPES:
        yield f"{scope.title}"
        for action in (action for action in ACTIONS if action.scope is scope):
            own = "*" if keymap.keys(action.id) != STANDARD.keys(action.id) else " "
            yield f" {own}{action.id:<16} {' '.join(keymap.spoken(action.id)) or '(palette)':<14} {action.help}"
