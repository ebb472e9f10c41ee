"""Which verbs may be carried out for a person on another host, with which options: a list, and nothing beside it.

What is asked for is a command line in one form: the verb, its options as `--name` or `--name=value`, `--`, and the
rest. So no text is ever taken for an option, and each option is one that stands here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from mailcore.exceptions import Refused

MAX_ARGUMENTS = 64
MAX_LENGTH = 1 << 18
"""Characters of all words together."""
END_OF_OPTIONS = "--"
_FIRST, _EACH, _NONE = slice(0, 1), slice(None), slice(0, 0)
_OTHERWISE = ("--program", "--account", "--model")


_DOTTED = re.compile(r"[@#]?[\w-]+\.[a-z][a-z0-9-]{0,30}", re.ASCII)


class VerbRule(NamedTuple):
    """What of a verb may be asked for from another host."""

    options: tuple[str, ...] = ()
    places: slice = _FIRST
    """Which of its words name an agent, a run or a message, and so may say on which host that is."""
    shows: bool = False
    """It only looks: it is asked and answered at once, and neither queued nor repeated."""


RULES: dict[str, VerbRule] = {
    "dispatch": VerbRule(
        ("--expect", "--priority", "--resume", "--fork", "--fresh", "--queue", *_OTHERWISE), _NONE
    ),
    "wake": VerbRule(("--if-mail",)),
    "kill": VerbRule(),
    "retry": VerbRule(("--mode", *_OTHERWISE)),
    "review": VerbRule(("--by",)),
    "hold": VerbRule(("--all",)),
    "release": VerbRule(("--all",)),
    "queue": VerbRule((), slice(1, 2)),
    "approve": VerbRule(("--choose",)),
    "deny": VerbRule(),
    "ack": VerbRule(),
    "done": VerbRule(),
    "blocked": VerbRule(),
    "declined": VerbRule(),
    "accept": VerbRule(),
    "reopen": VerbRule(),
    "reply": VerbRule(),
    "read": VerbRule((), _EACH),
    "close": VerbRule((), _EACH),
    "permission": VerbRule(("--always",), slice(1, 2)),
    "inbox": VerbRule(shows=True),
    "thread": VerbRule(shows=True),
    "trace": VerbRule(shows=True),
    "tasks": VerbRule(shows=True),
    "runs": VerbRule(shows=True),
    "run": VerbRule(shows=True),
    "agents": VerbRule((), _NONE, shows=True),
    "limits": VerbRule((), _NONE, shows=True),
    "logs": VerbRule(("--errors", "--grep", "--since", "--run", "-n", "--all", "--who"), _EACH, shows=True),
    "usage": VerbRule(("--days", "--by"), _EACH, shows=True),
}  # fmt: skip
"""Verb → what of it may be asked for."""


def rule_of(argv: Sequence[str]) -> VerbRule:
    """The rule of a command line that may be carried out. Refused (code `act`), saying why, of any other."""
    verb = argv[0] if argv else ""
    rule = RULES.get(verb)
    if rule is None:
        raise Refused(f"{verb[:40]!r} is nothing that is done for another host", "act")
    if len(argv) > MAX_ARGUMENTS or sum(map(len, argv)) > MAX_LENGTH:
        raise Refused(f"{verb}: {MAX_ARGUMENTS} words and {MAX_LENGTH} characters at most are taken from a host", "act")
    if END_OF_OPTIONS not in argv:
        raise Refused(f"{verb}: `{END_OF_OPTIONS}` is missing, after which no option stands", "act")
    for word in argv[1 : argv.index(END_OF_OPTIONS)]:
        if word.partition("=")[0] not in rule.options:
            raise Refused(f"{verb} {word[:40]!r} is nothing that is done for another host", "act")
    if any("\0" in word for word in argv):
        raise Refused(f"{verb}: a word with a NUL", "act")
    return rule


def may_name_host(words: Sequence[str]) -> bool:
    """True if the words of a command may be about another host: a look that costs nothing, and may be wrong."""
    return any(word.startswith("--host") or _DOTTED.fullmatch(word) for word in words)
