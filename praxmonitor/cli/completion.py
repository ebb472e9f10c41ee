"""`praxmonitor completion bash|zsh|fish`: what lets a shell complete its words."""

from __future__ import annotations

from collections.abc import Sequence

from mailcore.cli.completion import SHELLS, completion_script
from mailcore.text.terminal import print_line
from praxmonitor.cli.arguments import Parser


def command_parser() -> Parser:
    """What it may be told, in words."""
    parser = Parser(prog="praxmonitor completion", description="Print the script by which a shell completes its words.")
    parser.add_argument("shell", choices=tuple(SHELLS), help="whose script is printed; it says where to put it")
    return parser


def main(argv: Sequence[str]) -> int:
    """Exit status 0, or 2 where there is no such shell."""
    print_line(completion_script("praxmonitor", command_parser().parse_args(argv).shell), end="")
    return 0
