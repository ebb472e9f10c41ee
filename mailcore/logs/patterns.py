"""What is searched for in a log: a regular expression in Python's syntax, and the filters that can find its lines.

Most are found by `grep`, which is faster than anything that runs in Python, and which can be killed: as a fixed string
(-F), else by PCRE (-P), else, where PCRE gives a line up, by an automaton (-E), which no pattern keeps busy. What grep
cannot say is left to Python, in a child too: `row_filter`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from dataclasses import dataclass
from functools import cache

from mailcore.exceptions import UsageError
from mailcore.system.line_filter import filtered
from mailcore.system.python_child import child

_LITERAL = re.compile(r"(?:[^.^$*+?{}\[\]\\|()]|\\[^\w\s])*")
_ESCAPE = re.compile(r"\\(?:x..|u....|U.{8}|N\{.*?\}|.)|\(\?P[<=>]\w*|\(\?[aiLmsux-]+", re.DOTALL)
_EXTENDED = re.compile(
    r"\^?(?:[^.^$*+?{}\[\]\\|()]|[.|)]|\((?:\?:)?|\\[bdws.^$*+?{}\[\]\\|()/\-]"
    r"|\[\^?[^\\\[\]^]+\]|(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})(?![*+?{]))*\$?"
)
"""What means the same in an extended expression, but for `(?:` and a digit."""


@dataclass(frozen=True, slots=True)
class LogPattern:
    """A pattern that was found valid."""

    text: str
    ignores_case: bool
    expression: re.Pattern[str]
    """For what is short, and already known to match: on hostile text it may take for ever."""
    by_automaton: bool = False
    """True if -E is tried before -P: it is faster where many words are looked for and few are found."""

    def filters(self, *options: str) -> list[list[str]]:
        """The commands that find it, the one to try first first; `options` as of grep: -b, -c, -o, -m N.

        An expression is part of one argument: no shell sees it, and it is no option whatever it looks like.
        """
        literal, text = _literal(self.text), self.text
        ways: list[tuple[str, str]] = []
        if self._is_bytes(literal):
            if literal is not None:
                ways.append(("-F", literal))
            elif "{," not in text:
                ways.append(("-P", text))
            if literal is None and (extended := _extended(text)) is not None:
                ways.append(("-E", extended))
        if self.by_automaton:
            ways.reverse()
        case = ["-i"] if self.ignores_case else []
        greps = [[grep, "-a", *options, *case, way, f"--regexp={said}"] for way, said in ways if (grep := gnu_grep())]
        return [*greps, child("mailcore.logs.row_filter", *options, *case, f"--regexp={text}")]

    def _is_bytes(self, literal: str | None) -> bool:
        """Whether it can be found byte by byte: where a letter is several, neither a set nor a case is known so."""
        if self.text.isascii():
            return True
        return literal is not None and not (self.ignores_case and any(c.upper() != c for c in literal if c > "\x7f"))


def log_pattern(text: str, *, by_automaton: bool = False) -> LogPattern:
    """The pattern that a text says; its case counts if it has a capital letter, as in less. UsageError says what is
    wrong with it."""
    if "\n" in text or "\0" in text:
        raise UsageError("a pattern is found within a line: it has no line's end and no NUL")
    ignores_case = not any(letter.isupper() for letter in _ESCAPE.sub("", text))
    flags = (re.IGNORECASE if ignores_case else 0) | (re.ASCII if text.isascii() else 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expression = re.compile(text, flags)
    except (re.error, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise UsageError(f"no valid pattern: {error or type(error).__name__}") from None
    return LogPattern(text, ignores_case, expression, by_automaton)


def highlights(pattern: LogPattern, texts: list[str], seconds: float = 0.1) -> list[list[tuple[int, int]]]:
    """Of each text, which is one line, where its matches begin and end. None of any if that takes too long.

    One child for all of them: no text keeps the caller longer than that.
    """
    found: list[list[tuple[int, int]]] = [[] for _ in texts]
    lines = [text.encode("utf-8", "surrogateescape" if "\udc80" <= text <= "\udcff" else "replace") for text in texts]
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line) + 1)
    for command in pattern.filters("-b", "-o"):
        said = filtered(command, b"\n".join(lines), seconds)
        if said is None:
            continue
        number = 0
        for answer in said.splitlines():
            place, _, match = answer.partition(b":")
            at = int(place)
            while at >= begins[number + 1]:
                number += 1
            start = len(lines[number][: at - begins[number]].decode("utf-8", "replace"))
            found[number].append((start, start + len(match.decode("utf-8", "replace"))))
        return found
    return found


@cache
def gnu_grep() -> str:
    """The path of GNU's grep, which goes on where it ended; empty if there is none: others do not."""
    for name in ("grep", "ggrep"):
        if path := shutil.which(name):
            try:
                done = subprocess.run([path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=5)
            except (OSError, subprocess.SubprocessError):
                continue
            if b"GNU grep" in done.stdout.partition(b"\n")[0]:
                return path
    return ""


def _literal(text: str) -> str | None:
    """The string that a pattern without any operator stands for."""
    return re.sub(r"\\(.)", r"\1", text) if _LITERAL.fullmatch(text) else None


def _extended(text: str) -> str | None:
    """The same as an extended expression, if it has nothing that is said otherwise there."""
    if not text.isascii() or not _EXTENDED.fullmatch(text):
        return None
    return text.replace("(?:", "(").replace(r"\d", "[0-9]")
