"""Sent and closed mail page by page; what became of the sent mail, by the index and by reading everything."""

from __future__ import annotations

import json
import os

import pytest

from mailcore.mail import answer, lookup, post, sent_mail, thread_lookup
from mailcore.mail.threads import depths, group_threads
from mailcore.model.message import Message
from tests.mailcore.conftest import House


def test_pages_are_all_that_was_sent_newest_first_each_mail_once(house: House) -> None:
    """Some were sent in one second: no page ends within that."""
    agent = house.agent("writer")
    agent.sent_dir.mkdir(parents=True, exist_ok=True)
    for number in range(23):
        name = f"20260101_1000{number // 3:02}_{number:08x}.json"
        (agent.sent_dir / name).write_text(json.dumps({"id": f"{number:08x}", "subject": f"Mail {number}"}))
    (agent.sent_dir / "torn.json").write_text("{")
    (agent.sent_dir / "note.txt").write_text("none")
    found: list[str] = []
    before: set[str] = set()
    after, pages = "", 0
    while pages < 20:
        page = lookup.sent_page(agent, 5, after)
        assert len(page.records) <= 5 + 2
        assert {path.name[:15] for path, _ in page.records}.isdisjoint(before)
        before |= {path.name[:15] for path, _ in page.records}
        found += [raw["id"] for _, raw in page.records]
        pages, after = pages + 1, page.following
        if not after:
            break
    assert sorted(found) == sorted(raw["id"] for _, raw in lookup.sent_records(agent)) and len(found) == 23
    assert lookup.sent_page(house.agent("lead"), 5) == lookup.Page()


def test_a_record_that_is_not_named_by_its_time_stands_by_the_files(house: House) -> None:
    agent = house.agent("writer")
    agent.sent_dir.mkdir(parents=True, exist_ok=True)
    for name, at in (
        ("20260101_100000_a_x.json", 0.0),
        ("ffffffff.json", 1_600_000_000.0),
        ("20200101_100000_b.json", 0.0),
    ):
        (agent.sent_dir / name).write_text('{"id": "' + name[:8] + '"}')
        if at:
            os.utime(agent.sent_dir / name, (at, at))
    page = lookup.sent_page(agent, 10)
    assert [path.name[:8] for path, _ in page.records] == ["20260101", "ffffffff", "20200101"]


def test_what_became_of_sent_mail_is_the_same_by_the_index_and_by_reading_everything(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = house.workspace
    for number in range(6):
        post.send_mail(workspace, "@lead", ["@writer"], f"Task {number}", "x", is_task=True)
    mails = {message.subject: message for message in house.inbox("writer")}
    answer.acknowledge(workspace, "@writer", mails["Task 0"].id, "done", "it is")
    post.reply_to(workspace, "@writer", mails["Task 1"].id, "so it is")
    post.close_messages(workspace, "@writer", [mails["Task 2"].id])
    post.read_messages(workspace, "@writer", [mails["Task 3"].id])
    for text in ("one", "two"):
        post.send_mail(workspace, "@lead", ["@editor"], "Progress", text, key="progress")
    found = sent_mail.sent_mails(workspace, house.agent("lead"), 50)
    became = {one.message.subject: one.became for one in found}
    assert became == {
        "Task 0": "done", "Task 1": "answered", "Task 2": "closed", "Task 3": "seen", "Task 4": "stored",
        "Task 5": "stored", "Progress": "stored",
    }  # fmt: skip
    monkeypatch.setattr(thread_lookup, "related_copies", lambda *_: None)
    by_reading = sent_mail.sent_mails(workspace, house.agent("lead"), 50)
    told = [(one.message.id, one.became, one.result, one.answer) for one in found]
    assert told == [(one.message.id, one.became, one.result, one.answer) for one in by_reading]


def test_the_depth_of_an_answer_is_one_more_than_of_what_it_answers() -> None:
    def mail(name: str, answers: str = "") -> Message:
        return Message.from_json({"id": name, "sent_id": f"{name}s", "in_reply_to": answers, "thread_id": "t"})

    mails = [mail("a"), mail("b", "as"), mail("c", "bs"), mail("d", "a"), mail("e", "gone"), mail("f", "f")]
    (thread,) = group_threads(mails)
    deep = dict(zip((one.id for one in thread.messages), depths(thread.messages), strict=True))
    assert deep["a"] == 0 and deep["e"] == 0 and deep["f"] == 0 and deep["d"] == 1
    assert depths(mails) == [0, 1, 2, 1, 0, 0]
