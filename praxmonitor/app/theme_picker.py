"""The list of themes: what is under the cursor is seen at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from textual.screen import Screen
from textual.theme import BUILTIN_THEMES

from praxmonitor.dialogs.choose import ChooseScreen
from praxmonitor.widgets.row_list import text_row


async def ask_for_theme(
    ask: Callable[[Screen[int]], Awaitable[int]], before: str, available: Iterable[str], show: Callable[[str], None]
) -> str:
    """The theme that the operator picked; empty for none. `show` is called with each that comes under the cursor.

    The one that holds now stands first, then ours and the operator's, then Textual's.
    """
    names = sorted(set(available) - {before}, key=lambda name: (name in BUILTIN_THEMES, name))
    names.insert(0, before)
    asked = ChooseScreen("Which colours?", [text_row(name) for name in names], "j k see · Enter keep · Esc as it was")
    asked.moved = lambda place: show(names[place])
    picked = await ask(asked)
    return names[picked] if picked >= 0 else ""
