"""One mail in lines: what its row and its head say of it, at any width."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mailcore.formats.timestamps import aipass_time
from mailcore.model.agent import OPERATOR
from mailcore.model.message import Ack, Message
from mailcore.model.run import Phase
from praxmonitor.state.mail import MailEntry
from praxmonitor.text.lines import Line, width_of
from praxmonitor.widgets.mail import MailRows
from praxmonitor.widgets.mail_lines import ONE_LINE, brief_head_lines, head_lines, mail_rows, row_height, tells_an_end
from tests.clock import NOON
from tests.praxmonitor.fake_feed import attempt, mail, run

FOREVER, SOON = (lambda _: 0.0), (lambda _: 60.0)


def task(**more: object) -> Message:
    made = replace(mail(7, "@lead", "Write it", 600), is_task=True, seq=73, recipient="@writer", priority="high")
    return replace(made, **more)  # type: ignore[arg-type]


def text(lines: list[Line]) -> str:
    return "\n".join("".join(part for part, _ in line) for line in lines)


def row(entry: MailEntry, width: int = 100, limit: float = 0.0) -> str:
    return text(mail_rows(entry, NOON, width, lambda _: limit))


def head(entry: MailEntry, width: int = 90, limit: float = 0.0) -> str:
    return text(list(head_lines(entry, NOON, width, lambda _: limit, own=True)))


def test_a_row_has_number_priority_party_subject_rung_with_its_time_and_age() -> None:
    message = task()
    line = row(MailEntry(message, "@writer", message))
    for said in ("✉", "#73", "!", "@lead", "Write it", "stored 11:50", "10m"):
        assert said in line, line
    sent = MailEntry(message, "@writer", message, sent=True, became="answered")
    assert "→ @writer" in row(sent) and "answered" in row(sent) and "✉" not in row(sent)


def test_below_the_width_of_a_line_the_subject_stands_below_and_nothing_is_missing() -> None:
    message = task()
    entry = MailEntry(message, "@writer", message)
    first, second = row(entry, ONE_LINE - 1).splitlines()
    assert "#73" in first and "stored 11:50" in first and "10m" in first and "Write it" in second


def test_a_stuck_rung_is_marked_in_row_and_head_and_its_limit_is_named() -> None:
    message = task()
    entry = MailEntry(message, "@writer", message)
    assert "stuck: stored" in row(entry, limit=60.0) and "stuck" not in row(entry, limit=3600.0)
    assert "stuck on 'stored' for 10 min: 60 s are allowed" in head(entry, limit=60.0)
    done = replace(message, ack=Ack("done", "it is", NOON - 5, "@writer"))
    assert "stuck" not in row(MailEntry(done, "@writer", done), limit=60.0)
    ordinary = replace(message, is_task=False, priority="normal")
    assert "stuck" not in row(MailEntry(ordinary, "@writer", ordinary), limit=60.0)


def test_the_ladder_has_every_rung_with_its_time_and_the_run_its_own() -> None:
    message = task(seen_at=NOON - 300, unread=False, raw={"seen_by": "@writer"})
    message = replace(message, ack=Ack("blocked", "no key\x1b", NOON - 60, "@writer"))
    started = run("writer", "Write it", Phase.RUNNING, 500, (attempt(1, 500, running=490),), message_id=message.id)
    said = head(MailEntry(message, "@writer", message, started))
    climbed = "stored 11:50:00 → woken 11:51:40 → submitted 11:51:50 → seen 11:55:00 → blocked 11:59:00"
    assert climbed in said and "seen by @writer" in said and "blocked: no key�" in said
    assert "#73 00000007" in said and "high priority" in said and "a task" in said


def test_what_nobody_knows_of_a_sent_mail_is_said_to_be_unknown() -> None:
    entry = MailEntry(task(), "@gone", None, became="unknown", sent=True)
    assert "?" in row(entry) and "unknown: no copy of it is known here" in head(entry)
    refused = replace(entry, became="refused", result="no agent @gone")
    assert "✗ refused" in row(refused) and "no agent @gone" in head(refused)


def test_an_archived_mail_says_when_it_was_closed() -> None:
    closed = mail(9, "@lead", "Old", 7200, unread=False)
    closed = replace(closed, status="closed", raw={"archived_at": aipass_time_of(NOON - 1800)})
    assert "closed 11:30" in row(MailEntry(closed, OPERATOR, closed, archived=True))


def aipass_time_of(at: float) -> str:
    from datetime import datetime

    return aipass_time(datetime.fromtimestamp(at))


def test_the_end_of_a_task_is_told_by_who_did_it_alone() -> None:
    done = Ack("done", "x", NOON, "@writer")
    assert tells_an_end(replace(mail(1, "@writer", "DONE: x", 1), ack=done))
    assert not tells_an_end(replace(mail(1, "@lead", "Do x", 1), ack=done))
    assert not tells_an_end(mail(1, "@writer", "x", 1))


@given(
    st.text(max_size=60), st.text(max_size=20), st.integers(4, 220), st.integers(0, 9), st.booleans(), st.booleans(),
    st.sampled_from(["low", "normal", "high", "?"]),
)  # fmt: skip
def test_no_line_of_a_mail_is_wider_than_its_panel(
    subject: str, sender: str, width: int, depth: int, sent: bool, found: bool, priority: str
) -> None:
    raw = {"approval": {"tier": 3}}
    message = replace(mail(1, sender, subject, 5), priority=priority, raw=raw, recipient=subject[:9], seq=12345678)
    entry = MailEntry(message, "@writer", message, depth=depth, sent=sent, passage=subject if found else "")
    lines = mail_rows(entry, NOON, width, SOON, found=found)
    assert len(lines) == row_height(width, found=found) and all(width_of(line) <= width for line in lines)
    for made in (head_lines(entry, NOON, width, SOON, own=True), brief_head_lines(entry, NOON, width, SOON, own=True)):
        assert all(width_of(line) <= width for line in made if width >= 12)


def test_only_the_rows_that_are_asked_for_are_made() -> None:
    message = task()
    rows = MailRows([MailEntry(message, "@writer", message)] * 100_000, 5, NOON, 100, FOREVER)
    assert len(rows) == 100_000 and "▸" in text([rows[5]]) and "▸" not in text([rows[99_999]])
