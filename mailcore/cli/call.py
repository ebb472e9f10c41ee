"""What every verb shares: its arguments, the workspace, the caller, output as text or JSON, errors as exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from typing import Any

from mailcore.cli import VERBS
from mailcore.cli.parse import Parser as Parser  # the verbs take it from here
from mailcore.cli.parse import options_of, parse
from mailcore.config import Config, read_config, read_config_or_defaults
from mailcore.errors import MailcoreError, Refused, UsageError, did_you_mean
from mailcore.evidence import RUN_ID
from mailcore.identity import Identity, identify, outside
from mailcore.model.agent import Agent
from mailcore.workspace import Workspace, here
from mailcore.worktree import counterpart

Result = tuple[Any, str]
"""What a verb returns: a JSON value, and the same for people."""

ID = "a message: its number (12 or '#12'), its id, or a beginning of that, 4 characters or more, that no other has"
"""What an ID argument may be, for `--help`."""

LOOKS = {"agents", "inbox", "queue", "run", "runs", "tasks", "trace", "usage"}
"""Verbs that show what agents do: they see to it that what died is ended and told. Those that start or end an agent
do it anyway."""

STARTS = {"dispatch", "wake", "retry", "reopen", "release"}
"""Verbs that start an agent's program, which only a config that can be read may name."""


@dataclass(frozen=True)
class Call:
    """One call of one verb."""

    verb: str
    arguments: argparse.Namespace
    words: tuple[str, ...] = ()
    """What was said after the verb, for advice."""

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace that is meant: that of -C, of MAILCORE_ROOT, or that the working directory is in."""
        return here(getattr(self.arguments, "place", None))

    @cached_property
    def directory(self) -> Path:
        """Where the caller stands: in a linked git worktree of the workspace the same place in the workspace itself."""
        same = counterpart(Path.cwd())
        return same if same is not None and same.resolve().is_relative_to(self.workspace.root) else Path.cwd()

    @cached_property
    def config(self) -> Config:
        """The workspace's config.toml. What starts agents insists on it; the rest warns, and takes the defaults."""
        trouble = ""
        if self.verb in STARTS:
            from mailcore.programs.registry import checked

            config = checked(read_config(self.workspace.config_file), self.workspace.config_file)
        else:
            config, trouble = read_config_or_defaults(self.workspace.config_file)
        for stranger in self.workspace.strangers(config.agents):
            self._note(f"note: {self.workspace.config_file}: {stranger}")
        if trouble:
            self._note(trouble)
        return config

    def _note(self, text: str) -> None:
        from mailcore.text import plain

        print(plain(f"mailcore {self.verb}: {text}"), file=sys.stderr)

    @cached_property
    def caller(self) -> Identity:
        """Who calls. A command within a run is noted in the run's journal: it is a sign of life."""
        declared = getattr(self.arguments, "sender", None)
        identity = identify(self.workspace, os.environ, self.directory, declared, (self.verb, *self.words))
        if identity.how == "declared":
            from mailcore import audit

            audit.declared.set(True)
        self.note(identity)
        return identity

    def note(self, caller: Identity, **facts: Any) -> None:
        """Write this command, and what it did, into the journal of the run that the caller belongs to, if any."""
        self.journal(caller, "act", verb=self.verb, **facts)

    def journal(self, caller: Identity, event: str, **facts: Any) -> None:
        """Write an event into the journal of the run that the caller belongs to, if any."""
        if caller.run_id:
            from mailcore import journal

            run = self.workspace.agent(os.environ["MAILCORE_AGENT"]).runs_dir / caller.run_id / "run.jsonl"
            journal.append(run, {"event": event, **facts})

    @cached_property
    def viewer(self) -> Agent:
        """Whose eyes: the caller's; a person outside every agent who does not say more sees what the operator sees."""
        declared = getattr(self.arguments, "sender", None)
        if declared is None and outside(self.workspace, os.environ, self.directory):
            return self.workspace.operator
        return self.caller.agent

    def sees(self, *addresses: object) -> bool:
        """True if mail between these may be shown: an agent sees its own, the operator all."""
        return self.viewer.is_operator or self.viewer.address in addresses

    def visible(self, address: str) -> Agent:
        """An agent whose mail may be shown; Refused if it may not."""
        agent = self.workspace.agent(address)
        if not self.sees(agent.address):
            viewer = self.viewer.address
            raise Refused(f"{viewer} sees its own mail; {agent.address}'s is not shown to it", "visibility")
        return agent


def perform(verb: str, module: str, words: list[str]) -> tuple[Any, str, int]:
    """Do one verb: its JSON value, its text, its exit status. MailcoreError for what goes wrong."""
    # Without a width argparse asks for the terminal's, and imports all of shutil for it.
    formatter = partial(argparse.HelpFormatter, width=100)
    parser = Parser(prog=f"mailcore {verb}", allow_abbrev=False, formatter_class=formatter)
    parser.description = VERBS[verb][1]
    parser.add_argument("--json", action="store_true", help="one JSON value on standard output, errors too")
    parser.add_argument("-C", dest="place", metavar="DIR", help="the workspace that DIR is in; else MAILCORE_ROOT's")
    verbs = import_module(f"mailcore.cli.{module}")
    action: Callable[[Call], Result] = getattr(verbs, verb)
    verbs.arguments(verb, parser)
    try:
        call = Call(verb, parse(parser, verb, words), tuple(words))
        if verb in LOOKS:
            _attend(call)
        value, text = action(call)
        if os.environ.get(RUN_ID) and "caller" not in call.__dict__:
            with suppress(MailcoreError):
                call.caller  # noqa: B018 (any command within a run is a sign of life)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        raise MailcoreError(f"{name}{error.strerror or error}") from error
    return value, text, int(value.pop("exit", 0)) if isinstance(value, dict) else 0


def _attend(call: Call) -> None:
    """Act on runs whose supervisor died with its sentinel; costs next to nothing where no agent has a lock."""
    with suppress(MailcoreError, OSError):
        locked = [agent for agent in call.workspace.agents if os.path.lexists(agent.dispatch_lock)]
        if not locked:
            return
        from mailcore.liveness import read_lock
        from mailcore.model.run import Holder
        from mailcore.system.processes import stopped

        locks = ((agent, read_lock(agent.dispatch_lock)) for agent in locked)
        due = [a for a, lock in locks if lock is not None and (lock.holder is Holder.DEAD or stopped(lock.pid))]
        if due:
            from mailcore.dispatch.attend import attend

            attend(call.workspace, call.config, due)


def run(verb: str, module: str, words: list[str]) -> int:
    """Parse, do, print."""
    as_json = "--json" in options_of(words)
    try:
        if not module:
            raise UsageError(f"no such verb{did_you_mean(verb, VERBS)}; `mailcore --help` lists them")
        value, text, status = perform(verb, module, words)
    except MailcoreError as error:
        return _fail(verb, error, as_json)
    if as_json:
        from mailcore.codec import printed

        _write(printed(value))
    elif text:
        from mailcore.text import plain

        _write(plain(text).encode(sys.stdout.encoding, "replace"))
    return status


def _write(line: bytes) -> None:
    """Print. A reader that goes away in the midst, like `head`, is no error."""
    try:
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # What is still buffered is written at exit: let it go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(verb: str, error: MailcoreError, as_json: bool) -> int:
    if as_json:
        from mailcore.codec import printed

        _write(printed({"error": {"code": error.code, "message": str(error)}}))
    else:
        from mailcore.text import plain

        print(plain(f"mailcore {verb}: {error}"), file=sys.stderr)
    return error.exit_status


def body_of(argument: str) -> str:
    """A BODY argument: `-` is standard input."""
    if argument == "-" and sys.stdin is None:
        raise UsageError("- reads standard input, and that is closed")
    return sys.stdin.buffer.read().decode("utf-8", "replace") if argument == "-" else argument


def sender_option(parser: Parser) -> None:
    """`--from`, the declared override."""
    parser.add_argument("--from", dest="sender", metavar="@a", help="declare who calls; @operator for a person")
