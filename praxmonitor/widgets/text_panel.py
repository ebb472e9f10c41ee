"""Lines that are read and scrolled, laid out anew for each width."""

from __future__ import annotations

from collections.abc import Callable

from praxmonitor.widgets.line_list import WIDTH, Drawn, Lines


class TextPanel:
    """The panel. One that `follows` stays at the end of what grows, unless the operator has scrolled up."""

    def __init__(self, id: str, *, follows: bool = False) -> None:
        self.lines = Lines(id=id, resized=self._lay_out)
        self._follows = follows
        self._draw: Callable[[int], Drawn] | None = None

    def show(self, draw: Callable[[int], Drawn]) -> None:
        """Show what `draw` gives in lines of so many cells."""
        self._draw = draw
        self._lay_out()

    def _lay_out(self) -> None:
        if self._draw is None:
            return
        follows = self._follows and self.lines.at_end
        self.lines.set_lines(self._draw(self.lines.line_width or WIDTH))
        if follows:
            self.lines.jump(self.lines.max_scroll_y)
