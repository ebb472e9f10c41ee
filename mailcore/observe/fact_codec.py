"""Facts as JSON, one reading a line: what a recording keeps, and what one host tells another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mailcore.model.activity import Kind
from mailcore.observe.facts import (
    AgentTold,
    ErrorsRead,
    Fact,
    HoldRead,
    HooksRead,
    HostsRead,
    LimitsRead,
    LockRead,
    LogsGrew,
    Lost,
    MailboxRead,
    PermissionsRead,
    Roster,
    RunRead,
    Seen,
    SessionsLive,
    Stated,
    Used,
)
from mailcore.text import counted, line
from mailcore.text.masks import masked

T = TypeVar("T")

TAGS: Mapping[type, str] = {
    Roster: "roster",
    MailboxRead: "mailbox",
    LockRead: "lock",
    HoldRead: "hold",
    RunRead: "run",
    Seen: "seen",
    Used: "used",
    Lost: "lost",
    LogsGrew: "log_growth",
    Stated: "stated",
    HooksRead: "hooks",
    SessionsLive: "sessions",
    PermissionsRead: "permissions",
    LimitsRead: "limits",
    ErrorsRead: "errors",
    HostsRead: "hosts",
    AgentTold: "told",
}
"""A kind of fact → its tag. A tag never changes, whatever becomes of the type's own name."""
FACT_KINDS: Mapping[str, type] = {tag: kind for kind, tag in TAGS.items()}
"""The other way."""
MOST_KINDS = 5
"""Unknown kinds that are named; the rest is counted."""
_ACTIVITIES = frozenset(Kind)


class LeftOut:
    """What a newer version wrote and this one does not know, by kind. It fills while facts are read."""

    def __init__(self) -> None:
        self.readings = 0
        """In how many readings something was left out."""
        self.facts: Counter[str] = Counter()
        self.activities: Counter[str] = Counter()

    def __str__(self) -> str:
        """`3 facts (2 dreamt, 1 mailbox) and 1 activity (1 dream) in 2 readings`; empty where nothing was."""
        parts = ((self.facts, "fact", "facts"), (self.activities, "activity", "activities"))
        parts_text = [f"{counted(kinds.total(), one, many)} ({_named(kinds)})" for kinds, one, many in parts if kinds]
        return f"{' and '.join(parts_text)} in {counted(self.readings, 'reading')}" if parts_text else ""

    def __len__(self) -> int:
        return self.facts.total() + self.activities.total()


def _named(kinds: Counter[str]) -> str:
    named = [f"{count:,} {line(kind, 40)}" for kind, count in kinds.most_common(MOST_KINDS)]
    more = [f"{counted(len(kinds) - MOST_KINDS, 'more kind')}"] if len(kinds) > MOST_KINDS else []
    return ", ".join([*named, *more])


def tagged(facts: Iterable[Fact]) -> list[tuple[str, Fact]]:
    """Each fact with its tag, as a reading holds it."""
    return [(TAGS[type(fact)], fact) for fact in facts]


def encoded_line(value: object) -> bytes:
    """One line without its end, secrets masked: it is made to be given away."""
    try:
        text = msgspec.json.encode(value, enc_hook=_plain)
    except UnicodeEncodeError:  # a lone surrogate, which another program's JSON may hold
        text = msgspec.json.encode(_mended(msgspec.to_builtins(value, enc_hook=_plain)))
    return masked(text.decode()).encode()


def decoded(kind: type[T], value: Any) -> T:
    """What `encoded_line` made of a value of that kind, parsed. msgspec.ValidationError where it is none."""
    return msgspec.convert(value, kind, dec_hook=_from_text)


def decoded_facts(values: Iterable[tuple[str, Any]], kinds: Mapping[str, type], left_out: LeftOut) -> Iterator[Fact]:
    """The facts of a parsed reading. What is of no kind among `kinds`, or has a value that this version does not know,
    is counted in `left_out`; msgspec.ValidationError of what is none."""
    for tag, value in values:
        kind = kinds.get(tag)
        if kind is None:
            left_out.facts[str(tag)] += 1
            continue
        if kind is Seen or (kind is AgentTold and "activities" in value):
            left_out.activities.update(
                str(one["kind"]) for one in value["activities"] if one["kind"] not in _ACTIVITIES
            )
            value["activities"] = [one for one in value["activities"] if one["kind"] in _ACTIVITIES]
        try:
            yield decoded(kind, value)
        except msgspec.ValidationError as error:
            if "Invalid enum value" not in str(error):
                raise
            left_out.facts[tag] += 1  # a phase or a status that came later


def _plain(value: object) -> str:
    if isinstance(value, Path | float):  # mailcore reads NaN and the infinities as a float of its own
        return str(value)
    raise TypeError(f"{type(value).__name__} among facts")


def _mended(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_mended(key): _mended(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_mended(inner) for inner in value]
    return value


def _from_text(kind: type, value: Any) -> Path:
    if not issubclass(kind, Path):
        raise TypeError(f"{kind.__name__} among facts")
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"no path: {line(str(value), 40)!r}")
    return Path(value)
