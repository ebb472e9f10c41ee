"""A program for PraxMonitor that is no part of it: `pip install` this package, and say `program = "example"`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from mailcore.config import AgentConfig
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.usage import Spent, Usage
from mailcore.programs.base import Ending, Home, Interactive, Launch, Output, exit_words, tail
from mailcore.programs.session_files import list_entries, newer_files
from mailcore.programs.transcript_reader import Counted, ObjectsIgnored, count_of, parse_line, text_of


class Example:
    """`prax-example SESSION PROMPT`; one session file for each session."""

    name = "example"
    executables = ("prax-example",)
    home = Home("EXAMPLE_HOME", ".prax-example")
    hooks = None
    interactive = Interactive(("prax-example",))
    variables = ("EXAMPLE_SESSION",)
    takes = ()

    def sessions_at(self, home: Path) -> ExampleSessions:
        """All in the account's directory."""
        return ExampleSessions(home)

    def argv(self, launch: Launch) -> list[str]:
        """It goes on in a session by being given its id again."""
        return ["prax-example", launch.session_id, launch.prompt]

    def traces(self, launch: Launch) -> tuple[Path, ...]:
        """Its session file."""
        return (launch.home / f"{launch.session_id}.jsonl",)

    def shows_life(self, launch: Launch, output: Output) -> bool:
        """Its session file is there, or it said or did something."""
        return output.acted or output.any or self.traces(launch)[0].exists()

    def ending(self, exit_code: int, output: Output) -> Ending:
        """The object that it prints last."""
        last: dict[str, Any] = next(
            filter(None, (parse_line(line.encode()) for line in reversed(tail(output.stdout)))), {}
        )
        done = exit_code == 0 and last.get("outcome") == "done"
        return Ending(done, exit_words(exit_code), result=text_of(last, "text"))

    def session(self, given: str, output: Output) -> str:
        """The one that it was given."""
        return given

    def attach(self, agent: Agent, config: AgentConfig, session_id: str, home: Path) -> list[str] | None:
        """A person cannot work in it."""
        return None

    def bypasses(self, config: AgentConfig) -> bool:
        """It never asks for anything."""
        return True

    def output_reader(self, agent: str) -> ObjectsIgnored:
        """Its session file tells more than the object that it prints."""
        return ObjectsIgnored()


class ExampleSessions:
    """All in one directory; the first line of each says where it was begun."""

    whole = False

    def __init__(self, home: Path) -> None:
        self.root = home

    def places(self, branches: Collection[Path]) -> list[Path]:
        """The one directory."""
        return [self.root]

    def inner(self, place: Path) -> list[Path]:
        """None."""
        return []

    def found(self, place: Path) -> list[tuple[float, Path]]:
        """All of them."""
        return list_entries(place, lambda name: name.endswith(".jsonl"))

    def is_session(self, path: Path) -> bool:
        """By its ending."""
        return path.suffix == ".jsonl"

    def cwd_of(self, path: Path, branches: Collection[Path]) -> str:
        """As its first line says."""
        try:
            with path.open("rb") as file:
                return text_of(parse_line(file.readline(65536)) or {}, "cwd")
        except OSError:
            return ""

    def time_of(self, line: bytes) -> float:
        """Each tells it."""
        return moment(parse_line(line) or {})

    def history(self, branches: Collection[Path], since: float) -> Iterator[tuple[Path, str]]:
        """All that were written since."""
        for path in newer_files(self.root.glob("*.jsonl"), since):
            yield path, self.cwd_of(path, branches)

    def reader(self, agent: str, path: Path, offset: int, counted: Counted, earlier: float = 0.0) -> ExampleTranscript:
        """Each line stands for itself: nothing has to be known of what is before."""
        return ExampleTranscript(agent, path)


class ExampleTranscript:
    """Reads the lines of one session file."""

    def __init__(self, agent: str, path: Path) -> None:
        self.agent, self.session, self.cwd, self.drift = agent, path.stem, "", ""

    def read(self, line: bytes, now: float) -> list[Activity | Spent]:
        """What was done, and what that used."""
        event = parse_line(line) or {}
        at = moment(event) or now
        found: list[Activity | Spent] = []
        if did := text_of(event, "did"):
            found.append(Activity(min(at, now), self.agent, Kind.MESSAGE, did, "transcript", session=self.session))
        if tokens := count_of(event, "tokens"):
            found.append(Spent(min(at, now), self.agent, Usage(output=tokens), self.session))
        return found

    def spent(self, line: bytes, now: float) -> list[Spent]:
        """What was used."""
        return [told for told in self.read(line, now) if isinstance(told, Spent)]


def moment(event: dict[str, Any]) -> float:
    """When a line was written; 0.0 if it does not tell."""
    at = event.get("at")
    return at if isinstance(at, float) else 0.0
