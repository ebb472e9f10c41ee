"""The base of everything drawn here: a scrollable list of lines, painted line by line (Textual's Lines API)."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from praxmonitor.text.agents import LOOKS
from praxmonitor.text.lines import ROLES, Line, fit

READING: Line = (("reading…", "faint"),)
"""What stands where nothing was read yet."""
WIDTH = 70
"""Cells of a line in a dialog on a screen of 80, until its own are known."""
_STATES = "\n".join(f"    & > .{look.role} {{ color: ${look.role}; }}" for look in LOOKS.values())


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """Shows lines of spans; repaints only those that changed. Its keys are its screen's, which call `step`: Textual's
    own would scroll a list below its cursor."""

    COMPONENT_CLASSES = ROLES
    DEFAULT_CSS = f"""
    Lines {{
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
        & > .strong {{ text-style: bold; }}
        & > .muted {{ color: $muted; }}
        & > .faint {{ color: $faint; }}
        & > .accent {{ color: $ink-accent; }}
        & > .warn {{ color: $ink-warning; }}
        & > .error {{ color: $ink-error; }}
{_STATES}
    }}
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] = [READING]
        """Until the first are set, it says that it is being read."""
        self._length = 1
        self._laid_width = 0
        self._styles: dict[tuple[str, str], Style] = {}

    class Widened(Message):
        """A line may take another number of cells now: lay them out anew."""

    def _on_resize(self) -> None:
        self.set_length(self._length)  # as many lines as fit are others now
        if self.line_width != self._laid_width:
            self._laid_width = self.line_width
            self.post_message(self.Widened())

    @property
    def text(self) -> str:
        """All lines as text."""
        return "\n".join("".join(text for text, _ in line) for line in self._lines)

    @property
    def line_width(self) -> int:
        """Cells that a line may take: `size` counts the scrollbar too."""
        return self.scrollable_content_region.width

    @property
    def line_count(self) -> int:
        """Lines in view."""
        return self.scrollable_content_region.height

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show these lines from now on."""
        old, self._lines = self._lines, list(lines)
        self.set_length(len(self._lines))
        if len(old) != len(self._lines):
            self.refresh()
            return
        for y, (before, after) in enumerate(zip(old, self._lines, strict=True)):
            if before != after:
                self.refresh_line(y)

    def set_length(self, lines: int) -> None:
        """There are so many lines from now on. Fewer than fit count as as many as fit, save where the height follows
        the lines: each other length has Textual lay out the whole screen anew, 4 ms."""
        self._length = lines
        height = self.styles.height
        size = Size(0, lines if height is not None and height.is_auto else max(lines, self.line_count))
        if size != self.virtual_size:
            self.virtual_size = size

    def render_line(self, y: int) -> Strip:
        """One line of what is in view."""
        index = y + self.scroll_offset.y
        line = self._lines[index] if index < len(self._lines) else ()
        return self.strip(line, self.line_width)

    def strip(self, line: Line, width: int, under: str = "") -> Strip:
        """`line` as a strip of `width` cells on the widget's background, or on that of the roles `under`."""
        segments = [Segment(text, self.style_of(roles, under)) for text, roles in fit(line, width)]
        return Strip(segments, width)

    def style_of(self, roles: str, under: str = "") -> Style:
        """The Rich style of some roles (separated by blanks) over the background of the roles `under`."""
        style = self._styles.get((roles, under))
        if style is None:
            names = (*under.split(), *roles.split())
            style = self.rich_style
            if names:
                style += self.get_component_rich_style(*names, partial=True)
            self._styles[roles, under] = style
        return style

    def notify_style_update(self) -> None:
        """The theme or a class changed: forget what was resolved."""
        self._styles.clear()
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
