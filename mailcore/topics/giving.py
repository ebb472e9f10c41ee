"""What was published is given to all who get it: agents of this workspace as mail, other hosts by their channels.

Each has a number of its own, the last that it was given; what is higher is due. Whoever is killed between a mail and
its number finds the mail there the next time. What one cannot be given waits for it alone, in order.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import msgspec

from mailcore.exceptions import MailcoreError, Refused, tolerated
from mailcore.formats.timestamps import aipass_time
from mailcore.hosts import channel
from mailcore.hosts.directory import read_hosts
from mailcore.hosts.membership import read_membership
from mailcore.hosts.names import joined
from mailcore.mail import lookup, mailbox, numbers
from mailcore.mail.link_keys import LINK
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.outbox import across_keys
from mailcore.mail.projects import agent_across, is_across
from mailcore.mail.remote_arrival import PROOF
from mailcore.model.agent import Agent
from mailcore.model.link import EnvelopeKind
from mailcore.model.topic import Publication
from mailcore.topics.topic_log import TopicLog, note_waiting, open_topic, read_topics, waiting_noted
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

GONE = ("unknown_agent", "no_branch", "boundary")
"""Why an agent gets nothing until somebody brings it back: trying again at once changes nothing."""

GIVEN_AT_ONCE = 32
"""Publications for which the disk is waited for once."""


def give_all(workspace: Workspace, *, always: bool = False) -> None:
    """Give what is due in every topic, where that was noted, or `always`. Never an error: it waits, and is noted."""
    if not always and not waiting_noted(workspace):
        return
    waits = False
    for record in read_topics(workspace):
        try:
            with open_topic(workspace, record.topic.name) as log:
                waits |= any(error.code not in GONE for error in give(log).values())
        except (MailcoreError, OSError):
            waits = True
    with tolerated():
        note_waiting(workspace, waits)


def give(log: TopicLog, fresh: int = 0) -> dict[str, MailcoreError]:
    """Give each what is due to it; who could not be given it, agents and hosts, and why. The topic's lock is held.

    `fresh` is the number of what was published just now: nobody can have that yet.
    """
    why: dict[str, MailcoreError] = {}
    try:
        for address in tuple(log.record.subscribers):
            try:
                _give_agent(log, address, fresh)
            except MailcoreError as error:
                why[address] = error
        why |= _give_hosts(log)
    finally:
        log.save()
    return why


def _give_agent(log: TopicLog, address: str, fresh: int) -> None:
    subscription = log.record.subscribers[address]
    due = log.numbers(after=subscription.last)
    if not due:
        return
    agent = _subscriber(log.workspace, address)
    if missed := due[-1] - subscription.last - len(due):
        with tolerated():
            audit.record(log.workspace, address, "missed", topic=log.topic.name, count=missed)
    given: set[str] | None = None
    for number in due:
        publication = log.read(number)
        if publication is not None and (publication.by, publication.host) != (address, ""):
            if number != fresh and given is None:
                given = _given(agent)
            if number == fresh or publication.id not in (given or ()):
                mailbox.deliver(agent, _mail_for(log.workspace, agent, publication))
        subscription = msgspec.structs.replace(subscription, last=number)
        log.change(subscribers={**log.record.subscribers, address: subscription})


def _subscriber(workspace: Workspace, address: str) -> Agent:
    """The agent of that address; Refused where it is gone from the registry, or its directory from the disk."""
    agent = agent_across(workspace, address, "topics") if is_across(address) else workspace.agent(address)
    if not (agent.is_reserved or os.path.isdir(agent.branch)):  # noqa: PTH112 (Path's raises where a name is too long)
        raise Refused(f"{agent.branch} is gone", "no_branch")
    return agent


def what_hinders(log: TopicLog, address: str) -> str:
    """Why an agent that subscribes gets nothing at present, in words; empty if nothing speaks against it."""
    try:
        box = read_mailbox(_subscriber(log.workspace, address).inbox)
    except MailcoreError as error:
        return str(error)
    return box.reason


def _given(agent: Agent) -> set[str]:
    """The ids of the publications that lie in an agent's mailbox, open or closed. MailcoreError if it is unreadable."""
    box = read_mailbox(agent.inbox)
    if box.reason:
        raise MailcoreError(box.reason, "unreadable")
    found = [message.raw for message in box.messages] + [raw for _, raw in lookup.archived_messages(agent)]
    return {str(raw["publication"]) for raw in found if "publication" in raw}


def _mail_for(workspace: Workspace, agent: Agent, publication: Publication) -> dict[str, Any]:
    """The mail that one subscriber gets; another project counts for itself, and is told whence it comes."""
    mail = _mail(workspace, publication)
    if agent.root == workspace.root:
        return mail
    return {key: value for key, value in mail.items() if key not in ("seq", LINK)} | across_keys(workspace)


def _mail(workspace: Workspace, publication: Publication) -> dict[str, Any]:
    """A publication as the mail that its subscribers get."""
    local = not publication.host
    name = publication.by.removeprefix("@").upper()
    author = _author(workspace, publication) if local else None
    return stamped(workspace, publication.at) | {
        "from": joined(publication.by, publication.host),
        "from_name": name if local else f"{name} on {publication.host}",
        **({"sender_proof": publication.proof} if local else _from_host(publication)),
        "subject": f"[#{publication.topic}] {publication.subject}",
        "message": publication.body,
        "priority": "normal",
        "auto_execute": False,
        "thread_id": publication.id,
        "status": "new",
        "sent_id": publication.id,
        "topic": publication.topic,
        "publication": publication.id,
        **({} if publication.data is msgspec.UNSET else {"data": publication.data}),
        **({} if author is None else {"reply_path": str(author.inbox)}),
    }


def _from_host(publication: Publication) -> dict[str, Any]:
    """The keys of a mail that another host vouches for: it can be answered there."""
    return {"sender_proof": PROOF, "host_proof": publication.proof, LINK: {"host": publication.host}}


def stamped(workspace: Workspace, at: float) -> dict[str, Any]:
    """The keys that give a mail its time and its number."""
    return {"timestamp": aipass_time(datetime.fromtimestamp(at)), "seq": numbers.reserve_numbers(workspace.root)}


def _author(workspace: Workspace, publication: Publication) -> Agent | None:
    """Who published it here; None where it is gone since."""
    try:
        return workspace.agent(publication.by)
    except Refused:
        return None


def _give_hosts(log: TopicLog) -> dict[str, MailcoreError]:
    """Put what this host's agents published into the channels to the others: first what the topic is, and who is in."""
    membership = read_membership(log.workspace)
    if membership is None:
        return {}
    why: dict[str, MailcoreError] = {}
    hosts = [record.name for record in read_hosts(log.workspace) if not record.revoked]
    if not log.record.hosts.keys() <= set(hosts):
        log.change(hosts={host: last for host, last in log.record.hosts.items() if host in hosts})
    for host in hosts:
        try:
            if host not in log.record.hosts:
                topic = log.topic if log.topic.host else msgspec.structs.replace(log.topic, host=membership.host)
                _put(log, host, {"op": "topic", "topic": msgspec.to_builtins(topic)}, subscribers_word(log))
                log.change(hosts={**log.record.hosts, host: 0})
            due = log.numbers(after=log.record.hosts[host])
            for start in range(0, len(due), GIVEN_AT_ONCE):
                some = due[start : start + GIVEN_AT_ONCE]
                _put(log, host, *(word for number in some if (word := _published_word(log, number))))
                log.change(hosts={**log.record.hosts, host: some[-1]})
        except MailcoreError as error:
            why[host] = error
    return why


def give_subscribers(log: TopicLog) -> None:
    """Tell the hosts that know the topic who subscribes to it here."""
    for host in log.record.hosts:
        with tolerated(f"{host} does not know yet who subscribes here"):
            _put(log, host, subscribers_word(log))


def subscribers_word(log: TopicLog) -> dict[str, Any]:
    """What tells another host who subscribes here."""
    return {"op": "subscribers", "topic": log.topic.name, "agents": sorted(log.record.subscribers)}


def _published_word(log: TopicLog, number: int) -> dict[str, Any] | None:
    """What tells another host what was published; None of what was not published here, or is gone."""
    publication = log.read(number)
    if publication is None or publication.host:
        return None
    word = {"op": "published", "epoch": log.record.epoch, "number": number}
    return {**word, "publication": msgspec.to_builtins(publication)}


def _put(log: TopicLog, host: str, *bodies: dict[str, Any]) -> None:
    if bodies:
        channel.put_all(log.workspace, host, [channel.Content(EnvelopeKind.TOPIC, body) for body in bodies])
