"""The arguments of a subcommand: argparse, whose errors repeat harmlessly what was typed or pasted."""

from __future__ import annotations

import argparse
from typing import NoReturn

from mailcore.exceptions import MailcoreError
from mailcore.text import plain
from mailcore.text.terminal import print_error, print_json
from praxmonitor.cli.screen_options import ScreenOptions


class Parser(argparse.ArgumentParser):
    """Says what is wrong without the control characters of what was given."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Leave, with the message that argparse made of it."""
        super().exit(status, plain(message) if message else message)


def screen_options(parser: argparse.ArgumentParser) -> None:
    """Those of every screen but `--read-only`."""
    parser.add_argument("--theme", default="", metavar="NAME", help="of the screen")
    parser.add_argument("--mute", action="store_true", help="start muted")
    parser.add_argument("--ascii", action="store_true", help="no sign that is not ASCII")
    parser.add_argument("--no-motion", action="store_true", help="nothing blinks or glides")


def chosen_screen(arguments: argparse.Namespace) -> ScreenOptions:
    """What `screen_options` were given."""
    return ScreenOptions(arguments.theme, arguments.mute, arguments.ascii, arguments.no_motion)


def operator_options(parser: argparse.ArgumentParser) -> None:
    """Those of an act that is the operator's alone: which workspace, and who calls."""
    parser.add_argument("-C", dest="place", metavar="DIR", help="the workspace that DIR is in; else MAILCORE_ROOT's")
    parser.add_argument("--from", dest="sender", metavar="@operator", help="declare who calls, where no terminal does")
    parser.add_argument("--json", action="store_true", help="one JSON value, errors too")


def say_refused(error: MailcoreError, *, as_json: bool) -> int:
    """Print why something was not done. Returns the exit status."""
    if as_json:
        print_json({"error": {"code": error.code, "message": str(error)}}, indent=False)
    else:
        print_error(f"praxmonitor: {error}")
    return error.exit_status
