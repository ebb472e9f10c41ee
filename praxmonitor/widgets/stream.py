"""What happens everywhere, as it happens."""

from __future__ import annotations

from textual.strip import Strip

from mailcore.model.activity import Activity
from praxmonitor.text.lines import Line, fit, pad, plain
from praxmonitor.widgets.card import activity_spans, timed
from praxmonitor.widgets.line_list import Lines


def stream_line(activity: Activity, width: int) -> Line:
    """Time, agent, glyph and text of one activity in `width` cells."""
    name = 12 if width < 100 else 14
    return fit(
        (
            (f"{'' if activity.before else ' '}{timed(activity)}"[:10], "faint"),
            (pad(f" {plain(activity.agent.removeprefix('@'))}", name + 2), "muted"),
            *activity_spans(activity, ""),
        ),
        width,
    )


class Stream(Lines):
    """The tail of the fleet's stream. It follows, unless the operator has scrolled up."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._activities: tuple[Activity, ...] = ()
        self._follows = True

    @property
    def text(self) -> str:
        """All lines as text."""
        return "\n".join("".join(text for text, _ in stream_line(item, 200)) for item in self._activities)

    def show(self, activities: tuple[Activity, ...]) -> None:
        """Show these activities, oldest first."""
        old = self._activities
        if activities is old:
            return
        top = self.scroll_offset.y
        self._activities = activities
        self.set_length(len(activities))
        if self._follows:
            self.jump(self.max_scroll_y)
        elif top < len(old):
            # The stream is bounded: what the operator reads moves up as old lines fall off.
            kept = next((place for place, item in enumerate(activities) if item is old[top]), 0)
            self.jump(kept)
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The reader scrolled up, or back to the end."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = new_value >= self.max_scroll_y

    def on_resize(self) -> None:
        """Stay at the end, if the reader was there."""
        if self._follows:
            self.jump(self.max_scroll_y)

    def render_line(self, y: int) -> Strip:
        """One activity of those in view."""
        index = y + self.scroll_offset.y
        if index < len(self._activities):
            return self.strip(stream_line(self._activities[index], self.line_width), self.line_width)
        return Strip.blank(self.line_width, self.rich_style)
