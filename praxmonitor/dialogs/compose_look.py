"""How the form looks, which keys it has, and what it says of them."""

from __future__ import annotations

from textual.binding import Binding

TYPING_PAUSE = 0.4
"""Seconds after the last letter typed, before the draft is kept and what it would come to is looked at."""
OF_THE_TEXT = ("limit", "undelivered", "not_started", "unfinished", "failed", "attached")
"""Codes of refusals that are no recipient's fault."""
MANNER_KEYS = "ctrl+t task  ctrl+r priority  ctrl+g more  "
TEXT_KEYS = "ctrl+o editor  ctrl+l template"
FORM_KEYS = (
    Binding("ctrl+s", "send", "send", priority=True),
    Binding("escape", "back", "back", priority=True),
    # Priority: else what is typed within a millisecond after Tab still lands in the old field.
    Binding("tab", "next", "next field", priority=True),
    Binding("shift+tab", "app.focus_previous", "previous field", priority=True),
    # None of these edits a line or a text in Textual.
    Binding("ctrl+t", "change('is_task')", "mail or task", priority=True),
    Binding("ctrl+r", "change('priority')", "priority", priority=True),
    Binding("ctrl+g", "options", "more", priority=True),
    Binding("ctrl+o", "edit", "editor", priority=True),
    Binding("ctrl+l", "template", "template", priority=True),
    Binding("ctrl+n", "discard", "throw away", priority=True),
)
FORM_CSS = """
ComposeScreen {
    align: center middle;
    background: $background 60%;
    #form {
        width: 88; max-width: 96%; height: 28; max-height: 94%; padding: 1 2; background: $surface;
        border: round $primary;
    }
    #title { text-style: bold; margin-bottom: 1; height: 1; }
    #sheet, #fields { height: 1fr; }
    #answered {
        height: 30%; max-height: 9; border: round $faint; border-title-color: $muted; padding: 0 1; color: $muted;
        scrollbar-size-vertical: 1; background: $surface;
    }
    #answered:focus { border: round $accent; }
    Input, TextArea {
        border: round $faint; border-title-color: $muted; padding: 0 1; background: $surface; color: $ink;
        width: 1fr;
    }
    Input { height: 3; }
    Input:focus, TextArea:focus {
        border: round $accent; border-title-color: $ink-accent; background-tint: transparent;
    }
    TextArea { height: 1fr; min-height: 3; scrollbar-size-vertical: 1; }
    #manner { color: $ink-accent; height: 1; }
    #forecast { color: $muted; height: auto; max-height: 2; }
    #trouble { color: $ink-error; height: auto; max-height: 4; width: 100%; display: none; margin-top: 1; }
    #trouble.-open { display: block; }
    #hint { color: $faint; height: auto; max-height: 2; }
    &.-wide.-answering {
        #form { width: 170; }
        #sheet { layout: horizontal; }
        #answered { width: 2fr; height: 1fr; max-height: 100%; margin-right: 1; }
        #fields { width: 3fr; }
    }
    &.-low {
        #form { height: 100%; max-height: 100%; padding: 0 1; }
        #title { margin: 0; }
        #trouble { margin: 0; }
        #answered { height: 4; }
    }
}
"""
