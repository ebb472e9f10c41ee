"""Activities with a cursor on one of them. It follows what happens while the cursor is on the newest."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence

from textual.geometry import Offset
from textual.message import Message

from mailcore.model.activity import Activity
from praxmonitor.text.activity_rows import ActivityRow
from praxmonitor.text.lines import Line
from praxmonitor.widgets.line_list import READING, Lines
from praxmonitor.widgets.stream import StreamLines


class ActivityList:
    """The rows, oldest first. What is under the cursor stays there, in its line of the screen, while others come before
    and behind it."""

    class OlderWanted(Message):
        """The operator wants to go on before the oldest row."""

    class Followed(Message):
        """The cursor came back to the newest."""

    class Chosen(Message):
        """A double click on the row under the cursor."""

    def __init__(self, moved: Callable[[], None] = lambda: None) -> None:
        """`moved` is called when the cursor was."""
        self._moved = moved
        self.lines = Lines(id="stream", resized=self._resize, clicked=self._click, wheeled=self._wheel)
        self._rows: Sequence[ActivityRow] = ()
        self._place = 0
        self._hosts: Collection[str] = ()
        self.follows = True
        """The cursor is on the newest, and goes on with it."""

    @property
    def selected(self) -> Activity | None:
        """What is under the cursor."""
        return self._rows[self._place].activity if self._rows else None

    def show(self, rows: Sequence[ActivityRow], nothing: Line = READING, hosts: Collection[str] = ()) -> None:
        """Show these, oldest first; `nothing` stands where there are none. `hosts`: the others of the link."""
        self._hosts = hosts
        before, place = self.selected, self._place
        height = place - self.lines.scroll_offset.y
        self._rows = rows
        if self.follows or before is None:
            self._place = max(0, len(rows) - 1)
        else:
            self._place = self._find(before)
        if rows:
            self._lay_out()
            self._scroll(self._place - height if not self.follows else len(rows))
        else:
            self.lines.set_lines([nothing])

    def _find(self, wanted: Activity) -> int:
        """Where it stands now; where it is gone, what happened at its time."""
        place = bisect_left(self._rows, wanted.at, key=lambda row: row.activity.at)
        for number in range(place, len(self._rows)):
            if self._rows[number].activity is wanted:
                return number
            if self._rows[number].activity.at > wanted.at:
                break
        return max(0, min(place, len(self._rows) - 1))

    def go_to(self, at: float) -> None:
        """Put the cursor on the first that happened at `at` (seconds since the epoch) or later, at the top."""
        place = bisect_left(self._rows, at, key=lambda row: row.activity.at)
        self._select(place)
        self._scroll(self._place)

    def step(self, way: str) -> None:
        """Move the cursor by a key. Up from the oldest asks for what is older."""
        page = max(1, self.lines.line_count - 1)
        count = len(self._rows)
        moves = {"up": -1, "down": 1, "page_up": -page, "page_down": page, "first": -count, "last": count}
        if way in ("up", "page_up", "first") and self._place + moves[way] < page:
            self.lines.post_message(self.OlderWanted())
        self._select(self._place + moves.get(way, 0))

    def _wheel(self, way: int) -> None:
        if way < 0 and self._place < self.lines.line_count:
            self.lines.post_message(self.OlderWanted())
        self._select(self._place + 3 * way)

    def _select(self, place: int) -> None:
        self._place = max(0, min(place, len(self._rows) - 1))
        before, self.follows = self.follows, self._place >= len(self._rows) - 1
        if self.follows and not before:
            self.lines.post_message(self.Followed())
        if self._rows:
            self._lay_out()
            self._reveal()
        self._moved()

    def _click(self, cell: Offset, times: int) -> None:
        place = cell.y + self.lines.scroll_offset.y
        if place < len(self._rows):
            self._select(place)
            if times == 2:
                self.lines.post_message(self.Chosen())

    def _resize(self) -> None:
        if self._rows:
            self._lay_out()
            self._scroll(len(self._rows) if self.follows else self.lines.scroll_offset.y)
            self._reveal()

    def _reveal(self) -> None:
        top, height = self.lines.scroll_offset.y, self.lines.line_count
        if self._place < top:
            self._scroll(self._place)
        elif self._place >= top + height:
            self._scroll(self._place - height + 1)

    def _scroll(self, top: int) -> None:
        self.lines.jump(max(0, min(top, len(self._rows) - self.lines.line_count)))

    def _lay_out(self) -> None:
        self.lines.set_lines(StreamLines(self._rows, self.lines.line_width, self._place, self._hosts))
