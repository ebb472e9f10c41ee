"""What other hosts tell of topics: what one is, who subscribes there, what was published there. All of it untrusted."""

from __future__ import annotations

import errno
import math
import time
from collections.abc import Callable
from typing import Any

import msgspec

from mailcore.config import read_mail_or_defaults
from mailcore.exceptions import MailcoreError, Refused, UsageError, tolerated
from mailcore.hosts import channel
from mailcore.hosts.names import joined
from mailcore.mail import mailbox
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.link import Envelope, EnvelopeKind
from mailcore.model.topic import Publication, Topic
from mailcore.schemas import check, document
from mailcore.topics import giving
from mailcore.topics.names import TOPIC
from mailcore.topics.rates import within_rate
from mailcore.topics.topic_log import Came, TopicLog, make_topic, note_waiting, open_topic, read_topic
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace
from mailcore.workspace.registry import ADDRESS

MAX_ELSEWHERE = 5_000
"""Subscribers of one host that are taken note of."""
MAX_HEAD = 10_000
"""Bytes of a publication beside its body and its data."""
AHEAD = 86_400.0
"""Seconds that another host's clock may be ahead of ours: its skew is never so much."""


def take_topic(workspace: Workspace, envelope: Envelope, repeated: bool) -> None:
    """Carry out one word of another host's about topics; again, it changes nothing.

    Refused, MailcoreError: it is told to that host. OSError: the disk does not allow it now, and it comes again.
    """
    del repeated  # each of them is known again by itself
    words: dict[str, Callable[[Workspace, str, dict[str, Any]], None]] = {
        "topic": _take_definition,
        "subscribers": _take_subscribers,
        "published": _take_publication,
        "refused": _take_refusal,
    }
    word = words.get(str(envelope.body.get("op")))
    if word is None:
        raise Refused(f"{envelope.sender} says of topics what is not understood here: its version is newer", "topic")
    try:
        word(workspace, envelope.sender, envelope.body)
    except MailcoreError as error:
        if error.code == "locked":  # somebody is at it: it comes again
            raise OSError(errno.EAGAIN, str(error)) from error
        raise


def refuse_topic(workspace: Workspace, envelope: Envelope, error: MailcoreError) -> None:
    """Tell the host that wrote an envelope why it was not taken; of a refusal nothing is told, as that has no end."""
    body = envelope.body
    if body.get("op") == "refused":
        return
    publication = body.get("publication")
    told = publication if isinstance(publication, dict) else body.get("topic")
    told = told if isinstance(told, dict) else {}
    word = {
        "op": "refused",
        "what": str(body.get("op"))[:20],
        "topic": str(told.get("topic") or told.get("name") or body.get("topic"))[:64],
        "by": str(told.get("by", ""))[:100],
        "subject": str(told.get("subject", ""))[:500],
        "why": str(error)[:2_000],
    }
    channel.put(workspace, envelope.sender, EnvelopeKind.TOPIC, word)


def _take_definition(workspace: Workspace, host: str, body: dict[str, Any]) -> None:
    topic = _converted(body.get("topic"), Topic, host)
    if not TOPIC.fullmatch(topic.name) or not (topic.by == "" or _is_name(topic.by)) or not topic.host:
        raise Refused(f"{host} tells of a topic that cannot be one", "topic")
    if topic.schema is not None:
        check.require_valid_schema(topic.schema, f"the schema of #{topic.name}")
    if make_topic(workspace, topic):
        with tolerated():
            audit.record(workspace, joined(topic.by, topic.host), "topic create", topic=topic.name)
        return
    with open_topic(workspace, topic.name) as log:
        here = log.topic
        if (here.made_at, here.by, here.schema) != (topic.made_at, topic.by, topic.schema):
            raise Refused(
                f"there is another topic #{topic.name} here, created by {joined(here.by, here.host)}: that one stands",
                "exists",
            )


def _take_subscribers(workspace: Workspace, host: str, body: dict[str, Any]) -> None:
    agents = body.get("agents")
    found = [one for one in agents if isinstance(one, str) and _is_name(one)] if isinstance(agents, list) else []
    with open_topic(workspace, str(body.get("topic"))) as log:
        log.change(elsewhere={**log.record.elsewhere, host: tuple(found[:MAX_ELSEWHERE])})


def _take_publication(workspace: Workspace, host: str, body: dict[str, Any]) -> None:
    publication = msgspec.structs.replace(_converted(body.get("publication"), Publication, host), host=host)
    epoch, number = body.get("epoch"), body.get("number")
    if not isinstance(epoch, str) or len(epoch) > 64 or not isinstance(number, int) or isinstance(number, bool):
        raise Refused(f"{host} publishes without a number", "topic")
    if not _is_name(publication.by):
        raise Refused(f"{host} publishes in a name that no agent there can have", "topic")
    if not math.isfinite(publication.at) or not 0 < publication.at < time.time() + AHEAD:
        raise Refused(f"{host} published at a time that cannot be: is its clock right?", "topic")
    topic = read_topic(workspace, publication.topic).topic
    publication = msgspec.structs.replace(publication, topic=topic.name)
    _require_fit(workspace, topic, publication, host)
    with open_topic(workspace, publication.topic) as log:
        came = log.record.came.get(host)
        if came is not None and came.epoch == epoch and number <= came.number:
            return
        within_rate(log, host, publication.at)
        log.change(came={**log.record.came, host: Came(epoch, number)})
        note_waiting(workspace, True)
        fresh = log.append(publication)
        # It is kept: what cannot be given waits here, and is no reason to ask for it again.
        waits = giving.give(log, fresh)
        note_waiting(workspace, any(error.code not in giving.GONE for error in waits.values()))


def _require_fit(workspace: Workspace, topic: Topic, publication: Publication, host: str) -> None:
    """Its own host looked already; what that lets through is refused here all the same."""
    most = read_mail_or_defaults(workspace.config_file).max_body
    for what, size in (("body", len(publication.body)), ("data", len(msgspec.json.encode(publication)))):
        if size > (most if what == "body" else 2 * most + MAX_HEAD):
            raise Refused(f"the {what} is {size:,} bytes, and [mail] max_body is {most:,} here", "limit")
    if topic.schema is None:
        return
    if publication.data is msgspec.UNSET:
        raise Refused(f"{host} publishes in #{topic.name} without data", "schema")
    check.require_fit(topic.schema, publication.data, "the data", f"#{topic.name}")


def _take_refusal(workspace: Workspace, host: str, body: dict[str, Any]) -> None:
    """Tell who published here, or created a topic, that another host did not take it.

    Of a topic that is not here nothing went there: then nobody is told. A host that says it of an agent that published
    nothing tells the operator alone.
    """
    try:
        with open_topic(workspace, str(body.get("topic", ""))[:64]) as log:
            topic, author = log.topic.name, _whose(log, str(body.get("by", "")))
    except (Refused, UsageError):
        return
    notice = {
        "from": OPERATOR,
        "from_name": "MAILCORE",
        "sender_proof": "supervisor",
        "subject": f"NOT TAKEN by {host}: #{topic} {str(body.get('subject', ''))[:500]}".rstrip(),
        "message": f"{host} did not take the {'topic' if body.get('what') == 'topic' else 'publication'}:\n\n"
        f"{str(body.get('why', ''))[:2_000]}",
        "priority": "normal",
        "auto_execute": False,
        "status": "new",
        "sent_id": "",
        "thread_id": f"topic-{topic}-{host}",
        "upsert_key": f"topic-refused:{host}:{topic}",
        "topic": topic,
    }
    mailbox.deliver(author, giving.stamped(workspace, time.time()) | notice)


def _whose(log: TopicLog, by: str) -> Agent:
    """Who created the topic here, or published in it of late, if it is called so; else the operator."""
    wrote = (publication.by for number in log.record.own if (publication := log.read(number)) is not None)
    if by == log.topic.by or by in wrote:
        return next((agent for agent in log.workspace.agents if agent.address == by), log.workspace.operator)
    return log.workspace.operator


def _converted(value: object, kind: type[Any], host: str) -> Any:
    document.require_depth(value, f"what {host} tells of a topic")
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, ValueError, OverflowError) as error:
        raise Refused(f"what {host} tells of a topic is none: {error}", "topic") from None


def _is_name(address: str) -> bool:
    """True of what an agent of a linked host can be called."""
    return ADDRESS.fullmatch(address) is not None and "." not in address
