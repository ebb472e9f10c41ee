"""What happens everywhere, as it happens."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mailcore.model.activity import Activity
from praxmonitor.text.activity_rows import ActivityRow, activity_rows
from praxmonitor.text.hosts import name_column
from praxmonitor.text.lines import Line, Span, fit, on_ground
from praxmonitor.widgets.card import activity_spans, timed
from praxmonitor.widgets.line_list import Lines

LINKED = 4
"""Cells that a name has more where there are other hosts."""
CURSOR_MARK: Span = ("▸", "accent strong")


def stream_line(row: ActivityRow, width: int, hosts: Collection[str] = ()) -> Line:
    """Time, agent, glyph and text of one row in `width` cells, and what is folded into it. `hosts`: the names of the
    others of the link."""
    activity = row.activity
    name = (12 if width < 100 else 14) + LINKED * bool(hosts)
    gap: Line = ((" ", ""),) if hosts else ()
    (who, role), *host = name_column(activity.agent, hosts, name + (not hosts), "muted", "faint")
    return fit(
        (
            (f"{'' if activity.before else ' '}{timed(activity)}"[:10], "faint"),
            (f" {who}", role),
            *host,
            *gap,
            *activity_spans(activity, ""),
            (f"  {row.folded}" if row.folded else "", "faint"),
        ),
        width,
    )


class StreamLines:
    """A line of each row, made when it comes in view: most never do."""

    def __init__(
        self, rows: Sequence[ActivityRow], width: int, chosen: int | None = None, hosts: Collection[str] = ()
    ) -> None:
        """`chosen`: the place of the row under the cursor, which has a cell of its own; None: there is none."""
        self._rows, self._width, self._chosen, self._hosts = rows, width, chosen, hosts

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> Line:
        if self._chosen is None:
            return stream_line(self._rows[place], self._width, self._hosts)
        line = stream_line(self._rows[place], self._width - 1, self._hosts)
        return on_ground((CURSOR_MARK, *line), "selected") if place == self._chosen else ((" ", ""), *line)


class Stream:
    """The tail of the fleet's stream. It follows, unless the operator has scrolled up."""

    def __init__(self) -> None:
        self.lines = Lines(id="stream", resized=self._lay_out)
        self._activities: tuple[Activity, ...] = ()
        self._rows: tuple[ActivityRow, ...] = ()
        self._hosts: Collection[str] = ()

    def show(self, activities: tuple[Activity, ...], hosts: Collection[str] = ()) -> None:
        """Show these activities, oldest first. `hosts`: the names of the others of the link."""
        if activities is self._activities:
            return
        self._hosts = hosts
        old = self._rows
        top, follows = self.lines.scroll_offset.y, self.lines.at_end
        self._activities, self._rows = activities, activity_rows(activities)
        self._lay_out()
        if not follows and top < len(old):
            # The stream is bounded: what the operator reads moves up as old lines fall off.
            kept = old[top].activity
            self.lines.jump(next((place for place, row in enumerate(self._rows) if row.activity is kept), 0))

    def _lay_out(self) -> None:
        """Stay at the end, if the reader was there."""
        follows = self.lines.at_end
        self.lines.set_lines(StreamLines(self._rows, self.lines.line_width, hosts=self._hosts))
        if follows:
            self.lines.jump(self.lines.max_scroll_y)
