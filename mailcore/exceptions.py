"""What can go wrong, in words for the person who reads it, with the exit status a script can rely on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean send?`: the known word that is nearest, to be put after what was wrong; empty if none is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


class MailcoreError(Exception):
    """A failure that is ours to explain: its text names the file or agent, the cause and what to do."""

    exit_status = 4
    """0 done, 2 usage, 3 refused, 4 failed."""

    def __init__(self, text: str, code: str = "failed") -> None:
        super().__init__(text)
        self.code = code
        """A short stable word for scripts: `unknown_agent`, `busy`, `identity`, …"""


class UsageError(MailcoreError):
    """The call itself makes no sense."""

    exit_status = 2

    def __init__(self, text: str, code: str = "usage") -> None:
        super().__init__(text, code)


class Refused(MailcoreError):
    """Understood, and not done: unknown agent, project boundary, identity, busy, limit."""

    exit_status = 3


class ConfigError(UsageError):
    """A config file says something we cannot follow; the text names file, key and what is allowed."""


class NoWorkspace(UsageError):
    """No registry above the given path."""


_caveats: ContextVar[list[str] | None] = ContextVar("caveats", default=None)


@contextmanager
def caveats() -> Iterator[list[str]]:
    """The list that `caveat` fills until this ends."""
    texts: list[str] = []
    token = _caveats.set(texts)
    try:
        yield texts
    finally:
        _caveats.reset(token)


def caveat(text: str) -> None:
    """Say what went wrong beside an act that stands: reported with its result, and never as its error."""
    texts = _caveats.get()
    if texts is not None and text not in texts:
        texts.append(text)


@contextmanager
def tolerated(what: str = "") -> Iterator[None]:
    """What follows an act that stands: where the disk refuses it, that is a `caveat`. `what`: its words before it."""
    try:
        yield
    except (MailcoreError, OSError) as error:
        where = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
        caveat(f"{what}: {where}" if what else where)
