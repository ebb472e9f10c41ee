"""Mail as a person sees it at a terminal: number, age, who, how it stands, and a subject that fits."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mailcore.mail import message_text
from mailcore.mail.ladder import ladder, recipient_answer
from mailcore.mail.search_query import FoundMail
from mailcore.mail.sent_mail import SentMail
from mailcore.mail.threads import Thread
from mailcore.model.message import Message
from mailcore.text import counted, hidden_characters, line, names
from mailcore.text.frames import indented, quoted
from mailcore.text.listing import Cell, Listing, Row, aligned, cell_count, fitted
from mailcore.text.units import date_and_time, since

WHO = 24
"""Cells of a name."""
STANDS = {
    "stored": ("·", "faint"),
    "woken": ("▸", "accent"),
    "submitted": ("▸", "accent"),
    "seen": ("◦", ""),
    "acknowledged": ("◆", "accent"),
    "answered": ("✓", "good"),
    "done": ("✓", "good"),
    "approved": ("✓", "good"),
    "blocked": ("‖", "warn"),
    "declined": ("✗", "error"),
    "denied": ("✗", "error"),
    "refused": ("✗", "error"),
    "lapsed": ("◌", "faint"),
    "open": ("●", "accent"),
    "closed": ("○", "faint"),
    "unknown": ("?", "warn"),
}
"""How a mail may stand → its sign, and the role of both."""


def standing_cell(word: str) -> Cell:
    """`✓ done`: never a colour alone."""
    sign, role = STANDS.get(word, ("·", ""))
    return f"{sign} {word}", role


def number_cell(message: Message) -> Cell:
    """`#73`, by which a person names it; the beginning of its id where it has no number."""
    return (f"#{message.seq}" if message.seq else line(message.id or message.sent_id, 8)), "strong"


def marks_cell(message: Message) -> Cell:
    """`*` of unread mail, `!` of high priority."""
    text = f"{'*' if message.unread else ' '}{'!' if message.priority == 'high' else ' '}"
    return text, "warn strong" if "!" in text else "accent strong"


def subject_cells(message: Message, width: int, phrases: Sequence[str] = ()) -> list[Cell]:
    """Its subject, quoted in a pipe; before it what a request asks for, and how often it was said."""
    asks = f"[{message_text.request_text(message)}] " if message.undecided else ""
    text = (line(message.subject) or "(no subject)") if width else quoted(message.subject, 600)
    role = "strong" if message.unread else ""
    return [(asks, "warn"), (message_text.repeat_text(message), "faint"), *found_cells(text, phrases, role)]


def found_cells(text: str, phrases: Sequence[str], role: str) -> list[Cell]:
    """The text, and in it each word that was sought; those that stand there otherwise spelled are not marked."""
    cells: list[Cell] = []
    low = text.lower()
    at = 0
    while len(low) == len(text):
        places = [(place, len(phrase)) for phrase in phrases if (place := low.find(phrase, at)) >= 0]
        if not places:
            break
        begin, length = min(places)
        cells += [(text[at:begin], role), (text[begin : begin + length], "accent strong")]
        at = begin + length
    return [*cells, (text[at:], role)]


def inbox_listing(messages: Sequence[Message], width: int) -> Listing:
    """Open mail, a row each."""
    now = time.time()
    rows = [
        (
            marks_cell(one), number_cell(one), (since(one.at, now), "faint"),
            (message_text.foreign_sender(one), ""), (message_text.proof_of(one), "faint"), *subject_cells(one, width),
        )
        for one in messages
    ]  # fmt: skip
    return _listing(aligned(rows, 5), width)


def sent_listing(mails: Sequence[SentMail], width: int) -> Listing:
    """What was sent, a row each: to whom, what became of it and, behind the subject, its result."""
    now = time.time()
    rows = []
    for one in mails:
        message = one.message
        result = f"  {line(one.result) if width else quoted(one.result, 600)}" if one.result else ""
        rows.append(
            (
                number_cell(message), (since(message.at, now), "faint"),
                (f"→ {names.safe_sender(message.recipient, WHO)}", ""), standing_cell(one.became),
                *subject_cells(message, width), (result, "faint"),
            )
        )  # fmt: skip
    return _listing(aligned(rows, 4), width)


def found_row(found: FoundMail, phrases: Sequence[str], width: int) -> Row:
    """One mail that was found: who wrote to whom, and whether it is open."""
    message = found.message
    who = f"{names.safe_sender(message.sender, WHO)} → {line(found.owner)}"
    standing = standing_cell("open" if found.open else "closed")
    return (
        number_cell(message), (since(message.at, time.time()), "faint"), (who, ""), standing,
        *subject_cells(message, width, phrases),
    )  # fmt: skip


def found_listing(found: Sequence[tuple[Row, Sequence[Cell]]], more: str, width: int) -> Listing:
    """Each mail that was found, below it the passage in which it was; `more` says what is left out."""
    rows: list[Row] = []
    for head, (_, passage) in zip(aligned((head for head, _ in found), 4), found, strict=True):
        rows.append(head)
        rows += [(("    ", ""), *passage)] if any(text for text, _ in passage) else []
    return _listing([*rows, *([((more, "faint"),)] if more else [])], width)


def thread_listing(thread: Thread, width: int) -> Listing:
    """Every mail of a thread with its text, oldest first. No line of a body begins at the margin, as heads do."""
    now, messages = time.time(), thread.messages
    count = (f"  {counted(len(messages), 'mail')}", "faint")
    rows = [fitted(((line(thread.subject) or "(no subject)", "strong"), count), width)]
    for message in messages:
        age = f"{date_and_time(message.at, seconds=False, never='-')}, {since(message.at, now) or '?'} ago"
        to = f" → {names.safe_sender(message.recipient, WHO)}" if message.recipient else ""
        asks = f"  [{message_text.request_text(message)}]" if message.undecided else ""
        head = (
            number_cell(message), (f"  {message_text.foreign_sender(message)}{to}", "accent"), ("  ", ""),
            standing_cell(ladder(message).rung), (f"  {age}", "faint"), (asks, "warn"),
        )  # fmt: skip
        proof = fitted(((f"  {message_text.PROOFS[message_text.proof_of(message)]}", "faint"),), width)
        rows += [(), fitted(head, width), proof, ((indented(message.body.rstrip("\n"), width), ""),)]
        if (ack := recipient_answer(message)) is not None and ack.result:
            rows.append(fitted((standing_cell(ack.state), (f": {line(ack.result)}", "")), width))
    return Listing(tuple(rows))


def message_listing(messages: Sequence[Message], width: int) -> Listing:
    """Messages as they are read: the head at the margin, the body indented, so that no body can hold a head."""
    rows: list[Row] = []
    for one in messages:
        unseen = hidden_characters(one.body)
        head = (line(one.id), "faint"), (f"  #{one.seq}", "strong"), (f"  {date_and_time(one.at, never='-')}", "faint")
        rows += [
            *([(), ()] if rows else []),
            fitted(head, width),
            *_sender_rows(one, width),
            *_field("To:", names.safe_sender(one.recipient, 80), width),
            *(_field("Subject:", line(one.subject), width, "strong") or [(("Subject:", "faint"),)]),
            *_field("Asks:", f"for {message_text.request_text(one)}" if one.undecided else "", width, "warn"),
            *_field("Lapsed:", line(one.lapsed), width, "warn"),
            *_field("Issue:", message_text.issue_url(one), width),
            *_field("Note:", f"{counted(unseen, 'unseen character')} taken out of the body" if unseen else "", width),
            (),
            ((indented(message_text.whole_text(one).rstrip("\n"), width), ""),),
        ]
    return Listing(tuple(rows))


def _sender_rows(message: Message, width: int) -> list[Row]:
    """Who wrote and what that rests on, on one line where they fit."""
    who, proof = message_text.sender_and_proof(message)
    role, proof = "warn" if names.imitated(message.sender) else "accent", f"({proof})"
    if cell_count(who) + cell_count(proof) + 11 <= width:
        return [(("From:    ", "faint"), (who, role), (f" {proof}", "faint"))]
    return [*_field("From:", who, width, role), *_field("", proof, width, "faint")]


def _field(name: str, text: str, width: int, role: str = "") -> list[Row]:
    """A line of a head; where it is folded, what follows stands below its text, as no line of a head begins."""
    if not text:
        return []
    head = f"{name:<9}"
    first, *more = indented(text, width - len(head) + 2).split("\n")
    return [((head, "faint"), (first[2:], role)), *((((" " * (len(head) - 2)) + row, role),) for row in more)]


def _listing(rows: Sequence[Row], width: int) -> Listing:
    return Listing(tuple(fitted(row, width) for row in rows))
