"""The states of groups of errors in signs and words, and which errors the operator wants to see. Pure.

`state:new` is a group's state or the beginning of it, `@name` an agent that reports it or is asked about it, any other
word is looked for in its title, kind and fingerprint; `!` before a word: it does not hold. All words must hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mailcore.model.error_group import ErrorGroup, GroupState
from praxmonitor.text.agents import Look
from praxmonitor.text.lines import plain

LOOKS_OF_GROUPS = {
    GroupState.BACK: Look("!", "back again", "error"),
    GroupState.NEW: Look("+", "new", "warn"),
    GroupState.INVESTIGATING: Look("»", "investigating", "state-working"),
    GroupState.MUTED: Look("–", "muted", "faint"),
    GroupState.RESOLVED: Look("✓", "resolved", "faint"),
}
"""How each state is drawn, never by colour alone; what wants the operator first."""
SETTLED = (GroupState.MUTED, GroupState.RESOLVED)
"""States of which nothing more is wanted."""
WANTED = (GroupState.BACK, GroupState.NEW)
"""States that nobody has taken up."""
WORDS = tuple(look.word for look in LOOKS_OF_GROUPS.values())


def tally_words(groups: Iterable[ErrorGroup], now: float) -> str:
    """`2 back again, 3 new, 1 investigating`; of what is settled nothing; `no open errors` where there are none."""
    states = Counter(group.state_at(now) for group in groups)
    open_states = [state for state in LOOKS_OF_GROUPS if state not in SETTLED and states[state]]
    return ", ".join(f"{states[state]:,} {LOOKS_OF_GROUPS[state].word}" for state in open_states) or "no open errors"


@dataclass(frozen=True, slots=True)
class ErrorWord:
    """One word of what was typed."""

    kind: str
    """`text`, `name` or `state`."""
    value: str
    """In lower case."""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ErrorFilter:
    """All words, and whether what is settled is shown where none of them names a state."""

    words: tuple[ErrorWord, ...] = ()
    settled: bool = False
    trouble: str = ""
    """Why a word cannot be understood, in words; then nothing is hidden by it. Empty: each can."""

    @property
    def names_state(self) -> bool:
        """Whether a word says which states are wanted."""
        return any(word.kind == "state" for word in self.words)

    def shows(self, group: ErrorGroup, now: float) -> bool:
        """Whether a group is shown at `now`."""
        state = group.state_at(now)
        if state in SETTLED and not (self.settled or self.names_state):
            return False
        return all(_holds(word, group, state) is not word.negated for word in self.words)


def read_error_filter(typed: str, *, settled: bool = False) -> ErrorFilter:
    """What was typed; what cannot be understood of it is told, and left out."""
    words, troubles = [], []
    for typed_word in typed.casefold().split():
        bare = typed_word.removeprefix("!")
        negated = bare != typed_word
        key, colon, value = bare.partition(":")
        if colon and key == "state":
            value = value.replace("-", " ").replace("_", " ")
            if not value or not any(word.startswith(value) for word in WORDS):
                which = f"no state {plain(value)!r}" if value else "which state?"
                troubles.append(f"{which}: {', '.join(WORDS)}")
                continue
            words.append(ErrorWord("state", value, negated))
        elif bare.startswith("@"):
            words.append(ErrorWord("name", bare, negated))
        elif bare:
            words.append(ErrorWord("text", bare, negated))
        else:
            troubles.append("! what? a word that must not be there follows it")
    return ErrorFilter(tuple(words), settled, "; ".join(troubles))


def _holds(word: ErrorWord, group: ErrorGroup, state: GroupState) -> bool:
    match word.kind:
        case "state":
            return LOOKS_OF_GROUPS[state].word.startswith(word.value)
        case "name":
            return any(address.casefold().startswith(word.value) for address in (*group.reporters, group.owner))
    said = f"{group.title} {group.kind} {group.fingerprint} {group.resolution}"
    return word.value in said.casefold()
