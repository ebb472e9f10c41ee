"""Which activities are shown: words as a person types them, read into a value. Pure.

`error !done @writer kind:tool level:error`: all of them must hold. A word is looked for in what an activity says, in
its agent's name and its tool; with `!` before it, it must not be there; several `@` or `kind:` are either of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailcore.model.activity import Activity, Kind

FAILURES = frozenset({Kind.ERROR, Kind.FAILED, Kind.KILLED, Kind.TOOL_FAILED})
WARNINGS = FAILURES | {Kind.WARNING, Kind.LIMIT, Kind.RETRYING, Kind.WAITING}
LEVELS = {"error": FAILURES, "warning": WARNINGS}
"""What counts as so bad or worse."""


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """What an activity must have; empty: each is shown."""

    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    """Beginnings of names, with their `@`."""
    not_agents: tuple[str, ...] = ()
    kinds: frozenset[Kind] = frozenset(Kind)
    trouble: str = ""
    """What was typed and means nothing, in words."""

    @property
    def shows_all(self) -> bool:
        """Nothing is left out."""
        return self == ActivityFilter() or (bool(self.trouble) and self == ActivityFilter(trouble=self.trouble))

    def matches(self, activity: Activity) -> bool:
        """Whether it is shown."""
        if activity.kind not in self.kinds:
            return False
        agent = activity.agent.casefold()
        if self.agents and not agent.startswith(self.agents):
            return False
        if self.not_agents and agent.startswith(self.not_agents):
            return False
        if not self.wanted and not self.unwanted:
            return True
        said = f"{agent} {activity.tool} {activity.text}".casefold()
        return all(word in said for word in self.wanted) and not any(word in said for word in self.unwanted)

    def each(self, activities: Iterable[Activity]) -> tuple[Activity, ...]:
        """Those that are shown, in their order."""
        return tuple(filter(self.matches, activities))


def read_filter(text: str) -> ActivityFilter:
    """What was typed, as a filter. A word that means nothing yet, as `kind:` while it is typed, leaves nothing out."""
    wanted: list[str] = []
    unwanted: list[str] = []
    agents: list[str] = []
    not_agents: list[str] = []
    named, left_out, limits = set[Kind](), set[Kind](), set(Kind)
    troubles: list[str] = []
    for word in text.casefold().split():
        bare = word.removeprefix("!")
        negated = bare != word
        name, colon, value = bare.partition(":")
        if colon and name == "kind":
            found = {kind for kind in Kind if value and kind.startswith(value)}
            (left_out if negated else named).update(found)
            if value and not found:
                troubles.append(f"no kind {value!r}: {' '.join(Kind)}")
        elif colon and name == "level":
            level = next((kinds for known, kinds in LEVELS.items() if value and known.startswith(value)), None)
            if level is not None:
                limits &= set(Kind) - level if negated else level
            elif value:
                troubles.append(f"no level {value!r}: {' '.join(LEVELS)}")
        elif bare.startswith("@"):
            if bare != "@":
                (not_agents if negated else agents).append(bare)
        elif bare:
            (unwanted if negated else wanted).append(bare)
    kinds = frozenset(((named or set(Kind)) & limits) - left_out)
    return ActivityFilter(tuple(wanted), tuple(unwanted), tuple(agents), tuple(not_agents), kinds, "; ".join(troubles))
