"""A session of a real program in a person's terminal: its turns, what is typed, what it forgets, how it ends and goes
on; and what its model was given of each mail, in each of its contexts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailcore.programs.hook_lines import parse_hook
from tests.mailcore.conftest import wait_until
from tests.real.conftest import Lab
from tests.real.person import PersonTerminal
from tests.real.stub import Request, texts

PATIENCE = 120.0
"""Seconds for a step of a real program's, which takes one on a quiet machine."""

REFUSED = "is disabled while a task is in progress"
"""What Codex says of a command that comes while it works: mail may have begun a turn at that very moment."""

STOPS = "2. Stop sessions and quit"
"""What Codex offers a person who leaves it at such a moment."""


@dataclass(frozen=True)
class Ways:
    """How a person does it with one program."""

    start: tuple[str, ...]
    resume: tuple[str, ...]
    """Its session's id is put behind."""
    clear: str
    compact: str
    leave: str
    late: bool = False
    """A context begins with its first turn."""


CLAUDE = Ways(
    ("claude", "--permission-mode", "default"), ("claude", "--permission-mode", "default", "--resume"),
    "/clear", "/compact", "/exit",
)  # fmt: skip
CODEX = Ways(
    ("codex", "--dangerously-bypass-hook-trust"), ("codex", "--dangerously-bypass-hook-trust", "resume"),
    "/clear", "/compact", "/quit", late=True,
)  # fmt: skip


class OpenSession:
    """One that a person has open; `close` ends it."""

    def __init__(self, lab: Lab, ways: Ways) -> None:
        self.lab, self._ways = lab, ways
        self._contexts: list[tuple[int, bool]] = []
        """Where each begins among the requests to the service, and whether it holds what the one before held."""
        self._turns = 0
        self._said = True
        """Something was said in the session: only then is it kept."""
        self._said_here = True
        """Something was said in this context: only then can it be made smaller."""
        self._awaited = ""
        """The source of a context that begins with the next turn."""
        self.shown = self._open((*ways.start, "begin"))
        try:
            self._begins("startup")
            self._has_begun()
            self._turn_is_over(0)
        except BaseException:
            self.close()
            raise

    def _open(self, words: Sequence[str]) -> PersonTerminal:
        self._seen = len(self.events())
        return PersonTerminal(self.lab, words)

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """What its hooks noted, of one name or all."""
        try:
            lines = (self.lab.branch / "logs/hooks.jsonl").read_bytes().splitlines()
        except FileNotFoundError:
            return []
        found = [event for line in lines if line and (event := parse_hook(line)) is not None]
        return [event for event in found if event.get("hook_event_name") == name or not name]

    def _comes(self, name: str, since: int, **fields: str) -> Mapping[str, Any]:
        """The first event of that name after so many events."""

        def found() -> Mapping[str, Any] | None:
            for event in self.events()[since:]:
                if event.get("hook_event_name") == name and all(event.get(key) == fields[key] for key in fields):
                    return event
            return None

        return wait_until(found, PATIENCE, lambda: f"{name} {fields}: {self.shown.text}") or {}

    def _begins(self, source: str) -> None:
        """From here on what was told before may be told again, once."""
        self._said_here = source == "startup" and not self._contexts
        self._contexts.append((len(self.lab.stub.requests), source == "resume"))
        self._awaited = source
        if not self._ways.late:
            self._has_begun()

    def _has_begun(self) -> None:
        if self._awaited:
            self.id = str(self._comes("SessionStart", self._seen, source=self._awaited)["session_id"])
            self._awaited = ""

    def _turn_is_over(self, since: int) -> None:
        self._comes("Stop", since, session_id=self.id)
        self.rests()

    def rests(self) -> None:
        """Nothing goes on for a second: a hook may have made it go on after its turn."""

        stands, since = self._went_on(), time.monotonic()

        def quiet() -> bool:
            nonlocal stands, since
            if self._went_on() != stands or "esc to interrupt" in self.shown.text:
                stands, since = self._went_on(), time.monotonic()
            return time.monotonic() - since > 1.0

        wait_until(quiet, PATIENCE, lambda: f"it rests: {self.shown.text}")

    def types(self, text: str) -> None:
        """Keys, and no Enter."""
        self.shown.send(text)

    def says(self, text: str) -> None:
        """A line and Enter, until something goes on by it."""
        went = self._went_on()
        self._enters(text, lambda: self._went_on() != went)

    def _commands(self, text: str) -> None:
        """The same of a command of the program's own, by which nothing may go on that is told or asked."""
        self._enters(text, lambda: text not in self.shown.text or not self.shown.runs)

    def _enters(self, text: str, taken: Callable[[], bool]) -> None:
        """As a paste and Enter in one, programs take the Enter for a new line; one at which they show what they can
        complete is lost: so it is pressed until the line is taken. What is refused is said again when it rests."""
        pressed, refused = float("-inf"), self.shown.text.count(REFUSED)
        self._types_whole(text)

        def is_taken() -> bool:
            nonlocal pressed, refused
            if taken():
                return True
            if (now := self.shown.text.count(REFUSED)) > refused:
                self.rests()
                self._types_whole(text)
                pressed = float("-inf")
            refused = now
            if time.monotonic() - pressed > 3.0:
                self.shown.send("\r")
                pressed = time.monotonic()
            return False

        wait_until(is_taken, PATIENCE, lambda: f"{text} is taken: {self.shown.text}")

    def _types_whole(self, text: str) -> None:
        self.shown.send(text)
        wait_until(lambda: text in self.shown.text, PATIENCE, lambda: f"{text} is shown: {self.shown.text}")

    def _went_on(self) -> tuple[int, int]:
        """By which it is seen that something goes on: how much it reported, and asked of its model."""
        return len(self.events()), len(self.lab.stub.requests)

    def turn(self) -> None:
        """The person says something, and its turn is over."""
        since, self._turns = len(self.events()), self._turns + 1
        self._said = self._said_here = True
        text = f"go on {self._turns}"
        # Its own event alone: mail may begin a turn at that very moment.
        self._enters(text, lambda: any(one.get("prompt") == text for one in self.events("UserPromptSubmit")))
        self._has_begun()
        self._turn_is_over(since)

    def clear(self) -> None:
        """A new session in the same program."""
        self._seen = len(self.events())
        self._said = False
        if self._ways.late:
            self._commands(self._ways.clear)
        else:
            self.says(self._ways.clear)
        self._begins("clear")

    def compact(self) -> None:
        """Its context is made smaller."""
        if not self._said_here:
            self.turn()
        self.begin_compaction()
        self.compacted()

    def begin_compaction(self) -> None:
        """The same, until it has begun."""
        self._seen = len(self.events())
        self.says(self._ways.compact)
        self._comes("PreCompact", self._seen)

    def compacted(self) -> None:
        """It is over."""
        self._comes("PostCompact", self._seen)
        self._begins("compact")

    def leave(self) -> None:
        """The program ends."""
        self._commands(self._ways.leave)
        asked = 0.0

        def ends() -> bool:
            nonlocal asked
            if STOPS in self.shown.text and time.monotonic() - asked > 3.0:
                self.shown.send("2")
                asked = time.monotonic()
            return not self.shown.runs

        wait_until(ends, PATIENCE, lambda: f"it ends: {self.shown.text}")

    def resume(self) -> None:
        """Another program goes on with the session, or begins one where nothing was said in it."""
        self.shown.close()
        self.shown = self._open((*self._ways.resume, self.id) if self._said else self._ways.start)
        self._begins("resume" if self._said else "startup")

    def close(self) -> None:
        """Kill it."""
        self.shown.close()

    def arrived(self, subject: str) -> bool:
        """The model was given the mail."""
        return any(count(request, subject) for request in self.lab.stub.requests)

    def given(self, subject: str) -> list[int]:
        """How often the model was given the mail in each of its contexts; of a resumed one beyond what it held before.

        What a person resumes holds what it was told before, as far as the program has kept it; where the model was
        asked for nothing in between, that may be once more than was seen.
        """
        requests = [count(request, subject) for request in self.lab.stub.requests]
        found, before = [], 0
        ends = [*(begin for begin, _ in self._contexts[1:]), len(requests)]
        for (begin, holds), end in zip(self._contexts, ends, strict=True):
            most = max(requests[begin:end], default=before if holds else 0)
            found.append(max(0, most - before) if holds else most)
            before = most + (begin == end)
        return found


def count(request: Request, subject: str) -> int:
    """How often a request holds a notice of the mail. Claude Code tells what keeps it from stopping twice, as from its
    person and then as from itself: that is one."""
    found, told = 0, ""
    for one in request.get("messages") or request.get("input") or []:
        said = texts({"messages": [one]})
        if told and one.get("role") == "system":
            said = said.replace(told, "", 1)
        found += said.count(f'"{subject}"')
        told = said.partition("Stop hook feedback:\n")[2].strip()
    return found
