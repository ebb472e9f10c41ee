"""The delivery that does not parse: byte for byte what the parsing one writes, or it stands back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.formats import json_codec
from mailcore.mail import splice
from mailcore.model.message import is_unread

MESSAGE = {"id": "0000aaaa", "seq": 9, "subject": 'ä\n"\\', "status": "new", "x": {"seq": 1}, "y": [{"status": "new"}]}

text = st.text(max_size=8) | st.sampled_from(
    ['"seq": 1', '\n      "status": "new"', "\n    }\n  ]\n}", "new", "opened"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["seq", "status", "z"]), inner),
    max_leaves=6,
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "id": text,
        "seq": st.integers(0, 99) | values,
        "status": st.sampled_from(["new", "opened", "opened", "closed", ""]) | values,
        "read": st.booleans(),
        "message": values,
    },
)
ordinary = st.fixed_dictionaries(
    {"id": text, "message": values, "seq": st.integers(0, 99), "status": st.sampled_from(["new", "opened"])}
)


def mailbox(mails: list[Any], **more: Any) -> dict[str, Any]:
    unread = sum(is_unread(mail) for mail in mails if isinstance(mail, dict))
    counters = {"total_messages": len(mails), "unread_count": unread}
    return {"mailbox": "inbox", **counters, "messages": mails, **more}


def written(data: bytes) -> bytes | None:
    parts = splice.insert_on_top(data, MESSAGE)
    return None if parts is None else b"".join(parts)


@pytest.mark.parametrize(
    "dumps", [json_codec.dumps, lambda value: json.dumps(value, indent=2, ensure_ascii=False).encode()]
)
@given(mails=st.lists(ordinary, min_size=1, max_size=4))
def test_ordinary_mail_is_spliced_as_if_it_were_parsed(dumps: Any, mails: list[Any]) -> None:
    assert written(dumps(mailbox(mails))) == dumps(mailbox([MESSAGE, *mails]))


@given(mails=st.lists(messages | values, max_size=4), more=st.dictionaries(st.sampled_from("ab"), values, max_size=1))
def test_whatever_lies_there_it_is_right_or_stands_back(mails: list[Any], more: dict[str, Any]) -> None:
    result = written(json_codec.dumps(mailbox(mails, **more)))
    if result is not None:
        document = json.loads(result)
        assert document == mailbox([MESSAGE, *mails], **more)


@given(mails=st.lists(ordinary, min_size=1, max_size=3), cut=st.integers(1, 400))
def test_a_torn_file_is_left_to_repair(mails: list[Any], cut: int) -> None:
    data = json_codec.dumps(mailbox(mails))
    assert written(data[: -min(cut, len(data))]) is None
    assert written(data[:-cut] + b"\0" * cut) is None


def test_zeros_in_the_midst_of_a_file_are_left_to_repair() -> None:
    """A power cut may leave any block of a file empty, also where its beginning, its end and its numbers are whole."""
    mails = [{"id": str(number), "message": "x" * 4096, "seq": number, "status": "new"} for number in (1, 2)]
    data = json_codec.dumps(mailbox(mails))
    assert written(data) is not None
    assert written(data.replace(b"x" * 4096, b"\0" * 4096, 1)) is None


def test_what_another_form_or_unnumbered_mail_needs_is_left_to_the_parser() -> None:
    mail = {"id": "1", "seq": 1, "status": "new"}
    assert written(json_codec.dumps(mailbox([mail]))) is not None
    assert written(json.dumps(mailbox([mail])).encode()) is None
    assert written(json_codec.dumps(mailbox([]))) is None
    assert written(json_codec.dumps(mailbox([mail, {"id": "2", "status": "new"}]))) is None, "it has to get a number"
    assert written(json_codec.dumps({**mailbox([mail]), "total_messages": 7})) is None, "the counter is wrong"


def test_an_id_that_is_taken_is_seen() -> None:
    data = json_codec.dumps(mailbox([{"id": "0123abcd", "seq": 1, "status": "new"}]))
    assert splice.may_contain_id(data, "0123abcd") and not splice.may_contain_id(data, "0123abce")
