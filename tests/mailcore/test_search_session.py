"""Searches while somebody types: each is what `search_mail` finds as soon as the index is up to date."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from dataclasses import replace

import pytest

from mailcore.exceptions import UsageError
from mailcore.mail import mail_files, mailbox, post, search_index, search_session, search_update
from mailcore.mail.search import search_mail
from mailcore.mail.search_query import FoundMail, Query
from mailcore.mail.search_session import SearchAnswer, SearchSession
from mailcore.mail.search_text import parse_query
from tests.mailcore.conftest import House, wait_until

ADDRESSES = ["@writer", "@editor", "@lead", "@operator"]


def names(found: SearchAnswer | list[FoundMail]) -> list[str]:
    mails = found.mails if isinstance(found, SearchAnswer) else found
    return [one.message.subject for one in mails]


def send(house: House, subject: str, to: str = "@writer") -> str:
    return post.send_mail(house.workspace, "@lead", [to], subject, "invoice")[0].id


def archive_many(house: House, count: int) -> None:
    """So many closed mails of one agent's."""
    for number in range(count):
        mailbox.archive_messages(house.agent("writer"), [send(house, f"Mail {number}")])


def test_what_is_new_is_found_after_a_refresh(house: House) -> None:
    session, query = SearchSession(house.workspace), Query(("invoice",))
    send(house, "One")
    before = session.find(query, 10)
    assert not session.is_current() and session.refresh().version != before.state.version
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
    monkeypatch.setattr(search_update, "YOUNG_NS", 0)
    session = SearchSession(house.workspace)
    assert session.refresh().complete and session.is_current()
    looked: list[str] = []
    monkeypatch.setattr(mail_files, "_stamp", lambda found: looked.append(str(found)))
    assert session.refresh().complete and not looked
    send(house, "Two")
    assert not session.is_current()


def test_only_what_changed_is_looked_at(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for to in ("@writer", "@editor"):
        mailbox.archive_messages(house.agent(to), [send(house, "Old", to)])
    monkeypatch.setattr(search_update, "YOUNG_NS", 0)
    session, query = SearchSession(house.workspace), Query(("invoice",))
    session.refresh()
    looked: list[str] = []
    real = mail_files._stamp

    def stamp(found: os.stat_result) -> mail_files.Stamp:
        looked.append(str(found.st_ino))
        return real(found)

    monkeypatch.setattr(mail_files, "_stamp", stamp)
    send(house, "New", "@editor")
    session.refresh()
    assert looked == [str(house.agent("editor").inbox.stat().st_ino)]
    assert names(session.find(query, 9)) == ["New", "Old", "Old"] == names(search_mail(house.workspace, query))
    shutil.rmtree(house.agent("writer").archive_dir)
    session.refresh()
    assert names(session.find(query, 9)) == ["New", "Old"], "what is gone is found no longer"


def test_a_change_within_the_times_grain_is_looked_at_once_more(house: House) -> None:
    session = SearchSession(house.workspace)
    send(house, "One")
    assert session.refresh().complete and not session.is_current(), "the mailbox changed just now"
    inbox = house.agent("writer").inbox
    status = inbox.stat()
    inbox.write_text(inbox.read_text().replace("One", "Two"))
    os.utime(inbox, ns=(status.st_atime_ns, status.st_mtime_ns))
    session.refresh()
    assert names(session.find(Query(("invoice",)), 10)) == ["Two"]


def test_much_that_is_new_is_taken_in_step_by_step(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    archive_many(house, 24)
    monkeypatch.setattr(search_session, "TAKEN_IN", 5)
    session, query = SearchSession(house.workspace), Query(("invoice",))
    seen = []
    while not session.refresh().complete:
        found = session.find(query, 100)
        assert not found.state.whole
        seen.append(len(found.mails))
    assert len(seen) > 1 and seen == sorted(seen) and seen[0] < 24
    assert names(session.find(query, 3)) == ["Mail 23", "Mail 22", "Mail 21"]
    assert session.find(query, 3).state.whole
    assert names(session.find(query, 100)) == names(search_mail(house.workspace, query))


def test_what_comes_while_much_is_taken_in_is_found_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    archive_many(house, 9)
    monkeypatch.setattr(search_session, "TAKEN_IN", 5)
    session, query = SearchSession(house.workspace), Query(("invoice",))
    assert not session.refresh().complete
    send(house, "New", "@editor")
    house.agent("lead").archive_dir.mkdir(parents=True, exist_ok=True)
    while not session.refresh().complete:
        pass
    assert not session.is_current()
    while not session.refresh().complete:  # again in parts, where all of it was made a moment ago
        pass
    assert names(session.find(query, 100)) == names(search_mail(house.workspace, query)) != []
    assert len(session.find(query, 100).mails) == 10


def test_the_newest_files_are_taken_in_first(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    archive_many(house, 9)
    send(house, "Open", "@editor")
    archive = house.agent("writer").archive_dir
    for day, path in enumerate(sorted(archive.iterdir(), key=lambda path: json.loads(path.read_bytes())["subject"])):
        path.rename(archive / f"2026010{day + 1}_000000_{path.name}")
    monkeypatch.setattr(search_session, "TAKEN_IN", 6)
    session, query = SearchSession(house.workspace), Query(("invoice",))
    assert not session.refresh().complete
    assert set(names(session.find(query, 99))) == {"Open", "Mail 8", "Mail 7", "Mail 6"}, "and two mailboxes are empty"


def test_while_the_index_is_made_the_files_are_read_from_the_newest_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_many(house, 12)
    send(house, "Open", "@editor")
    monkeypatch.setattr(mail_files, "PART", 4)
    session, query = SearchSession(house.workspace), Query(("invoice",))
    every = [*session.read(query, 100)]
    assert len(every) > 3 and [one.read for one in every] == sorted(one.read for one in every)
    assert every[-1].read == every[-1].total and len(every[-1].found) == 13
    assert names(every[-1].found) == names(search_mail(house.workspace, query))
    few = [*session.read(query, 3)]
    assert 1 < len(few) < len(every) and len(few[-1].found) >= 3 and "Open" in names(few[0].found)


def test_without_an_index_every_mail_is_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    send(house, "One")
    monkeypatch.setattr(search_index, "_TABLES", ("CREATE VIRTUAL TABLE words USING nothing_like_it (text)",))
    session = SearchSession(house.workspace)
    found = session.find(Query(("invoice",)), 10)
    assert names(found) == ["One"] and found.state.whole
    assert session.is_current() and session.refresh() == (found.state.version, True, ())


def test_an_index_that_was_taken_away_is_made_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    send(house, "One")
    monkeypatch.setattr(search_update, "YOUNG_NS", 0)
    session, query = SearchSession(house.workspace), Query(("invoice",))
    assert session.refresh().complete and session.is_current()
    (house.workspace.state_dir / f"search-{os.geteuid()}.sqlite3").unlink()
    assert not session.find(query, 9).state.whole and not session.is_current()
    assert session.refresh().complete and names(session.find(query, 9)) == ["One"]


def test_an_index_that_another_keeps_locked_is_used_again_afterwards(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "UPDATE_PATIENCE", 0.05)
    session, query = SearchSession(house.workspace), Query(("invoice",))
    session.refresh()
    send(house, "One")
    other = sqlite3.connect(house.workspace.state_dir / f"search-{os.geteuid()}.sqlite3", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert names(session.find(query, 9)) == ["One"], "by reading all mail"
    assert not session.refresh().complete
    other.rollback()
    other.close()
    assert session.find(query, 9).mails == [], "of what is in the index"
    assert session.refresh().complete and names(session.find(query, 9)) == ["One"]


def test_a_mailbox_that_cannot_be_read_is_told_and_looked_at_again(house: House) -> None:
    send(house, "One")
    inbox = house.agent("writer").inbox
    whole = inbox.read_bytes()
    inbox.write_bytes(b"[")
    session = SearchSession(house.workspace)
    for _ in range(2):
        (trouble,) = session.refresh().troubles
        assert str(inbox) in trouble and not session.is_current()
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
