"""What goes wrong in a bad day, as an agent's files tell it: each is met at its next step, and tells what follows.

The wording is the product's: of an overloaded service (`LimitWait`), a lost connection (Claude Code's result), a full
disk (seen on a tmpfs of 4 MB: the supervisor dies of its next record, its lock stays), a program ended by a signal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailcore.model.activity import Kind
from mailcore.model.agent import OPERATOR
from mailcore.model.limit import SERVICE
from tests.stories.worker import MINUTE, Worker

OVERLOADED = "API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment."
CUT_OFF = "API Error: Connection error."
OWN_RETRIES = (1, 2, 4, 8, 16, 32, 32, 32, 32, 32)
"""Seconds between a program's own tries of one request."""
LONGEST_WAIT = 3600.0
FOREVER = 1e9
Act = Callable[[Worker], bool]


@dataclass(frozen=True)
class Trouble:
    """One condition of a bad day, of which an alarm may be raised."""

    cause: str
    """Which cause it is, or comes of."""
    kind: str
    address: str
    at: float
    """From when on it holds, in seconds of the story."""
    until: float = FOREVER
    follows: bool = False
    """It follows from the cause, and wants nobody while that stands."""


Book = list[Trouble]
"""What went wrong, as the incidents write it down."""


def overloaded(book: Book, until: float) -> Act:
    """The service answers 529: the run waits, longer each time, and goes on in the same session."""

    def act(worker: Worker) -> bool:
        if (began := worker.now) >= until:
            return False
        wait = 30.0
        while worker.now < until:
            for number, pause in enumerate(OWN_RETRIES, 1):
                worker.does(Kind.LIMIT, f"API 529, attempt {number} of 10", source="transcript")
                worker.go(pause * worker.rng.uniform(0.75, 1.25))
            worker.does(Kind.ERROR, OVERLOADED, source="transcript")
            worker.go(1)
            wants = {"why": f"the service is overloaded: {OVERLOADED}", "scope": SERVICE, "resets": ""}
            worker.tries_again("API 529 (overloaded_error)", wait * worker.rng.uniform(1.0, 1.5), **wants)
            wait = min(2 * wait, LONGEST_WAIT)
        for address in ("", worker.address):
            book.append(Trouble("outage", "limit", address, began, worker.now))
        # Where it met the outage before it read its task, that stands still with it.
        book.append(Trouble("outage", "stuck", worker.address, began, worker.now + MINUTE, follows=True))
        return False

    return act


def cut_off(book: Book, until: float) -> Act:
    """No connection: three attempts fail, its sender has a bounce, and retries it when the service is back."""

    def act(worker: Worker) -> bool:
        if worker.now >= until:
            return False
        for _ in range(3):
            for number, pause in enumerate(OWN_RETRIES, 1):
                worker.does(Kind.WARNING, f"API error, attempt {number} of 10", source="transcript")
                worker.go(pause * worker.rng.uniform(0.75, 1.25))
            worker.does(Kind.ERROR, CUT_OFF, source="transcript")
            worker.go(1)
            if worker.life.attempts < 3:
                worker.tries_again("exit 1, success")
        worker.life.journal(worker.now, "attempt_ended", exit=1, cause="exit 1, success")
        bounces(book, worker, "outage", "exit 1, success", until + worker.rng.uniform(1, 9) * MINUTE, result=CUT_OFF)
        return True

    return act


def cut_off_from_person(until: float) -> Act:
    """A session of a person's own, who sees it and comes back when the service does."""

    def act(worker: Worker) -> bool:
        if worker.now >= until:
            return False
        for number, pause in enumerate(OWN_RETRIES, 1):
            worker.does(Kind.LIMIT, f"API 529, attempt {number} of 10", source="transcript")
            worker.go(pause)
        worker.does(Kind.ERROR, OVERLOADED, source="transcript")
        worker.wait_until(until + worker.rng.uniform(1, 20) * MINUTE)
        return True

    return act


def bounces(
    book: Book, worker: Worker, cause: str, reason: str, retried: float, *, follows: bool = True, result: str = ""
) -> None:
    """The run bounces; it is retried at that second, and then does its work."""
    worker.life.ends(worker.now, "bounced", reason=reason, result=result)
    book.append(Trouble(cause, "bounced", worker.address, worker.now, retried, follows))
    worker.wait_until(retried)
    worker.starts("Report")
    worker.reads(worker.task)
    if worker.works(worker.rng.uniform(10, 40)):
        worker.ends()


def task_meanwhile(
    book: Book, worker: Worker, cause: str, after: float = 60.0, priority: str = "high", sender: str = OPERATOR
) -> Callable[[], None]:
    """Another task comes, and waits for what its agent is caught in; to be called when that is over."""
    given = worker.now + after
    id = worker.receives(at=given, subject="Now, please", priority=priority, sender=sender)

    def begins() -> None:
        worker.wait_until(given + 5)
        book.append(Trouble(cause, "stuck", worker.address, given, worker.now, follows=True))
        worker.reads(id)
        worker.go(5)
        worker.answers(id)

    return begins


def with_task(book: Book, cause: str, act: Act, priority: str = "high", sender: str = OPERATOR) -> Act:
    """The same, and another task comes a minute later."""

    def both(worker: Worker) -> bool:
        begins = task_meanwhile(book, worker, cause, priority=priority, sender=sender)
        over = act(worker)
        begins()
        return over

    return both


def takes_from(sender: str) -> Act:
    """It ends what it does, and takes a task of another agent's."""

    def act(worker: Worker) -> bool:
        worker.ends()
        worker.go(2)
        worker.does_task(60, sender=sender)
        return True

    return act


def passes_on(book: Book, to: str, answered: float) -> Act:
    """It gives its task to another agent, which is caught in the outage, and ends; it is answered at that second."""

    def act(worker: Worker) -> bool:
        worker.reads(worker.task)
        worker.life.journal(worker.now, "act", verb="dispatch", to=to)
        worker.life.ends(worker.now, replied=False)
        began = worker.now
        worker.wait_until(answered)
        worker.answers(worker.task)
        book.append(Trouble("outage", "overdue", worker.address, began, worker.now, follows=True))
        return True

    return act


def disk_full_in_attempt(book: Book, freed: float) -> Act:
    """Its program fails, then its supervisor of its next record; once there is room the next look ends the run."""

    def act(worker: Worker) -> bool:
        if worker.now >= freed:
            return False
        worker.does(Kind.TOOL_FAILED, "Write: notes.md failed ENOSPC: no space left on device, write", tool="Write")
        worker.go(4)
        worker.life.journal(worker.now, "attempt_ended", exit=1, cause="exit 1, no result object")
        worker.life.dies(worker.now)
        book.append(Trouble("disk", "orphaned", worker.address, worker.now, freed + 5, follows=True))
        worker.wait_until(freed + 3)
        retried = worker.now + worker.rng.uniform(4, 15) * MINUTE
        bounces(book, worker, "disk", "its supervisor (PID 10) died", retried)
        return True

    return act


def disk_full_at_end(book: Book, freed: float) -> Act:
    """It is done, and neither its answer nor the mail about its end finds room."""

    def act(worker: Worker) -> bool:
        if worker.now >= freed:
            return False
        worker.life.ends(worker.now, replied=False)
        why = "/house/.praxmonitor/sequence: No space left on device; no number can be taken"
        worker.life.journal(worker.now, "undelivered", to="@operator", reason=why)
        book.append(Trouble("disk", "undelivered", worker.address, worker.now, follows=True))
        began = worker.now
        worker.wait_until(freed + worker.rng.uniform(5, 15) * MINUTE)
        worker.answers(worker.task)
        book.append(Trouble("disk", "unanswered", worker.address, began, worker.now, follows=True))
        return True

    return act


def disk_full_in_mailbox(book: Book, freed: float) -> Act:
    """A program that writes in place left its mailbox torn; it is repaired some minutes after there is room."""

    def act(worker: Worker) -> bool:
        if worker.now >= freed:
            return False
        inbox = f"/house/{worker.life.name}/.ai_mail.local/inbox.json"
        worker.life.unreadable(worker.now, f"{inbox} is empty (torn by a writer that was killed?)")
        repaired = freed + worker.rng.uniform(2, 6) * MINUTE
        book.append(Trouble("disk", "unreadable", worker.address, worker.now, repaired, follows=True))
        while worker.now < repaired:
            worker.step()
        worker.life.readable(worker.now)
        return False

    return act


def errors_in_log(book: Book, freed: float) -> Act:
    """What it runs writes an error every other second."""

    def act(worker: Worker) -> bool:
        if worker.now >= freed:
            return False
        began = worker.now
        for _ in range(40):
            worker.does(Kind.ERROR, "OSError: [Errno 28] No space left on device", source="log")
            worker.between(1, 4)
        book.append(Trouble("disk", "storm", worker.address, began, worker.now + 60, follows=True))
        return False

    return act


def killed_by_kernel(book: Book, name: str) -> Act:
    """Out of memory: supervisor and sentinel are killed; the next look of a screen ends the run."""

    def act(worker: Worker) -> bool:
        worker.life.dies(worker.now)
        book.append(Trouble(name, "orphaned", worker.address, worker.now, worker.now + 10))
        worker.go(7)
        bounces(book, worker, name, "its supervisor (PID 10) died", worker.now + 12 * MINUTE, follows=False)
        return True

    return act


def segfault(book: Book, name: str) -> Act:
    """Its program is ended by a signal in each of its attempts."""

    def act(worker: Worker) -> bool:
        why = "ended by SIGSEGV, no result object"
        while worker.life.attempts < 3:
            worker.tries_again(why)
        worker.life.journal(worker.now, "attempt_ended", exit=-11, cause=why)
        bounces(book, worker, name, why, worker.now + 25 * MINUTE, follows=False)
        return True

    return act


def orphan_that_stays(book: Book, name: str) -> Act:
    """Its supervisor is killed, and its lock cannot be removed: its directory belongs to another user now."""

    def act(worker: Worker) -> bool:
        worker.life.dies(worker.now)
        began, begins = worker.now, task_meanwhile(book, worker, name, 100)
        worker.go(45 * MINUTE)
        worker.killed()
        book.append(Trouble(name, "orphaned", worker.address, began, worker.now))
        begins()
        return True

    return act


def hangs_in_tool(book: Book, name: str) -> Act:
    """A tool that neither ends nor uses the CPU; the operator kills the run."""

    def act(worker: Worker) -> bool:
        worker.does(Kind.TOOL, "Bash: ssh build make", tool="Bash", tool_id="hangs")
        began, begins = worker.now, task_meanwhile(book, worker, name, 400)
        worker.go(42 * MINUTE)
        worker.killed()
        book.append(Trouble(name, "silence", worker.address, began, worker.now))
        begins()
        return True

    return act


def falls_silent(book: Book, name: str) -> Act:
    """Nothing for 19 minutes, then it goes on by itself."""

    def act(worker: Worker) -> bool:
        began = worker.now
        worker.thinks(19 * MINUTE)
        book.append(Trouble(name, "silence", worker.address, began, worker.now))
        return False

    return act


def chatters(book: Book, name: str) -> Act:
    """A slow model of its own: a word just after each limit, for an hour and more."""

    def act(worker: Worker) -> bool:
        began = worker.now
        for _ in range(14):
            worker.thinks(worker.rng.uniform(303, 345))
        book.append(Trouble(name, "silence", worker.address, began, worker.now))
        return False

    return act
