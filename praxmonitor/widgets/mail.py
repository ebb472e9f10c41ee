"""The mail of one agent: a list with a cursor, and the text of one message, or of a whole conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.geometry import Offset
from textual.message import Message as Event

from mailcore.model.agent import OPERATOR
from mailcore.model.message import Mailbox, MailboxStatus, Message
from praxmonitor.state.mail import MailEntry
from praxmonitor.text.lines import Line, fit, on_ground, plain
from praxmonitor.widgets.line_list import Lines
from praxmonitor.widgets.mail_lines import Limit, brief_head_lines, head_lines, mail_rows, row_height, text_lines

FRESH = 10.0
"""Seconds that what a head says of the time may be old: a long conversation has many heads."""
LOW = 16
"""Lines below which a panel has a mail's head in short."""
END = 5
"""Rows before the last at which more of a list is asked for."""


def no_limit(_: str) -> float:
    """A mail may stand on each rung for ever."""
    return 0.0


class MailRows:
    """The lines of each mail, made when it comes in view."""

    def __init__(self, entries: Sequence[MailEntry], selected: int, now: float, width: int, limit: Limit) -> None:
        self._entries, self._selected = entries, selected
        self._now, self._width, self._limit = now, width, limit
        self._found = any(entry.passage for entry in entries[:1])
        self.height = row_height(width - 2, found=self._found)
        """Lines of each."""

    def __len__(self) -> int:
        return len(self._entries) * self.height

    def __getitem__(self, y: int) -> Line:
        place, below = divmod(y, self.height)
        width = max(0, self._width - 2)
        line = mail_rows(self._entries[place], self._now, width, self._limit, found=self._found)[below]
        if place != self._selected:
            return (("  ", ""), *line)
        return on_ground(fit((("  " if below else "▸ ", "accent strong"), *line), self._width), "selected")


class MailList:
    """Mails in a list, one of them selected."""

    @dataclass
    class Picked(Event):
        """Another message is selected; None for none."""

        message: Message | None

    @dataclass
    class Opened(Event):
        """The operator wants to read this message."""

        message: Message

    class AtEnd(Event):
        """The cursor came near the end: more can be listed, if there is more."""

    def __init__(self) -> None:
        self.lines = Lines(id="mail", resized=self._resize, clicked=self._click)
        self.limit: Limit = no_limit
        self._entries: Sequence[MailEntry] = ()
        self._mailbox: Mailbox | None = None
        self._known = False
        self._nothing: Line = ()
        self._now = 0.0
        self._index = 0
        self._height = 1

    @property
    def entry(self) -> MailEntry | None:
        """The mail under the cursor, and what is known of it."""
        return self._entries[self._index] if self._entries else None

    @property
    def selected(self) -> Message | None:
        """The message under the cursor."""
        return self.entry.message if self.entry is not None else None

    @property
    def entries(self) -> Sequence[MailEntry]:
        """What is listed."""
        return self._entries

    def show(self, mailbox: Mailbox, now: float) -> None:
        """Show this mailbox's open mail; the cursor stays on its message."""
        entries = self._entries
        if mailbox is not self._mailbox:
            entries = [MailEntry(message, "", message) for message in mailbox.messages]
        self.show_entries(entries, now, nothing_in(mailbox))
        self._mailbox = mailbox

    def show_entries(self, entries: Sequence[MailEntry], now: float, nothing: Line = ()) -> None:
        """Show these mails; the cursor stays on its own, else at its place. `nothing`: what is said where there is
        none."""
        before, place = self.entry, self._index
        same = entries is self._entries
        self._entries, self._now, self._nothing, self._known = entries, now, nothing, True
        self._mailbox = None
        if before is not None and not same:
            keys = [entry.key for entry in entries]
            self._index = keys.index(before.key) if before.key in keys else self._index
        self._index = max(0, min(self._index, len(entries) - 1))
        self._lay_out()
        if self._index != place:
            self._reveal()
        if self.selected != (before.message if before is not None else None):
            self.lines.post_message(self.Picked(self.selected))

    def select_message(self, message_id: str) -> bool:
        """Put the cursor on the message of this id; one that is not here changes nothing. Whether it is."""
        for place, entry in enumerate(self._entries):
            if message_id in (entry.message.id, entry.message.sent_id):
                self._select(place)
                return True
        return False

    def put_cursor(self, key: tuple[str, str, str] | None) -> None:
        """Select the mail that has this key; the first where none has."""
        place = next((place for place, entry in enumerate(self._entries) if entry.key == key), 0)
        self._index = place
        self._lay_out()
        self.lines.call_after_refresh(self._reveal)
        self.lines.post_message(self.Picked(self.selected))

    def step(self, way: str) -> None:
        """Move the cursor by a key."""
        count = len(self._entries)
        page = max(1, self.lines.line_count // self._height)
        moves = {"up": -1, "down": 1, "page_up": -page, "page_down": page, "first": -count, "last": count}
        self._select(self._index + moves.get(way, 0))

    def _resize(self) -> None:
        """Lay the lines out for the new width; what is selected stays in sight."""
        self._lay_out()
        self.lines.call_after_refresh(self._reveal)

    def _click(self, place: Offset, times: int) -> None:
        """A click selects, a second one opens."""
        index = (place.y + self.lines.scroll_offset.y) // self._height
        if index < len(self._entries):
            self._select(index)
            if times == 2 and self.selected is not None:
                self.lines.post_message(self.Opened(self.selected))

    def _select(self, index: int) -> None:
        index = max(0, min(index, len(self._entries) - 1))
        if index == self._index:
            return
        self._index = index
        self._lay_out()
        self._reveal()
        self.lines.post_message(self.Picked(self.selected))
        if index >= len(self._entries) - END:
            self.lines.post_message(self.AtEnd())

    def _reveal(self) -> None:
        first, top, count = self._index * self._height, self.lines.scroll_offset.y, self.lines.line_count
        if first < top:
            self.lines.jump(first)
        elif first + self._height > top + count:
            self.lines.jump(first + self._height - count)

    def _lay_out(self) -> None:
        if not self._known:
            return
        if not self._entries:
            self.lines.set_lines([self._nothing])
            return
        rows = MailRows(self._entries, self._index, self._now, self.lines.line_width, self.limit)
        self._height = rows.height
        self.lines.set_lines(rows)


def nothing_in(mailbox: Mailbox) -> Line:
    """What stands where a mailbox has no open mail: one that cannot be read says so, never "no mail"."""
    if mailbox.status is MailboxStatus.UNREADABLE:
        return ((" UNREADABLE ", "error strong"), (plain(mailbox.reason), "error"))
    return ((" no mailbox yet" if mailbox.status is MailboxStatus.MISSING else " no open mail", "faint"),)


class Body:
    """The text of one mail, or of the mails of a conversation, one below the other; `own` for the operator's."""

    def __init__(self, *, own: bool = False) -> None:
        self.lines = Lines(id="body", resized=self._lay_out)
        self.limit: Limit = no_limit
        self.raw = False
        """As it was written, instead of as Markdown."""
        self._own = own
        self._entries: tuple[MailEntry, ...] = ()
        self._now = 0.0
        self._places: list[int] = []
        """The line at which each of them begins."""
        self._texts: dict[tuple[str, int, bool], list[Line]] = {}

    def show(self, message: Message | None, now: float = 0.0) -> None:
        """Show this message from its top; None for none."""
        self.show_entries(() if message is None else (MailEntry(message, "", message),), now)

    def show_entries(self, entries: tuple[MailEntry, ...], now: float) -> None:
        """Show these mails, one below the other; others than before from their top."""
        if entries == self._entries and now // FRESH == self._now // FRESH:
            return
        other = [entry.key for entry in entries] != [entry.key for entry in self._entries]
        if other:
            self.lines.jump(0)
            self._texts.clear()
        self._entries, self._now = entries, now
        self._lay_out()

    def go_to(self, entry: MailEntry) -> None:
        """Scroll to where one of them begins."""
        keys = [each.key for each in self._entries]
        if entry.key in keys and len(keys) == len(self._places):
            self.lines.jump(self._places[keys.index(entry.key)])

    def toggle_raw(self) -> None:
        """As it was written; again: as Markdown."""
        self.raw = not self.raw
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.lines.line_width
        lines: list[Line] = []
        self._places = []
        for entry in self._entries:
            if lines:
                lines += [(), (("─" * width, "faint"),)]
            self._places.append(len(lines))
            own = self._own and entry.owner == OPERATOR and not (entry.archived or entry.sent)
            mails = len(self._entries) if len(self._entries) > 1 else 0
            if self.lines.line_count < LOW:
                head = brief_head_lines(entry, self._now, width, self.limit, own=own)
            else:
                head = head_lines(entry, self._now, width, self.limit, own=own, mails=mails)
            lines += [*head, ()]
            lines += self._text(entry, width)
        self.lines.set_lines(lines)

    def _text(self, entry: MailEntry, width: int) -> list[Line]:
        """Drawn once for a width: a snapshot comes each second, a body does not change."""
        key = (f"{entry.key} {hash(entry.message.body)}", width, self.raw)
        if key not in self._texts:
            self._texts[key] = text_lines(entry.message, width, raw=self.raw)
        return self._texts[key]
