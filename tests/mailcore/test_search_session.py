"""Searches while somebody types: each is what `search_mail` finds as soon as the index is up to date."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailcore.exceptions import UsageError
from mailcore.mail import mailbox, post, search_index, search_session
from mailcore.mail.search import FoundMail, Query, search_mail
from mailcore.mail.search_session import SearchSession
from mailcore.mail.search_text import parse_query
from tests.mailcore.conftest import House, wait_until

ADDRESSES = ["@writer", "@editor", "@lead", "@operator"]


def names(found: list[FoundMail]) -> list[str]:
    return [one.message.subject for one in found]


def send(house: House, subject: str, to: str = "@writer") -> str:
    return post.send_mail(house.workspace, "@lead", [to], subject, "invoice")[0].id


def test_what_is_new_is_found_after_a_refresh(house: House) -> None:
    session, query = SearchSession(house.workspace), Query(("invoice",))
    send(house, "One")
    assert session.refresh() == (True, True, ())
    assert names(session.find(query, 10)) == ["One"]
    send(house, "Two", "@editor")
    assert names(session.find(query, 10)) == ["One"], "no file of mail is looked at"
    session.refresh()
    assert names(session.find(query, 10)) == ["Two", "One"] == names(search_mail(house.workspace, query))
    post.close_messages(house.workspace, "@writer", [house.inbox("writer")[0].id])
    session.refresh()
    assert names(session.find(replace(query, open=False), 10)) == ["One"]


def test_where_nothing_changed_no_file_of_mail_is_looked_at(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    send(house, "One")
    monkeypatch.setattr(search_index, "YOUNG_NS", 0)
    session = SearchSession(house.workspace)
    assert session.refresh().changed
    assert session.refresh() == (False, True, ())
    send(house, "Two")
    assert session.refresh().changed


def test_a_change_within_the_times_grain_is_looked_at_once_more(house: House) -> None:
    session = SearchSession(house.workspace)
    send(house, "One")
    assert session.refresh().changed and session.refresh().changed, "the mailbox changed just now"


def test_much_that_is_new_is_taken_in_step_by_step(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(24):
        message = send(house, f"Mail {number}")
        mailbox.archive_messages(house.agent("writer"), [message])
    monkeypatch.setattr(search_session, "TAKEN_IN", 5)
    session, query = SearchSession(house.workspace), Query(("invoice",))
    seen = []
    while not (done := session.refresh()).complete:
        assert done.changed
        seen.append(len(session.find(query, 100)))
    assert len(seen) > 1 and seen == sorted(seen) and seen[0] < 24
    assert len(session.find(query, 100)) == 24 == len(search_mail(house.workspace, query))


def test_the_newest_of_many_are_those_that_all_begin_with(house: House) -> None:
    for number in range(30):
        send(house, f"Mail {number}", ADDRESSES[number % 3])
    session = SearchSession(house.workspace)
    session.refresh()
    for query in (Query(("invoice",)), Query(("mail", "in")), Query(open=True), Query(("mail 7",))):
        every = search_mail(house.workspace, query)
        found = session.find(query, 7)
        assert [one.order[0] for one in found] == [one.order[0] for one in every[:7]], query
        assert {one.message.id for one in found} <= {one.message.id for one in every}


def test_without_an_index_every_mail_is_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    send(house, "One")
    monkeypatch.setattr(search_index, "_TABLES", ("CREATE VIRTUAL TABLE words USING nothing_like_it (text)",))
    session = SearchSession(house.workspace)
    assert names(session.find(Query(("invoice",)), 10)) == ["One"]
    assert session.refresh() == (False, True, ())


def test_a_mailbox_that_cannot_be_read_is_told_and_looked_at_again(house: House) -> None:
    send(house, "One")
    inbox = house.agent("writer").inbox
    whole = inbox.read_bytes()
    inbox.write_bytes(b"[")
    session = SearchSession(house.workspace)
    (trouble,) = session.refresh().troubles
    assert str(inbox) in trouble
    inbox.write_bytes(whole)
    wait_until(lambda: not session.refresh().troubles, what="it is read again")
    assert names(session.find(Query(("invoice",)), 10)) == ["One"]


def test_a_line_is_read_as_the_command_reads_it() -> None:
    now = 1_800_000_000.0
    assert parse_query("invoice of may", ADDRESSES, now) == Query(("invoice", "of", "may"))
    assert parse_query("@writer", ADDRESSES, now) == Query((), "@writer") == parse_query("agent:wri", ADDRESSES, now)
    assert parse_query("--agent @lead x --since 2h --open", ADDRESSES, now) == Query(
        ("x",), "@lead", since=now - 7200, open=True
    )
    assert parse_query("is:closed since:30m http://a.b", ADDRESSES, now) == Query(
        ("http://a.b",), since=now - 1800, open=False
    )
    assert parse_query("", ADDRESSES, now) == Query()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("@nobody", "@nobody is no agent"),
        ("since:yesterday", "since:yesterday"),
        ("@", "@ is no agent"),
        ("since:", "7d"),
    ],
)
def test_what_a_line_cannot_mean_is_told(line: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse_query(line, ADDRESSES)
