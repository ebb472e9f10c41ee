"""One line under the header while several projects are open: each with what it wants of the operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.geometry import Offset
from textual.message import Message

from praxmonitor.state.project_summary import ProjectSummary
from praxmonitor.text.lines import Line, Span, cut, fit, on_ground, plain, width_of
from praxmonitor.widgets.alarm_bar import URGENCY_ROLES, marks
from praxmonitor.widgets.line_list import Lines

LONGEST_NAME = 20
LONGEST_ALARM = 40


def projects_line(projects: Sequence[ProjectSummary], width: int) -> tuple[Line, list[tuple[int, int]]]:
    """The line in exactly `width` cells, and the first cell of each project with the one after its last. What wants the
    operator elsewhere is said in words where there is room, else in numbers."""
    for words in (True, False):
        line: list[Span] = []
        places = []
        for project in projects:
            start = width_of(line)
            spans = ((" ", ""), *_project(project, words=words), (" ", ""))
            line += on_ground(spans, "selected") if project.current else spans
            places.append((start, width_of(line)))
        if width_of(line) <= width:
            break
    return fit(line, width), places


def _project(project: ProjectSummary, *, words: bool) -> Line:
    name: Span = (cut(plain(project.name), LONGEST_NAME), "strong" if project.current else "")
    spans: list[Span] = [("▸" if project.current else " ", "accent strong"), name]
    if project.trouble:
        spans.append((f" ! {cut(plain(project.trouble), LONGEST_ALARM)}" if words else " !", "error"))
    elif not project.known:
        spans.append((" …", "faint"))
    else:
        spans.append((f" ●{project.at_work}/{project.agents}", "muted"))
    if project.unread:
        spans.append((f" ✉{project.unread}", "accent"))
    if project.alarms and not project.current:
        said = f" {cut(plain(project.alarm), LONGEST_ALARM)}" if words else ""
        more = f" +{project.alarms - 1}" if project.alarms > 1 else ""
        spans.append((f" {marks(project.urgency)}{said}{more}", URGENCY_ROLES[project.urgency]))
    elif project.needing and not project.current:
        spans.append((f" ?{project.needing}", "warn"))
    return tuple(spans)


class Projects:
    """The line; nothing where only one project is open."""

    @dataclass
    class Chosen(Message):
        """A project was clicked."""

        number: int
        """From 0."""

    def __init__(self) -> None:
        self.lines = Lines(id="projects", classes="bar", resized=self._lay_out, clicked=self._click)
        self.lines.can_focus = self.lines.display = False
        self._projects: tuple[ProjectSummary, ...] = ()
        self._places: list[tuple[int, int]] = []

    def show(self, projects: Sequence[ProjectSummary]) -> None:
        """Show these, in the order in which they were named."""
        self._projects = tuple(projects)
        self.lines.display = len(self._projects) > 1
        self._lay_out()

    def _lay_out(self) -> None:
        if len(self._projects) > 1:
            line, self._places = projects_line(self._projects, self.lines.line_width)
            self.lines.set_lines([line])

    def _click(self, cell: Offset, _: int) -> None:
        for number, (start, end) in enumerate(self._places):
            if start <= cell.x < end:
                self.lines.post_message(self.Chosen(number))
