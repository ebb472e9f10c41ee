"""The words in which the made stories are written: each gives the facts that the files would give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.hooks_stopped import HooksStopped
from mailcore.model.limit import AccountLimits, Limit
from mailcore.model.lock import Holder, Lock
from mailcore.model.log import GrowingLog
from mailcore.model.message import Ack, Mailbox, MailboxStatus, Message
from mailcore.model.run import Run, advance
from mailcore.model.session import LiveSession
from mailcore.model.usage import Spent, Usage
from mailcore.observe.facts import (
    Fact,
    HoldRead,
    HooksRead,
    LimitsRead,
    LockRead,
    LogsGrew,
    MailboxRead,
    Roster,
    RunRead,
    Seen,
    SessionsLive,
    Stated,
    Used,
)
from tests.clock import NOON
from tests.stories.play import Step

START = NOON


def agent(name: str) -> Agent:
    return Agent(f"@{name}", name.upper(), Path("/house") / name, root=Path("/house"))


def roster(*names: str, notes: tuple[str, ...] = ()) -> Roster:
    return Roster((*map(agent, names), Agent(OPERATOR, "OPERATOR", Path("/house/op"))), notes)


class Life:
    """What happens to one agent, written down as it happens."""

    def __init__(self, name: str = "writer", *, number: int = 1, program: str = "claude") -> None:
        self.name, self.address, self.program = name, f"@{name}", program
        self._run: Run | None = None
        self._number = number
        self.steps: list[tuple[float, tuple[Step, ...]]] = []
        self._box: dict[str, Message] = {}
        self.shift = 0.0
        """By how much the wall's clock is ahead of the story's own seconds: after a sleep, or a clock that was set."""

    @property
    def run_id(self) -> str:
        """Of its newest run."""
        return f"r{self._number}"

    @property
    def attempts(self) -> int:
        """How many attempts of it began."""
        return len(self._run.attempts) if self._run is not None else 0

    def stamp(self, second: float) -> float:
        return START + second + self.shift

    def at(self, second: float, *things: Step) -> Life:
        self.steps.append((second, things))
        return self

    def record(self, second: float, event: str, **fields: Any) -> Fact:
        """One record of the run's journal, and the run that it then tells."""
        record: Mapping[str, Any] = {"event": event, "at": _iso(self.stamp(second)), **fields}
        self._run = advance(self._run, record)
        return RunRead(self.address, self._run)

    def starts(self, second: float, *, subject: str = "Report", task: str = "m1", sender: str = OPERATOR) -> Life:
        """A run begins: lock, journal, first attempt; its first sign comes half a second later."""
        self.queued(second, subject=subject, task=task, sender=sender)
        self.at(second, self.record(second, "attempt", n=1, pid=11))
        return self.at(second + 0.5, self.record(second + 0.5, "running", n=1))

    def queued(self, second: float, *, subject: str = "Report", task: str = "m1", sender: str = OPERATOR) -> Life:
        self._number += 1
        run_id = self.run_id
        self._run = None
        lock = Lock(10, self.stamp(second), subject, run_id=run_id)
        queued = self.record(
            second,
            "queued",
            run_id=run_id,
            target=self.address,
            sender=sender,
            subject=subject,
            message_id=task,
            program=self.program,
        )
        return self.at(second, LockRead(self.address, lock), queued)

    def journal(self, second: float, event: str, **fields: Any) -> Life:
        return self.at(second, self.record(second, event, **fields))

    def ends(self, second: float, outcome: str = "completed", *, replied: bool = True, **fields: Any) -> Life:
        """The run ends and the lock goes."""
        if outcome == "completed" and replied:
            assert self._run is not None
            self.journal(second, "act", verb="reply", to=self._run.sender)
        return self.at(second, self.record(second, "ended", outcome=outcome, **fields), LockRead(self.address, None))

    def does(self, second: float, kind: Kind, text: str = "", **more: Any) -> Life:
        activity = Activity(
            self.stamp(second), self.address, kind, text or str(kind), more.pop("source", "hooks"), **more
        )
        return self.at(second, Seen(self.address, (activity,)))

    def spends(self, second: float, cost: float) -> Life:
        return self.at(second, Used(self.address, (Spent(self.stamp(second), self.address, Usage(cost=cost)),)))

    def limit(self, second: float, *limits: Limit) -> Life:
        """What is known of the usage limits of its program's account from then on."""
        return self.at(second, LimitsRead((AccountLimits("claude-0", "claude", "work", limits),)))

    def turn(self, second: float, until: float | None, says: str = "Done.", session: str = "s1") -> Life:
        """A turn of a session that a person began by hand, as its session file tells it."""
        self.does(second, Kind.PROMPT, "go on", source="transcript", session=session)
        if until is not None:
            self.does(until, Kind.MESSAGE, says, source="transcript", session=session)
            self.does(until, Kind.TURN_END, "turn over", source="transcript", session=session)
        return self

    def live(self, second: float, *sessions: LiveSession) -> Life:
        """These sessions live at its person's terminals from now on."""
        return self.at(second, SessionsLive(self.address, sessions))

    def tool(
        self, second: float, until: float | None, name: str = "Bash", text: str = "make all", timeout: float = 0.0
    ) -> Life:
        """A call from then on, and its end if it has one. `timeout`: seconds that it gives itself."""
        mark = f"t{second:g}"
        self.does(second, Kind.TOOL, f"{name}: {text}", tool=name, tool_id=mark, session="s1", timeout=timeout)
        if until is not None:
            self.does(until, Kind.TOOL_DONE, f"{name}: {text}", tool=name, tool_id=mark, session="s1")
        return self

    def states(self, second: float, *, waits: bool, session: str, wants: str = "") -> Life:
        """What its program itself says of one of its sessions."""
        return self.at(second, Stated(self.address, session, waits, self.stamp(second), wants))

    def hooks_stop(self, second: float, session: str = "s1", calls: int = 5) -> Life:
        """So many calls in its session file, the last then, and no hook event for the last minute."""
        stopped = HooksStopped(session, self.stamp(second - 60), calls, self.stamp(second))
        return self.at(second, HooksRead(self.address, stopped))

    def log_grows(self, begin: float, end: float, rate: float, *, name: str = "app.log", steady: bool = True) -> Life:
        """A log grows by so many bytes a second, as is reported every ten seconds."""
        path = str(agent(self.name).logs_dir / name)
        for number in range(int((end - begin) / 10) + 1):
            second = begin + number * 10
            grown = GrowingLog(path, rate, self.stamp(second), self.stamp(begin), steady and number >= 3)
            self.at(second, LogsGrew(self.address, (grown,)))
        return self

    def hooks_again(self, second: float) -> Life:
        return self.at(second, HooksRead(self.address, None))

    def steady(self, begin: float, end: float, every: float = 60.0) -> Life:
        """A sign of life now and then."""
        second = begin
        while second < end:
            self.does(second, Kind.THINKING, "thinking")
            second += every
        return self

    def mail(self, second: float, id: str = "m1", **fields: Any) -> Life:
        """A mail lies in its mailbox; the same id again: it changed."""
        old = self._box.get(id)
        values: dict[str, Any] = {
            "sent_id": f"s{id}", "at": self.stamp(second), "sender": OPERATOR, "subject": "Report", "body": "",
            "status": "new", "unread": True, "is_task": True,
        }  # fmt: skip
        if old is not None:
            values = {name: getattr(old, name) for name in (*values, "priority", "seen_at", "ack", "raw")}
        self._box[id] = Message(id=id, **{**values, **fields})
        return self.at(second, MailboxRead(self.address, self._mailbox()))

    def gone(self, second: float, id: str = "m1") -> Life:
        del self._box[id]
        return self.at(second, MailboxRead(self.address, self._mailbox()))

    def unreadable(self, second: float, reason: str = "inbox.json is not JSON") -> Life:
        return self.at(second, MailboxRead(self.address, Mailbox(MailboxStatus.UNREADABLE, reason=reason)))

    def readable(self, second: float) -> Life:
        return self.at(second, MailboxRead(self.address, self._mailbox()))

    def held(self, second: float, by: str = "held by @operator") -> Life:
        return self.at(second, HoldRead(self.address, by))

    def dies(self, second: float) -> Life:
        """The supervisor is gone, its lock stays."""
        assert self._run is not None
        return self.at(second, LockRead(self.address, Lock(10, START, run_id=self._run.run_id, holder=Holder.DEAD)))

    def foreign(self, second: float, subject: str = "AIPass's own") -> Life:
        return self.at(second, LockRead(self.address, Lock(12, self.stamp(second), subject)))

    def unlocked(self, second: float) -> Life:
        return self.at(second, LockRead(self.address, None))

    def _mailbox(self) -> Mailbox:
        return Mailbox(MailboxStatus.OK, tuple(self._box.values()))


def done(second: float) -> Ack:
    return Ack("done", "all of it", START + second, "@writer")


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
