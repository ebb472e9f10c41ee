"""Carry out one verb for the operator of another host: `remote_act ROOT`, the act as JSON on standard input.

This process proves for itself that it may: it trusts nobody who starts it. On standard output it says what became of
the act, as JSON.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import msgspec

from mailcore.cli import VERBS
from mailcore.cli.call import perform
from mailcore.exceptions import MailcoreError, Refused, caveats
from mailcore.formats import json_codec
from mailcore.formats.json_codec import is_nested_deeper
from mailcore.hosts.act_proof import prove_act, refusal
from mailcore.hosts.act_rules import RULES
from mailcore.hosts.acts import ActOutcome, ActState, RemoteAct
from mailcore.hosts.channel import MOST_NESTED
from mailcore.link.taken_acts import find_taken
from mailcore.mail.resumable_act import act_scope
from mailcore.model.agent import OPERATOR
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace, workspace_at

LONGEST_SAID = 400_000
"""Bytes of text, and of JSON, that are sent back."""
LONGEST_REASON, MOST_NOTES = 10_000, 50
"""Characters of a reason or a note, and how many notes, that are sent back."""
MOST_VALUE_NESTED = MOST_NESTED - 10
"""Lists and objects within each other in a value that is sent back: an envelope has a few more about it."""
MOST_TAKEN = 8 << 20
"""Bytes of an act: more than an envelope has."""


def perform_act(workspace: Workspace, act: RemoteAct) -> ActOutcome:
    """Do what the act says, once, if it may be done; what became of it."""
    began = time.time()
    try:
        prove_act(workspace, act)
        begun = nullcontext() if RULES[act.verb].shows else _taken(workspace, act)
        with begun:
            audit.record(workspace, f"{OPERATOR}.{act.sender}", "act", act=act.id, words=act.words, there=act.proof)
            outcome = _done(act, began)
            if not RULES[act.verb].shows and (taken := find_taken(workspace, act.sender, act.id)) is not None:
                taken.say(".done", msgspec.json.encode(outcome))
            return outcome
    except MailcoreError as error:
        return refusal(act, error)


def _taken(workspace: Workspace, act: RemoteAct) -> Any:
    taken = find_taken(workspace, act.sender, act.id)
    if taken is None or taken.act != act:
        raise Refused("it did not come by the link", "act_key")
    return taken.begin()


def _done(act: RemoteAct, began: float) -> ActOutcome:
    """Perform the verb; what it came to, be that a failure."""
    value: Any = None
    text, status, code, why = "", 0, "", ""
    with caveats() as beside, _printed() as printed:
        try:
            with act_scope():
                value, said, status = perform(act.verb, VERBS[act.verb][0], list(act.argv[1:]), host=act.sender)
            text = said if isinstance(said, str) else said.text(colour=False)
        except MailcoreError as error:
            status, code, why = error.exit_status, error.code, str(error)
        except Exception as error:  # the host that asked is told, whatever it is
            status, code, why = 4, "failed", f"{type(error).__name__}: {error}"
    text = printed[0] + text
    if len(text) > LONGEST_SAID:
        text = f"{text[:LONGEST_SAID]}\n… and {len(text) - LONGEST_SAID:,} more characters: ask for less"
    if is_nested_deeper(value, MOST_VALUE_NESTED):  # before it is written: that would overflow the stack
        value = None
    if len(json_codec.dumps_line(value)) > LONGEST_SAID or len(text.encode("utf-8", "replace")) > 2 * LONGEST_SAID:
        value = None
    return ActOutcome(
        act.id, ActState.DONE, status, text, value, code, why[:LONGEST_REASON],
        tuple(note[:LONGEST_REASON] for note in beside[:MOST_NOTES]), began=began, ended=time.time(),
    )  # fmt: skip


@contextmanager
def _printed() -> Iterator[list[str]]:
    """A list that holds in the end what was printed meanwhile."""
    found: list[str] = []
    sys.stdout.flush()
    kept = os.dup(1)
    with TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            yield found
        finally:
            sys.stdout.flush()
            os.dup2(kept, 1)
            os.close(kept)
            file.seek(0)
            found.append(file.read(4 * LONGEST_SAID).decode("utf-8", "replace"))


def main() -> int:
    """Carry out the act on standard input; the outcome is on standard output, whatever it is."""
    workspace = workspace_at(Path(sys.argv[1]))
    act = msgspec.json.decode(sys.stdin.buffer.read(MOST_TAKEN), type=RemoteAct)
    outcome = perform_act(workspace, act)
    sys.stdout.buffer.write(msgspec.json.encode(outcome))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
