"""What the screen's search lists while the index of all mail is current, behind, and not there at all."""

from __future__ import annotations

import os

import pytest

from mailcore.mail import mail_files, mailbox, post, search_session, search_update
from mailcore.mail.search import search_mail
from mailcore.mail.search_query import Query
from mailcore.mail.search_session import SearchSession
from praxmonitor.state.mail import FoundPage
from praxmonitor.state.mail_reader import search
from tests.mailcore.conftest import House


@pytest.fixture
def many(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Twenty closed mails and one that is open; few files are read, and fewer taken in, at a time."""
    for number in range(20):
        sent = post.send_mail(house.workspace, "@lead", ["@writer"], f"Mail {number}", "invoice")
        mailbox.archive_messages(house.agent("writer"), [sent[0].id])
    post.send_mail(house.workspace, "@lead", ["@editor"], "Open", "an invoice")
    monkeypatch.setattr(mail_files, "PART", 4)
    monkeypatch.setattr(search_session, "TAKEN_IN", 6)
    monkeypatch.setattr(search_update, "YOUNG_NS", 0)
    return house


def listed(page: FoundPage) -> list[str]:
    return [entry.message.subject for entry in page.entries]


def pages(house: House, session: SearchSession, text: str, most: int = 60) -> list[FoundPage]:
    return [*search(session, house.workspace, text, most)]


def test_without_an_index_the_first_mails_are_listed_before_it_is_made(many: House) -> None:
    session = SearchSession(many.workspace)
    every = pages(many, session, "invoice")
    lengths = [len(page.entries) for page in every]
    assert lengths == sorted(lengths) and lengths[-1] == 21, "no mail that was listed goes away again"
    whole = next(place for place, page in enumerate(every) if page.share == 1.0)
    assert lengths[whole] == 21 and len(every) > whole + 2, "all are listed while the index is still made"
    shares = [page.share for page in every[1 : whole + 1]]
    assert len(shares) > 3 and shares == sorted(set(shares))
    assert [page.complete for page in every] == [False] * (len(every) - 1) + [True]
    assert listed(every[-1]) == [one.message.subject for one in search_mail(many.workspace, Query(("invoice",)))]


def test_without_an_index_no_more_is_read_than_fills_the_list(many: House) -> None:
    every = pages(many, SearchSession(many.workspace), "invoice", 3)
    shares = [page.share for page in every if page.share]
    assert 0 < max(shares) < 1 and len(shares) < 4
    assert listed(every[-1])[:2] == ["Open", "Mail 19"] and every[-1].more and len(every[-1].entries) == 3


def test_where_the_index_is_current_one_look_is_all(many: House, monkeypatch: pytest.MonkeyPatch) -> None:
    session = SearchSession(many.workspace)
    pages(many, session, "inv")
    monkeypatch.setattr(SearchSession, "refresh", None)
    monkeypatch.setattr(SearchSession, "read", None)
    (page,) = pages(many, session, "invoi")
    assert page.complete and len(page.entries) == 21


def test_an_index_that_is_taken_away_meanwhile_leaves_no_list_empty(many: House) -> None:
    session = SearchSession(many.workspace)
    pages(many, session, "inv")
    (many.workspace.state_dir / f"search-{os.geteuid()}.sqlite3").unlink()
    every = pages(many, session, "invoi")
    assert every[0].share == 0 and not every[0].complete
    assert every[-1].complete and len(every[-1].entries) == 21


def test_what_is_new_is_listed_after_what_the_index_had(many: House) -> None:
    session = SearchSession(many.workspace)
    pages(many, session, "inv")
    post.send_mail(many.workspace, "@lead", ["@editor"], "New", "invoice")
    first, last = pages(many, session, "invoi")
    assert not first.complete and len(first.entries) == 21
    assert last.complete and listed(last)[0] == "New"


def test_what_another_search_took_in_meanwhile_is_listed_too(many: House) -> None:
    session = SearchSession(many.workspace)
    pages(many, session, "inv")
    post.send_mail(many.workspace, "@lead", ["@editor"], "New", "invoice")
    going = search(session, many.workspace, "invoice")
    assert len(next(going).entries) == 21
    session.refresh()  # of the key before, say
    *_, last = going
    assert last.complete and listed(last)[0] == "New"
