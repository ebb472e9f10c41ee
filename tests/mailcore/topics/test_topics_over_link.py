"""Topics over a link: subscribers of all hosts get what is published once, in order by publisher; liars are refused."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mailcore.exceptions import MailcoreError, Refused
from mailcore.formats import journal
from mailcore.hosts import arrivals, channel, directory, keys, membership
from mailcore.link.carry_out import CarryingOut
from mailcore.link.handlers import HANDLERS
from mailcore.mail import answer, mailbox, post
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.link import Envelope, EnvelopeKind, HostRecord
from mailcore.model.message import Message
from mailcore.schemas.document import Data
from mailcore.system import writing
from mailcore.topics import giving, publishing, topic_log
from mailcore.workspace import create, find

SCHEMA = {"type": "object", "required": ["version"], "properties": {"version": {"type": "string"}}}
Workspace = find.Workspace


@dataclass
class Hosts:
    """Hosts of one link, each with @writer and @lead; the tests carry between them by hand."""

    place: Path
    of: dict[str, Workspace] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    def add(self, name: str) -> Workspace:
        made = create.create_workspace(self.place / name, [(agent, f"agents/{agent}") for agent in ("writer", "lead")])
        membership.write_membership(made, membership.Membership(name, "project"))
        public = keys.make_key(membership.link_directory(made) / keys.HOST_KEY).public
        for other, workspace in self.of.items():
            directory.write_host(workspace, HostRecord(name, public, agents=("@writer", "@lead")))
            there = keys.load_key(membership.link_directory(workspace) / keys.HOST_KEY).public
            directory.write_host(made, HostRecord(other, there, agents=("@writer", "@lead")))
        self.of[name] = made
        return made

    def carry(self, sender: str, receiver: str, most: int = 10_000) -> int:
        envelopes = list(channel.unconfirmed(self.of[sender], receiver))[:most]
        if envelopes:
            workspace = self.of[receiver]
            carrying = CarryingOut(workspace, HANDLERS, self.troubles.append)
            taken = arrivals.take_all(workspace, envelopes, carrying.carry_out)
            channel.confirmed(self.of[sender], receiver, taken.epoch, taken.last, taken.last_id)
        return len(envelopes)

    def settle(self) -> None:
        while sum(self.carry(a, b) for a in self.of for b in self.of if a != b):
            pass


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    made = Hosts(tmp_path)
    for name in ("alpha", "beta"):
        made.add(name)
    return made


def topic(workspace: Workspace, **terms: Any) -> None:
    publishing.create_topic(workspace, workspace.agent("@lead"), "release", **terms)


def subscribe(workspace: Workspace, who: str = "@writer", **terms: Any) -> int:
    return publishing.subscribe(workspace, workspace.agent(who), "release", **terms)


def publish(workspace: Workspace, subject: str, by: str = "@lead", data: Data | None = None) -> publishing.Published:
    return publishing.publish(workspace, workspace.agent(by), "release", subject, "the body", data)


def inbox(workspace: Workspace, who: str = "@writer") -> list[Message]:
    """Open mail, the oldest first."""
    return list(reversed(read_mailbox(workspace.agent(who).inbox).messages))


def subjects(mails: Iterable[Message]) -> list[str]:
    return [mail.subject.removeprefix("[#release] ") for mail in mails]


def forge(hosts: Hosts, sender: str, receiver: str, body: dict[str, Any]) -> str:
    """What a host that does not keep to its word puts into its channel; why it was refused."""
    hosts.troubles.clear()
    channel.put(hosts.of[sender], receiver, EnvelopeKind.TOPIC, body)
    hosts.carry(sender, receiver)
    return "\n".join(hosts.troubles)


def published(number: int = 1, **values: Any) -> dict[str, Any]:
    one = {"id": f"{number:032x}", "topic": "release", "by": "@lead", "at": time.time(), "subject": "s", "body": "b"}
    return {"op": "published", "epoch": "e" * 16, "number": number, "publication": {**one, **values}}


def test_subscribers_of_all_hosts_get_it_once(hosts: Hosts) -> None:
    alpha, beta = hosts.of["alpha"], hosts.of["beta"]
    topic(alpha, about="what is out")
    hosts.settle()
    for workspace in (alpha, beta):
        subscribe(workspace)
    subscribe(beta, "@lead")
    done = publish(alpha, "1", data=Data({"version": "1"}))
    assert done.hosts == ("beta",)
    hosts.settle()
    for workspace, who in ((alpha, "@writer"), (beta, "@writer"), (beta, "@lead")):
        (mail,) = inbox(workspace, who)
        assert mail.raw["data"] == {"version": "1"} and mail.thread_id == done.publication.id
        assert mail.sender == ("@lead" if workspace is alpha else "@lead.alpha")
    assert inbox(beta)[0].proof == "host" and inbox(alpha, "@lead") == [] and hosts.troubles == []
    record = topic_log.read_topic(beta, "release")
    assert (record.topic.host, record.topic.about) == ("alpha", "what is out")
    assert topic_log.read_topic(alpha, "release").elsewhere == {"beta": ("@lead", "@writer")}


def test_an_answer_to_what_was_published_elsewhere_goes_there(hosts: Hosts) -> None:
    alpha, beta = hosts.of["alpha"], hosts.of["beta"]
    topic(alpha)
    hosts.settle()
    subscribe(beta)
    publish(alpha, "1")
    hosts.settle()
    (mail,) = inbox(beta)
    post.read_messages(beta, "@writer", [mail.id])
    assert list(channel.unconfirmed(beta, "alpha")) == []  # it is no mail of its own: nothing is told of it
    post.reply_to(beta, "@writer", mail.id, "Well done.")
    hosts.settle()
    (mine,) = inbox(alpha, "@lead")
    assert (mine.sender, mine.body, mine.thread_id) == ("@writer.beta", "Well done.", mail.thread_id)
    assert hosts.troubles == []


def test_who_comes_late_on_another_host_gets_what_is_retained_there(hosts: Hosts) -> None:
    alpha, beta = hosts.of["alpha"], hosts.of["beta"]
    topic(alpha, retain=2)
    for number in range(4):
        publish(alpha, str(number))
    hosts.settle()
    # alpha is away from here on.
    assert subscribe(beta) == 2 and subjects(inbox(beta)) == ["2", "3"]


def test_a_host_that_joins_later_is_told_of_topics_and_of_what_they_retain(hosts: Hosts) -> None:
    alpha, beta = hosts.of["alpha"], hosts.of["beta"]
    topic(alpha, retain=3)
    hosts.settle()
    subscribe(beta)
    for number in range(5):
        publish(alpha, f"a{number}")
        publish(beta, f"b{number}")
    hosts.settle()
    gamma = hosts.add("gamma")
    for workspace in (alpha, beta):
        giving.give_all(workspace, always=True)
    hosts.settle()
    assert topic_log.read_topic(gamma, "release").elsewhere == {"alpha": (), "beta": ("@writer",)}
    assert subscribe(gamma) == 3 and set(subjects(inbox(gamma))) in ({"a2", "a3", "a4"}, {"b2", "b3", "b4"})
    publish(gamma, "c")
    publish(alpha, "a5")
    hosts.settle()
    assert subjects(inbox(gamma))[-1] == "a5" and subjects(inbox(beta))[-2:] in (["c", "a5"], ["a5", "c"])
    assert hosts.troubles == []


def test_order_by_publisher_whatever_is_lost_and_whoever_dies(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hosts, at random: publish, carry a part, be killed between mail and record, carry it again."""
    hosts.add("gamma")
    topic(hosts.of["alpha"], retain=100, per_minute=10_000)
    hosts.settle()
    for workspace in hosts.of.values():
        subscribe(workspace)
    dice = random.Random(20)
    deliver = mailbox.deliver
    killed: list[str] = []

    def deadly(agent: Any, raw: dict[str, Any]) -> str:
        done = deliver(agent, raw)
        if dice.random() < 0.15:
            killed.append(str(agent.branch))
            raise KeyboardInterrupt
        return done

    save = topic_log.TopicLog.save

    def unsaved(log: Any) -> None:
        if not killed:
            save(log)

    monkeypatch.setattr(mailbox, "deliver", deadly)
    monkeypatch.setattr(topic_log.TopicLog, "save", unsaved)
    wrote: dict[str, list[str]] = {name: [] for name in hosts.of}
    names = list(hosts.of)
    for number in range(60):
        name = dice.choice(names)
        wrote[name].append(f"{name} {number}")
        try:
            publish(hosts.of[name], wrote[name][-1])
        except KeyboardInterrupt:
            killed.clear()
        for _ in range(3):
            sender, receiver = dice.sample(names, 2)
            try:
                hosts.carry(sender, receiver, dice.randrange(1, 4))
            except KeyboardInterrupt:
                killed.clear()
    monkeypatch.undo()
    for workspace in hosts.of.values():
        giving.give_all(workspace)
    hosts.settle()
    for workspace in hosts.of.values():
        giving.give_all(workspace, always=True)
        got = subjects(inbox(workspace))
        for name, all_of_it in wrote.items():
            assert [one for one in got if one.startswith(name)] == all_of_it
        assert len(got) == 60
    assert hosts.troubles == []


def test_two_topics_of_one_name_are_told_and_neither_is_replaced(hosts: Hosts) -> None:
    alpha, beta = hosts.of["alpha"], hosts.of["beta"]
    topic(alpha, about="alpha's")
    topic(beta, about="beta's", schema=SCHEMA)
    hosts.settle()
    assert topic_log.read_topic(alpha, "release").topic.about == "alpha's"
    assert topic_log.read_topic(beta, "release").topic.about == "beta's"
    (told,) = inbox(alpha, "@lead")
    assert told.subject == "NOT TAKEN by beta: #release" and "created by @lead" in told.body
    subscribe(beta)
    publish(alpha, "1")
    hosts.settle()
    assert inbox(beta) == []
    told = inbox(alpha, "@lead")[-1]
    assert "without data" in told.body and told.raw["updates"] == 2


def test_a_host_cannot_speak_for_another(hosts: Hosts) -> None:
    alpha, beta = hosts.of["alpha"], hosts.of["beta"]
    topic(beta)
    hosts.settle()
    subscribe(beta)
    assert forge(hosts, "alpha", "beta", published(host="gamma", proof="run")) == ""
    (mail,) = inbox(beta)
    assert mail.sender == "@lead.alpha" and mail.proof == "host"
    for number, by in enumerate(("@lead.gamma", "@operator.beta", "lead", "@LEAD", "@a/b", "", "@x\x1b"), 2):
        assert "in a name that no agent there can have" in forge(hosts, "alpha", "beta", published(number, by=by))
    assert len(inbox(beta)) == 1
    del alpha


@pytest.mark.parametrize(
    "body",
    [
        {}, {"op": None}, {"op": "remove", "topic": "release"}, {"op": ["topic"]}, {"op": "topic"},
        {"op": "topic", "topic": {"name": "../../x", "host": "alpha", "by": "@lead"}},
        {"op": "topic", "topic": {"name": "x" * 65, "host": "alpha"}},
        {"op": "topic", "topic": {"name": "x", "host": "alpha", "retain": 10**9}},
        {"op": "topic", "topic": {"name": "x", "host": "alpha", "schema": {"$ref": "file:///etc/passwd"}}},
        {"op": "topic", "topic": {"name": "x", "host": "alpha", "schema": {"type": 3}}},
        {"op": "topic", "topic": {"name": "x", "host": "alpha", "about": "y" * 10_000}},
        {"op": "subscribers", "topic": "../x", "agents": []}, {"op": "subscribers", "topic": None, "agents": []},
        {"op": "published", "publication": None}, published(topic="none"), published(topic="../release"),
        {**published(), "number": "1"}, {**published(), "number": True}, {**published(), "epoch": 3},
        published(at=float("1e300")), published(at=-5.0), published(at=time.time() + 10**6), published(id="../x"),
        published(subject=3), published(body=["b"]), published(body="b" * 2_000_000),
        published(subject="s" * 10_000, data={"version": 3}), published(data={"version": 3}), published(),
    ],
)  # fmt: skip
def test_what_no_honest_host_says_is_refused_and_stops_nothing(hosts: Hosts, body: dict[str, Any]) -> None:
    beta = hosts.of["beta"]
    topic(beta, schema=SCHEMA)
    hosts.settle()
    subscribe(beta)
    hosts.settle()
    said = forge(hosts, "alpha", "beta", body)
    assert said and "fault" not in said and "Error" not in said, said
    hosts.settle()
    assert inbox(beta) == [] and [one.topic.name for one in topic_log.read_topics(beta)] == ["release"]
    publish(hosts.of["alpha"], "1", data=Data({"version": "1"}))
    hosts.settle()
    assert subjects(inbox(beta)) == ["1"]


def test_subscribers_that_cannot_be_are_left_out(hosts: Hosts) -> None:
    beta = hosts.of["beta"]
    topic(beta)
    hosts.settle()
    agents: list[Any] = ["@ok", "@a.b", 3, "\x1b", None, *(f"@a{n}" for n in range(20_000))]
    assert forge(hosts, "alpha", "beta", {"op": "subscribers", "topic": "release", "agents": agents}) == ""
    kept = topic_log.read_topic(beta, "release").elsewhere["alpha"]
    assert kept[0] == "@ok" and "@a.b" not in kept and len(kept) == 5_000


def test_data_that_is_nested_without_end_is_refused(hosts: Hosts) -> None:
    beta = hosts.of["beta"]
    topic(beta)
    hosts.settle()
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    assert "nested deeper" in forge(hosts, "alpha", "beta", published(data=deep))


def test_a_replay_is_taken_once(hosts: Hosts) -> None:
    beta = hosts.of["beta"]
    topic(beta)
    hosts.settle()
    subscribe(beta)
    for _ in range(3):
        assert forge(hosts, "alpha", "beta", published(1)) == ""
    assert len(inbox(beta)) == 1


def test_a_flood_of_another_host_is_bounded_and_told(hosts: Hosts) -> None:
    beta = hosts.of["beta"]
    topic(beta, per_minute=5)
    hosts.settle()
    subscribe(beta)
    start = time.time()
    for number in range(1, 21):
        channel.put(hosts.of["alpha"], "beta", EnvelopeKind.TOPIC, published(number, at=start - 100 * number))
    hosts.settle()
    assert len(inbox(beta)) == 5 and len(hosts.troubles) == 15
    assert all("host alpha published 5 times in #release within a minute" in one for one in hosts.troubles)
    (told,) = inbox(hosts.of["alpha"], "@lead")
    assert told.raw["updates"] == 15 and "within a minute" in told.body


def test_topics_of_another_host_are_bounded(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_log, "MAX_TOPICS", 3)
    for number in range(5):
        said = forge(hosts, "alpha", "beta", {"op": "topic", "topic": {"name": f"t{number}", "host": "alpha"}})
        assert ("topics already" in said) == (number >= 3)
    assert len(topic_log.read_topics(hosts.of["beta"])) == 3


def test_of_a_refusal_nothing_is_told_without_end(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts.troubles.clear()
    channel.put(hosts.of["alpha"], "beta", EnvelopeKind.TOPIC, {"op": "refused", "by": 3, "topic": [], "why": {}})
    hosts.settle()
    assert list(channel.unconfirmed(hosts.of["beta"], "alpha")) == []

    topic(hosts.of["beta"])
    hosts.settle()

    def refuse(*_: Any) -> str:
        raise Refused("this mailbox takes nothing")

    monkeypatch.setattr(mailbox, "deliver", refuse)
    assert "takes nothing" in forge(hosts, "alpha", "beta", {"op": "refused", "by": "@lead", "topic": "release"})
    assert list(channel.unconfirmed(hosts.of["beta"], "alpha")) == []


def test_a_full_disk_waits_and_loses_nothing(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, beta = hosts.of["alpha"], hosts.of["beta"]
    topic(alpha)
    hosts.settle()
    subscribe(beta)
    publish(alpha, "1")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(writing, "replace", full)
        with pytest.raises((OSError, MailcoreError)):
            hosts.settle()
    hosts.settle()
    assert subjects(inbox(beta)) == ["1"] and hosts.troubles == []


def test_a_revoked_host_is_told_nothing_more_and_holds_nothing(hosts: Hosts) -> None:
    alpha = hosts.of["alpha"]
    topic(alpha, retain=1)
    hosts.settle()
    record = directory.read_host(alpha, "beta")
    assert record is not None
    directory.write_host(alpha, msgspec.structs.replace(record, revoked=True))
    for number in range(3):
        assert publish(alpha, str(number)).hosts == ()
    assert list(channel.unconfirmed(alpha, "beta")) == []
    assert len(list((alpha.state_dir / "topics/release/published").iterdir())) == 1


@pytest.mark.parametrize("at_once", [100, 3])
def test_a_host_that_comes_later_is_told_all_with_few_waits_for_the_disk(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(giving, "GIVEN_AT_ONCE", at_once)
    alpha = hosts.of["alpha"]
    topic(alpha, retain=10)
    for number in range(10):
        publish(alpha, str(number))
    hosts.settle()
    gamma = hosts.add("gamma")
    written: list[int] = []
    real = channel.put_all

    def spied(workspace: Workspace, to: str, contents: Sequence[channel.Content]) -> list[Envelope]:
        written.append(len(contents))
        return real(workspace, to, contents)

    monkeypatch.setattr(channel, "put_all", spied)
    publish(alpha, "10")
    assert sum(size for size in written if size > 1) >= 10 and len(written) <= 1 + 12 // at_once + 2
    monkeypatch.undo()
    hosts.settle()
    subscribe(gamma, retained=True)
    assert subjects(inbox(gamma)) == [str(number) for number in range(1, 11)]


def test_a_task_with_a_schema_for_another_host_is_checked_there(hosts: Hosts) -> None:
    """The mail carries the schema; the result is data here, whose next step takes it."""
    alpha, beta = hosts.of["alpha"], hosts.of["beta"]
    post.send_mail(alpha, "@lead", ["@writer.beta"], "count", "all", is_task=False, extra={"schema": SCHEMA})
    hosts.settle()
    (mail,) = inbox(beta)
    with pytest.raises(MailcoreError, match=r"\$\.version"):
        answer.acknowledge(beta, "@writer", mail.id, "done", "x", Data({"version": 3}))
    answer.acknowledge(beta, "@writer", mail.id, "done", "x", Data({"version": "3"}))
    hosts.settle()
    (told,) = inbox(alpha, "@lead")
    assert told.raw["data"] == {"version": "3"} and told.sender == "@writer.beta"


def test_what_is_kept_in_the_audit_names_host_and_publisher(hosts: Hosts) -> None:
    alpha, beta = hosts.of["alpha"], hosts.of["beta"]
    topic(alpha)
    hosts.settle()
    acts = [one for one in journal.read_records(beta.state_dir / "audit.jsonl") if one["verb"] == "topic create"]
    assert [(one["by"], one["topic"]) for one in acts] == [("@lead.alpha", "release")]
    assert json.loads((beta.state_dir / "topics/release/topic.json").read_text())["topic"]["host"] == "alpha"


def test_a_refusal_of_what_was_never_published_reaches_no_agent(hosts: Hosts) -> None:
    """It is mail in our own name: no host puts one before whom it likes, nor one for each name that it thinks of."""
    beta = hosts.of["beta"]
    topic(beta)
    hosts.settle()
    word = {"op": "refused", "what": "published", "subject": "do as I say", "why": "or else"}
    for number in range(5):
        forge(hosts, "alpha", "beta", {**word, "topic": f"none-{number}", "by": "@writer"})
        forge(hosts, "alpha", "beta", {**word, "topic": f"../{number}", "by": "@writer"})
    assert [inbox(beta, who) for who in ("@writer", "@lead", "@operator")] == [[], [], []]
    for by in ("@writer", "@writer", "@nobody", ""):
        forge(hosts, "alpha", "beta", {**word, "topic": "release", "by": by})
    assert inbox(beta) == [] and [mail.raw["updates"] for mail in inbox(beta, "@operator")] == [4]
    publish(beta, "1", by="@writer")
    forge(hosts, "alpha", "beta", {**word, "topic": "release", "by": "@writer"})
    assert len(inbox(beta)) == 1
