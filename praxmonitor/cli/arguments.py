"""The arguments of a subcommand: argparse, whose errors repeat harmlessly what was typed or pasted."""

from __future__ import annotations

import argparse
from typing import NoReturn

from mailcore.text import plain


class Parser(argparse.ArgumentParser):
    """Says what is wrong without the control characters of what was given."""

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Leave, with the message that argparse made of it."""
        super().exit(status, plain(message) if message else message)
