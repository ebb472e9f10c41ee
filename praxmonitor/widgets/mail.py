"""The mail of one agent: a list with a cursor, and the body of one message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from textual import events
from textual.message import Message as Event
from textual.strip import Strip

from mailcore.model.message import Mailbox, MailboxStatus, Message
from praxmonitor.present import Line, clock, plain, wrap
from praxmonitor.widgets.detail import mail_line
from praxmonitor.widgets.lines import Lines

MOST_LINES = 2000
"""Of a body; a longer one says that it goes on."""


class MailList(Lines):
    """The open mail, newest first, one message selected."""

    COMPONENT_CLASSES = {"selected"}  # noqa: RUF012
    DEFAULT_CSS = """
    MailList { & > .selected { background: $panel; } }
    """

    @dataclass
    class Picked(Event):
        """Another message is selected; None for none."""

        message: Message | None

    @dataclass
    class Opened(Event):
        """The operator wants to read this message."""

        message: Message

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._mailbox = Mailbox()
        self._now = 0.0
        self._index = 0

    @property
    def selected(self) -> Message | None:
        """The message under the cursor."""
        messages = self._mailbox.messages
        return messages[self._index] if messages else None

    def show(self, mailbox: Mailbox, now: float) -> None:
        """Show this mailbox; the cursor stays on its message."""
        before = self.selected
        self._mailbox, self._now = mailbox, now
        ids = [message.id for message in mailbox.messages]
        if before is not None and before.id in ids:
            self._index = ids.index(before.id)
        self._index = max(0, min(self._index, len(ids) - 1))
        self._lay_out()
        if self.selected != before:
            self.post_message(self.Picked(self.selected))

    def on_resize(self) -> None:
        """Lay the lines out for the new width."""
        self._lay_out()

    def render_line(self, y: int) -> Strip:
        """One mail; the selected one on its own ground."""
        index = y + self.scroll_offset.y
        under = "selected" if self._mailbox.messages and index == self._index else ""
        line = self._lines[index] if index < len(self._lines) else ()
        return self.strip(line, self.line_width, under)

    def step(self, way: str) -> None:
        """Move the cursor by a key."""
        count = len(self._mailbox.messages)
        page = max(1, self.line_count)
        moves = {"up": -1, "down": 1, "page_up": -page, "page_down": page, "first": -count, "last": count}
        self._select(self._index + moves.get(way, 0))

    def on_click(self, event: events.Click) -> None:
        """A click selects, a second one opens."""
        index = event.y + self.scroll_offset.y
        if index < len(self._mailbox.messages):
            self._select(index)
            if event.chain == 2 and self.selected is not None:
                self.post_message(self.Opened(self.selected))

    def _select(self, index: int) -> None:
        index = max(0, min(index, len(self._mailbox.messages) - 1))
        if index == self._index:
            return
        self._index = index
        self._lay_out()
        self.refresh()
        if index < self.scroll_offset.y:
            self.jump(index)
        elif index >= self.scroll_offset.y + self.line_count:
            self.jump(index - self.line_count + 1)
        self.post_message(self.Picked(self.selected))

    def _lay_out(self) -> None:
        self.set_lines(list(_list_lines(self._mailbox, self._now, self.line_width, self._index)))


def _list_lines(mailbox: Mailbox, now: float, width: int, selected: int) -> Iterator[Line]:
    if mailbox.status is MailboxStatus.UNREADABLE:
        yield ((" UNREADABLE", "error strong"),)
        yield ((f" {plain(mailbox.reason)}", "error"),)
    elif not mailbox.messages:
        yield ((" no mailbox yet" if mailbox.status is MailboxStatus.MISSING else " no open mail", "faint"),)
    for index, message in enumerate(mailbox.messages):
        mark = ("▸ ", "accent strong") if index == selected else ("  ", "")
        yield (mark, *mail_line(message, now, width - 2))


def body_lines(message: Message, width: int, own: bool = False) -> list[Line]:
    """Head and body of one mail, wrapped to `width`; what it says is drawn as it stands, never interpreted. `own`: the
    operator's."""
    head: list[Line] = [
        ((plain(message.subject) or "(no subject)", "strong"),),
        ((f"{plain(message.sender)}   {clock(message.at)}", "muted"), (f"   {plain(message.id)}", "faint")),
    ]
    if message.is_task:
        head.append((("a task: the agent is woken for it", "muted"),))
    if message.undecided:
        head.append((("asks for your approval: Y approves, N denies" if own else "asks for approval", "warn"),))
    body: list[Line] = []
    for text in message.body.splitlines():
        body += [((part, ""),) for part in wrap(plain(text), width)]
        if len(body) > MOST_LINES:
            return [*head, (), *body[:MOST_LINES], (("… and more", "faint"),)]
    return [*head, (), *body]


class Body(Lines):
    """The text of one mail; `own` for the operator's."""

    def __init__(self, *, own: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._own = own
        self._message: Message | None = None

    def show(self, message: Message | None) -> None:
        """Show this message from its top; None for none."""
        if self._message is None or message is None or self._message.id != message.id:
            self.jump(0)
        self._message = message
        self._lay_out()

    def on_resize(self) -> None:
        """Wrap to the new width."""
        self._lay_out()

    def _lay_out(self) -> None:
        self.set_lines([] if self._message is None else body_lines(self._message, self.line_width, self._own))
