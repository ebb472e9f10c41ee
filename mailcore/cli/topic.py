"""`topic`: what agents subscribe to, and what is published in it."""

from __future__ import annotations

from typing import Any

import msgspec

from mailcore.cli.call import Call, Parser, VerbResult, body_of
from mailcore.cli.options import data_options, schema_options, sender_option
from mailcore.exceptions import UsageError
from mailcore.hosts.names import joined
from mailcore.model.message import Message
from mailcore.model.topic import Publication
from mailcore.text import counted, line
from mailcore.text.names import safe_sender
from mailcore.text.units import date_and_time, iso
from mailcore.topics import giving, publishing
from mailcore.topics.topic_log import TopicRecord, open_topic, read_topic, read_topics, retained
from mailcore.workspace.registry import normal_address

TOPIC_ACTS = ("list", "show", "create", "subscribe", "unsubscribe", "publish")
SHOWN_PUBLICATIONS = 10


def arguments(verb: str, parser: Parser) -> None:
    """`topic [list]`; `topic ACT NAME [WORDS]`."""
    del verb
    parser.add_argument("what", nargs="?", choices=TOPIC_ACTS, default="list", help="list if not said")
    parser.add_argument(
        "name",
        nargs="?",
        default="",
        metavar="NAME",
        help="release, or '#release' in quotes; release@docs of another project, to subscribe",
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="SUBJECT BODY|@a",
        help="publish: SUBJECT and BODY, one word each, BODY - reads stdin; subscribe: whom, by the operator",
    )
    parser.add_argument("--about", default="", metavar="TEXT", help="of create: what is published in it")
    parser.add_argument(
        "--retain", type=int, default=10, metavar="N", help="of create: who comes later gets the last N; 10 if not said"
    )
    parser.add_argument(
        "--per-minute", type=int, default=60, metavar="N", help="of create: the most of one host; 60 if not said"
    )
    schema_options(parser, "of create: that the data of what is published has to fit")
    data_options(parser, "of publish: what is published, beside a text or in its place")
    parser.add_argument("--new", action="store_true", help="of subscribe: nothing of what the topic retains")
    sender_option(parser)


def topic(call: Call) -> VerbResult:
    """Topics; what one is and holds; create one, subscribe, publish."""
    a = call.arguments
    if a.what != "list" and not a.name:
        raise UsageError(f"which? mailcore topic {a.what} NAME")
    most = {"publish": 2, "subscribe": 1, "unsubscribe": 1}.get(a.what, 0)
    if len(a.words) > most:
        raise UsageError(f"{a.words[most]!r} is a word too many: quote what is one word")
    match a.what:
        case "show":
            return _show(call, read_topic(call.workspace, a.name))
        case "create":
            return _create(call)
        case "subscribe" | "unsubscribe":
            return _subscription(call)
        case "publish":
            return _publish(call)
    return _list(read_topics(call.workspace))


def _create(call: Call) -> VerbResult:
    from mailcore.schemas.document import read_schema

    a = call.arguments
    schema = read_schema(a.schema, a.schema_text)
    made = publishing.create_topic(
        call.workspace, call.caller.agent, a.name, about=a.about, schema=schema, retain=a.retain,
        per_minute=a.per_minute,
    )  # fmt: skip
    return msgspec.to_builtins(made), f"#{made.name} is there: mailcore topic subscribe {made.name}"


def _subscription(call: Call) -> VerbResult:
    a, agent = call.arguments, call.caller.agent
    if "@" in a.name:
        return _across(call)
    address = normal_address(a.words[0]) if a.words else agent.address
    if address != agent.address:
        call.require()
    name = read_topic(call.workspace, a.name).topic.name
    if a.what == "unsubscribe":
        did = publishing.drop_subscriber(call.workspace, address, name)
        return {"topic": name, "agent": address, "changed": did}, (
            f"{address} gets no more of #{name}" if did else f"{address} does not subscribe to #{name}"
        )
    known = address in read_topic(call.workspace, name).subscribers
    got = publishing.subscribe(call.workspace, call.workspace.agent(address), name, retained=not a.new)
    text = f"{address} subscribes to #{name}" + (" already" if known else "")
    return {"topic": name, "agent": address, "retained": got, "changed": not known}, text + (
        f"; {counted(got, 'publication')} that it retains came as mail" if got else ""
    )


def _across(call: Call) -> VerbResult:
    """`release@docs`: a topic of another project."""
    a, agent = call.arguments, call.caller.agent
    name, _, project = a.name.rpartition("@")
    if a.words:
        raise UsageError("to a topic of another project each subscribes for itself")
    if a.what == "unsubscribe":
        did = publishing.unsubscribe_across(call.workspace, agent, name, project)
        text = f"{agent.address} gets no more of it" if did else f"{agent.address} does not subscribe to it"
        return {"topic": a.name, "agent": agent.address, "changed": did}, text
    got = publishing.subscribe_across(call.workspace, agent, name, project, retained=not a.new)
    text = (
        f"{agent.address} subscribes to {line(a.name, 100)}; {counted(got, 'publication')} that it retains came as mail"
    )
    return {"topic": a.name, "agent": agent.address, "retained": got}, text


def _publish(call: Call) -> VerbResult:
    from mailcore.schemas.document import read_data

    a = call.arguments
    if not a.words:
        raise UsageError("mailcore topic publish NAME SUBJECT BODY, or SUBJECT --data FILE")
    subject, body = a.words[0], a.words[1] if len(a.words) > 1 else ""
    if body == "-" and a.data == "-":
        raise UsageError("BODY - and --data - both read standard input: one of them alone can")
    data = read_data(a.data, a.data_text)
    done = publishing.publish(call.workspace, call.caller.agent, a.name, subject, body_of(body), data)
    name = done.publication.topic
    to = [counted(len(done.given), "agent"), *([counted(len(done.hosts), "host")] if done.hosts else [])]
    lines = [f"published in #{name} as {done.publication.id[:8]}: for {' and '.join(to)}"]
    lines += [f"{who}: not yet: {line(why, 300)}" for who, why in done.waits.items()]
    value = {
        "id": done.publication.id,
        "topic": name,
        "number": done.number,
        "given": list(done.given),
        "hosts": list(done.hosts),
        "waits": dict(done.waits),
    }
    return value, "\n".join(lines)


def _list(records: list[TopicRecord]) -> VerbResult:
    lines = [
        f"#{one.topic.name:<20} {counted(_subscribers(one), 'subscriber'):<16} {one.last:>6,} published  "
        f"{'data  ' if one.topic.schema is not None else '      '}{line(one.topic.about, 80)}".rstrip()
        for one in records
    ]
    return [_row(one) for one in records], "\n".join(lines) or "no topics yet: mailcore topic create NAME"


def _subscribers(record: TopicRecord) -> int:
    return len(record.subscribers) + sum(map(len, record.elsewhere.values()))


def _row(record: TopicRecord) -> dict[str, Any]:
    topic = record.topic
    return {
        "name": topic.name,
        "about": topic.about,
        "by": joined(topic.by, topic.host),
        "made_at": iso(topic.made_at),
        "retain": topic.retain,
        "per_minute": topic.per_minute,
        "schema": topic.schema,
        "published": record.last,
        "subscribers": sorted(record.subscribers),
        "elsewhere": {host: list(agents) for host, agents in sorted(record.elsewhere.items())},
    }


def _show(call: Call, record: TopicRecord) -> VerbResult:
    """What a topic is, who subscribes and what each still waits for, and what was published last."""
    from mailcore.formats.json_codec import printed
    from mailcore.mail import message_text

    topic = record.topic
    if call.arguments.schema is not None:
        raise UsageError("--schema is of create; what a topic's is stands in --json")
    found = retained(call.workspace, record, SHOWN_PUBLICATIONS)
    with open_topic(call.workspace, topic.name) as log:
        waiting = {who: why for who, why in ((who, giving.what_hinders(log, who)) for who in record.subscribers) if why}
    lines = [
        f"#{topic.name}" + (f": {line(topic.about, 200)}" if topic.about else ""),
        f"created by {safe_sender(joined(topic.by, topic.host), 80) or 'somebody'}, {date_and_time(topic.made_at)}; "
        f"retains {topic.retain}, takes {topic.per_minute} a minute of one host",
        *(
            [f"its data has to fit: {line(printed(topic.schema, indent=False).decode(), 2_000)}"]
            if topic.schema
            else []
        ),
        f"subscribers: {' '.join(sorted(record.subscribers)) or 'none here'}",
        *(
            f"on {host}: {' '.join(safe_sender(one, 80) for one in agents) or 'none'}"
            for host, agents in sorted(record.elsewhere.items())
        ),
        *(f"{who} does not get it now: {line(why, 200)}" for who, why in waiting.items()),
        f"published so far: {record.last:,}",
    ]
    mails = [_as_message(number, one) for number, one in found]
    text = "\n".join(lines) + (f"\n\n{message_text.for_models(mails)}" if mails else "")
    return _row(record) | {"waits": waiting, "last": [one.raw for one in mails]}, text


def _as_message(number: int, publication: Publication) -> Message:
    raw = {
        "id": publication.id[:8],
        "seq": number,
        "from": joined(publication.by, publication.host),
        "sender_proof": f"host {publication.host}" if publication.host else publication.proof,
        "timestamp": iso(publication.at),
        "subject": publication.subject,
        "message": publication.body,
        **({} if publication.data is msgspec.UNSET else {"data": publication.data}),
    }
    return Message.from_json(raw)
