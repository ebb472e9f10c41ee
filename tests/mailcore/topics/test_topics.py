"""Topics of one workspace: who subscribes gets what is published as mail, once, in order; whatever goes wrong."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.formats import journal
from mailcore.mail import mailbox, post
from mailcore.model.topic import Publication
from mailcore.schemas.document import Data
from mailcore.topics import giving, names, publishing, topic_log
from mailcore.workspace import find
from tests.mailcore.conftest import House

SCHEMA = {"type": "object", "required": ["version"], "properties": {"version": {"type": "string"}}}


def create(house: House, name: str = "release", **terms: Any) -> None:
    publishing.create_topic(house.workspace, house.agent("lead"), name, **terms)


def subscribe(house: House, who: str, name: str = "release", **terms: Any) -> int:
    return publishing.subscribe(house.workspace, house.agent(who), name, **terms)


def publish(
    house: House, subject: str, body: str = "the body", data: Data | None = None, by: str = "lead", to: str = "release"
) -> publishing.Published:
    return publishing.publish(house.workspace, house.agent(by), to, subject, body, data)


def subjects(house: House, name: str) -> list[str]:
    """Of the open mail, the oldest first."""
    return [mail.subject.removeprefix("[#release] ") for mail in reversed(house.inbox(name))]


def test_who_subscribes_gets_it_as_mail_and_nobody_else(house: House) -> None:
    create(house)
    subscribe(house, "writer")
    done = publish(house, "1.2", "It is out.", Data({"version": "1.2"}))
    (mail,) = house.inbox("writer")
    assert (mail.sender, mail.subject, mail.body) == ("@lead", "[#release] 1.2", "It is out.")
    assert mail.raw["data"] == {"version": "1.2"} and mail.raw["topic"] == "release"
    assert mail.unread and mail.seq > 0 and not mail.is_task
    assert done.given == ("@writer",) and not done.waits and done.hosts == ()
    assert house.inbox("editor") == () and house.inbox("lead") == ()
    assert not topic_log.waiting_noted(house.workspace)


def test_the_publisher_gets_none_of_its_own(house: House) -> None:
    create(house)
    subscribe(house, "lead")
    publish(house, "1.2")
    publish(house, "1.3", by="writer")
    assert subjects(house, "lead") == ["1.3"]


def test_an_answer_goes_to_the_publisher_in_the_thread_of_the_publication(house: House) -> None:
    create(house)
    subscribe(house, "writer")
    done = publish(house, "1.2")
    post.reply_to(house.workspace, "@writer", house.inbox("writer")[0].id, "Well done.")
    (answer,) = house.inbox("lead")
    assert answer.body == "Well done." and answer.thread_id == done.publication.id


def test_who_comes_late_gets_what_the_topic_retains_in_order(house: House) -> None:
    create(house, retain=3)
    for number in range(5):
        publish(house, str(number))
    assert subscribe(house, "writer") == 3
    assert subjects(house, "writer") == ["2", "3", "4"]
    assert subscribe(house, "editor", retained=False) == 0
    publish(house, "5")
    assert subjects(house, "writer") == ["2", "3", "4", "5"] and subjects(house, "editor") == ["5"]
    assert len(list((house.root / ".praxmonitor/topics/release/published").iterdir())) == 3


def test_subscribing_twice_gives_nothing_twice_and_unsubscribing_ends_it(house: House) -> None:
    create(house)
    publish(house, "1")
    subscribe(house, "writer")
    assert subscribe(house, "writer") == 0
    assert publishing.drop_subscriber(house.workspace, "@writer", "release")
    assert not publishing.drop_subscriber(house.workspace, "@writer", "#Release")
    publish(house, "2")
    assert subjects(house, "writer") == ["1"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "#",
        "##a",
        "..",
        "../x",
        "a/b",
        ".hidden",
        "-rf",
        "a b",
        "a\0b",
        "a\n",
        "ä",
        "a" * 64,
        "#x.json",
        "@all",
        "*",
    ],
)
def test_a_hostile_name_is_refused_and_touches_no_file(house: House, name: str) -> None:
    for act in (
        lambda: create(house, name), lambda: subscribe(house, "writer", name), lambda: publish(house, "s", to=name)
    ):  # fmt: skip
        with pytest.raises(UsageError) as refused:
            act()
        assert refused.value.code == "topic" and "\0" not in str(refused.value)
    assert not (house.root / ".praxmonitor" / "topics").exists()


def test_a_name_is_the_same_with_and_without_its_sign() -> None:
    assert names.topic_name("#Release-1_b") == names.topic_name("release-1_b") == "release-1_b"


def test_a_topic_that_is_not_there_is_named_with_what_is_near(house: House) -> None:
    create(house)
    for act in (lambda: publish(house, "s", to="relaese"), lambda: subscribe(house, "writer", "relaese")):
        with pytest.raises(Refused, match="no topic #relaese; did you mean release"):
            act()
    with pytest.raises(Refused, match="there is a topic #release, created by @lead"):
        create(house, "#RELEASE")


def test_what_does_not_fit_the_schema_is_refused_where_it_is_written(house: House) -> None:
    create(house, schema=SCHEMA)
    subscribe(house, "writer")
    for body, data, words in (
        ("b", Data({"version": 3}), r"\$\.version: 3 is not of type 'string'"),
        ('{"version": 3}', None, r"\$\.version: 3 is not"),
        ("It is out.", None, "the body, which in #release is data, is no JSON"),
        ("", Data([]), r"does not fit the schema of #release"),
    ):
        with pytest.raises(Refused, match=words) as refused:
            publish(house, "1", body, data)
        assert refused.value.code == "schema"
    assert house.inbox("writer") == () and topic_log.read_topic(house.workspace, "release").last == 0
    publish(house, "1", '{"version": "1"}')
    publish(house, "2", "", Data({"version": "2"}))
    assert [mail.raw["data"] for mail in house.inbox("writer")] == [{"version": "2"}, {"version": "1"}]


def test_a_hostile_schema_makes_no_topic(house: House) -> None:
    for schema in ({"$ref": "file:///etc/passwd"}, {"type": 1}, {"pattern": "("}, {"$schema": "x"}):
        with pytest.raises(Refused):
            create(house, schema=schema)
    assert topic_log.read_topics(house.workspace) == []
    create(house, schema={"pattern": "^(a+)+$"})
    with pytest.raises(Refused, match="s of CPU"):
        publish(house, "1", "", Data("a" * 60 + "!"))


def test_a_flood_is_bounded_and_told(house: House) -> None:
    create(house, per_minute=3)
    subscribe(house, "writer")
    for number in range(3):
        publish(house, str(number))
    with pytest.raises(Refused, match="published 3 times in #release within a minute; the topic's limit is 3"):
        publish(house, "3")
    assert subjects(house, "writer") == ["0", "1", "2"]


@pytest.mark.parametrize("terms", [{"retain": 0}, {"retain": 10**9}, {"per_minute": 0}, {"about": "x" * 2001}])
def test_terms_beyond_reason_are_refused(house: House, terms: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        create(house, **terms)


def test_the_limits_of_mail_hold(house: House) -> None:
    house.extra = "[mail]\nmax_body = 1000\nper_minute = 2\n"
    house.configure()
    create(house)
    with pytest.raises(Refused, match="the body is 2,000 bytes"):
        publish(house, "1", "x" * 2000)
    with pytest.raises(Refused, match="the data is "):
        publish(house, "1", "x", Data("y" * 2000))
    publish(house, "1")
    publish(house, "2")
    with pytest.raises(Refused, match="sent 2 mails in a minute"):
        publish(house, "3")


def test_who_is_gone_stops_nobody_and_gets_it_when_it_is_back(house: House) -> None:
    create(house, retain=1)
    for who in ("writer", "editor"):
        subscribe(house, who)
    branch = house.agent("writer").branch
    branch.rename(branch.with_name("away"))
    done = [publish(house, str(number)) for number in range(3)]
    assert "is gone" in done[0].waits["@writer"] and done[0].given == ("@editor",)
    assert subjects(house, "editor") == ["0", "1", "2"] and not topic_log.waiting_noted(house.workspace)
    branch.with_name("away").rename(branch)
    publish(house, "3")
    assert subjects(house, "writer") == ["0", "1", "2", "3"]


def test_who_left_the_registry_stops_nobody(house: House) -> None:
    create(house)
    for who in ("writer", "editor"):
        subscribe(house, who)
    registry = house.workspace.registry
    registry.write_text(registry.read_text().replace('"@writer"', '"@typist"').replace('"WRITER"', '"TYPIST"'))
    house.workspace = find.workspace_at(house.root)
    done = publish(house, "1")
    assert done.given == ("@editor",) and "no agent @writer" in done.waits["@writer"]
    assert publishing.drop_subscriber(house.workspace, "@writer", "release")
    assert publish(house, "2").waits == {}


def test_what_a_full_disk_refused_comes_with_the_next_command(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    create(house)
    for who in ("writer", "editor"):
        subscribe(house, who)
    deliver = mailbox.deliver

    def full(agent: Any, raw: dict[str, Any]) -> str:
        if agent.address == "@writer":
            raise MailcoreError("No space left on device")
        return deliver(agent, raw)

    with monkeypatch.context() as patched:
        patched.setattr(mailbox, "deliver", full)
        for number in range(2):
            assert publish(house, str(number)).waits == {"@writer": "No space left on device"}
    assert topic_log.waiting_noted(house.workspace) and house.inbox("writer") == ()
    assert house.mailcore("agents").returncode == 0
    assert subjects(house, "writer") == ["0", "1"] == subjects(house, "editor")
    assert not topic_log.waiting_noted(house.workspace)


@pytest.mark.parametrize("closes", [False, True])
def test_killed_after_a_mail_and_before_its_number_nothing_is_doubled(
    house: House, monkeypatch: pytest.MonkeyPatch, closes: bool
) -> None:
    """Nor if it was closed meanwhile."""
    create(house)
    for who in ("writer", "editor"):
        subscribe(house, who)
    deliver = mailbox.deliver

    def killed(agent: Any, raw: dict[str, Any]) -> str:
        deliver(agent, raw)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(mailbox, "deliver", killed)
        # What a kill leaves undone: the record is not written either.
        patched.setattr(topic_log.TopicLog, "save", _save_once(topic_log.TopicLog.save))
        with pytest.raises(KeyboardInterrupt):
            publish(house, "1")
    assert topic_log.waiting_noted(house.workspace) and subjects(house, "writer") == ["1"]
    if closes:
        post.close_all(house.workspace, "@writer")
    giving.give_all(house.workspace)
    assert subjects(house, "writer") == ([] if closes else ["1"])
    assert subjects(house, "editor") == ["1"] and not topic_log.waiting_noted(house.workspace)


def _save_once(save: Any) -> Any:
    """`TopicLog.save` that writes the first time, when the publication is added, and never again."""
    done = threading.Event()

    def once(log: Any) -> None:
        if not done.is_set():
            save(log)
            done.set()

    return once


def test_said_again_after_it_was_cut_off_it_is_published_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    create(house)
    subscribe(house, "writer")

    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(giving, "give", killed)
        with pytest.raises(KeyboardInterrupt):
            publish(house, "1")
    done = publish(house, "1")
    assert done.number == 1 and done.given == ("@writer",)
    assert subjects(house, "writer") == ["1"]
    publish(house, "1")
    assert subjects(house, "writer") == ["1", "1"]


def test_several_at_once_come_to_each_once_and_in_one_order(house: House) -> None:
    create(house, retain=100, per_minute=1000)
    for who in ("writer", "editor"):
        subscribe(house, who)

    def work(who: str) -> None:
        for number in range(10):
            publish(house, f"{who} {number}", by=who)

    threads = [threading.Thread(target=work, args=(who,)) for who in ("lead", "@operator")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = subjects(house, "writer")
    assert len(got) == 20 and got == subjects(house, "editor")
    for who in ("lead", "@operator"):
        assert [one for one in got if one.startswith(who)] == [f"{who} {number}" for number in range(10)]


def test_a_record_that_is_none_is_told_and_stops_no_other_topic(house: House) -> None:
    create(house)
    create(house, "other")
    record = house.root / ".praxmonitor/topics/release/topic.json"
    for text in ("{", "[]", '{"topic": {"name": "other"}, "epoch": ""}', "[" * 100_000):
        record.write_text(text)
        with pytest.raises(MailcoreError) as told:
            publish(house, "1")
        assert told.value.code == "unreadable" and str(record) in str(told.value)
    assert [one.topic.name for one in topic_log.read_topics(house.workspace)] == ["other"]


def test_what_lies_astray_among_publications_is_passed_over(house: House) -> None:
    create(house)
    publish(house, "1")
    published = house.root / ".praxmonitor/topics/release/published"
    (published / "x.json").write_text("{}")
    (published / "000000000002.json").write_text("{}")
    (published / "000000000001.json").write_text("{")
    (published.parent.parent / "..stray").mkdir()
    subscribe(house, "writer")
    publish(house, "2")
    assert subjects(house, "writer") == ["2"]


def test_no_link_leads_what_is_written_out_of_the_project(house: House, tmp_path: Path) -> None:
    create(house)
    outside = tmp_path / "outside"
    outside.mkdir()
    published = house.root / ".praxmonitor/topics/release/published"
    shutil.rmtree(published)
    published.symlink_to(outside)
    with pytest.raises(MailcoreError):
        publish(house, "1")
    assert list(outside.iterdir()) == []


def test_what_is_lost_to_who_was_gone_too_long_is_told(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_log, "MAX_WAITING_PUBLICATIONS", 3)
    create(house, retain=1)
    subscribe(house, "writer")
    branch = house.agent("writer").branch
    branch.rename(branch.with_name("away"))
    for number in range(6):
        publish(house, str(number))
    branch.with_name("away").rename(branch)
    publish(house, "6")
    assert subjects(house, "writer") == ["4", "5", "6"]
    told = [one for one in journal.read_records(house.root / ".praxmonitor/audit.jsonl") if one["verb"] == "missed"]
    assert [(one["by"], one["topic"], one["count"]) for one in told] == [("@writer", "release", 4)]


def test_the_publishers_own_record_lies_among_what_it_sent(house: House) -> None:
    create(house)
    done = publish(house, "1", "b", Data(1))
    (path,) = house.agent("lead").sent_dir.glob("*.json")
    assert f'"id": "{done.publication.id}"' in path.read_text() and '"to": "#release"' in path.read_text()
    (row,) = house.json("sent", "--from", "@lead")
    assert row["subject"] == "1" and row["became"] == "published"


def test_nothing_is_read_of_a_publication_that_is_too_deep_or_none(house: House) -> None:
    create(house)
    with topic_log.open_topic(house.workspace, "release") as log:
        assert log.read(7) is None and log.find("x") == 0
        log.append(Publication("0" * 32, "release", "@lead", 1.0, "s", "b"))
        assert log.find("0" * 32) == 1
