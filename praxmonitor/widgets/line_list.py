"""The one widget that paints: a scrollable list of lines, line by line (Textual's Lines API).

Who holds one sets its lines, and is told what happens to them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from praxmonitor.text.lines import Line, changed_cells, fit
from praxmonitor.widgets.role_style import role_style

READING: Line = (("reading…", "faint"),)
"""What stands where nothing was read yet."""
WIDTH = 70
"""Cells of a line in a dialog on a screen of 80, until its own are known."""
MOST_STYLES = 2000
"""Styles that are remembered: what a log is coloured with may be any of millions."""
Clicked: TypeAlias = Callable[[Offset, int], None]
"""(the cell, how often it was clicked in a row)."""


class Drawn(Protocol):
    """Lines, each of them made when it is asked for. A list of lines is such."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, place: int, /) -> Line:
        """One of them."""


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows lines of spans; repaints only what changed of them. Its keys are its screen's, which call `step`: Textual's
    own would scroll a list below its cursor."""

    DEFAULT_CSS = """
    Lines {
        background: $background;
        color: $ink;
        overflow-x: hidden;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $rule;
        scrollbar-color-hover: $faint;
        scrollbar-color-active: $faint;
        &.bar { height: 1; background: $surface; overflow: hidden hidden; scrollbar-gutter: auto; }
    }
    """

    def __init__(
        self,
        *,
        id: str | None = None,
        classes: str | None = None,
        resized: Callable[[], None] | None = None,
        clicked: Clicked | None = None,
        wheeled: Callable[[int], None] | None = None,
    ) -> None:
        """What the holder wants to be told: `resized`, before the lines are painted in the new size; `clicked`, at
        which cell in view; `wheeled`, 1 down or -1 up, instead of scrolling."""
        super().__init__(id=id, classes=classes)
        self._resized, self._clicked, self._wheeled = resized, clicked, wheeled
        self._lines: Drawn = [READING]
        """Until the first are set, it says that it is being read."""
        self.at_end = True
        """The last line was in view when it was last scrolled: who follows a growing list goes on to its end."""
        self._styles: dict[str, Style] = {}
        self._variables: dict[str, str] = {}
        """The theme's, of which the lines were painted."""

    def _on_resize(self) -> None:
        if self._resized is not None:
            self._resized()
        self._set_length()  # as many lines as fit are others now

    def on_click(self, event: events.Click) -> None:
        """The border is no cell of the lines."""
        place = event.get_content_offset(self)
        if self._clicked is not None and place is not None:
            self._clicked(place, event.chain)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel, down."""
        self._wheel(event, 1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel, up."""
        self._wheel(event, -1)

    def _wheel(self, event: events.MouseEvent, way: int) -> None:
        if self._wheeled is not None:
            event.prevent_default().stop()
            self._wheeled(way)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Whether the end is in view."""
        super().watch_scroll_y(old_value, new_value)
        self.at_end = new_value >= self.max_scroll_y

    @property
    def text(self) -> str:
        """All lines as text."""
        return "\n".join("".join(text for text, _ in self._lines[y]) for y in range(len(self._lines)))

    @property
    def line_width(self) -> int:
        """Cells that a line may take: `size` counts the scrollbar too."""
        return self.scrollable_content_region.width

    @property
    def line_count(self) -> int:
        """Lines in view."""
        return self.scrollable_content_region.height

    def set_lines(self, lines: Drawn) -> None:
        """Show these lines from now on."""
        old, self._lines = self._lines, lines
        self._set_length()
        if len(old) != len(lines):
            self.refresh()
            return
        top = self.scroll_offset.y
        for y in range(min(self.line_count, len(lines) - top)):
            before, after = old[top + y], lines[top + y]
            if before != after:
                start, end = changed_cells(before, after)
                self.refresh(Region(start, y, end - start, 1))

    def _set_length(self) -> None:
        """Fewer lines than fit count as as many as fit, save where the height follows the lines; and where there is a
        scrollbar, another length is said to it alone: Textual would lay out the whole screen anew, 4 ms."""
        lines, height = len(self._lines), self.styles.height
        follows, fitting = height is not None and height.is_auto, self.line_count
        size = Size(0, lines if follows else max(lines, fitting))
        if size == self.virtual_size:
            return
        if follows or not self.show_vertical_scrollbar or lines <= fitting:
            self.virtual_size = size
            return
        self.set_reactive(Lines.virtual_size, size)
        self.vertical_scrollbar.window_virtual_size = lines
        self.scroll_y = min(self.scroll_y, self.max_scroll_y)

    def render_line(self, y: int) -> Strip:
        """One line of what is in view."""
        index = y + self.scroll_offset.y
        line = self._lines[index] if index < len(self._lines) else ()
        width = self.line_width
        return Strip([Segment(text, self.style_of(roles)) for text, roles in fit(line, width)], width)

    def style_of(self, roles: str) -> Style:
        """The Rich style of some roles, separated by blanks."""
        style = self._styles.get(roles)
        if style is None:
            app, style = self.app, self.rich_style
            for role in roles.split():
                style += role_style(role, app.theme_variables, no_color=app.no_color)
            if len(self._styles) >= MOST_STYLES:
                self._styles.clear()
            self._styles[roles] = style
        return style

    def notify_style_update(self) -> None:
        """The theme or a class changed: forget what was resolved. In another theme every role may look other."""
        self._styles.clear()
        if self._variables is not self.app.theme_variables:
            self._variables = self.app.theme_variables
            self.refresh()
        super().notify_style_update()

    def jump(self, y: int) -> None:
        """Scroll to a line, now."""
        # Deferred, it would be computed from a height that is past; unforced, the first line that overflows is lost,
        # because Textual does not scroll what shows no scrollbar yet.
        self.scroll_to(y=y, animate=False, force=True, immediate=True)

    def step(self, way: str) -> None:
        """Move by a key: `up`, `down`, `first`, `last`, `page_up`, `page_down`; others do nothing."""
        match way:
            case "up":
                self.jump(self.scroll_offset.y - 1)
            case "down":
                self.jump(self.scroll_offset.y + 1)
            case "page_up":
                self.jump(self.scroll_offset.y - self.line_count)
            case "page_down":
                self.jump(self.scroll_offset.y + self.line_count)
            case "first":
                self.jump(0)
            case "last":
                self.jump(self.max_scroll_y)
