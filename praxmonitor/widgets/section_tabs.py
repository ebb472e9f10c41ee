"""The line that names the sections of the view of one agent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from textual.geometry import Offset
from textual.message import Message

from praxmonitor.state.agent_details import Section
from praxmonitor.text.lines import Line, Span, fit, width_of
from praxmonitor.widgets.line_list import Lines

TITLES = {
    Section.STORY: ("Story", "Story"),
    Section.PROCESSES: ("Processes", "Procs"),
    Section.TIMELINE: ("Timeline", "Time"),
    Section.MAILBOX: ("Mailbox", "Mail"),
    Section.QUEUE: ("Queue", "Queue"),
    Section.LOG: ("Log", "Log"),
    Section.MEMORIES: ("Memories", "Mem"),
    Section.CHANGES: ("Changes", "Diff"),
}
"""Name, and name where there is little room."""


def tabs_line(
    current: Section, shown: Collection[Section], counts: Mapping[Section, int], width: int
) -> tuple[Line, list[tuple[int, int, Section]]]:
    """The line in `width` cells, and where each section stands: (first cell, cell after the last, section). The current
    one is in brackets; `counts`: how much is in some, 0 is not drawn. The gaps between them narrow first, then the
    names."""
    for short, gap in ((0, 2), (0, 0), (1, 1), (1, 0)):
        spans: list[Span] = []
        places: list[tuple[int, int, Section]] = []
        for section, titles in TITLES.items():
            count = f" {counts[section]}" if counts.get(section) else ""
            opening, closing = "[]" if section is current else "  "
            role = "strong" if section is current else "" if section in shown else "muted"
            start = width_of(spans)
            spans += [(opening, "accent strong"), (f"{titles[short]}{count}", role), (closing, "accent strong")]
            places.append((start, width_of(spans), section))
            spans.append((" " * gap, ""))
        if width_of(spans) <= width:
            break
    return fit(spans, width), places


class SectionTabs:
    """The line. A click asks for a section."""

    @dataclass
    class Picked(Message):
        """A section was clicked."""

        section: Section

    def __init__(self) -> None:
        self.lines = Lines(id="tabs", classes="bar", resized=self._lay_out, clicked=self._click)
        self.lines.can_focus = False
        self._shown: tuple[Section, Collection[Section], Mapping[Section, int]] = (Section.STORY, (), {})
        self._places: list[tuple[int, int, Section]] = []

    def show(self, current: Section, shown: Collection[Section], counts: Mapping[Section, int]) -> None:
        """Name them; `shown` are in view."""
        self._shown = (current, shown, counts)
        self._lay_out()

    def _lay_out(self) -> None:
        line, self._places = tabs_line(*self._shown, self.lines.line_width)
        self.lines.set_lines([line])

    def _click(self, cell: Offset, _: int) -> None:
        for start, end, section in self._places:
            if start <= cell.x < end:
                self.lines.post_message(self.Picked(section))
