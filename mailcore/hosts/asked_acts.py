"""Acts that were asked of other hosts from here: asked, kept, answered, cancelled.

Each is a file of its own below `.praxmonitor/link/acts/`, so that whoever waits for its answer watches one directory.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts import channel
from mailcore.hosts.act_rules import rule_of
from mailcore.hosts.acts import KEEP, LONGEST_KEEP, ActOutcome, AskedAct, RemoteAct
from mailcore.hosts.keys import OPERATOR_KEY, load_key
from mailcore.hosts.membership import link_directory, make_link_directory, member
from mailcore.model.agent import OPERATOR
from mailcore.model.link import Envelope, EnvelopeKind
from mailcore.system import writing
from mailcore.system.locks import locked
from mailcore.system.safe_open import read_bytes
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

ACT_ID = re.compile("[0-9a-f]{32}")
MAX_QUEUED = 200
"""Acts for one host that wait at once."""
OUTCOME_KEPT_FOR = 7 * 86400.0
"""Seconds after which what became of an act is forgotten."""
_DIRECTORY = "acts"


def sign_act(workspace: Workspace, to: str, argv: Sequence[str], keep: float = KEEP) -> RemoteAct:
    """An act for the host `to`, signed by the operator's key of this one; whoever calls is the operator beyond doubt.

    Refused (code `act`) if it is none that a host carries out, MailcoreError (code `key`) without such a key.
    """
    rule_of(argv)
    here = member(workspace).host
    key = load_key(link_directory(workspace) / OPERATOR_KEY)
    now = time.time()
    until = now + min(max(keep, 0.0), LONGEST_KEEP)
    proof = audit.current_proof.get()
    act = RemoteAct(uuid.uuid4().hex, here, to, tuple(argv), now, until, proof)
    return msgspec.structs.replace(act, signature=key.sign(act.signed))


def ask_act(workspace: Workspace, act: RemoteAct) -> None:
    """Keep an act, and put it into the channel to its host: on disk when this returns.

    Refused (code `flood`) where as many wait already as are taken at once.
    """
    directory = make_link_directory(workspace) / _DIRECTORY
    writing.make_directory(directory, durable=True)
    with locked(directory / ".lock"):
        waiting = [one for one in asked_acts(workspace) if one.act.to == act.to and one.is_open(act.at)]
        if len(waiting) >= MAX_QUEUED:
            raise Refused(f"{len(waiting)} acts wait for {act.to} already; mailcore link acts", "flood")
        _write(directory, AskedAct(act))
    audit.record(workspace, OPERATOR, "act asked", host=act.to, act=act.id, words=act.words)
    body: dict[str, Any] = {"act": msgspec.to_builtins(act)}
    channel.put(workspace, act.to, EnvelopeKind.ACT, body, id=act.id, until=act.until)


def cancel_act(workspace: Workspace, which: str) -> AskedAct:
    """Ask that an act be taken back: it is, unless it begins before this reaches its host.

    MailcoreError (code `no_act`) if there is none, Refused (code `over`) if it is answered.
    """
    found = find_asked(workspace, which)
    if found.outcome is not None:
        raise Refused(f"{found.act.words} on {found.act.to} is over: {found.state(time.time())}", "over")
    directory = link_directory(workspace) / _DIRECTORY
    with locked(directory / ".lock"):
        found = msgspec.structs.replace(read_asked(workspace, found.act.id) or found, cancelled_at=time.time())
        _write(directory, found)
    audit.record(workspace, OPERATOR, "act cancel", host=found.act.to, act=found.act.id)
    channel.put(workspace, found.act.to, EnvelopeKind.ACT, {"cancels": found.act.id}, until=found.act.until)
    return found


def take_answer(workspace: Workspace, envelope: Envelope, repeated: bool = False) -> None:
    """Keep what another host says that became of an act. One that nobody asked it for is passed over."""
    del repeated
    try:
        outcome = msgspec.convert(envelope.body.get("outcome"), ActOutcome)
    except msgspec.ValidationError as error:
        raise Refused(f"an answer that is none: {error}", "answer") from error
    directory = link_directory(workspace) / _DIRECTORY
    with locked(directory / ".lock"):
        asked = read_asked(workspace, outcome.act)
        if asked is None or asked.act.to != envelope.sender or asked.outcome is not None:
            return
        _write(directory, msgspec.structs.replace(asked, outcome=outcome))
    facts = {"host": envelope.sender, "act": outcome.act, "words": asked.act.words}
    audit.record(workspace, OPERATOR, "act answered", state=outcome.state.value, status=outcome.status, **facts)


def read_asked(workspace: Workspace, act_id: str) -> AskedAct | None:
    """The act of that id; None if there is none, or it cannot be read."""
    if not ACT_ID.fullmatch(act_id):
        return None
    return _read(asked_file(workspace, act_id))


def find_asked(workspace: Workspace, which: str) -> AskedAct:
    """The act whose id is, or begins with, `which`. MailcoreError (code `no_act`) if that is none, or several."""
    found = [one for one in asked_acts(workspace) if len(which) >= 4 and one.act.id.startswith(which)]
    if len(found) != 1:
        what = "several acts begin" if found else "no act begins"
        raise MailcoreError(f"{what} with {which}; mailcore link acts lists them", "no_act")
    return found[0]


def asked_acts(workspace: Workspace) -> list[AskedAct]:
    """The acts that were asked from here, the newest first; those that were over long ago are removed."""
    found = []
    with suppress(FileNotFoundError):
        for path in (link_directory(workspace) / _DIRECTORY).glob("*.json"):
            asked = _read(path)
            if asked is None:
                continue
            if asked.act.until + OUTCOME_KEPT_FOR < time.time():
                path.unlink(missing_ok=True)
            else:
                found.append(asked)
    return sorted(found, key=lambda asked: asked.act.at, reverse=True)


def asked_file(workspace: Workspace, act_id: str) -> Path:
    """Where an act is kept; written anew when its answer comes."""
    return link_directory(workspace) / _DIRECTORY / f"{act_id}.json"


def _read(path: Path) -> AskedAct | None:
    try:
        return msgspec.json.decode(read_bytes(path, links=False), type=AskedAct)
    except (OSError, msgspec.MsgspecError):
        return None


def _write(directory: Path, asked: AskedAct) -> None:
    writing.replace(directory / f"{asked.act.id}.json", msgspec.json.encode(asked))
