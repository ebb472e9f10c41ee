"""One mail as it stands in a file: wrong types never raise, times are local, ids are two."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

import pytest

from mailcore.model.message import Mailbox, MailboxStatus, Message, parse_time


def test_times_without_offset_are_local_and_what_is_none_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert parse_time("2026-11-22 01:03:58") == 1795277038.0
        assert parse_time("2026-11-22T01:03:58+00:00") == 1795309438.0
    finally:
        monkeypatch.undo()
        time.tzset()
    assert not any(map(parse_time, (None, 3, "yesterday", "", [], {}, True)))
    assert all(isinstance(parse_time(edge), float) for edge in ("0001-01-01", "9999-12-31T23:59:59"))


@pytest.mark.parametrize(
    ("raw", "unread"),
    [
        ({"status": "new"}, True),
        ({"status": "opened"}, False),
        ({"status": "closed"}, False),
        ({"status": "parked"}, False),
        ({}, True),
        ({"read": True}, False),
        ({"read": False}, True),
        ({"status": None, "read": True}, False),
        ({"status": None}, True),
        ({"status": "new", "read": True}, True),
    ],
)
def test_unread_is_new_or_neither_status_nor_read(raw: dict[str, Any], unread: bool) -> None:
    assert Message.from_json(raw).unread is unread


def test_wrong_types_become_text() -> None:
    message = Message.from_json({"id": 7, "from": None, "subject": ["x"], "auto_execute": "yes", "priority": None})
    assert (message.id, message.sender, message.is_task, message.priority) == ("7", "", False, "normal")
    assert message.subject


def test_a_value_nested_too_deep_for_str_does_not_raise() -> None:
    deep: Any = "x"
    for _ in range(3000):
        deep = [deep]
    assert Message.from_json({"subject": deep, "status": deep}).status != "new"


def test_either_id_answers_and_an_empty_one_never() -> None:
    message = Message.from_json({"id": "aa", "sent_id": "bb"})
    assert message.rank("aa") > message.rank("bb") > 0
    assert not Message.from_json({}).rank("")


def test_raw_keeps_all_and_two_readings_are_equal() -> None:
    raw = {"id": "aa", "colour": {"of": "unknown keys"}, "timestamp": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
    assert Message.from_json(raw).raw == raw
    assert Message.from_json(raw) == Message.from_json(dict(raw))


def test_a_closed_message_is_not_open() -> None:
    messages = tuple(Message.from_json({"status": status}) for status in ("new", "opened", "closed", "parked"))
    box = Mailbox(MailboxStatus.OK, messages)
    assert (box.unread, box.open) == (1, 3)


def test_a_request_can_be_decided_until_its_time_or_its_run_is_over() -> None:
    approval = {"tier": 1, "expires_at": "2026-11-22T01:00:00+00:00"}
    over = parse_time(approval["expires_at"])
    ack = {"state": "lapsed", "result": "killed", "at": "2026-11-22T00:30:00+00:00"}
    for raw, now, expired in (
        ({"approval": approval}, over - 1, 0.0),
        ({"approval": approval}, over, over),
        ({"approval": approval, "ack": ack}, over - 1, over - 1800),
        ({"approval": approval, "ack": {**ack, "state": "denied"}}, over, 0.0),
        ({"approval": {"tier": 1}}, over, 0.0),
        ({}, over, 0.0),
    ):
        message = Message.from_json(raw)
        assert message.expired_at(now) == expired
        assert message.awaits_decision(now) is (message.undecided and not expired)
