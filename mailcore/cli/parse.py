"""The words of a verb: options anywhere, and texts that begin with `-`."""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import suppress
from functools import partial
from typing import Any

from mailcore.exceptions import UsageError

TEXTUAL = {
    "send", "dispatch", "reply", "feedback", "ask", "done", "blocked", "declined", "escalate", "reopen", "approve",
    "deny",
}  # fmt: skip
"""Verbs that end with a text which must be there: where one is due, even `--force` is no option."""

_OPTION = re.compile(r"--?[A-Za-z][\w-]*(=.*)?")
"""What may be a mistyped option; anything else that begins with `-`, like `- a list` or `-5 °C`, is a text."""


class Parser(argparse.ArgumentParser):
    """argparse that raises instead of exiting, so that errors can be JSON too."""

    def error(self, message: str) -> Any:
        """Raise what argparse found wrong."""
        text = message.replace("\\x00", "").replace("\0", "")
        raise UsageError(f"{text}\n{self.format_usage().strip()}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """A choice that stands after `--` is one, too."""
        super()._check_value(action, value.removeprefix("\0") if isinstance(value, str) else value)

    def print_help(self, file: Any = None) -> None:
        """Say what the verb is, with its exit statuses and examples."""
        from mailcore.cli.help_text import epilog

        self.formatter_class = partial(argparse.RawDescriptionHelpFormatter, width=100)
        self.epilog = epilog(self.prog.rpartition(" ")[2])
        super().print_help(file)

    def takes_value(self, word: str) -> bool | None:
        """True of an option that takes the next word, False of one that does not; None if it is no option."""
        name, value, _ = word.partition("=") if word.startswith("--") else (word, "", "")
        action = self._option_string_actions.get(name)
        return None if action is None else action.nargs is None and not value


def parse(parser: Parser, verb: str, words: list[str]) -> argparse.Namespace:
    """The words as the verb's arguments. UsageError, saying the usage, if they are not."""
    try:
        return _parse(parser, _texts(parser, words, due=False))
    except UsageError:
        texts = _texts(parser, words, due=True)
        if verb in TEXTUAL and texts != words:
            with suppress(UsageError):
                arguments = _parse(parser, texts)
                if all(word.startswith("@") for word in getattr(arguments, "words", ())[:-2]):
                    return arguments
        raise


def options_of(words: list[str]) -> list[str]:
    """The words before `--`: after it stands no option."""
    return words[: words.index("--")] if "--" in words else words


def _texts(parser: Parser, words: list[str], *, due: bool) -> list[str]:
    """The words, those that are texts wearing a NUL, which no argument of a process can hold: argparse forgets `--`,
    and takes `-hello` for `-h`. With `due` what may be a mistyped option is a text.
    """
    options, found, value = options_of(words), [], False
    for word in options:
        takes = parser.takes_value(word)
        text = word[:1] == "-" and word != "-" and takes is None and (due or not _OPTION.fullmatch(word))
        found.append(f"\0{word}" if text and not value else word)
        value = bool(takes) and not value
    return [*found, *(f"\0{word}" for word in words[len(options) + 1 :])]


def _parse(parser: Parser, words: list[str]) -> argparse.Namespace:
    arguments = parser.parse_intermixed_args(words)
    for name, value in vars(arguments).items():
        if isinstance(value, list):
            setattr(arguments, name, [word.removeprefix("\0") for word in value])
        elif isinstance(value, str):
            setattr(arguments, name, value.removeprefix("\0"))
    return arguments


def body_of(argument: str) -> str:
    """A BODY argument: `-` is standard input."""
    if argument != "-":
        return argument
    if sys.stdin is None:
        raise UsageError("BODY - reads standard input, and that is closed")
    return sys.stdin.buffer.read().decode("utf-8", "replace")
