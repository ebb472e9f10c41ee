"""Activities in signs: the glyph of each kind."""

from __future__ import annotations

from mailcore.model.activity import Kind
from praxmonitor.text.lines import Span

KINDS: dict[Kind, Span] = {
    Kind.SESSION: ("◌", "muted"),
    Kind.PROMPT: ("›", "muted"),
    Kind.TOOL: ("◆", "state-in-tool"),
    Kind.TOOL_DONE: ("◇", "muted"),
    Kind.TOOL_FAILED: ("✗", "warn"),
    Kind.MESSAGE: ("“", "muted"),
    Kind.WAITING: ("?", "state-waiting"),
    Kind.TURN_END: ("·", "faint"),
    Kind.THINKING: ("…", "muted"),
    Kind.COMPACT: ("≡", "muted"),
    Kind.COMPACTED: ("≡", "faint"),
    Kind.SUBAGENT: ("⋔", "muted"),
    Kind.SUBAGENT_DONE: ("⋔", "faint"),
    Kind.LIMIT: ("◷", "warn"),
    Kind.LOG: ("·", "faint"),
    Kind.WARNING: ("!", "warn"),
    Kind.ERROR: ("✗", "error"),
    Kind.MAIL: ("✉", "accent"),
    Kind.STARTED: ("▸", "state-starting"),
    Kind.RETRYING: ("↻", "state-retrying"),
    Kind.DONE: ("✓", "state-done"),
    Kind.FAILED: ("✗", "state-failed"),
    Kind.KILLED: ("■", "state-killed"),
}
"""Glyph and role of each kind of activity."""
