"""Whether a text ends with a question, and with which. Pure."""

from __future__ import annotations

import re

MARKS = "?？؟⁇⁈"
_AFTER = " \t\r\n\"'”’»)]}*_`~"
"""What may stand behind the mark: quotes, brackets, Markdown."""
_BEFORE = " \t\"'“‘«([{*_`~-#>•"
"""What may stand before a sentence."""
_SENTENCE = re.compile(r"(?<=[.!?:;。！？…])[\"'”’»)\]*_`~]*\s+|[\r\n]+")
MAX_QUESTION = 400
"""Characters of a question that are kept, its last."""


def question_in(text: str) -> str:
    """The question that a text ends with, without the Markdown around it; empty where it ends with none."""
    end = text[-4 * MAX_QUESTION :].rstrip(_AFTER)
    if not end or end[-1] not in MARKS:
        return ""
    last = _SENTENCE.split(end)[-1].lstrip(_BEFORE)
    return last[-MAX_QUESTION:] if last.strip(MARKS) else ""
