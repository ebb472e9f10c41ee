"""What was said since the screen was opened, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from praxmonitor.dialogs.sheet import Sheet
from praxmonitor.state.notices import Notice, notice_lines
from praxmonitor.text.lines import Line


class NoticesScreen(Sheet):
    """The list; `L` closes it too. What an agent did since stands in the stream."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("L", "dismiss", "close", show=False)]

    def __init__(self, notices: Sequence[Notice]) -> None:
        """`notices`: oldest first."""
        super().__init__("What was asked and answered here, newest first.")
        self._notices = tuple(notices)

    def lines(self, width: int) -> list[Line]:
        """Time and words."""
        return list(notice_lines(reversed(self._notices), width))
