"""What was said since the screen was opened, newest first."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.screen import ModalScreen

from praxmonitor.dialogs.sheet import Sheet
from praxmonitor.state.notices import Notice, notice_lines


class NoticesScreen(ModalScreen[None]):
    """The list. What an agent did since stands in the stream."""

    DEFAULT_CSS = """
    NoticesScreen { align: center middle; background: $background 60%; }
    """

    def __init__(self, notices: Sequence[Notice]) -> None:
        """`notices`: oldest first."""
        super().__init__()
        self._notices = tuple(notices)

    def compose(self) -> ComposeResult:
        """Time and words."""
        heading = "What was asked and answered here, newest first."
        yield Sheet(heading, lambda width: list(notice_lines(reversed(self._notices), width)))
