"""How well what was typed into the palette names a command. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
LITTLE = frozenset(
    (
        *("a", "an", "and", "at", "be", "did", "do", "does", "for", "how", "i", "in", "is", "it", "its", "me", "my"),
        *("now", "of", "on", "or", "please", "see", "show", "the", "to", "what"),
    )
)
"""Words that say nothing of what is wanted, where others do."""
IS_NAME, BEGINS_NAME = 400.0, 60.0
FIRST_WORD, FIRST_BEGINS, NAME_WORD, NAME_BEGINS = 100.0, 90.0, 80.0, 70.0
OTHER_WORD, OTHER_BEGINS, IN_NAME, IN_HELP, SCATTERED = 50.0, 40.0, 30.0, 10.0, 3.0
SHORT = 3
"""Letters: what is shorter is looked for neither within words nor in a help."""


def ranked(query: str, commands: Iterable[tuple[T, str, str, str]]) -> list[tuple[float, T]]:
    """(score, command) of each that `query` names; commands are (itself, name, other words, help). Each word of the
    query has to be found; where no command has them all, those that have the most are named."""
    wanted = [word for word in query.casefold().split() if word not in LITTLE] or query.casefold().split()
    found: list[tuple[int, float, T]] = []
    for command, name, words, said in commands:
        scores = _scores(wanted, name.casefold(), words.casefold().split(), said.casefold())
        hits = len(scores) if all(scores) else sum(score >= IN_NAME for score in scores)
        if hits:
            asked = query.casefold().strip()
            whole = IS_NAME * (name.casefold() in (asked, f"view {asked}s"))  # one error: the view of errors
            begun = BEGINS_NAME * name.casefold().startswith(query.casefold().strip())
            found.append((hits, sum(scores) / len(scores) + whole + begun, command))
    most = max((hits for hits, _, _ in found), default=0)
    return [(score, command) for hits, score, command in found if hits == most]


def _scores(wanted: Sequence[str], name: str, words: Sequence[str], said: str) -> list[float]:
    # Which view it is, is what the name of a view says first.
    of_name, of_help = name.removeprefix("view ").replace("-", " ").replace(",", " ").split(), said.split()
    return [_score(part, name, of_name, words, of_help) for part in wanted]


def _score(part: str, name: str, of_name: Sequence[str], words: Sequence[str], of_help: Sequence[str]) -> float:
    """How well one word is found: in the name, among the other words, in the help, as letters of the name."""
    if of_name[:1] == [part]:
        return FIRST_WORD
    if of_name and of_name[0].startswith(part):
        return FIRST_BEGINS
    if part in of_name or f"@{part}" in of_name:
        return NAME_WORD
    if any(word.lstrip("@").startswith(part) for word in of_name):
        return NAME_BEGINS
    if part in words:
        return OTHER_WORD
    if any(word.startswith(part) for word in words):
        return OTHER_BEGINS
    if len(part) >= SHORT and part in name:
        return IN_NAME
    if len(part) >= SHORT and any(word.startswith(part) for word in of_help):
        return IN_HELP
    letters = iter(name)
    return SCATTERED if len(part) >= SHORT and all(letter in letters for letter in part) else 0.0
