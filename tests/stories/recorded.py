"""Stories that really happened: the demo's agents as `praxmonitor demo --record` saw them, and a real Claude Code.

The times of what must be heard were read off the raw facts: when a run's journal says `bounced`, when a hook says that
the agent waits or goes on, when the last sign of life came before the demo's limit of 8 s ran out. Mail bodies and the
recording machine's paths are taken out; nothing else is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from mailcore.config import Config
from mailcore.observe.activities import from_hook
from mailcore.observe.facts import Fact, Roster, Seen
from praxmonitor.alarms.rules.silence import SILENCE_SETTLE
from praxmonitor.feed.recording_reader import read_header, read_recording
from tests.stories.made import heard
from tests.stories.play import Heard, Step, Story, only
from tests.stories.words import START, Life, roster

HERE = Path(__file__).parent / "recorded"
HOOKS = Path(__file__).parents[1] / "fixtures" / "claude-code" / "hooks.jsonl"
T = TypeVar("T")

CAST = (
    "editor", "history", "market", "papers", "patents", "users", "planner", "builder", "tester", "importer", "indexer",
    "release",
)  # fmt: skip
HEARD: dict[int, dict[str, tuple[tuple[float, str], ...]]] = {
    1: {
        "importer": ((12.3, "bounced"), (67.0, "over"), (77.7, "bounced"), (130.3, "over"), (141.6, "bounced")),
        "indexer": ((16.0, "silence"), (28.8, "over")),
        "release": (
            (8.7, "waiting"), (50.8, "over"), (59.5, "waiting"), (99.8, "over"), (116.0, "waiting"), (158.3, "over"),
        ),
    },
    2: {
        "importer": ((17.6, "bounced"), (55.3, "over"), (67.4, "bounced"), (115.3, "over"), (126.0, "bounced")),
        "indexer": ((18.0, "silence"), (30.3, "over")),
        "release": ((11.1, "waiting"), (52.3, "over"), (73.1, "waiting"), (113.8, "over"), (139.7, "waiting")),
    },
    3: {
        "importer": (
            (15.9, "bounced"), (64.8, "over"), (77.8, "bounced"), (115.8, "over"), (128.0, "bounced"), (166.8, "over"),
        ),
        "indexer": ((20.3, "silence"), (32.8, "over")),
        "release": (
            (11.4, "waiting"), (53.8, "over"), (63.3, "waiting"), (105.3, "over"), (119.8, "waiting"), (160.8, "over"),
            (167.7, "waiting"),
        ),
    },
}  # fmt: skip
"""Recording → agent → what must be heard of it; of all others nothing. `over` is that of the alarm before it."""


@cache
def readings(number: int) -> tuple[tuple[float, tuple[Fact, ...]], ...]:
    """A recording, its times as seconds since its beginning."""
    found = list(read_recording(HERE / f"demo-{number}.jsonl.gz"))
    began = found[0][0]
    return tuple((at - began, facts) for at, facts in found)


def config_of(number: int) -> Config:
    header = read_header(HERE / f"demo-{number}.jsonl.gz")
    return Config(alarms=replace(header.alarms, repeat=()), mail=header.mail)


def began(number: int) -> float:
    return next(read_recording(HERE / f"demo-{number}.jsonl.gz"))[0]


def expected(number: int, agents: Sequence[str]) -> tuple[Heard, ...]:
    told: list[Heard] = []
    for agent in agents:
        before = ""
        for at, kind in HEARD[number].get(agent, ()):
            settled = SILENCE_SETTLE if kind == "over" and before == "silence" else 0.0
            told.append((at + settled, f"over {before}" if kind == "over" else kind, f"@{agent}"))
            before = kind
    return tuple(sorted(told))


def demo(number: int, *agents: str, name: str = "") -> Story:
    """The story of some agents of one recording."""
    addresses = frozenset(f"@{agent}" for agent in agents)
    steps = tuple((at, tuple(only(facts, addresses))) for at, facts in readings(number))
    title = name or f"demo {number}: @{agents[0]}"
    return Story(title, steps, expected(number, agents), steps[-1][0], config_of(number), began(number))


def claude(name: str, lines: int, seconds: float, *told: Heard, pause: float = 2.0) -> Story:
    """The first `lines` hook events of a real session of Claude Code in a run, `pause` seconds apart."""
    life = Life().starts(10)
    raw = [line for line in HOOKS.read_bytes().splitlines() if line][:lines]
    for number, line in enumerate(raw):
        second = 12 + number * pause
        activity = from_hook(line, life.address, START + second)
        if activity is not None:
            life.at(second, Seen(life.address, (activity,)))
    steps: list[tuple[float, tuple[Step, ...]]] = [(0.0, (roster("writer"),)), *life.steps]
    if not told:
        steps += life.ends(14 + len(raw) * pause).steps[-2:]
    return Story(name, tuple(sorted(steps, key=lambda step: step[0])), told, seconds, Config(), START)


RECORDED = (
    *(demo(number, agent) for number in HEARD for agent in CAST),
    *(demo(number, *CAST, name=f"demo {number}: all twelve at once") for number in HEARD),
    claude("a real session of Claude Code, from its first hook to its last", 99, 1200),
    claude("a real session, an hour's work of it", 99, 4000, pause=200.0),
    claude("a real session that stops in the midst of its first tool", 3, 1200, heard(12 + 4 + 900)),
    claude("a real session that stops after its prompt", 2, 600, heard(12 + 2 + 300)),
)


def moved(value: T, to: Callable[[float], float], around: float) -> T:
    """A fact with every moment near `around` in it moved by `to`."""
    found: Any = value
    if isinstance(found, float) and abs(found - around) < 1e6:
        found = to(found)
    elif isinstance(found, tuple):
        found = tuple(moved(one, to, around) for one in found)
    elif isinstance(found, msgspec.Struct):
        names = found.__struct_fields__
        found = structs.replace(found, **{name: moved(getattr(found, name), to, around) for name in names})
    elif is_dataclass(found) and not isinstance(found, type):
        changes = {f.name: moved(getattr(found, f.name), to, around) for f in fields(found) if f.name != "raw"}
        found = replace(found, **changes)
    typed: T = found
    return typed


def day(number: int, agents: Sequence[str], stretch: float, seconds: float) -> Story:
    """A recording, `stretch` times as slow and again and again, for so long, at the limits that ship."""
    addresses, start = frozenset(f"@{agent}" for agent in agents), began(number)
    once = [(at, tuple(only(facts, addresses))) for at, facts in readings(number)]
    length = once[-1][0] * stretch + 60.0

    def rounds() -> Iterator[tuple[float, tuple[Step, ...]]]:
        begin = 0.0
        while begin < seconds:
            for at, facts in once:
                if begin and any(isinstance(fact, Roster) for fact in facts):
                    facts = tuple(fact for fact in facts if not isinstance(fact, Roster))

                def to(moment: float, begin: float = begin) -> float:
                    return start + begin + (moment - start) * stretch

                yield begin + at * stretch, tuple(moved(fact, to, start) for fact in facts)
            begin += length

    return Story("a healthy day", tuple(rounds()), (), seconds, Config(), start)
