"""The mail of one agent: a list with a cursor, and the body of one message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from rich.cells import cell_len, chop_cells
from textual.geometry import Offset
from textual.message import Message as Event

from mailcore.model.message import Mailbox, MailboxStatus, Message
from mailcore.text.units import UNKNOWN_TIME, clock_time
from praxmonitor.text.lines import Line, fit, on_ground, plain, sender
from praxmonitor.widgets.detail import mail_line
from praxmonitor.widgets.line_list import Lines

MOST_LINES = 2000
"""Of a body; a longer one says that it goes on."""
TAB = 4
_MARK = re.compile(r" *(?:(?:[-*+•>|]|\d{1,3}[.)]) +)?")
"""The indent of a line with the sign of a list, a quotation or a table: what is wrapped stands behind it."""


class MailList:
    """The open mail, newest first, one message selected."""

    @dataclass
    class Picked(Event):
        """Another message is selected; None for none."""

        message: Message | None

    @dataclass
    class Opened(Event):
        """The operator wants to read this message."""

        message: Message

    def __init__(self) -> None:
        self.lines = Lines(id="mail", resized=self._resize, clicked=self._click)
        self._mailbox: Mailbox | None = None
        self._now = 0.0
        self._index = 0

    @property
    def selected(self) -> Message | None:
        """The message under the cursor."""
        return self._messages[self._index] if self._messages else None

    @property
    def _messages(self) -> tuple[Message, ...]:
        return self._mailbox.messages if self._mailbox is not None else ()

    def show(self, mailbox: Mailbox, now: float) -> None:
        """Show this mailbox; the cursor stays on its message."""
        before = self.selected
        self._mailbox, self._now = mailbox, now
        ids, place = [message.id for message in mailbox.messages], self._index
        if before is not None and before.id in ids:
            self._index = ids.index(before.id)
        self._index = max(0, min(self._index, len(ids) - 1))
        self._lay_out()
        if self._index != place:
            self._reveal()
        if self.selected != before:
            self.lines.post_message(self.Picked(self.selected))

    def select_message(self, message_id: str) -> None:
        """Put the cursor on this message; one that is not here changes nothing."""
        for index, message in enumerate(self._messages):
            if message_id in (message.id, message.sent_id):
                self._select(index)
                return

    def step(self, way: str) -> None:
        """Move the cursor by a key."""
        count = len(self._messages)
        page = max(1, self.lines.line_count)
        moves = {"up": -1, "down": 1, "page_up": -page, "page_down": page, "first": -count, "last": count}
        self._select(self._index + moves.get(way, 0))

    def _resize(self) -> None:
        """Lay the lines out for the new width; what is selected stays in sight."""
        self._lay_out()
        self.lines.call_after_refresh(self._reveal)

    def _click(self, place: Offset, times: int) -> None:
        """A click selects, a second one opens."""
        index = place.y + self.lines.scroll_offset.y
        if index < len(self._messages):
            self._select(index)
            if times == 2 and self.selected is not None:
                self.lines.post_message(self.Opened(self.selected))

    def _select(self, index: int) -> None:
        index = max(0, min(index, len(self._messages) - 1))
        if index == self._index:
            return
        self._index = index
        self._lay_out()
        self._reveal()
        self.lines.post_message(self.Picked(self.selected))

    def _reveal(self) -> None:
        index, top, count = self._index, self.lines.scroll_offset.y, self.lines.line_count
        if index < top:
            self.lines.jump(index)
        elif index >= top + count:
            self.lines.jump(index - count + 1)

    def _lay_out(self) -> None:
        if self._mailbox is not None:
            self.lines.set_lines([*_list_lines(self._mailbox, self._now, self.lines.line_width, self._index)])


def _list_lines(mailbox: Mailbox, now: float, width: int, selected: int) -> Iterator[Line]:
    if mailbox.status is MailboxStatus.UNREADABLE:
        yield ((" UNREADABLE", "error strong"),)
        yield ((f" {plain(mailbox.reason)}", "error"),)
    elif not mailbox.messages:
        yield ((" no mailbox yet" if mailbox.status is MailboxStatus.MISSING else " no open mail", "faint"),)
    for index, message in enumerate(mailbox.messages):
        line = mail_line(message, now, width - 2)
        if index == selected:
            yield on_ground(fit((("▸ ", "accent strong"), *line), width), "selected")
        else:
            yield (("  ", ""), *line)


def body_lines(message: Message, width: int, own: bool = False) -> list[Line]:
    """Head and body of one mail, wrapped to `width`; what it says is drawn as it stands, never interpreted. `own`: the
    operator's."""
    head: list[Line] = [
        ((plain(message.subject) or "(no subject)", "strong"),),
        (
            (f"{sender(message.sender)}   {clock_time(message.at, never=UNKNOWN_TIME)}", "muted"),
            (f"   {plain(message.id)}", "faint"),
        ),
    ]
    if message.is_task:
        head.append((("a task: the agent is woken for it", "muted"),))
    if message.undecided:
        until = f", until {clock_time(message.expires_at, never=UNKNOWN_TIME)}" if message.expires_at else ""
        tier = f"tier {message.tier}{until}"
        said = f"asks for your approval ({tier}): Y approves, N denies" if own else f"asks for approval ({tier})"
        head.append(((said, "warn"),))
    if message.lapsed:
        head.append(((f"asked for approval; {plain(message.lapsed)}", "muted"),))
    written = (part for text in message.body.splitlines() for part in as_written(text, width))
    body: list[Line] = [((part, ""),) for part in islice(written, MOST_LINES + 1)]
    if len(body) > MOST_LINES:
        body[MOST_LINES] = (("… and more", "faint"),)
    return [*head, (), *body]


def as_written(text: str, width: int) -> Iterator[str]:
    """One line of a mail in lines of at most `width` cells. White space within it stands as it was written: it draws
    tables and code. Tabs go to the next multiple of `TAB`; what is wrapped hangs below the line's own text.
    """
    line = _untabbed(text).rstrip()
    most = max(0, width // 2)
    if cell_len(line) > width and len(line) - len(line.lstrip(" ")) > most:
        line = " " * most + line.lstrip(" ")
    found = _MARK.match(line)
    mark = found.end() if found is not None else 0
    at, indent = 0, ""
    while True:
        room = max(2, width - len(indent))
        part = next(iter(chop_cells(line[at : at + room + 1], room)), "")
        end = at + len(part)
        if end < len(line) and line[end] != " ":
            blank = part.rfind(" ") + 1
            end = at + blank if blank and at + blank > mark else end
        yield indent + line[at:end].rstrip()
        at = len(line) - len(line[end:].lstrip(" ")) if line[end : end + 1] == " " else end
        if at >= len(line):
            return
        indent = " " * min(mark, most)


def _untabbed(text: str) -> str:
    first, *rest = (plain(part) for part in text.split("\t"))
    for part in rest:
        first += " " * (TAB - cell_len(first) % TAB) + part
    return first


class Body:
    """The text of one mail; `own` for the operator's."""

    def __init__(self, *, own: bool = False) -> None:
        self.lines = Lines(id="body", resized=self._lay_out)
        self._own = own
        self._message: Message | None = None

    def show(self, message: Message | None) -> None:
        """Show this message from its top; None for none."""
        if self._message is None or message is None or self._message.id != message.id:
            self.lines.jump(0)
        self._message = message
        self._lay_out()

    def _lay_out(self) -> None:
        message = self._message
        self.lines.set_lines([] if message is None else body_lines(message, self.lines.line_width, self._own))
