"""Plays a story through the fold, the states, the rules and the episodes, by a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from mailcore.config import Config
from mailcore.model.agent import Agent
from mailcore.model.fleet import Fleet
from mailcore.observe.facts import ErrorsRead, Fact, HostsRead, LimitsRead, Roster
from mailcore.observe.fold import apply
from praxmonitor.alarms.engine import AlarmEngine
from praxmonitor.alarms.episode import ACKNOWLEDGED, AlarmEvents, ReportedEpisode
from praxmonitor.alarms.missing_directories import BranchFiles
from praxmonitor.state.snapshot import EMPTY, Snapshot, next_snapshot
from tests.clock import NOON, Clock

TICK = 0.5
"""Seconds between two ticks, as the screen's."""
WHOLE = BranchFiles(directory=True, passport=True, mailbox=(1, 1))
MAILED = BranchFiles(directory=True, mailbox=(2, 2))
"""An empty mount point to which a mail was sent."""


@dataclass(frozen=True)
class Works:
    """From now on this agent's processes use the CPU; or no longer."""

    address: str
    works: bool = True


@dataclass(frozen=True)
class Woken:
    """A timer's wake of this agent finds no mail; or config.toml is written, and it has had no run yet."""

    address: str


@dataclass(frozen=True)
class ClockSet:
    """Somebody sets the clock forward, or back, by so many seconds."""

    by: float


@dataclass(frozen=True)
class Sleep:
    """The machine sleeps so long; or is frozen: then its own clock goes on."""

    seconds: float
    frozen: bool = False


@dataclass(frozen=True)
class Restart:
    """The screen ends, and another opens."""


@dataclass(frozen=True)
class Acknowledge:
    """The operator presses A."""


@dataclass(frozen=True)
class Snooze:
    """The operator presses Z, for so long."""

    seconds: float


@dataclass(frozen=True)
class Disk:
    """So many bytes are free from now on."""

    free: int


@dataclass(frozen=True)
class Stands:
    """So much stands in a directory from now on. At first, all of it."""

    branch: Path
    found: BranchFiles = WHOLE


@dataclass(frozen=True)
class Busy:
    """The observer's ticks are late by so much from now on."""

    late: float


Step = Fact | Works | Woken | ClockSet | Sleep | Restart | Acknowledge | Snooze | Disk | Stands | Busy
Heard = tuple[float, str, str]
"""(seconds of story time, kind, address) of an alarm that is raised; kind `over …`, `again …` and `clear` besides."""


@dataclass(frozen=True)
class Story:
    """What happened and what must be heard."""

    name: str
    steps: tuple[tuple[float, tuple[Step, ...]], ...]
    """(seconds since its beginning, what happens then), in order."""
    expected: tuple[Heard, ...]
    """Every alarm raised, in order. Where one of them is an `over`, `again` or `clear`, all of that sort."""
    seconds: float
    """How long it goes on."""
    config: Config = field(default_factory=Config)
    start: float = NOON
    """Its beginning, seconds since the epoch."""
    slack: float = 1.0
    """Seconds by which an alarm may be off: two ticks; where the machine is looked at, the period of the look more."""


class Machine:
    """The clocks, the processors and the disk of the story."""

    def __init__(self, start: float) -> None:
        self.clock = Clock(start)
        self.monotonic = Clock(0.0)
        self.working: set[str] = set()
        self.woken: dict[str, float] = {}
        self.free = 10**12
        self.stands: dict[Path, BranchFiles] = {}
        self._before: frozenset[str] = frozenset()
        self._seen: dict[str, float] = {}

    def go(self, seconds: float) -> None:
        self.clock.now += seconds
        self.monotonic.now += seconds

    def there(self, agent: Agent) -> BranchFiles:
        return self.stands.get(agent.branch, WHOLE)

    def work(self, pids: Mapping[str, int], now: float, screens: Collection[str]) -> Mapping[str, float]:
        """As `mailcore.observe.cpu.CpuActivity.measure`: from the second look on, when each tree worked."""
        del screens
        known = {address: self._seen.get(address, 0.0) for address in pids if address in self._before}
        known |= {address: now for address in known if address in self.working}
        self._before, self._seen = frozenset(pids), dict(known)
        return MappingProxyType(known)


def play(
    story: Story,
    tick: float = TICK,
    on_events: Callable[[AlarmEvents], None] | None = None,
    on_look: Callable[[float, Snapshot, AlarmEngine, AlarmEvents], None] | None = None,
) -> list[Heard]:
    """Everything that the story makes heard, with the story's own seconds: those in which the machine was awake.

    `on_look` is told of each evaluation: the story's second, what was looked at, the engine after it, its events.
    """
    machine = Machine(story.start)
    config = story.config

    def watcher(known: Mapping[str, ReportedEpisode] = MappingProxyType({})) -> AlarmEngine:
        made = AlarmEngine(
            config, Path("/"), None, period=tick, clock=machine.clock, monotonic=machine.monotonic,
            work=machine.work, files_of=machine.there,
        )  # fmt: skip
        made.episodes = replace(made.episodes, reported_before=known)
        return made

    engine, snapshot, fleet = watcher(), EMPTY, Fleet(Path("/house"))
    heard: list[Heard] = []
    steps, late, looked = list(story.steps), 0.0, -1e9
    passed = 0.0
    while passed <= story.seconds:
        while steps and steps[0][0] <= passed:
            _, things = steps.pop(0)
            facts = [thing for thing in things if isinstance(thing, Fact)]
            if facts:
                fleet = apply(fleet, facts, machine.clock())
            for thing in things:
                match thing:
                    case Works(address=address, works=works):
                        (machine.working.add if works else machine.working.discard)(address)
                    case Woken(address=address):
                        machine.woken[address] = machine.clock()
                    case ClockSet(by=by):
                        machine.clock.now += by
                    case Sleep(seconds=seconds, frozen=frozen):
                        machine.clock.now += seconds
                        machine.monotonic.now += seconds if frozen else 0.0
                    case Restart():
                        told = {key: episode.report() for key, episode in engine.episodes.by_key.items()}
                        answers = engine.answers
                        engine, snapshot, looked = watcher(MappingProxyType(told)), EMPTY, -1e9
                        engine.answers = answers
                    case Acknowledge() | Snooze():
                        until = ACKNOWLEDGED if isinstance(thing, Acknowledge) else machine.clock() + thing.seconds
                        keys = [episode.alarm.key for episode in engine.episodes.unanswered(machine.clock())]
                        engine.answers = MappingProxyType({**engine.answers, **dict.fromkeys(keys, until)})
                    case Disk(free=free):
                        machine.free = free
                    case Stands(branch=branch, found=found):
                        machine.stands[branch] = found
                    case Busy(late=slow):
                        late = slow
        engine.check_clock()
        if fleet.agents or fleet.operator:
            snapshot = next_snapshot(snapshot, fleet, machine.clock(), config.alarms, engine.machine_status)
            events = engine.evaluate(snapshot)
            heard += [(passed, str(e.alarm.kind), e.alarm.address) for e in events.raised]
            heard += [(passed, f"again {e.alarm.kind}", e.alarm.address) for e in events.repeated]
            heard += [(passed, f"over {e.alarm.kind}", e.alarm.address) for e in events.over]
            if on_events is not None:
                on_events(events)
            if on_look is not None:
                on_look(passed, snapshot, engine, events)
            if events.clear:
                heard.append((passed, "clear", ""))
        if machine.monotonic() - looked >= config.alarms.look:
            looked = machine.monotonic()
            _, work = engine.check_machine(engine.nearly_silent(snapshot), snapshot.fleet)
            missing = engine.find_missing(snapshot.fleet.agents)
            known = replace(engine.machine_status, disk_free=machine.free, work=work, missing_since=missing)
            engine.update_machine_status(replace(known, woken_at=dict(machine.woken)))
        step = tick + late
        machine.go(step)
        passed += step
    return heard


def compare(story: Story, heard: Iterable[Heard]) -> tuple[list[Heard], list[Heard]]:
    """(misses, false alarms): what was expected and did not come within its slack, what came unexpected."""
    sorts = {"", *(_sort(kind) for _, kind, _ in story.expected)}
    false = [one for one in heard if _sort(one[1]) in sorts]
    misses = []
    for wanted in story.expected:
        found = next((one for one in false if one[1:] == wanted[1:] and abs(one[0] - wanted[0]) <= story.slack), None)
        if found is None:
            misses.append(wanted)
        else:
            false.remove(found)
    return misses, false


def _sort(kind: str) -> str:
    first, _, rest = kind.partition(" ")
    return first if rest or first == "clear" else ""


def only(facts: Iterable[Fact], addresses: frozenset[str]) -> Iterator[Fact]:
    """Of a recording's facts, those of these agents."""
    for fact in facts:
        if isinstance(fact, Roster):
            yield replace(fact, agents=tuple(agent for agent in fact.agents if agent.address in addresses))
        elif isinstance(fact, LimitsRead | ErrorsRead | HostsRead) or fact.address in addresses:
            yield fact
