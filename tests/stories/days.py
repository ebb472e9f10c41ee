"""Two days of thirty agents, made from a seed: one in which all is well, and a bad one, with what went wrong in it.

Each alarm of the bad day is one of its causes, or follows from one: `Day.troubles` says which. What agents ask their
operator for by design (an approval, a permission at the terminal of one's own session) stands in `Day.requests`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from mailcore.config import AgentConfig, Alarms, Config
from mailcore.model.activity import Kind
from mailcore.model.limit import Limit
from tests.stories import incidents
from tests.stories.incidents import Act, Book, Trouble
from tests.stories.play import Disk, Heard, Restart, Sleep, Step, Story
from tests.stories.words import START, Life, roster
from tests.stories.worker import MINUTE, Desk, Incident, Nap, Worker

HOUR = 3600.0
WORK = 9.5 * HOUR
"""The person is there for so long; at night only timers and what was begun go on."""
DAY = 24 * HOUR
NAP = Nap(4.5 * HOUR, 50 * MINUTE)
"""The laptop sleeps over lunch."""
CLAUDE = (
    "writer", "editor", "reviewer", "planner", "tester", "papers", "market", "history", "users", "patents", "indexer",
    "translator", "checker", "archivist",
)  # fmt: skip
BUILDERS = ("builder", "packer", "release")
CODEX = ("coder", "linter", "porter", "fuzzer", "docs", "schema")
LOCAL = ("notes", "tagger", "ocr")
"""With a model on the machine itself."""
SESSIONS = ("pair", "lab", "sketch")
"""Sessions of a person's own."""
TIMER = "digest"
NAMES = (*CLAUDE, *BUILDERS, *CODEX, *LOCAL, TIMER, *SESSIONS)
PROGRAMS = {**dict.fromkeys(CODEX, "codex"), **dict.fromkeys((*LOCAL, TIMER), "command")}
EVERY = 1800.0
CONFIG = Config(alarms=Alarms(repeat=()), agents={TIMER: AgentConfig(wake_every=EVERY)})
OUTAGE = (1.5 * HOUR, 3.5 * HOUR)
FULL, FREED = 6.0 * HOUR + 6 * MINUTE, 6.0 * HOUR + 40 * MINUTE
LOW = 6.0 * HOUR
"""The disk is nearly full, six minutes before it is full."""


@dataclass(frozen=True)
class Day:
    """A day, and what is to be heard of it."""

    story: Story
    requests: tuple[Heard, ...]
    """What agents asked of the operator by design."""
    troubles: tuple[Trouble, ...] = ()
    """What went wrong, causes and what follows from them."""

    @property
    def causes(self) -> tuple[str, ...]:
        """The names of the causes, in the order of their time."""
        return tuple(dict.fromkeys(one.cause for one in sorted(self.troubles, key=lambda one: one.at)))

    def over(self, cause: str) -> float:
        """When the last condition of the cause itself is over."""
        return max(one.until for one in self.troubles if one.cause == cause and not one.follows)


@cache
def healthy_day(seed: int = 1) -> Day:
    """Work, tools, subagents, builds, letters, approvals, attempts that fail once; the laptop sleeps over lunch."""
    steps = ((NAP.at, (Sleep(NAP.seconds),)), (7 * HOUR, (Restart(),)))
    return _day("a healthy day of thirty agents", seed, {}, (NAP,), steps)


@cache
def bad_day(seed: int = 2) -> Day:
    """An outage of two hours, a full disk, three crashes, two silent agents, one that speaks just after each limit."""
    book: Book = []
    met: dict[str, list[Incident]] = {name: [] for name in NAMES}
    begin, end = OUTAGE

    def meets(name: str, at: float, act: Act) -> None:
        met[name].append(Incident(at, act))

    for name in (*CLAUDE, *BUILDERS):
        meets(name, begin, incidents.cut_off(book, end) if name in LOST else incidents.overloaded(book, end))
    for name, priority in (("indexer", "normal"), ("editor", "high")):
        met[name] = [Incident(begin, incidents.with_task(book, "outage", met[name][0].act, priority))]
    meets("planner", begin - 20 * MINUTE, incidents.passes_on(book, "@writer", end + 100 * MINUTE))
    meets("writer", begin - 19 * MINUTE, incidents.takes_from("@planner"))
    for name in SESSIONS:
        meets(name, begin, incidents.cut_off_from_person(end))
    for names, act in (
        (("history", "coder", "papers", "notes"), incidents.disk_full_in_attempt),
        (("docs", "reviewer", "release"), incidents.disk_full_at_end),
        (("users", "indexer", "archivist"), incidents.disk_full_in_mailbox),
        (("tagger", "builder"), incidents.errors_in_log),
    ):
        for name in names:  # those that are at work then
            meets(name, FULL, act(book, FREED))
    meets("porter", 4.5 * HOUR, incidents.killed_by_kernel(book, "crash of @porter"))
    meets("fuzzer", 7.5 * HOUR, incidents.segfault(book, "crash of @fuzzer"))
    meets("schema", 7.9 * HOUR, incidents.orphan_that_stays(book, "crash of @schema"))
    meets("linter", 5.4 * HOUR, incidents.falls_silent(book, "silence of @linter"))
    meets("market", 8.4 * HOUR, incidents.hangs_in_tool(book, "silence of @market"))
    meets("ocr", 2.4 * HOUR, incidents.chatters(book, "chatter of @ocr"))
    store = "what was reported and answered cannot be stored: [Errno 28] No space left on device: 'told.json'"
    steps: tuple[tuple[float, tuple[Step, ...]], ...] = (
        (LOW, (Disk(4 * 10**8),)),
        (FULL, (Disk(0),)),
        (FULL + 20, (roster(*NAMES, notes=(store,)),)),
        (FREED, (Disk(10**11),)),
        (FREED + 5, (roster(*NAMES),)),
    )
    day = _day("a bad day of thirty agents", seed, met, (), steps)
    book.append(Trouble("disk near", "disk_near", "", LOW, FULL + 60))
    book.append(Trouble("disk", "disk", "", FULL, FREED + 60))
    book.append(Trouble("disk", "degraded", "", FULL, FREED + 10, follows=True))
    return replace(day, troubles=tuple(book))


LOST = ("tester", "checker", "patents")
"""They lose the connection in the outage; the others are told that the service is overloaded."""


def _day(
    name: str, seed: int, met: Mapping[str, Sequence[Incident]], naps: Sequence[Nap],
    steps: tuple[tuple[float, tuple[Step, ...]], ...],
) -> Day:  # fmt: skip
    desk, lives = Desk(), []
    for number, who in enumerate(NAMES):
        worker = Worker(
            who, Random(f"{seed} {number}"), desk, program=PROGRAMS.get(who, "claude"), naps=naps,
            incidents=met.get(who, ()), builds=who in BUILDERS,
        )  # fmt: skip
        worker.between(5, 30 * MINUTE)
        _routine(who)(worker)
        lives.append(worker.life)
    limits = Life()
    for hour in range(24):
        limits.limit(hour * HOUR, Limit("claude", "week", False, 0.2 + 0.02 * hour, START + 4e5, START, window=604_800))
    told = [step for life in (*lives, limits, _operator(desk, naps)) for step in life.steps]
    ordered = sorted([(0.0, (roster(*NAMES),)), *told, *steps], key=lambda step: step[0])
    return Day(Story(name, tuple(ordered), (), DAY, CONFIG, START), tuple(sorted(desk.requests)))


def _operator(desk: Desk, naps: Sequence[Nap]) -> Life:
    """The operator's mailbox, as all of the agents wrote to it."""
    life, left = Life("operator"), list(naps)
    for second, id, fields in sorted(desk.mail, key=lambda one: one[0]):
        while left and second >= left[0].at:
            life.shift += left.pop(0).seconds
        if fields:
            life.mail(second, id, is_task=False, **fields)
        else:
            life.gone(second, id)
    return life


def _routine(name: str) -> Callable[[Worker], None]:
    if name in SESSIONS:
        return lambda worker: worker.sits_with_person(WORK)
    return _woken if name == TIMER else _employed


def _employed(worker: Worker) -> None:
    """Tasks one after another, letters in between, and sometimes one that goes on into the night."""
    rng = worker.rng
    while worker.now < WORK:
        chance = rng.random()
        if chance < 0.15:
            id = worker.receives(is_task=False, sender="@editor", subject="FYI")
            worker.between(1, 30 * MINUTE)
            worker.reads(id)
        elif chance < 0.20:
            _held(worker)
        elif chance < 0.27:
            worker.does_task(rng.uniform(4, 30), before_end=worker.asks_approval)
        elif chance < 0.32:
            if worker.does_task(rng.uniform(4, 30), replied=False):
                worker.between(5 * MINUTE, 40 * MINUTE)
                worker.life.gone(worker.now, worker.task)
        elif chance < 0.36:
            worker.does_task(rng.uniform(1, 10), before_end=lambda: worker.does(Kind.MESSAGE, "that was quick"))
        else:
            priority = rng.choice(("normal", "normal", "normal", "high", "low"))
            sender = rng.choice(("@operator", "@editor" if worker.address == "@planner" else "@planner"))
            worker.does_task(rng.uniform(3, 75), priority=priority, sender=sender)
        worker.between(2 * MINUTE, 40 * MINUTE)


def _held(worker: Worker) -> None:
    """The operator holds it for an hour, and lets it go on with what waits."""
    worker.life.held(worker.now)
    id = worker.receives()
    worker.between(20 * MINUTE, 100 * MINUTE)
    worker.life.held(worker.now, "")
    worker.go(2)
    worker.task = id
    worker.starts("Report")
    worker.reads(id)
    if worker.works(worker.rng.uniform(3, 20)):
        worker.ends()


def _woken(worker: Worker) -> None:
    """A timer starts it every half an hour by the clock of the wall, day and night; late after the machine slept."""
    while worker.now < DAY:
        due = worker.stamp + EVERY
        worker.task = ""
        worker.life.starts(worker.now, subject="Digest", task="", sender="")
        worker.go(3)
        worker.works(worker.rng.uniform(1, 6))
        worker.life.ends(worker.now, replied=False)
        while worker.stamp < due:
            worker.go(min(MINUTE, due - worker.stamp))
        worker.between(0, 5)
