"""What is in a message, as a Gemini CLI session file has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CONTEXT = "<session_context>"
"""What it tells the model of the directory begins so; it stands there as the user's."""
HOOKS = ("<hook_context>", "</hook_context>")
"""About what the person's hooks put before a prompt."""
NO_PROMPT = ("/", "?", CONTEXT, HOOKS[0])
"""What a text of the user's begins with that it does not take for a prompt when it looks for sessions."""


def texts_of(message: Mapping[str, Any]) -> list[str]:
    """The texts of a message."""
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return [text for text in texts if isinstance(text, str) and text]


def is_prompt(text: str) -> bool:
    """True of a text of the user's for which it finds a session again."""
    text = text.strip()
    return bool(text) and not text.startswith(NO_PROMPT)


def without_hooks(text: str) -> str:
    """A prompt without what hooks put before it."""
    begin, end = HOOKS
    return text.partition(end)[2].lstrip() if text.startswith(begin) and end in text else text


def ended_call(words: str, brought: str, failed: bool) -> str:
    """A call that is over, in words, the same wherever it was read."""
    return f"{words} failed {brought}".rstrip() if failed else f"{words} → {brought}" if brought else words
