"""Create a topic, subscribe to it, publish in it: what agents and people do. Each is on disk before it is said."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from mailcore.config import read_mail_or_defaults
from mailcore.exceptions import Refused, UsageError, tolerated
from mailcore.formats import json_codec
from mailcore.formats.timestamps import aipass_time
from mailcore.mail import archive, resumable_act
from mailcore.mail.projects import linked_project, seen_from
from mailcore.mail.sent_record import check_limits
from mailcore.model.agent import Agent
from mailcore.model.topic import MAX_PER_MINUTE, MAX_RETAINED, Publication, Subscription, Topic
from mailcore.schemas import check
from mailcore.schemas.document import Data, parse_data
from mailcore.system import safe_open, self_ignore, writing
from mailcore.topics import giving
from mailcore.topics.names import topic_name
from mailcore.topics.rates import within_rate
from mailcore.topics.topic_log import TopicLog, make_topic, note_waiting, open_topic, read_topic
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one publication: it is kept, and comes to each who subscribes."""

    publication: Publication
    number: int
    """Its number in the topic, of this workspace."""
    given: tuple[str, ...]
    """The agents of this workspace that have it as mail."""
    hosts: tuple[str, ...]
    """The other hosts for which it is stored."""
    waits: Mapping[str, str]
    """Agent or host → why it is not given to it yet."""


def create_topic(
    workspace: Workspace,
    author: Agent,
    name: str,
    *,
    about: str = "",
    schema: dict[str, Any] | None = None,
    retain: int = 10,
    per_minute: int = 60,
) -> Topic:
    """Create a topic. Refused (code `exists`) where there is one; code `schema` where its schema is none."""
    wanted = topic_name(name)
    for value, most, what in ((retain, MAX_RETAINED, "retain"), (per_minute, MAX_PER_MINUTE, "per-minute")):
        if not 1 <= value <= most:
            raise UsageError(f"--{what} {value}: 1 to {most:,}")
    if len(about) > 2_000:
        raise UsageError("what a topic is about has at most 2,000 characters")
    if schema is not None:
        check.require_valid_schema(schema, f"the schema of #{wanted}")
    topic = Topic(wanted, about, author.address, "", time.time(), retain, per_minute, schema)
    if not make_topic(workspace, topic):
        there = read_topic(workspace, wanted).topic
        raise Refused(f"there is a topic #{wanted}, created by {there.by or 'somebody'}: subscribe to it", "exists")
    with tolerated(f"#{wanted} is not told to other hosts yet"), open_topic(workspace, wanted) as log:
        giving.give(log)
    with tolerated():
        audit.record(workspace, author.address, "topic create", topic=wanted)
    return topic


def subscribe(workspace: Workspace, agent: Agent, name: str, *, retained: bool = True) -> int:
    """Let an agent get what is published from now on, and what the topic retains, unless that is not wanted.

    How many of the retained were due to it; subscribing again changes nothing.
    """
    with open_topic(workspace, name) as log:
        if agent.address in log.record.subscribers:
            return 0
        numbers = log.numbers(after=log.record.last - log.topic.retain) if retained else []
        last = numbers[0] - 1 if numbers else log.record.last
        mine = Subscription(time.time(), last)
        log.change(subscribers={**log.record.subscribers, agent.address: mine})
        log.save()
        giving.give_subscribers(log)
        if numbers:
            _note_what_waits(log, giving.give(log))
        topic = log.topic.name
    with tolerated():
        audit.record(workspace, agent.address, "subscribe", topic=topic)
    return len(numbers)


def subscribe_across(workspace: Workspace, agent: Agent, name: str, project: str, *, retained: bool = True) -> int:
    """The same to a topic of another project. Refused (code `boundary`) unless both projects let topics cross."""
    linked = linked_project(workspace, project, "topics")
    return subscribe(linked.workspace, seen_from(linked, agent), name, retained=retained)


def unsubscribe_across(workspace: Workspace, agent: Agent, name: str, project: str) -> bool:
    """End it; False if it did not subscribe. Refused as of `subscribe_across`."""
    linked = linked_project(workspace, project, "topics")
    return drop_subscriber(linked.workspace, seen_from(linked, agent).address, name)


def drop_subscriber(workspace: Workspace, address: str, name: str) -> bool:
    """Let who has that address get no more of it, be it gone meanwhile; False if it did not subscribe."""
    with open_topic(workspace, name) as log:
        if address not in log.record.subscribers:
            return False
        log.change(subscribers={who: one for who, one in log.record.subscribers.items() if who != address})
        log.save()
        giving.give_subscribers(log)
        topic = log.topic.name
    with tolerated():
        audit.record(workspace, address, "unsubscribe", topic=topic)
    return True


def publish(
    workspace: Workspace, author: Agent, name: str, subject: str, body: str, data: Data | None = None
) -> Published:
    """Publish in a topic: kept first, then given to each who subscribes. Who cannot be reached now gets it later.

    Refused, before anything is written, beyond the limits of config and of the topic (code `limit`), and where the data
    does not fit the topic's schema (code `schema`). Without `data` the body of such a topic is the data.
    """
    topic = read_topic(workspace, name).topic
    if not subject.strip():
        raise UsageError("what is published needs a subject")
    if data is None and topic.schema is not None:
        data = Data(parse_data(body.encode("utf-8", "surrogatepass"), f"the body, which in #{topic.name} is data,"))
    if data is not None and not body.strip():
        body = data.as_text()
    if not body.strip():
        raise UsageError("what is published needs a body, or data")
    if topic.schema is not None and data is not None:
        check.require_fit(topic.schema, data.value, "the data", f"#{topic.name}")
    beside = {} if data is None else {"data": data.value}
    fields = {"subject": subject, "message": body, **beside}
    check_limits(read_mail_or_defaults(workspace.config_file), author, fields, datetime.now())
    with resumable_act.begin_act(author, "publish", topic.name, fields) as act:
        earlier = act.recall("publish")
        publication = Publication(
            str(earlier["id"]) if earlier else secrets.token_hex(16), topic.name, author.address,
            float(earlier["published"]) if earlier else time.time(), subject, body, "", audit.current_proof.get(),
            msgspec.UNSET if data is None else data.value,
        )  # fmt: skip
        with open_topic(workspace, topic.name) as log:
            number = log.find(publication.id) if earlier else 0
            fresh = not number
            if fresh:
                within_rate(log, "", publication.at)
                act.remember("publish", {"id": publication.id, "published": publication.at})
                note_waiting(workspace, True)
                number = log.append(publication)
            waits = giving.give(log, number if fresh else 0)
            others = {who: one for who, one in log.record.subscribers.items() if who != author.address}
            given = tuple(who for who, one in others.items() if one.last >= number)
            hosts = tuple(host for host, last in log.record.hosts.items() if last >= number)
            _note_what_waits(log, waits)
    with tolerated():
        _keep_record(author, publication)
    with tolerated():
        audit.record(workspace, author.address, "publish", topic=topic.name, id=publication.id, subject=subject)
    return Published(publication, number, given, hosts, {who: str(error) for who, error in waits.items()})


def _note_what_waits(log: TopicLog, waits: Mapping[str, Exception]) -> None:
    """The next command tries again what waits for more than somebody's return."""
    trying = any(getattr(error, "code", "") not in giving.GONE for error in waits.values())
    with tolerated():
        note_waiting(log.workspace, trying)


def _keep_record(author: Agent, publication: Publication) -> None:
    """The publisher's own record, among what it sent."""
    at = datetime.fromtimestamp(publication.at)
    record = {
        "id": publication.id,
        "timestamp": aipass_time(at),
        "from": author.address,
        "from_name": author.name,
        "to": f"#{publication.topic}",
        "subject": publication.subject,
        "message": publication.body,
        **({} if publication.data is msgspec.UNSET else {"data": publication.data}),
        "topic": publication.topic,
        "thread_id": publication.id,
        "status": "sent",
    }
    safe_open.inside(author.boundary, author.sent_dir)
    self_ignore.make_ignored(author.mail_dir)
    writing.make_directory(author.sent_dir)
    writing.replace(author.sent_dir / archive.file_name(record, at), json_codec.dumps(record))
