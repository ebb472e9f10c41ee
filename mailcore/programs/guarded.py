"""A program, which may be anybody's plug-in, guarded: whatever goes wrong in it is raised as ProgramFailed.

What it returns is checked here, once, so that all other code can rely on what `base` says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mailcore.config import AgentConfig
from mailcore.model.agent import Agent
from mailcore.programs import result_checks
from mailcore.programs.base import (
    Ending,
    Home,
    Hooks,
    Interactive,
    Launch,
    Output,
    Program,
    ProgramFailed,
    SessionFiles,
    SessionStatus,
    StatusFiles,
    is_session_id,
)

if TYPE_CHECKING:
    from mailcore.programs.transcript_reader import Counted, OutputReader, Transcript

T = TypeVar("T")
MAX_ERROR = 160
"""Characters of an error that are reported."""


class CheckedProgram:
    """A `Program` that raises nothing but ProgramFailed, and gives back what it may."""

    def __init__(self, name: str, inner: Program) -> None:
        """ProgramFailed if it lacks a part of the protocol."""
        self._caller = _Caller(name)
        self._inner = inner
        with self._caller.naming("itself"):
            self.name = inner.name
            self.executables: tuple[str, ...] = tuple(inner.executables)
            self.hooks: Hooks | None = inner.hooks
            self.interactive = self._interactive(inner.interactive)
            self.variables: Collection[str] = frozenset(inner.variables)
            self.takes: Collection[str] = frozenset(getattr(inner, "takes", ()))
            self.home: Home | None = result_checks.checked_home(getattr(inner, "home", None))
            for method in ("sessions_at", *METHODS):
                getattr(inner, method)
            result_checks.require(self.name == name, self.name, "its name")

    def sessions_at(self, home: Path) -> SessionFiles | None:
        """As of `Program`."""
        with self._caller.naming("sessions_at()"):
            files = self._inner.sessions_at(home)
            return CheckedFiles(self._caller, files) if files is not None else None

    def statuses_at(self, home: Path) -> StatusFiles | None:
        """As of `Program`."""
        with self._caller.naming("statuses_at()"):
            ask = getattr(self._inner, "statuses_at", None)
            files = ask(home) if ask is not None else None
            return CheckedStatuses(self._caller, files) if files is not None else None

    def _interactive(self, kind: Interactive | None) -> Interactive | None:
        if kind is None:
            return None
        asked, call = kind.is_session, self._caller.call
        join, added, shared = kind.join, kind.added, kind.shared
        return Interactive(
            tuple(kind.names),
            lambda words: call("interactive.is_session", result_checks.checked_bool, lambda: asked(words)),
            (lambda job: call("interactive.join", result_checks.checked_words, lambda: join(job))) if join else None,
            (lambda words: call("interactive.added", result_checks.checked_texts, lambda: added(words)))
            if added
            else None,
            (lambda words: call("interactive.shared", result_checks.checked_bool, lambda: shared(words)))
            if shared
            else None,
        )

    def argv(self, launch: Launch) -> list[str]:
        """As of `Program`; at least one word."""
        return self._caller.call("argv", result_checks.checked_words, lambda: self._inner.argv(launch))

    def traces(self, launch: Launch) -> tuple[Path, ...]:
        """As of `Program`."""
        return self._caller.call("traces", result_checks.checked_paths, lambda: self._inner.traces(launch))

    def shows_life(self, launch: Launch, output: Output) -> bool:
        """As of `Program`."""
        return self._caller.call(
            "shows_life", result_checks.checked_bool, lambda: self._inner.shows_life(launch, output)
        )

    def ending(self, exit_code: int, output: Output) -> Ending:
        """As of `Program`."""
        return self._caller.call("ending", result_checks.checked_ending, lambda: self._inner.ending(exit_code, output))

    def session(self, given: str, output: Output) -> str:
        """As of `Program`; empty, or one that may stand in a command line."""
        return self._caller.call("session", result_checks.checked_session, lambda: self._inner.session(given, output))

    def attach(self, agent: Agent, config: AgentConfig, session_id: str, home: Path) -> list[str] | None:
        """As of `Program`; None of an id that may not stand in a command line."""
        if not is_session_id(session_id):
            return None
        return self._caller.call(
            "attach",
            lambda given: None if given is None else result_checks.checked_words(given),
            lambda: self._inner.attach(agent, config, session_id, home),
        )

    def bypasses(self, config: AgentConfig) -> bool:
        """As of `Program`."""
        return self._caller.call("bypasses", result_checks.checked_bool, lambda: self._inner.bypasses(config))

    def output_reader(self, agent: str) -> OutputReader | None:
        """As of `Program`."""
        return self._caller.call(
            "output_reader", result_checks.checked_reader, lambda: self._inner.output_reader(agent)
        )


METHODS = ("argv", "traces", "shows_life", "ending", "session", "attach", "bypasses", "output_reader")
FILES = ("places", "inner", "found", "is_session", "cwd_of", "time_of", "history", "reader")
READER = ("session", "cwd", "drift", "read", "spent")
"""What the protocols ask for beside their values, and of a reader of session files."""


class CheckedStatuses:
    """`StatusFiles` that raise nothing but ProgramFailed."""

    def __init__(self, caller: _Caller, inner: StatusFiles) -> None:
        self._caller, self._inner = caller, inner

    @property
    def root(self) -> Path:
        """As of `StatusFiles`."""
        return self._caller.call("statuses.root", Path, lambda: self._inner.root)

    def read(self, path: Path) -> SessionStatus | None:
        """As of `StatusFiles`."""
        return self._caller.call("statuses.read", result_checks.checked_status, lambda: self._inner.read(path))

    def given(self, status: SessionStatus) -> list[str]:
        """As of `StatusFiles`."""
        ask = getattr(self._inner, "given", None)
        return self._caller.call("statuses.given", result_checks.checked_texts, lambda: ask(status) if ask else [])


class CheckedFiles:
    """`SessionFiles` that raise nothing but ProgramFailed and, of a reader, OSError."""

    def __init__(self, caller: _Caller, inner: SessionFiles) -> None:
        self._caller, self._inner = caller, inner
        self.whole = bool(inner.whole)
        for method in FILES:
            getattr(inner, method)

    @property
    def root(self) -> Path:
        """As of `SessionFiles`."""
        return self._caller.call("sessions.root", Path, lambda: self._inner.root)

    def places(self, branches: Collection[Path]) -> list[Path]:
        """As of `SessionFiles`."""
        return list(
            self._caller.call("sessions.places", result_checks.checked_paths, lambda: self._inner.places(branches))
        )

    def inner(self, place: Path) -> list[Path]:
        """As of `SessionFiles`."""
        return list(self._caller.call("sessions.inner", result_checks.checked_paths, lambda: self._inner.inner(place)))

    def found(self, place: Path) -> list[tuple[float, Path]]:
        """As of `SessionFiles`."""
        return self._caller.call("sessions.found", result_checks.checked_found, lambda: self._inner.found(place))

    def is_session(self, path: Path) -> bool:
        """As of `SessionFiles`."""
        return self._caller.call(
            "sessions.is_session", result_checks.checked_bool, lambda: self._inner.is_session(path)
        )

    def cwd_of(self, path: Path, branches: Collection[Path]) -> str:
        """As of `SessionFiles`."""
        return self._caller.call(
            "sessions.cwd_of", result_checks.checked_text, lambda: self._inner.cwd_of(path, branches)
        )

    def session_of(self, path: Path) -> str:
        """As of `SessionFiles`."""
        ask = getattr(self._inner, "session_of", lambda path: path.stem)
        return self._caller.call("sessions.session_of", result_checks.checked_text, lambda: ask(path))

    def time_of(self, line: bytes) -> float:
        """As of `SessionFiles`."""
        return self._caller.call("sessions.time_of", float, lambda: self._inner.time_of(line))

    def history(self, branches: Collection[Path], since: float) -> Iterator[tuple[Path, str]]:
        """As of `SessionFiles`."""
        with self._caller.naming("sessions.history()"):
            for path, cwd in self._inner.history(branches, since):
                yield Path(path), result_checks.checked_text(cwd)

    def reader(self, agent: str, path: Path, offset: int, counted: Counted, earlier: float = 0.0) -> Transcript:
        """As of `SessionFiles`."""
        with self._caller.naming("sessions.reader()"):
            try:
                reader = self._inner.reader(agent, path, offset, counted, earlier)
                result_checks.require(all(hasattr(reader, part) for part in READER), reader, "a reader")
                return reader
            except OSError as error:
                unreadable = error
        raise unreadable


class _Caller:
    """Puts what goes wrong in one program into words."""

    def __init__(self, name: str) -> None:
        self.name = name

    @contextmanager
    def naming(self, where: str) -> Iterator[None]:
        """ProgramFailed, which says where, of whatever is raised within."""
        try:
            yield
        except (Exception, SystemExit) as error:
            raise self.failed(where, error) from error

    def call(self, where: str, looked_at: Callable[[Any], T], ask: Callable[[], object]) -> T:
        """What the program gives back when it is asked, once that was looked at."""
        with self.naming(f"{where}()"):
            return looked_at(ask())

    def failed(self, where: str, error: BaseException) -> ProgramFailed:
        """The error in words."""
        from mailcore.text import line

        text = str(error) if isinstance(error, result_checks.WrongResult) else f"{type(error).__name__}: {error}"
        return ProgramFailed(f"program {self.name} failed in {where}: {line(text, MAX_ERROR)}")
