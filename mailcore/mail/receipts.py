"""What became of a mail that went to another host: told back by that host, and kept in the sender's own record.

`stored`, `refused`, then the rungs of the ladder as they are reached there, `closed` where it was archived without a
word. So `trace` and `sent` say of a mail on another host what they say of one here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError, Refused, caveat
from mailcore.formats import journal, json_codec
from mailcore.hosts import channel
from mailcore.hosts.names import split_address
from mailcore.mail.ladder import ladder, recipient_answer
from mailcore.mail.link_keys import BECAME, ID_DIGITS, LINK, carried_by
from mailcore.model.agent import Agent
from mailcore.model.link import Envelope, EnvelopeKind
from mailcore.model.message import DECISIONS, FINAL, Message, as_text
from mailcore.system import safe_open, writing
from mailcore.workspace.find import Workspace, workspace_at

STORED, REFUSED, CLOSED = "stored", "refused", "closed"
_STATES = frozenset((STORED, REFUSED, CLOSED, "woken", "submitted", "seen", "acknowledged", *FINAL, *DECISIONS))
_MAX_TEXT = 20_000
"""Characters of a result or a reason that are told."""
_FILE = re.compile(r"[^/\0]{1,250}\.json")


def standing(raw: Mapping[str, Any]) -> str:
    """Where a mail that came from another host stands, in one word; empty of one from here."""
    link = raw.get(LINK)
    if not isinstance(link, Mapping) or not link.get("envelope"):  # what was published there is no mail of its own
        return ""
    message = Message.from_json(raw)
    if message.ack is not None and recipient_answer(message) is not None:
        return message.ack.state
    return CLOSED if message.status == "closed" else ladder(message).rung


def stored(message: Message) -> dict[str, Any]:
    """The word that a mail is in its recipient's mailbox."""
    return _word(message, STORED)


def tell(agent: Agent, raws: Sequence[Mapping[str, Any]]) -> None:
    """Tell the hosts that these mails of an agent's came from where they stand now. What fails is a `caveat`."""
    words: dict[str, list[dict[str, Any]]] = {}
    for raw in raws:
        if isinstance(link := raw.get(LINK), Mapping):
            words.setdefault(str(link.get("host", "")), []).append(_word(Message.from_json(raw), standing(raw)))
    if not words:
        return
    try:
        workspace = workspace_at(agent.root)
        for host, some in words.items():
            put_words(workspace, host, some)
    except (MailcoreError, OSError) as error:
        caveat(f"the other host is not told what became of its mail: {error}")


def put_words(workspace: Workspace, host: str, words: Sequence[Mapping[str, Any]]) -> None:
    """Put words about mails of that host's into the channel to it. A host that takes nothing any more hears none."""
    if words:
        try:
            channel.put(workspace, host, EnvelopeKind.RECEIPT, {"words": list(words)})
        except Refused as error:
            caveat(str(error))


def _word(message: Message, state: str) -> dict[str, Any]:
    link = message.raw.get(LINK)
    link = link if isinstance(link, Mapping) else {}
    ack = recipient_answer(message)
    known = {
        "mail": as_text(link, "envelope"),
        "state": state,
        "at": journal.now(),
        "from": split_address(message.sender)[0],
        "record": as_text(link, "record"),
        "id": message.id,
        "seq": message.seq,
    }
    return known | ({"text": ack.result[:_MAX_TEXT]} if ack is not None and ack.result else {})


def keep(workspace: Workspace, envelope: Envelope, on_refused: Callable[[Agent, Message], None]) -> None:
    """Keep what another host tells of mails from here in the records of them.

    `on_refused` is called with who sent one that was refused, and its record as it will be: before that is written, so
    that who is killed in between notifies twice rather than never. What names no mail that was sent to that very host
    is passed over.
    """
    words = envelope.body.get("words")
    for word in words if isinstance(words, list) else []:
        if not isinstance(word, Mapping) or (found := _record(workspace, envelope.sender, word)) is None:
            continue
        agent, path, raw = found
        if as_text(word, "state") == REFUSED:
            on_refused(agent, Message.from_json(raw))
        # A word that a power cut takes is no mail that is lost.
        writing.replace(path, json_codec.dumps(raw), root=agent.boundary, durable=False)


def _record(workspace: Workspace, host: str, word: Mapping[str, Any]) -> tuple[Agent, Path, dict[str, Any]] | None:
    """The record that a word is about, with that word in it; None where there is none, or nothing is new."""
    state, name = as_text(word, "state"), as_text(word, "record")
    if state not in _STATES or not _FILE.fullmatch(name):
        return None
    try:
        agent = workspace.agent(as_text(word, "from"))
        path = agent.sent_dir / name
        raw = json_codec.loads(safe_open.read_bytes(path, links=False))
    except (MailcoreError, OSError, ValueError, RecursionError):
        return None
    if not isinstance(raw, dict) or carried_by(raw) != (host, word.get("mail")):
        return None
    told_so_far = raw.get(BECAME)
    became: dict[str, Any] = told_so_far if isinstance(told_so_far, dict) else {}
    if state in became or not isinstance(raw.get("status"), str):
        return None
    told: dict[str, Any] = {"at": as_text(word, "at")[:40] or journal.now(), "text": as_text(word, "text")[:_MAX_TEXT]}
    number = word.get("seq")
    told |= {"seq": number} if isinstance(number, int) and not isinstance(number, bool) else {}
    raw[BECAME] = {**became, state: told}
    if state == REFUSED:
        raw |= {"status": REFUSED, "refused_reason": f"{host}: {told['text']}", "refused_at": told["at"]}
    return agent, path, raw


def copy_there(record: Message) -> Message | None:
    """A mail to another host as its recipient has it, so far as that host has told; None where it has told nothing."""
    became = record.raw.get(BECAME)
    became = became if isinstance(became, Mapping) else {}
    at = {state: as_text(told, "at") for state, told in became.items() if isinstance(told, Mapping)}
    if STORED not in at:
        return None
    changes: dict[str, Any] = {"stored_at": at[STORED], "status": "new"}
    if moved := [at[state] for state in at if state not in (STORED, "woken", "submitted")]:
        changes["status"] = CLOSED if CLOSED in at else "opened"
        seen = at.get("seen") or ("" if CLOSED in at else min(moved))
        changes |= {"seen_at": seen} if seen else {"unseen": True}
    if "submitted" in at:
        changes["told_at"] = at["submitted"]
    ends = [state for state in ("acknowledged", *DECISIONS, *FINAL) if state in at]
    if ends:
        last = max(ends, key=lambda state: at[state])
        ack = {"state": last, "result": as_text(became[last], "text"), "at": at[last], "by": record.recipient}
        changes["ack"] = ack
    return as_there(record, changes)


def as_there(record: Message, changes: Mapping[str, Any]) -> Message:
    """The sender's record of a mail to another host under the names that it has there."""
    raw = {key: value for key, value in record.raw.items() if key not in (BECAME, "ack", "status")}
    _, envelope = carried_by(record.raw) or ("", "")
    names = {"id": envelope[:ID_DIGITS], "sent_id": record.id}
    return Message.from_json({**raw, **names, **changes}, record.recipient)
