"""What the index finds of one message and its thread is what reading every mail finds, and is read from the files."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from mailcore.exceptions import MailcoreError
from mailcore.mail import lookup, mailbox, post, thread_lookup
from mailcore.mail.lookup import Copy
from mailcore.mail.message_names import choose_named
from mailcore.mail.threads import group_threads
from mailcore.model.message import Message
from mailcore.workspace.find import load_workspace
from tests.mailcore.conftest import NAMES, House

SUBJECTS = ("Notes", "RE: Notes", "re: RE: Notes", "日本 notes", "RE: 日本 notes", "!", "RE: !", "", "RE: ")
TIES = ("", "", "aaaa1111", "aaaa2222", "AAAA1111", "b-b_b.b", "ü", '"', "x" * 300)


def told(copies: Iterable[Copy], wanted: str, records: list[Message]) -> object:
    """What `wanted` names among these, and its whole thread; or the error."""
    mails = list(copies)
    try:
        found = choose_named(wanted, mails, lambda copy: copy.message)
    except MailcoreError as error:
        return error.code
    if found is None:
        return None
    every = [*(copy.message for copy in mails), *records]
    (thread,) = (one for one in group_threads(every) if any(mail is found.message for mail in one.messages))
    texts = [(m.id, m.sent_id, m.sender, m.recipient, m.subject, m.body) for m in thread.messages]
    return found.agent.address, found.archived, found.message.id, thread.key, texts


@pytest.fixture(autouse=True)
def of_ours(house: House) -> None:
    """A workspace in which we may put something."""
    house.workspace.state_dir.mkdir(exist_ok=True)


def act(house: House, chance: random.Random) -> None:
    """One more mail, tied to others or not, or one that is closed."""
    agent = house.agent(f"@{chance.choice(NAMES)}")
    inbox = [message for message in house.inbox(agent.address) if message.status != "closed"]
    if inbox and chance.random() < 0.4:
        mailbox.archive_messages(agent, [chance.choice(inbox).id])
        return
    names = [name for one in house.workspace.agents for m in house.inbox(one.address) for name in (m.id, m.sent_id)]
    raw = {
        "from": f"@{chance.choice(NAMES)}",
        "to": agent.address,
        "subject": chance.choice(SUBJECTS),
        "message": str(chance.random()),
        "status": "new",
        "seq": chance.randrange(1, 9),
        "timestamp": f"2026-01-01 10:{chance.randrange(60):02}:00",
        "sent_id": chance.choice([*TIES, f"{chance.randrange(1 << 32):08x}"]),
        "thread_id": chance.choice([*TIES, *names]) if chance.random() < 0.3 else "",
        "in_reply_to": chance.choice([*TIES, *names]) if chance.random() < 0.5 else "",
    }
    mailbox.deliver(agent, {key: value for key, value in raw.items() if value != ""})


@pytest.mark.parametrize("seed", range(6))
def test_each_mail_and_its_thread_as_by_reading_all(house: House, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(40):
        act(house, chance)
    record = Message.from_json({"id": "aaaa2222", "from": "@lead", "to": "@gone", "subject": "x", "in_reply_to": "ü"})
    for records in ([], [record]):
        every = list(lookup.all_copies(house.workspace))
        names = {name for copy in every for name in (copy.message.id, copy.message.sent_id, copy.message.id[:4])}
        for wanted in sorted({*names, *TIES, "1", "#7", "99", "aaaa", "nobody"}):
            found = thread_lookup.thread_copies(house.workspace, wanted, records)
            assert told(found, wanted, records) == told(every, wanted, records), (seed, wanted)


def test_only_what_is_related_is_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    (first,) = post.send_mail(house.workspace, "@lead", ["@writer"], "Style", "British?")
    for number in range(30):
        (other,) = post.send_mail(house.workspace, "@lead", ["@writer"], f"Other {number}", "b")
        post.close_messages(house.workspace, "@writer", [other.id])
    post.reply_to(house.workspace, "@writer", first.id, "yes")
    found = thread_lookup.thread_copies(house.workspace, str(first.seq))
    assert {copy.message.subject for copy in found} == {"Style", "RE: Style"}
    with monkeypatch.context() as patched:
        patched.setattr(lookup, "all_copies", lambda _: pytest.fail("every mail is read"))
        assert len(thread_lookup.thread_copies(house.workspace, first.id)) == 2


@pytest.mark.parametrize("what", ["written", "restored", "another"])
def test_what_the_index_names_is_read_from_the_file(house: House, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Somebody writes between the look at the files and the reading: what they say then is told."""
    (first,) = post.send_mail(house.workspace, "@lead", ["@writer"], "Style", "British?")
    post.close_messages(house.workspace, "@writer", [first.id])
    (path,) = house.agent("@writer").archive_dir.glob(f"*{first.id}*")
    read = thread_lookup._read

    def later(*found: Any) -> Iterator[Copy]:
        raw = json.loads(path.read_text())
        if what == "written":
            path.write_text(json.dumps({**raw, "message": "changed"}))
        else:
            post.restore(house.workspace, "@writer", first.id)
        if what == "another":  # under the same name lies another mail by now
            path.write_text(json.dumps({**raw, "id": "ffff0000", "sent_id": "ffff0001"}))
        return read(*found)

    monkeypatch.setattr(thread_lookup, "_read", later)
    copy = thread_lookup.find_among(house.workspace, first.id, thread_lookup.thread_copies(house.workspace, first.id))
    assert (copy.message.body, copy.archived) == (("changed", path) if what == "written" else ("British?", None))


def test_a_broken_index_and_none_at_all_change_nothing(house: House) -> None:
    (first,) = post.send_mail(house.workspace, "@lead", ["@writer"], "Style", "British?")
    thread_lookup.thread_copies(house.workspace, first.id)
    (index,) = house.workspace.state_dir.glob("search-*.sqlite3")
    index.write_bytes(b"no index")
    assert house.json("trace", first.id)["subject"] == "Style"
    index.unlink()
    assert house.json("thread", first.id)["subject"] == "Style"


def test_one_who_was_removed_is_found(house: House) -> None:
    (first,) = post.send_mail(house.workspace, "@lead", ["@writer"], "Style", "British?")
    assert house.mailcore("agent", "remove", "@writer", "--from", "@operator").returncode == 0
    workspace = load_workspace(house.workspace.registry)
    assert [copy.agent.address for copy in thread_lookup.thread_copies(workspace, first.id)] == ["@writer"]
