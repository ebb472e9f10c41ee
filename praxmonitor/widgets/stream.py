"""What happens everywhere, as it happens."""

from __future__ import annotations

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


class StreamLines:
    """A line of each activity, made when it comes in view: most never do."""

    def __init__(self, activities: tuple[Activity, ...], width: int) -> None:
        self._activities, self._width = activities, width

    def __len__(self) -> int:
        return len(self._activities)

    def __getitem__(self, place: int) -> Line:
        return stream_line(self._activities[place], self._width)


class Stream:
    """The tail of the fleet's stream. It follows, unless the operator has scrolled up."""

    def __init__(self) -> None:
        self.lines = Lines(id="stream", resized=self._lay_out)
        self._activities: tuple[Activity, ...] = ()

    def show(self, activities: tuple[Activity, ...]) -> None:
        """Show these activities, oldest first."""
        old = self._activities
        if activities is old:
            return
        top, follows = self.lines.scroll_offset.y, self.lines.at_end
        self._activities = activities
        self._lay_out()
        if not follows and top < len(old):
            # The stream is bounded: what the operator reads moves up as old lines fall off.
            self.lines.jump(next((place for place, item in enumerate(activities) if item is old[top]), 0))

    def _lay_out(self) -> None:
        """Stay at the end, if the reader was there."""
        follows = self.lines.at_end
        self.lines.set_lines(StreamLines(self._activities, self.lines.line_width))
        if follows:
            self.lines.jump(self.lines.max_scroll_y)
