"""An agent through a day: a cursor in time, and what happens at it, as the files would tell it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from mailcore.model.activity import Kind
from mailcore.model.agent import OPERATOR
from mailcore.model.message import Ack
from tests.stories.play import Heard, Works
from tests.stories.words import Life

MINUTE = 60.0
WORDS = ("Report", "Review the draft", "Fix the flaky test", "Update the index", "Translate chapter two", "Check links")
TOOLS = (("Read", "chapter-2.md"), ("Bash", "git status"), ("Edit", "notes.md"), ("Grep", "TODO"), ("WebFetch", "docs"))


@dataclass(frozen=True)
class Nap:
    """The machine sleeps."""

    at: float
    """The story's second at which the lid is shut."""
    seconds: float


@dataclass(frozen=True)
class Incident:
    """What this agent meets at the first step of its work from then on."""

    at: float
    act: Callable[[Worker], bool]
    """Writes it down; whether the run is over after it."""


class Desk:
    """The operator's: the mailbox that all agents write to, and what the operator is asked in the course of a day."""

    def __init__(self) -> None:
        self.mail: list[tuple[float, str, dict[str, object]]] = []
        """(second, id of a mail, its fields); without fields it is decided and gone."""
        self.requests: list[Heard] = []
        """What an agent asks the operator for, by design."""


class Worker:
    """One agent's day. Every method goes on from `now`, in seconds of the story, and leaves it later."""

    def __init__(
        self, name: str, rng: Random, desk: Desk, *, program: str = "claude", naps: Sequence[Nap] = (),
        incidents: Sequence[Incident] = (), builds: bool = False,
    ) -> None:  # fmt: skip
        self.life = Life(name, program=program)
        self.now = 0.0
        self.task = ""
        """The id of the task of its present run."""
        self.rng, self.desk, self.builds = rng, desk, builds
        self._naps, self._incidents = list(naps), sorted(incidents, key=lambda one: one.at)
        self._calls = self._mails = 0

    @property
    def address(self) -> str:
        return self.life.address

    @property
    def stamp(self) -> float:
        """Now, by the clock of the wall."""
        return self.life.stamp(self.now)

    def go(self, seconds: float) -> None:
        """So many seconds pass, in which the machine is awake."""
        self.now += seconds
        while self._naps and self.now >= self._naps[0].at:
            self.life.shift += self._naps.pop(0).seconds

    def wait_until(self, second: float) -> None:
        self.go(max(0.0, second - self.now))

    def between(self, least: float, most: float) -> None:
        self.go(self.rng.uniform(least, most))

    def does(self, kind: Kind, text: str = "", **more: str) -> None:
        self.life.does(self.now, kind, text, session="s1", **more)

    def meets(self) -> bool:
        """Meet what is due to happen; whether the run is over after it."""
        if self._incidents and self.now >= self._incidents[0].at:
            return self._incidents.pop(0).act(self)
        return False

    # Steps of work.

    def tool(self, seconds: float, name: str = "", text: str = "") -> None:
        """A tool call of that length."""
        if not name:
            name, text = self.rng.choice(TOOLS)
        self._calls += 1
        mark = {"tool": name, "tool_id": f"t{self._calls}"}
        self.does(Kind.TOOL, f"{name}: {text}", **mark)
        self.go(seconds)
        self.does(Kind.TOOL_DONE, f"{name}: {text}", **mark)

    def busy(self, act: Callable[[], None]) -> None:
        """Its processes use the CPU meanwhile."""
        self.life.at(self.now, Works(self.address))
        act()
        self.life.at(self.now, Works(self.address, False))

    def thinks(self, seconds: float) -> None:
        self.go(seconds)
        self.does(Kind.THINKING, "thinking")

    def delegates(self) -> None:
        """A subagent of 4 to 15 minutes."""
        self._calls += 1
        mark = {"tool": "Task", "tool_id": f"t{self._calls}"}
        self.does(Kind.TOOL, "Task: review", **mark)
        self.does(Kind.SUBAGENT, "review", subagent="a1", **mark)
        end = self.now + self.rng.uniform(4, 15) * MINUTE
        while self.now < end:
            self.between(10, 240)
            self.does(Kind.TOOL, "Read: a file", tool="Read", tool_id=f"u{self.now:g}", subagent="a1")
        self.does(Kind.SUBAGENT_DONE, "review", subagent="a1", **mark)
        self.does(Kind.TOOL_DONE, "Task: review", **mark)

    def compacts(self) -> None:
        self.does(Kind.COMPACT)
        self.between(40, 420)
        self.does(Kind.COMPACTED)

    def step(self) -> None:
        """One piece of ordinary work."""
        chance = self.rng.random()
        self.thinks(self.rng.uniform(3, 90))
        if chance < 0.62:
            self.tool(self.rng.uniform(0.5, 40))
        elif chance < 0.80:
            self.does(Kind.MESSAGE, "The outline stands; writing now")
        elif chance < 0.88:
            self.thinks(self.rng.uniform(90, 280))
        elif chance < 0.90:  # it thinks for long, and its words stream in meanwhile
            self.busy(lambda: self.thinks(self.rng.uniform(6, 9) * MINUTE))
        elif chance < 0.93:  # it waits for something elsewhere
            self.tool(self.rng.uniform(5, 14) * MINUTE, "Bash", "gh run watch")
        elif chance < 0.96:
            self.delegates()
        elif chance < 0.98 or not self.builds:
            self.compacts()
        else:
            self.busy(lambda: self.tool(self.rng.uniform(20, 70) * MINUTE, "Bash", "make all"))

    # Whole pieces of a day.

    def receives(self, *, at: float | None = None, is_task: bool = True, **fields: object) -> str:
        """A mail lies in its mailbox; its id."""
        self._mails += 1
        id = f"m{self._mails}"
        self.life.mail(self.now if at is None else at, id, **{"is_task": is_task, "subject": "Report", **fields})
        return id

    def reads(self, id: str) -> None:
        self.life.mail(self.now, id, seen_at=self.stamp, unread=False, status="opened")

    def answers(self, id: str) -> None:
        """It says that a task is done; the mail is archived a moment later."""
        self.life.mail(self.now, id, ack=Ack("done", "all of it", self.stamp, self.address), status="opened")
        self.go(1)
        self.life.gone(self.now, id)

    def starts(self, subject: str, sender: str = OPERATOR) -> None:
        """A run of `self.task`, up to its first sign."""
        self.life.starts(self.now, subject=subject, task=self.task, sender=sender)
        self.go(self.rng.uniform(2, 9))

    def tries_again(self, why: str, seconds: float = 5.0, /, **facts: object) -> None:
        """The attempt ended; the next begins after so long. `facts`: of the wait."""
        limited = bool(facts)
        self.life.journal(self.now, "attempt_ended", exit=1, cause=why, limited=limited)
        until = datetime.fromtimestamp(self.stamp + seconds, UTC).isoformat()
        self.life.journal(self.now, "waiting", **{"until": until, "why": why, "limited": limited, **facts})
        self.go(seconds)
        if limited:
            self.life.journal(self.now, "limit_over")
        self.life.journal(self.now, "attempt", n=self.life.attempts + 1, pid=12)
        self.go(1)
        self.life.journal(self.now, "running", n=self.life.attempts)
        self.go(self.rng.uniform(2, 9))

    def works(self, minutes: float) -> bool:
        """Ordinary work for so long; False if something ended the run."""
        end = self.now + minutes * MINUTE
        while self.now < end:
            if self.meets():
                return False
            self.step()
        return True

    def does_task(
        self, minutes: float, *, sender: str = OPERATOR, priority: str = "normal", replied: bool = True,
        before_end: Callable[[], object] = lambda: None,
    ) -> bool:  # fmt: skip
        """A task by mail, the run that does it, its answer; False if something ended it."""
        subject = self.rng.choice(WORDS)
        self.task = self.receives(subject=subject, priority=priority, sender=sender)
        self.go(0.4)
        self.starts(subject, sender)
        if self.meets():
            return False
        self.reads(self.task)
        if self.rng.random() < 0.06:
            self.tries_again("exit 1, error_during_execution")
        if not self.works(minutes):
            return False
        before_end()
        self.ends(replied)
        return True

    def ends(self, replied: bool = True) -> None:
        """The run ends well; its task is answered, or its program only ended."""
        if replied:
            self.answers(self.task)
        self.life.ends(self.now, replied=replied)
        self.go(1)

    def killed(self) -> None:
        """The operator ends the run, and takes its task back."""
        self.life.ends(self.now, "killed", by=OPERATOR)
        self.go(1)
        self.life.gone(self.now, self.task)

    def asks_approval(self) -> None:
        """It asks for an approval and waits; the operator decides within some minutes."""
        run, id = self.life.run_id, f"q{self.address}{self.now:g}"
        self.life.journal(self.now, "act", verb="ask")
        self.go(1)
        self.life.journal(self.now, "awaits", on=OPERATOR, subject="Deploy?", want="approval", pid=12)
        raw = {"approval": {"tier": 1, "run": run}}
        fields: dict[str, object] = {"sender": self.address, "subject": "Deploy?", "priority": "high", "raw": raw}
        self.desk.mail.append((self.now, id, fields))
        self.desk.requests.append((self.now, "approval", OPERATOR))
        self.between(20, 5 * MINUTE)
        self.desk.mail.append((self.now, id, {}))
        self.go(0.5)
        self.life.journal(self.now, "awaited", pid=12)
        self.go(2)

    def asks_permission(self) -> None:
        """Its program asks its person, at whose terminal it runs, who answers at once."""
        self._calls += 1
        mark = {"tool": "Bash", "tool_id": f"t{self._calls}"}
        self.does(Kind.TOOL, "Bash: npm install", **mark)
        self.go(0.5)
        self.does(Kind.WAITING, "asks for permission: Bash: npm install", tool="Bash")
        self.desk.requests.append((self.now, "waiting", self.address))
        self.between(4, 50)
        self.does(Kind.TOOL_DONE, "Bash: npm install", **mark)

    def sits_with_person(self, until: float) -> None:
        """An interactive session: a prompt, a turn, the person reads and thinks."""
        while self.now < until:
            self.does(Kind.PROMPT, "now the second chapter")
            for _ in range(self.rng.randint(2, 14)):
                if self.meets():
                    break
                self.step()
            else:
                if self.rng.random() < 0.15:
                    self.asks_permission()
                self.thinks(self.rng.uniform(2, 30))
                self.does(Kind.MESSAGE, "Done. Shall I go on with the third?")
                self.does(Kind.TURN_END, "turn over")
            self.between(20, 40 * MINUTE)
