"""What config.toml allows and denies without asking: `[permissions]`, patterns of a tool and what it is given.

A pattern is a tool, `Read`, or a tool and a pattern of its words, `Bash(git status*)`, where `*` and `?` stand for any
text and any character. What it is compared with: a command, a file's path, an address. A denial counts of any part of
what is given, however it is written; an allowance only of all of it. So a command of a shell that holds more than one,
or writes or reads elsewhere, is allowed only by its very text: `git status; rm -rf .` is not allowed by `git status*`;
a path only where it lies in truth, an address only by its host.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mailcore.config.permissions import Permissions
from mailcore.model.permission import SUBJECT_KEYS
from mailcore.permissions.addresses import address_allowed, plain_address
from mailcore.permissions.places import PLACE_KEYS, leads_elsewhere, place_allowed, place_denied
from mailcore.permissions.wildcards import is_like

_PATTERN = re.compile(r"(?P<tool>[^()\s]+)(?:\((?P<words>.*)\))?", re.DOTALL)
_SEVERAL = re.compile(r"[;&|<>`\n\r(){}\\]|\$[({'\"]")
"""What lets a shell do something else than the command says at its beginning."""
_JOINTS = re.compile(r"[;&|\n\r(){}`]+|\$\(")
"""What stands between the parts of a chain of commands."""


def decided_by_policy(
    policy: Permissions, tool: str, tool_input: Mapping[str, Any], home: Path, directory: str
) -> bool | None:
    """True: allowed, False: denied, None: to be asked. A denial counts more than any allowance.

    `home`: the agent's directory, in which the patterns of relative paths lie. `directory`: where the session works, in
    which relative paths that a tool is given lie; empty: not known. It is looked where a path's links lead.
    """
    given = {key: value for key in SUBJECT_KEYS if (value := tool_input.get(key)) is not None}
    if any(_denies(wanted, given, home, directory) for wanted in _meant(policy.deny, tool)):
        return False
    if any(_allows(wanted, given, home, directory) for wanted in _meant(policy.allow, tool)):
        return True
    return None


def _meant(patterns: Sequence[str], tool: str) -> Iterator[str | None]:
    """What the patterns of that tool want of its words; None: whatever they are."""
    for pattern in patterns:
        found = _PATTERN.fullmatch(pattern)
        if found is not None and is_like(tool, found["tool"]):
            yield found["words"]


def _denies(wanted: str | None, given: Mapping[str, Any], home: Path, directory: str) -> bool:
    if wanted is None:
        return True
    for key, value in given.items():
        text = shlex.join(map(str, value)) if isinstance(value, list) else str(value)
        if is_like(text, wanted):
            return True
        if key == "command" and any(is_like(" ".join(part.split()), wanted) for part in (text, *_JOINTS.split(text))):
            return True
        if key == "url" and is_like(plain_address(text), wanted):
            return True
        if key in PLACE_KEYS and place_denied(text, wanted, home, directory):
            return True
    return False


def _allows(wanted: str | None, given: Mapping[str, Any], home: Path, directory: str) -> bool:
    if "command" in given:
        command = given["command"]
        if not isinstance(command, str):
            return False
        return command == wanted or (not _SEVERAL.search(command) and (wanted is None or is_like(command, wanted)))
    if wanted is None:
        return True
    placed = not given.keys().isdisjoint(PLACE_KEYS)

    def allowed(key: str, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        if key in PLACE_KEYS:
            return place_allowed(value, wanted, home, directory)
        if key == "url":
            return address_allowed(value, wanted)
        if key == "pattern" and leads_elsewhere(value, within=placed):
            return False
        return placed or is_like(value, wanted)  # what is looked for in a place

    return bool(given) and all(allowed(key, value) for key, value in given.items())
