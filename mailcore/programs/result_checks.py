"""Checks of what a program returns: WrongResult says what it is, if it is not what was asked for."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailcore.model.limit import Limit
from mailcore.programs.base import Ending, Home, SessionStatus, is_session_id

if TYPE_CHECKING:
    from mailcore.programs.transcript_reader import OutputReader

VARIABLE_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
"""The name of an environment variable."""


class WrongResult(Exception):
    """A program gave back what it must not."""


def require(good: bool, value: object, expected: str) -> None:
    """WrongResult, unless it is good."""
    if not good:
        raise WrongResult(f"it gave back {value!r:.40} where {expected} is expected")


def checked_bool(value: Any) -> bool:
    """True or false."""
    require(isinstance(value, bool), value, "true or false")
    return bool(value)


def checked_text(value: Any) -> str:
    """A text."""
    require(isinstance(value, str), value, "a text")
    return str(value)


def checked_home(value: Any) -> Home | None:
    """The directory of an account, or nothing."""
    good = value is None or (
        isinstance(value, Home) and VARIABLE_NAME.fullmatch(value.variable) and isinstance(value.default, str)
    )
    require(bool(good), value, "a Home")
    return value if isinstance(value, Home) else None


def checked_session(value: Any) -> str:
    """A session's id, or none."""
    require(isinstance(value, str) and (not value or is_session_id(value)), value, "a session's id")
    return str(value)


def checked_status(value: Any) -> SessionStatus | None:
    """How a session stands, or nothing."""
    good = value is None or (
        isinstance(value, SessionStatus)
        and all(isinstance(text, str) for text in (value.session, value.cwd, value.wants, value.name, value.job))
        and isinstance(value.pid, int)
        and isinstance(value.beside, Path | None)
        and isinstance(value.at, float)
        and math.isfinite(value.at)
    )
    require(good, value, "a SessionStatus")
    return value if isinstance(value, SessionStatus) else None


def checked_words(value: Any) -> list[str]:
    """A command line, of one word at least."""
    good = isinstance(value, list | tuple) and bool(value) and all(isinstance(word, str) for word in value)
    require(good, value, "a command line")
    return list(value)


def checked_texts(value: Any) -> list[str]:
    """Texts, or none."""
    require(isinstance(value, list | tuple) and all(isinstance(text, str) for text in value), value, "texts")
    return list(value)


def checked_paths(value: Any) -> tuple[Path, ...]:
    """Paths."""
    good = isinstance(value, list | tuple) and all(isinstance(path, Path) for path in value)
    require(good, value, "a tuple of paths")
    return tuple(value)


def checked_found(value: Any) -> list[tuple[float, Path]]:
    """Times and paths."""
    good = isinstance(value, list) and all(
        isinstance(one, tuple) and len(one) == 2 and isinstance(one[0], float) and isinstance(one[1], Path)
        for one in value
    )
    require(good, value, "a list of times and paths")
    return list(value)


def checked_reader(value: Any) -> OutputReader | None:
    """What reads standard output, or None."""
    require(value is None or hasattr(value, "read"), value, "a reader")
    reader: OutputReader | None = value
    return reader


def checked_ending(value: Any) -> Ending:
    """An Ending, each of its values as it should be."""
    good = (
        isinstance(value, Ending)
        and all(isinstance(flag, bool) for flag in (value.success, value.limited, value.final))
        and all(isinstance(text, str) for text in (value.cause, value.result))
        and isinstance(value.cost, int | float)
        and math.isfinite(value.cost)
        and (value.limit is None or isinstance(value.limit, Limit))
    )
    require(good, value, "an Ending")
    assert isinstance(value, Ending)
    return value
