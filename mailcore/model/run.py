"""A run: one supervised execution of a dispatch, as recorded in its journal `run.jsonl`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from mailcore.model.message import parse_time

RUN_ID = re.compile(r"\d{8}T\d{6}_\d{6}-[0-9a-f]{8}")
"""A run's id, whole: the name of its directory. What agents name otherwise, in a lock or among the runs, is none."""


MAX_RESULT = 2000
"""Characters of an answer, or of what a program said last, that a journal keeps."""


class Phase(StrEnum):
    """Where a run stands: queued → (starting → running → waiting)… → completed | bounced | killed."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """Between two attempts."""
    COMPLETED = "completed"
    BOUNCED = "bounced"
    KILLED = "killed"

    @property
    def ended(self) -> bool:
        """True when nothing more will happen in this run."""
        return self in (Phase.COMPLETED, Phase.BOUNCED, Phase.KILLED)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of the agent's program within a run."""

    number: int
    mode: str
    """`start`, `resume` or `fresh`."""
    started_at: float
    pid: int = 0
    start_ticks: int = 0
    """Field 22 of /proc/PID/stat: with the boot id it identifies a recycled PID."""
    running_at: float = 0.0
    """When its first sign of life was seen; 0.0 before."""
    ended_at: float = 0.0
    exit_code: int | None = None
    """Negative for a signal, as subprocess reports it."""
    cause: str = ""
    """Why it ended, in words: `exit 1`, `no sign of life in 90 s`."""
    session_id: str = ""
    """The program's own session, in which a person can go on; empty where it keeps none, or has not named it yet."""
    bypass: bool = False
    """It was started without asking for permissions."""
    cost: float = 0.0
    """US dollars; 0.0 unknown."""
    limited: bool = False
    """It met a limit of its account or of the service: it does not count."""


@dataclass(frozen=True, slots=True)
class Await:
    """A `mailcore wait` that the agent sits in."""

    at: float
    on: str
    """Addresses of those who are to answer: `@builder`, `@builder, @editor`."""
    subject: str
    want: str = "reply"
    """`reply`, `done` or `approval`."""
    pid: int = 0
    """Of the command that waits; 0 where a sandbox hides it."""
    start_ticks: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """What the journal says of a run. Built only by `advance`."""

    run_id: str
    target: str
    sender: str
    subject: str
    message_id: str
    program: str
    created_at: float
    attempts_allowed: int = 3
    phase: Phase = Phase.QUEUED
    since: float = 0.0
    """When it entered this phase."""
    attempts: tuple[Attempt, ...] = ()
    supervisor_pid: int = 0
    next_at: float = 0.0
    """When the next attempt starts, while waiting."""
    limited: bool = False
    """True while it waits because of a usage limit or an overload."""
    limit_scope: str = ""
    """What of the account is limited, as of `Limit.scope`."""
    resets_at: float = 0.0
    """When it is lifted, as far as that is known; else 0.0, and `next_at` is only the next try."""
    reason: str = ""
    by: str = ""
    """Who killed it."""
    result: str = ""
    """What its agent answered to its task; where it answered nothing, what its program said last."""
    last_act: float = 0.0
    """Last mailcore command that the agent ran in this run, or the end of one that waited."""
    awaits: Await | None = None
    """What it waits for in a mailcore command, while no other followed."""
    replied: bool = False
    delegated: bool = False
    """It dispatched work of its own: ending without a reply is not the end of the task."""
    wrote: bool = False
    """It sent mail of its own."""
    cost: float = 0.0
    """US dollars, all attempts together; 0.0 unknown."""
    memories_edited: bool = False
    undelivered: str = ""
    """Why its sender has not heard of its end, in words; empty where it has, or where nobody waits for it."""
    foreign: bool = False
    """Started by another program (AIPass's own monitor)."""
    sent_id: str = ""
    """The sender's name of its task's mail, by which answers name it."""
    answer: str = ""
    """What its agent answered to its task so far, its beginning if it is long."""
    account: str = ""
    """The account that it was begun for, as config.toml names it; empty: the program's default one."""

    @property
    def attempt(self) -> Attempt | None:
        """The newest attempt."""
        return self.attempts[-1] if self.attempts else None

    @property
    def account_label(self) -> str:
        """That account for people, as `Account.label`."""
        return self.account or self.program

    @property
    def counted(self) -> int:
        """How many of its attempts count: those that met no limit."""
        return sum(not attempt.limited for attempt in self.attempts)

    def place(self, attempt: Attempt) -> int:
        """Which of the attempts that count one is, from 1."""
        return attempt.number - sum(other.limited for other in self.attempts if other.number < attempt.number)

    @property
    def parked(self) -> bool:
        """It waits for the end of a limit, and no program of it runs."""
        return self.phase is Phase.WAITING and self.limited

    @property
    def started_at(self) -> float:
        """When its first attempt began, else when it was made."""
        return self.attempts[0].started_at if self.attempts else self.created_at

    @property
    def duration(self) -> float:
        """Seconds from its first attempt to its end; 0.0 while it goes on."""
        return max(0.0, self.since - self.started_at) if self.phase.ended else 0.0

    @property
    def bypass(self) -> bool:
        """True while an agent works in it that asks for no permissions."""
        return not self.phase.ended and self.attempt is not None and self.attempt.bypass


def advance(run: Run | None, record: Mapping[str, Any]) -> Run | None:
    """Fold one journal record into the run. Unknown events and records before the first `queued` change nothing."""
    at = parse_time(record.get("at"))
    event = record.get("event")
    if run is None:
        return _begin(record, at) if event == "queued" else None
    if run.phase.ended:
        return replace(run, undelivered=str(record.get("reason", ""))) if event == "undelivered" else run
    match event:
        case "supervised":
            return replace(run, supervisor_pid=_int(record, "pid"))
        case "attempt":
            attempt = Attempt(
                number=_int(record, "n"),
                mode=str(record.get("mode", "start")),
                started_at=at,
                pid=_int(record, "pid"),
                start_ticks=_int(record, "start_ticks"),
                session_id=str(record.get("session", "")),
                bypass=record.get("bypass") is True,
            )
            return replace(
                run,
                phase=Phase.STARTING,
                since=at,
                attempts=(*run.attempts, attempt),
                limited=False,
                resets_at=0.0,
                reason="",
                awaits=None,
            )
        case "running":
            return replace(_last(run, running_at=at), phase=Phase.RUNNING, since=at)
        case "attempt_ended":
            code = record.get("exit")
            cause = str(record.get("cause", ""))
            ended = _last(
                run, ended_at=at, exit_code=code if isinstance(code, int) else None, cause=cause, cost=_dollars(record)
            )
            if isinstance(session := record.get("session"), str):
                ended = _last(ended, session_id=session)
            if record.get("limited") is True:
                ended = _last(ended, limited=True)
            return replace(ended, reason=cause, cost=run.cost + _dollars(record))
        case "waiting":
            return replace(
                run,
                phase=Phase.WAITING,
                since=at,
                next_at=parse_time(record.get("until")),
                limited=record.get("limited") is True,
                limit_scope=str(record.get("scope", "")),
                resets_at=parse_time(record.get("resets")),
                reason=str(record.get("why", "")),
            )
        case "limit_over":
            return replace(run, phase=Phase.WAITING, since=at, limited=False, resets_at=0.0, next_at=at, reason="")
        case "act":
            verb = record.get("verb")
            # An answer counts when it was delivered, and to whoever waits for it: only then its address stands there.
            is_answer = verb in ("reply", "done", "blocked", "declined") and record.get("to") == run.sender
            result = record.get("result")
            answers = (
                is_answer and isinstance(result, str) and record.get("answers") in {run.sent_id, run.message_id} - {""}
            )
            return replace(
                run,
                last_act=max(run.last_act, at),
                awaits=None,
                replied=run.replied or is_answer,
                answer=str(result) if answers else run.answer,
                delegated=run.delegated or (verb in ("dispatch", "reopen") and bool(record.get("to"))),
                wrote=run.wrote or verb in ("send", "forward", "ask", "escalate"),
            )
        case "awaits":
            on, subject, want = (str(record.get(key, "")) for key in ("on", "subject", "want"))
            waiting = Await(at, on, subject, want, _int(record, "pid"), _int(record, "start_ticks"))
            return replace(run, awaits=waiting)
        case "awaited":
            over = run.awaits is not None and run.awaits.pid == _int(record, "pid")
            return replace(run, last_act=max(run.last_act, at), awaits=None if over else run.awaits)
        case "ended":
            try:
                phase = Phase(str(record.get("outcome")))
            except ValueError:
                return run
            return replace(
                run,
                phase=phase,
                since=at,
                reason=str(record.get("reason", "")),
                by=str(record.get("by", "")),
                result=str(record.get("answer") or record.get("result") or ""),
                replied=run.replied or bool(record.get("answer")),
                cost=run.cost or _dollars(record),
                memories_edited=record.get("memories_edited") is True,
            )
        case _:
            return run


def from_records(records: Iterable[Mapping[str, Any]]) -> Run | None:
    """The run that a whole journal reports; None if it never says `queued`."""
    run: Run | None = None
    for record in records:
        run = advance(run, record)
    return run


def _begin(record: Mapping[str, Any], at: float) -> Run:
    return Run(
        run_id=str(record.get("run_id", "")),
        target=str(record.get("target", "")),
        sender=str(record.get("sender", "")),
        subject=str(record.get("subject", "")),
        message_id=str(record.get("message_id", "")),
        sent_id=str(record.get("sent_id", "")),
        program=str(record.get("program", "")),
        account=str(record.get("account", "")),
        created_at=at,
        since=at,
        attempts_allowed=_int(record, "attempts") or 3,
    )


def _last(run: Run, **changes: Any) -> Run:
    if not run.attempts:
        return run
    return replace(run, attempts=(*run.attempts[:-1], replace(run.attempts[-1], **changes)))


def _int(record: Mapping[str, Any], key: str) -> int:
    value = record.get(key)
    return value if isinstance(value, int) else 0


def _dollars(record: Mapping[str, Any]) -> float:
    value = record.get("cost")
    return float(value) if isinstance(value, int | float) and value is not True and 0 < value < 1e9 else 0.0
