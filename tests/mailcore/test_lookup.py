"""Every name of a message finds it, wherever it lies: id before sent id before number."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailcore.exceptions import MailcoreError
from mailcore.mail import archive, lookup, mailbox, post
from tests.mailcore.conftest import House


def put(house: House, name: str, *messages: dict[str, Any]) -> None:
    house.agent(name).inbox.write_text(json.dumps({"messages": list(messages)}))


def test_the_four_names_of_a_message_open_and_archived(house: House) -> None:
    (sent,) = post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    for closed in (False, True):
        for name in (sent.id, sent.sent_id, str(sent.seq), f"#{sent.seq}"):
            found = lookup.find_copy(house.workspace, name)
            assert (found.message.id, found.agent.address, found.archived is not None) == (sent.id, "@writer", closed)
            assert found.message.recipient == "@writer"
        if not closed:
            post.close_messages(house.workspace, "@writer", [f"#{sent.seq}"])


def test_an_id_of_eight_digits_is_never_taken_for_a_number_nor_a_number_for_an_id(house: House) -> None:
    number = {"id": "aaaaaaaa", "sent_id": "bbbbbbbb", "seq": 12345678, "status": "new"}
    as_id = {"id": "12345678", "sent_id": "cccccccc", "seq": 2, "status": "new"}
    as_sent = {"id": "dddddddd", "sent_id": "12345678", "seq": 3, "status": "new"}
    put(house, "@writer", number, as_sent, as_id)
    writer = house.agent("@writer")
    for wanted, expected in (
        ("12345678", "12345678"),
        ("#12345678", "aaaaaaaa"),
        ("2", "12345678"),
        ("#3", "dddddddd"),
    ):
        assert lookup.find_copy(house.workspace, wanted).message.id == expected
        assert post.find_message(writer, wanted).id == expected
        assert [m.id for m in mailbox.mark_as_opened(writer, [wanted], {})] == [expected]
    put(house, "@writer", number, as_sent)
    assert (
        post.find_message(writer, "12345678").id == "dddddddd" == mailbox.mark_as_opened(writer, ["12345678"], {})[0].id
    )
    post.close_messages(house.workspace, "@writer", ["dddddddd", "aaaaaaaa"])
    assert post.restore(house.workspace, "@writer", "12345678").id == "dddddddd"
    assert post.restore(house.workspace, "@writer", "#12345678").id == "aaaaaaaa"


@pytest.mark.parametrize("wanted", ["", "#", "²", "٣", "-1", "0", "True", "None", "9" * 5000, "\0", "../x", "*"])
def test_what_names_nothing_is_said_to_be_unknown(house: House, wanted: str) -> None:
    put(house, "@writer", {"id": "", "seq": 3, "status": "new"}, {"id": None, "seq": True}, {"seq": -7})
    writer = house.agent("@writer")
    for act in (
        lambda: lookup.find_copy(house.workspace, wanted),
        lambda: post.find_message(writer, wanted),
        lambda: mailbox.archive_messages(writer, [wanted]),
        lambda: post.restore(house.workspace, "@writer", wanted),
    ):
        with pytest.raises(MailcoreError):
            act()
    assert not writer.archive_dir.exists()


def test_a_mail_in_both_places_is_open_and_stands_once(house: House) -> None:
    """Its writer was killed between archiving and removing it."""
    (sent,) = post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    writer = house.agent("@writer")
    archive.write_archived(writer, dict(house.inbox("@writer")[0].raw))
    (copy,) = lookup.all_copies(house.workspace)
    assert copy.archived is None and copy.message.id == sent.id
    post.close_messages(house.workspace, "@writer", [sent.id])
    (copy,) = lookup.all_copies(house.workspace)
    assert copy.archived is not None and len(list(lookup.archived_messages(writer))) == 1


def test_files_that_are_no_mail_are_passed_over(house: House) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    writer = house.agent("@writer")
    post.close_messages(house.workspace, "@writer", ["1"])
    for name, data in (("a", b"{"), ("b", b"[]"), ("c", b""), ("d", b"\xff"), ("e", b"[" * 100_000)):
        (writer.archive_dir / f"{name}.json").write_bytes(data)
    (writer.archive_dir / "f.json").mkdir()
    assert [raw["subject"] for _, raw in lookup.archived_messages(writer)] == ["s"]
    assert [raw["to"] for _, raw in lookup.sent_records(house.agent("@lead"))] == ["@writer"]
