"""What config.toml allows and denies without asking: `[permissions]`, patterns of a tool and what it is given. Pure.

A pattern is a tool, `Read`, or a tool and a pattern of its words, `Bash(git status*)`, where `*` and `?` stand for any
text and any character. What it is compared with: a command, a file's path, an address. A command of a shell that holds
more than one, or writes or reads elsewhere, is allowed only by its very text: `git status; rm -rf .` is not allowed by
`git status*`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from mailcore.config.permissions import Permissions
from mailcore.model.permission import subject_of

_PATTERN = re.compile(r"(?P<tool>[^()\s]+)(?:\((?P<words>.*)\))?", re.DOTALL)
_SEVERAL = re.compile(r"[;&|<>`\n\r(){}\\]|\$[({'\"]")
"""What lets a shell do something else than the command says at its beginning."""


def decided_by_policy(policy: Permissions, tool: str, tool_input: Mapping[str, Any]) -> bool | None:
    """True: allowed, False: denied, None: to be asked. A denial counts more than any allowance."""
    words = subject_of(tool_input)
    if any(_matches(pattern, tool, words, strict=False) for pattern in policy.deny):
        return False
    if any(_matches(pattern, tool, words, strict="command" in tool_input) for pattern in policy.allow):
        return True
    return None


def faults_of(patterns: Sequence[str]) -> list[str]:
    """Those that are no pattern."""
    return [pattern for pattern in patterns if not _PATTERN.fullmatch(pattern)]


def _matches(pattern: str, tool: str, words: str, *, strict: bool) -> bool:
    found = _PATTERN.fullmatch(pattern)
    if found is None or not fnmatchcase(tool, found["tool"]):
        return False
    wanted = found["words"]
    if wanted is None:
        return not strict or not _SEVERAL.search(words)
    if wanted == words:
        return True
    if strict and _SEVERAL.search(words):
        return False
    if strict:
        return fnmatchcase(words, wanted)
    # A denial looks into each part of a chain of commands.
    parts = [words, *(part.strip() for part in re.split(r"[;&|\n\r(){}`]+|\$\(", words))]
    return any(fnmatchcase(part, wanted) for part in parts)
