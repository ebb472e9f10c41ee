"""Torn, corrupt, no mailbox at all: whole messages stay, the file is kept, the operator is told, nothing raises."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.formats import journal, json_codec
from mailcore.mail import lookup, mailbox, post, repair
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.message import MailboxStatus
from mailcore.system import safe_open
from tests.mailcore.conftest import House

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.just('"messages": [{"id": "no"}]'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
MESSAGES = st.lists(st.dictionaries(st.text(max_size=6) | st.just("messages"), VALUES, max_size=4), max_size=4)
EXTRAS = st.dictionaries(st.text(max_size=6), VALUES | st.just({"messages": [{"id": "nested"}]}), max_size=2)


def whole(data: bytes, prefix: int, count: int) -> int:
    """How many of `count` messages end within the prefix, found the slow way."""
    found = 0
    for end in range(prefix + 1):
        if data[end - 1 : end] == b"}":
            try:
                head = json.loads(data[:end] + b"]}")
            except ValueError:
                continue
            if isinstance(head.get("messages"), list):
                found = max(found, len(head["messages"]))
    return min(found, count)


@settings(max_examples=120, deadline=None)
@given(EXTRAS, MESSAGES, st.integers(0, 1000), st.sampled_from([None, 2]), st.booleans())
def test_any_prefix_yields_exactly_its_complete_messages(
    extra: dict[str, Any], messages: list[Any], cut: int, indent: int | None, escaped: bool
) -> None:
    extra = {k: v for k, v in extra.items() if k not in ("messages", "inbox")}
    data = json.dumps({**extra, "messages": messages}, indent=indent, ensure_ascii=escaped).encode("utf-8", "replace")
    messages = json.loads(data)["messages"]
    cut = min(cut, len(data))
    assert repair.recover_messages(data[:cut]) == messages[: whole(data, cut, len(messages))]
    assert repair.recover_messages(data) == messages
    bare = json.dumps(messages, indent=indent).encode()
    assert repair.recover_messages(b" \n" + bare) == messages


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120) | st.builds(lambda a, b: b'{"messages": [' + a + b'{"id": 1}' + b, *[st.binary()] * 2))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    assert all(isinstance(message, dict) for message in repair.recover_messages(data))


@pytest.mark.parametrize(
    "data",
    [b"[" * 100_000, b'{"messages": [' + b'{"a":' * 100_000, b'{"messages": [' + b"9" * 10_000, b'{"a' * 50_000],
)
def test_nor_do_depth_and_length(data: bytes) -> None:
    assert repair.recover_messages(data) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_other_encodings_are_read_or_at_least_kept(house: House, encoding: str) -> None:
    writer = house.agent("@writer")
    data = json.dumps({"messages": [{"id": "aaaaaaaa", "subject": "ü", "status": "new"}]}).encode(encoding)
    writer.inbox.write_bytes(data)
    mailbox.deliver(writer, {"subject": "on top", "status": "new"})
    after = [m.subject for m in house.inbox("@writer")]
    assert after == ["on top", "ü"] or [p for p in writer.mail_dir.iterdir() if p.is_file() and p.read_bytes() == data]


def torn(house: House) -> bytes:
    """Three unread messages, the last one torn in two."""
    writer = house.agent("@writer")
    for n in range(3):
        post.send_mail(house.workspace, "@lead", ["@writer"], f"s{n}", "b" * 300)
    data = writer.inbox.read_bytes()[:-150]
    writer.inbox.write_bytes(data)
    return data


def test_a_torn_mailbox_with_unread_mail_is_mended_by_the_next_write_and_the_operator_is_told(house: House) -> None:
    data = torn(house)
    writer = house.agent("@writer")
    assert read_mailbox(writer.inbox).status is MailboxStatus.UNREADABLE
    post.send_mail(house.workspace, "@editor", ["@writer"], "new", "b")
    assert [(m.subject, m.unread) for m in house.inbox("@writer")] == [("new", True), ("s2", True), ("s1", True)]
    (aside,) = writer.mail_dir.glob("inbox.json.corrupt-*")
    assert aside.read_bytes() == data
    told = [r for r in journal.read_records(house.root / ".praxmonitor" / "audit.jsonl") if r["verb"] == "repair"]
    assert [(r["by"], r["recovered"], r["aside"]) for r in told] == [("@writer", 2, str(aside))]
    assert str(writer.inbox) in told[0]["cause"]


def test_repair_by_hand_says_first_and_does_then(house: House) -> None:
    data = torn(house)
    writer = house.agent("@writer")
    (said,) = house.json("repair", "--dry-run")
    assert said["recovered"] == 2 and said["path"] == str(writer.inbox) and "JSON" in said["cause"]
    assert writer.inbox.read_bytes() == data and not list(writer.mail_dir.glob("*.corrupt-*"))
    assert house.json("repair", "@editor") == []
    (done,) = house.json("repair", "@writer")
    assert done["recovered"] == 2 and Path(done["aside"]).read_bytes() == data
    assert [m.subject for m in house.inbox("@writer")] == ["s2", "s1"]
    assert house.json("repair") == [] and b"every mailbox can be read" in house.mailcore("repair").stdout


MAILS = [
    {
        "id": f"{n:08x}",
        "seq": n,
        "subject": f"mail {n}",
        "message": 'first\n    {\n      "id": "no", "subject": "no"\n second ü',
        "ack": {"id": "no", "state": "done"},
        "further": [{"id": "no"}, {"subject": "no"}],
        "status": "new",
    }
    for n in range(1, 6)
]


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from([2, 4, None]),
    st.integers(0, 10_000),
    st.integers(0, 300),
    st.text('\n\t"{}[],:\\\0aé1', max_size=3).map(str.encode) | st.binary(max_size=3),
)
def test_damage_at_one_place_costs_what_it_touches_at_most(indent: int | None, at: int, gone: int, junk: bytes) -> None:
    counts = {"mailbox": "inbox", "total_messages": 5, "unread_count": 5}
    data = json.dumps({**counts, "messages": MAILS}, indent=indent, ensure_ascii=False).encode()
    at %= len(data)
    gone = min(gone, len(data) - at)
    found = repair.recover_messages(data[:at] + junk + data[at + gone :])
    begins = [data.index(f'"id": "{n:08x}"'.encode()) for n in range(1, 6)] + [len(data)]
    # A message reaches from its brace to that of the next one; what lies between belongs to both.
    brace = [data.rindex(b"{", 0, begin) for begin in begins[:-1]] + [len(data)]
    end = [data.rindex(b"}", 0, following) for following in brace[1:]]
    untouched = [m for m, b, e in zip(MAILS, brace, end, strict=False) if at + gone <= b or at > e]
    assert [m for m in found if m in MAILS] == [m for m in MAILS if m in found] and len(found) <= len(MAILS) + 1
    lost = [m["id"] for m in untouched if m not in found]
    assert not lost, data[:at][-60:] + b"<" + junk + b">" + data[at + gone :][:60]


@pytest.mark.parametrize("spoil", [
    lambda data: data.replace(b'"b\\n1', b'"b\n1'),
    lambda data: data.replace(b'"b\\n1', b'"b\0\t1'),
    lambda data: data.replace(b'"subject": "s1"', b'"subject": "s1'),
    lambda data: data.replace(b'"messages"', b'"massages"'),
    lambda data: data.replace(b'"mailbox": "inbox"', b'"mailbox": "in\nbox'),
    lambda data: data[1:],
], ids=["newline", "control", "quote", "key", "head", "first brace"])  # fmt: skip
def test_one_message_spoilt_by_hand_costs_no_other(house: House, spoil: Callable[[bytes], bytes]) -> None:
    writer = house.agent("@writer")
    for n in range(5):
        post.send_mail(house.workspace, "@lead", ["@writer"], f"s{n}", f"b\n{n}")
    data = spoil(writer.inbox.read_bytes())
    writer.inbox.write_bytes(data)
    assert read_mailbox(writer.inbox).status is MailboxStatus.UNREADABLE
    house.json("repair", "@writer")
    left = [m.subject for m in house.inbox("@writer")]
    assert [s for s in left if s != "s1"] == ["s4", "s3", "s2", "s0"]
    (aside,) = writer.mail_dir.glob("inbox.json.corrupt-*")
    assert aside.read_bytes() == data


@pytest.mark.parametrize("ends", [(b"", b"", b"-", b"--"), (b"--", b"-", b"-", b"")], ids=["earlier", "later"])
def test_the_same_tear_again_leaves_one_copy_and_one_mail(house: House, ends: tuple[bytes, ...]) -> None:
    data = torn(house)
    writer = house.agent("@writer")
    for further in ends:
        writer.inbox.write_bytes(data[: len(data) - len(further)])
        house.json("repair", "@writer")
    (aside,) = writer.mail_dir.glob("inbox.json.corrupt-*")
    assert aside.read_bytes() == data
    (told,) = house.inbox("@operator")
    assert (told.subject, told.raw["updates"]) == ("MAILBOX REPAIRED: @writer", 4)
    writer.inbox.write_bytes(b'{"messages": [torn differently')
    house.json("repair", "@writer")
    writer.inbox.write_bytes(data)  # and the first tear once more: it is known still
    house.json("repair", "@writer")
    assert len(list(writer.mail_dir.glob("inbox.json.corrupt-*"))) == 2


@pytest.mark.parametrize("how", ["repair", "another act"])
def test_a_closed_message_among_the_open_ones_goes_to_the_archive(house: House, how: str) -> None:
    writer = house.agent("@writer")
    for n in range(3):
        post.send_mail(house.workspace, "@lead", ["@writer"], f"s{n}", "b")
    document = json.loads(writer.inbox.read_bytes())
    document["messages"][1] |= {"status": "closed", "read": True}
    writer.inbox.write_text(json.dumps(document, indent=2))
    if how == "repair":
        (said,) = house.json("repair", "@writer", "--dry-run")
        assert said["archived"] == 1 and len(json.loads(writer.inbox.read_bytes())["messages"]) == 3
        assert house.json("repair", "@writer")[0]["archived"] == 1
    else:
        post.read_messages(house.workspace, "@writer", ["1"])
    document = json.loads(writer.inbox.read_bytes())
    assert [m["subject"] for m in document["messages"]] == ["s2", "s0"] and document["total_messages"] == 2
    assert [raw["subject"] for _, raw in lookup.archived_messages(writer)] == ["s1"]
    assert house.json("repair", "@writer") == []


@pytest.mark.parametrize("how", ["repair", "another act"])
def test_the_archive_of_former_days_moves_into_the_present_one(house: House, how: str) -> None:
    writer = house.agent("@writer")
    old = {"mailbox": "deleted", "messages": [{"id": f"0000000{n}", "subject": f"old {n}", "x": n} for n in range(3)]}
    (writer.mail_dir / "deleted.json").write_text(json.dumps(old))
    post.send_mail(house.workspace, "@lead", ["@writer"], "new", "b")
    if how == "repair":
        house.json("repair", "@writer")
    else:
        post.close_messages(house.workspace, "@writer", ["1"])
    kept = {raw["subject"]: raw for _, raw in lookup.archived_messages(writer)}
    assert {f"old {n}" for n in range(3)} <= kept.keys() and kept["old 2"]["x"] == 2
    assert not (writer.mail_dir / "deleted.json").exists()
    (moved,) = (writer.mail_dir / ".archive").iterdir()
    assert moved.name.startswith("deleted.json.migrated_") and json.loads(moved.read_bytes()) == old
    assert house.json("repair", "@writer") == []


def test_what_is_set_aside_stays_in_the_open_directory(tmp_path: Path) -> None:
    mail, moved, outside = tmp_path / "mail", tmp_path / "moved", tmp_path / "outside"
    mail.mkdir()
    outside.mkdir()
    with safe_open.open_directory(mail) as directory:
        mail.rename(moved)
        mail.symlink_to(outside)
        done = repair.set_aside_mailbox(mail / "inbox.json", b"torn", "is torn", directory)[1]
    assert done.set_aside is not None and (moved / done.set_aside.name).read_bytes() == b"torn"
    assert list(outside.iterdir()) == []


NUMBERS = ["18446744073709551615", "18446744073709551616", "-9223372036854775809", "1" + "0" * 60, "NaN", "-Infinity"]


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_that_orjson_would_change_survive_a_rewrite(house: House, number: str) -> None:
    """It makes a float of an integer beyond 64 bits, and `null` of NaN, without a word."""
    writer = house.agent("@writer")
    writer.inbox.write_text(f'{{"top": {number}, "messages": [{{"id": "a", "x": [{number}, 1.5, "{number}"]}}]}}')
    mailbox.deliver(writer, {"subject": "on top"})
    text = writer.inbox.read_text()
    assert text.count(number) == 3 and f'"top": {number},' in text and "null" not in text


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.integers() | st.integers(-(2**70), 2**70) | st.text(), lambda v: st.lists(v, max_size=3)))
def test_what_is_written_reads_back_the_same(value: Any) -> None:
    assert json_codec.loads(json_codec.dumps(value)) == value == json_codec.loads(json_codec.dumps_line(value))


def test_an_integer_beyond_64_bits_in_a_registry_survives_too(house: House) -> None:
    registry = house.workspace.registry
    document = json.loads(registry.read_bytes())
    document["metadata"]["credential"] = 10**40 + 7
    registry.write_text(json.dumps(document))
    assert house.mailcore("agent", "add", "new=agents/new").returncode == 0
    assert json.loads(registry.read_bytes())["metadata"]["credential"] == 10**40 + 7
