"""What every verb shares: its arguments, the workspace, the caller, output as text or JSON, errors as exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from mailcore.config import Config, read_config
from mailcore.errors import MailcoreError, UsageError
from mailcore.identity import Identity, identify
from mailcore.workspace import Workspace, find

Result = tuple[Any, str]
"""What a verb returns: a JSON value, and the same for people."""


class Parser(argparse.ArgumentParser):
    """argparse that raises instead of exiting, so that errors can be JSON too."""

    def error(self, message: str) -> Any:
        """Raise what argparse found wrong."""
        raise UsageError(f"{message}\n{self.format_usage().strip()}")


@dataclass(frozen=True)
class Call:
    """One call of one verb."""

    verb: str
    arguments: argparse.Namespace

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace that the working directory is in."""
        return find(Path.cwd())

    @cached_property
    def config(self) -> Config:
        """The workspace's config.toml."""
        return read_config(self.workspace.state_dir / "config.toml")

    @cached_property
    def caller(self) -> Identity:
        """Who calls. A command within a run is noted in the run's journal: it is a sign of life."""
        declared = getattr(self.arguments, "sender", None)
        identity = identify(self.workspace, os.environ, Path.cwd(), declared)
        if identity.run_id:
            from mailcore import journal

            run = self.workspace.agent(os.environ["MAILCORE_AGENT"]).runs_dir / identity.run_id / "run.jsonl"
            journal.append(run, {"event": "act", "verb": self.verb})
        return identity


def run(verb: str, module: str, words: list[str]) -> int:
    """Parse, do, print."""
    as_json = "--json" in words
    parser = Parser(prog=f"mailcore {verb}", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="one JSON value on standard output, errors too")
    try:
        verbs = import_module(f"mailcore.cli.{module}")
        action: Callable[[Call], Result] = getattr(verbs, verb)
        verbs.arguments(verb, parser)
        value, text = action(Call(verb, parser.parse_args(words)))
    except MailcoreError as error:
        return _fail(verb, error, as_json)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _fail(verb, MailcoreError(f"{name}{error.strerror or error}"), as_json)
    status = value.pop("exit", 0) if isinstance(value, dict) else 0
    if as_json:
        from mailcore.mail.store import dumps

        sys.stdout.buffer.write(dumps(value) + b"\n")
    elif text:
        from mailcore.text import plain

        print(plain(text))
    return int(status)


def _fail(verb: str, error: MailcoreError, as_json: bool) -> int:
    if as_json:
        from mailcore.mail.store import dumps

        sys.stdout.buffer.write(dumps({"error": {"code": error.code, "message": str(error)}}) + b"\n")
    else:
        from mailcore.text import plain

        print(plain(f"mailcore {verb}: {error}"), file=sys.stderr)
    return error.exit_status


def body_of(argument: str) -> str:
    """A BODY argument: `-` is standard input."""
    return sys.stdin.read() if argument == "-" else argument


def sender_option(parser: Parser) -> None:
    """`--from`, the declared override."""
    parser.add_argument("--from", dest="sender", metavar="@a", help="declare who calls; @operator for a person")


def local_time(at: float) -> str:
    """Seconds since the epoch for people, in local time; `-` for never."""
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else "-"


def iso_time(at: float) -> str | None:
    """Seconds since the epoch as ISO 8601 with the local offset; None for never."""
    from datetime import datetime

    return datetime.fromtimestamp(at).astimezone().isoformat() if at else None
