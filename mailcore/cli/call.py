"""What every verb shares: its arguments, the workspace, the caller, output as text or JSON, errors as exit status."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

from mailcore.cli import VERBS, output
from mailcore.cli.options import host_options
from mailcore.cli.parse import Parser as Parser  # the verbs take it from here
from mailcore.cli.parse import body_of as body_of
from mailcore.cli.parse import options_of, parse
from mailcore.exceptions import ConfigError, MailcoreError, Refused, UsageError, caveats, did_you_mean, tolerated
from mailcore.hosts.act_rules import RULES, may_name_host
from mailcore.identity.caller import Identity, identify, is_outside, operator_of
from mailcore.mail.resumable_act import act_scope
from mailcore.model.agent import OPERATOR, RUN_JOURNAL, Agent
from mailcore.system.safe_open import own_directory
from mailcore.workspace.find import Workspace, workspace_here
from mailcore.workspace.variables import RUN_ID

VerbResult: TypeAlias = "tuple[Any, str | Listing]"
"""What a verb returns: a JSON value, and the same for people, as text or as rows for a terminal."""

RUN_ID_FORM = re.compile("[A-Za-z0-9_-]{1,64}")
"""What the id of a run may be, ours or AIPass's."""

RECOVERING_VERBS = {"agents", "inbox", "limits", "queue", "run", "runs", "tasks", "trace", "usage"}
"""Verbs that show what agents do: they see to it that what died is ended and reported. Those that start or end an agent
do it anyway."""

STARTING_VERBS = {"dispatch", "wake", "retry", "reopen", "release", "attach", "review"}
"""Verbs that start an agent's program, which only a config that can be read may name."""

SHOWING_VERBS = {
    "inbox", "read", "trace", "tasks", "runs", "run", "agents", "config", "whoami", "history", "usage", "doctor",
    "search", "view", "thread", "sent", "limits", "logs",
}  # fmt: skip
"""Verbs that show: where the disk does not take what they print, they have failed."""


if TYPE_CHECKING:
    from mailcore.config import Config
    from mailcore.identity.ancestry import Ancestry
    from mailcore.mail.outbox import Sent
    from mailcore.mcp.tools import Served
    from mailcore.text.listing import Listing


@dataclass(frozen=True)
class Call:
    """One call of one verb."""

    verb: str
    arguments: argparse.Namespace
    began: float = field(default_factory=time.time)
    """When, seconds since the epoch."""
    served: Served | None = None
    """The client of the MCP server that calls; None of a command."""
    host: str = ""
    """The linked host whose operator asked for it, as was proved; empty of what is called here."""

    @property
    def as_json(self) -> bool:
        """True if nobody reads the text that is for people."""
        return self.served is not None or bool(getattr(self.arguments, "json", False))

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace that is meant: that of -C, of MAILCORE_ROOT, or that the working directory is in."""
        return workspace_here(getattr(self.arguments, "place", None))

    @cached_property
    def directory(self) -> Path:
        """Where the caller stands, as to who it is."""
        return self.workspace.place_of(own_directory())

    @cached_property
    def config(self) -> Config:
        """The workspace's config.toml. What starts agents insists on it; the rest warns, and takes the defaults."""
        from mailcore.workspace import trust

        trouble = ""
        if self.verb in STARTING_VERBS:
            from mailcore.programs.registry import checked_config

            trust.require_trust(self.workspace)
            config, status = trust.trusted_config(self.workspace)
            checked_config(config, self.workspace.config_file)
        else:
            try:
                config, status = trust.trusted_config(self.workspace)
            except ConfigError as error:
                from mailcore.config import Config

                config, status = Config(), trust.TrustStatus({})
                trouble = f"{error}; the defaults are used meanwhile"
        if status.why and self.verb in (*STARTING_VERBS, "approve", "deny", "ask", "escalate"):
            self._note(f"note: {trust.refusal_text(self.workspace, status)}")
        for warning in self.workspace.unknown_sections(config.agents):
            self._note(f"note: {self.workspace.config_file}: {warning}")
        if trouble:
            self._note(trouble)
        return config

    def _note(self, text: str) -> None:
        output.print_note(f"mailcore {self.verb}: {text}")

    @cached_property
    def caller(self) -> Identity:
        """Who calls. A command within a run is noted in the run's journal: it is a sign of life."""
        from mailcore.workspace import audit

        if self.host:
            identity = operator_of(self.workspace, self.host)
        elif self.served is not None:
            key = self.served.key(self.workspace)
            only = "a client of the MCP server is the operator by a key alone"
            identity = identify(self.workspace, os.environ, self.directory, None, lambda _: only, key)
        else:
            declared = getattr(self.arguments, "sender", None)
            identity = identify(self.workspace, os.environ, self.directory, declared, self._no_person)
        audit.current_proof.set(identity.how)
        if run := identity.run_id or os.environ.get("AIPASS_DISPATCH_ID", ""):
            from mailcore.mail.outbox import dispatch_id

            dispatch_id.set(run if RUN_ID_FORM.fullmatch(run) else "")
        self.note(identity)
        return identity

    def _no_person(self, ancestry: Ancestry) -> str:
        """Why no person can be taken for granted here."""
        from mailcore.cli.program_names import agent_signs
        from mailcore.identity.operator import why_no_person

        return why_no_person(self.workspace, os.environ, ancestry, agent_signs, self.config.operator.assume)

    def require(
        self, entitled: str = OPERATOR, *, prove: bool = True, outlived: bool = True, proof: str = "none"
    ) -> Identity:
        """The caller, who is `entitled` beyond doubt; Refused if not. For what no agent may do in another's name.

        `prove`: the operator is asked for the passphrase, where one is wanted: by config, or by `proof`. `outlived`: as
        of `operator.require_entitled`.
        """
        from mailcore.identity.operator import require_entitled, require_from_host

        asked = False
        if prove and entitled == OPERATOR:
            from mailcore.identity import passphrase as proofs

            asked = proof == "passphrase" or proofs.is_wanted(self.workspace, self.config.operator.proof)
        try:
            caller = self.caller
        except Refused as error:
            raise Refused(f"only {entitled} can do this, and {error}", error.code) from error
        if self.host:
            require_from_host(self.host, entitled, proved=asked)
            return caller
        require_entitled(self.workspace, caller, os.environ, self.directory, entitled, proved=asked, outlived=outlived)
        if asked:
            descriptor = getattr(self.arguments, "proof_fd", None)
            proofs.require_passphrase(self.workspace, proofs.read_phrases(descriptor, "the operator's passphrase: "))
        return caller

    def note(self, caller: Identity, **facts: Any) -> None:
        """Write this command, and what it did, into the journal of the run that the caller belongs to, if any."""
        self.journal(caller, "act", verb=self.verb, **facts)

    def answered(self, sent: Sent, text: str) -> None:
        """Write an answer into the journal of the caller's run: where it answers the run's task, it is its result.

        What AIPass dispatched counts as answered in its register.
        """
        register = self.workspace.aipass_dir / "dispatch_register.jsonl"
        if self.verb in ("reply", "done", "declined") and register.exists():
            from mailcore.dispatch.aipass.register import record_answered

            with tolerated():
                record_answered(self.workspace, self.caller.address, sent.to, sent.subject)
        if self.caller.run_id:
            from mailcore.model.run import MAX_RESULT
            from mailcore.text.masks import masked

            self.note(self.caller, to=sent.to, answers=sent.answers, result=masked(text)[:MAX_RESULT])

    def journal(self, caller: Identity, event: str, **facts: Any) -> None:
        """Write an event into the journal of the run that the caller belongs to, if any: a sign of life, no more."""
        if caller.run_id:
            from mailcore.formats import journal

            run = caller.agent.runs_dir / caller.run_id / RUN_JOURNAL
            with tolerated():
                journal.append_record(run, {"event": event, **facts})

    @cached_property
    def viewer(self) -> Agent:
        """Whose eyes: the caller's; a person outside every agent who does not say more sees what the operator sees."""
        if self.served is not None or self.host:
            return self.caller.agent
        declared = getattr(self.arguments, "sender", None)
        if declared is None and is_outside(self.workspace, os.environ, self.directory):
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


def verb_parser(verb: str, module: str) -> tuple[Parser, ModuleType]:
    """What a verb may be told, and the module that does it."""
    # Without a width argparse asks for the terminal's, and imports all of shutil for it.
    formatter = partial(argparse.HelpFormatter, width=100)
    parser = Parser(prog=f"mailcore {verb}", allow_abbrev=False, formatter_class=formatter)
    parser.description = VERBS[verb][1]
    parser.add_argument("--json", action="store_true", help="one JSON value on standard output, errors too")
    parser.add_argument("-C", dest="place", metavar="DIR", help="the workspace that DIR is in; else MAILCORE_ROOT's")
    verbs = import_module(module if "." in module else f"mailcore.cli.{module}")
    verbs.arguments(verb, parser)
    if verb in RULES:
        host_options(parser)
    return parser, verbs


def perform(
    verb: str, module: str, words: list[str], served: Served | None = None, host: str = ""
) -> tuple[Any, str | Listing, int]:
    """Do one verb: its JSON value, its text, its exit status. MailcoreError for what goes wrong.

    `host`: the linked one whose operator asked for it. What is about another host is done there, and told here.
    """
    parser, verbs = verb_parser(verb, module)
    action: Callable[[Call], VerbResult] = getattr(verbs, verb)
    try:
        call = Call(verb, parse(parser, verb, words), served=served, host=host)
        if served is not None and served.presented is not None:
            served.check(call.workspace, verb)
        if not host and verb in RULES and may_name_host(words):
            from mailcore.cli.forward import forwarded

            if (there := forwarded(call, parser, words)) is not None:
                return there
        if verb in RECOVERING_VERBS:
            _recover(call)
            _send_due_mail(call)
        value, text = action(call)
        if "workspace" in call.__dict__:
            _send_due_mail(call)
        if os.environ.get(RUN_ID) and "caller" not in call.__dict__:
            with suppress(MailcoreError):
                call.caller  # noqa: B018 (any command within a run is a sign of life)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        raise MailcoreError(f"{name}{error.strerror or error}") from error
    return value, text, int(value.pop("exit", 0)) if isinstance(value, dict) else 0


def _send_due_mail(call: Call) -> None:
    """Send what has waited long enough in an outbox; costs two listings of directories where nothing has."""
    with suppress(MailcoreError, OSError):
        if os.path.lexists(f"{call.workspace.state_dir}/outgoing"):
            from mailcore.mail import outgoing

            if outgoing.is_due(call.workspace):
                from mailcore.dispatch.due_mail import send_due_mail

                send_due_mail(call.workspace)
        if os.path.lexists(f"{call.workspace.state_dir}/topics/.due"):
            from mailcore.topics.giving import give_all

            give_all(call.workspace)


def _recover(call: Call) -> None:
    """Act on runs whose supervisor died with its sentinel; costs next to nothing where no agent has a lock."""
    with suppress(MailcoreError, OSError):
        locked = [agent for agent in call.workspace.agents if os.path.lexists(agent.dispatch_lock)]
        expiring = (call.workspace.state_dir / "expiring").is_dir()
        if not locked and not expiring:
            return
        if expiring:
            from mailcore.dispatch.lapsed_approvals import lapse_due_approvals

            lapse_due_approvals(call.workspace, call.config)
        from mailcore.model.lock import Holder
        from mailcore.system.processes import stopped
        from mailcore.workspace.lock_reader import read_lock

        locks = ((agent, read_lock(agent.dispatch_lock)) for agent in locked)
        due = [a for a, lock in locks if lock is not None and (lock.holder is Holder.DEAD or stopped(lock.pid))]
        if due:
            from mailcore.dispatch.recovery import recover

            recover(call.workspace, call.config, due)


def _progress(verb: str) -> AbstractContextManager[None]:
    """What tells a person at a terminal how far a long verb is; elsewhere nothing, at no cost."""
    if not output.is_seen():
        return nullcontext()
    from mailcore.cli.progress import LONG_VERBS, progress_line

    return progress_line(verb) if verb in LONG_VERBS else nullcontext()


def run_verb(verb: str, module: str, words: list[str]) -> int:
    """Parse, do, print. What was done counts as cut off, should it be repeated, until its result was printed."""
    as_json = "--json" in options_of(words)
    with caveats() as beside:
        try:
            if not module:
                raise UsageError(f"no such verb{did_you_mean(verb, VERBS)}; `mailcore --help` lists them")
            with act_scope():
                with _progress(verb):
                    value, text, status = perform(verb, module, words)
                unsaid = _say(value, text, as_json)
        except MailcoreError as error:
            status, unsaid = error.exit_status, _fail(verb, error, as_json)
    for caveat_text in beside:
        output.print_note(f"mailcore {verb}: note: {caveat_text}")
    if unsaid and unsaid != output.READER_GONE:
        looks = verb in SHOWING_VERBS and not status and unsaid != output.CLOSED
        output.print_note(f"mailcore {verb}: {'' if status or looks else 'done, but not told: '}{unsaid}")
        status = MailcoreError.exit_status if looks else status
    return status


def _say(value: Any, text: str | Listing, as_json: bool) -> str:
    if as_json:
        from mailcore.formats.json_codec import printed

        return output.print_stdout(printed(value))
    if not text:
        return ""
    if isinstance(text, str):
        from mailcore.text import plain

        said = plain(text)
    else:
        from mailcore.text.terminal import colours

        said = text.text(colour=colours())
    encoding = sys.stdout.encoding if sys.stdout is not None else "utf-8"
    return output.print_stdout(said.encode(encoding, "replace"))


def _fail(verb: str, error: MailcoreError, as_json: bool) -> str:
    if as_json:
        unsaid = _say({"error": {"code": error.code, "message": str(error)}}, "", as_json)
        if not unsaid:
            return ""
    output.print_note(f"mailcore {verb}: {error}")
    return ""
