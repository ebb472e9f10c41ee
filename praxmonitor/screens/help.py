"""Every key, from the action table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from praxmonitor.actions import ACTIONS, SCOPES
from praxmonitor.present import LOOKS, Line, pad
from praxmonitor.widgets.lines import Lines


def help_lines() -> Iterator[Line]:
    """Keys by scope, then what the glyphs mean."""
    for scope in SCOPES:
        yield ((scope, "strong"),)
        for action in ACTIONS:
            if action.scope == scope:
                yield ((pad(f"  {'  '.join(action.keys)}", 14), "accent"), (action.help, ""))
        yield ()
    yield (("States", "strong"),)
    looks = list(LOOKS.values())
    for row in range(0, len(looks), 4):
        yield tuple((pad(f"  {look.glyph} {look.word}", 16), look.role) for look in looks[row : row + 4])


class HelpScreen(ModalScreen[None]):
    """The list; any of Esc, ?, q and Enter closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "close"),
        *(
            Binding(key, f"step('{way}')", show=False)
            for key, way in (
                ("j,down", "down"),
                ("k,up", "up"),
                ("pagedown,space", "page_down"),
                ("pageup", "page_up"),
                ("g,home", "first"),
                ("G,end", "last"),
            )
        ),
    ]
    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        background: $background 60%;
        #sheet { width: 84; max-width: 96%; height: auto; max-height: 92%; padding: 1 2; background: $surface;
            border: round $primary; }
        #title { color: $muted; margin-bottom: 1; height: 1; }
        Lines { background: $surface; height: auto; max-height: 100%; }
    }
    """

    def compose(self) -> ComposeResult:
        """One sheet."""
        with Vertical(id="sheet"):
            yield Static("Keys. Quitting stops no agent.", markup=False, id="title")
            yield Lines(id="keys")

    def on_mount(self) -> None:
        """Fill it."""
        lines = self.query_one(Lines)
        lines.set_lines(list(help_lines()))
        lines.focus()

    def action_step(self, way: str) -> None:
        """Scroll."""
        self.query_one(Lines).step(way)
