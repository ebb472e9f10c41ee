"""Linked hosts, and everything that goes wrong with machines: no mail lost, none doubled, no run twice, order kept.

A small round in the suite; `--rounds all`: twenty of two minutes, ten hosts, a hundred agents each; `--seed 7`: that.
Where it fails, the seed and what was done when stand in what it says.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.faults.link_history import History, Kind, Look, Outcome, check
from tests.faults.link_lab import Lab, lab
from tests.faults.link_nemesis import Nemesis
from tests.faults.link_world import NAMES, Clients, World, effects, look, told, wait_for

STANDS = 180.0
"""Seconds in which something has to change while not all has arrived everywhere, once nothing goes wrong any more."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each round."""
    if "seed" in metafunc.fixturenames:
        option = metafunc.config.getoption
        metafunc.parametrize("seed", option("--seed") or range(20 if option("--rounds") == "all" else 1))


def test_what_linked_hosts_say_is_done_is_done_once(
    tmp_path: Path, seed: int, rounds: Callable[[int, int], int], capsys: pytest.CaptureFixture[str]
) -> None:
    hosts, agents, seconds = rounds(3, 10), rounds(6, 100), rounds(15, 120)
    with lab(tmp_path) as made:
        try:
            said = one_round(made, NAMES[:hosts], agents, seconds, seed)
        except BaseException:
            made.keep_disks()
            raise
    assert said, "a round tells what happened in it"
    with capsys.disabled():
        print(f"\nround {seed}: {said}")


def one_round(made: Lab, names: tuple[str, ...], agents: int, seconds: float, seed: int) -> str:
    """One round; what happened in it, in words."""
    made.with_clocks()
    world = World(made, names, agents, {names[-1]: "64m"})
    wait_for(world.knows, 300, world.told)
    clients, nemesis = Clients(world, seed), Nemesis(world, seed)
    looks: list[Look] = []
    clients.start()
    nemesis.start()
    over, pause = time.monotonic() + seconds, threading.Event()
    try:
        while time.monotonic() < over:
            pause.wait(min(5.0, seconds / 5))
            looks += look(world)
    finally:
        clients.stop()
        nemesis.stop()
    began = time.monotonic()
    world.settle(STANDS, lambda: f"seed {seed}: {nemesis.log}\n{world.told()}")
    settled = time.monotonic() - began
    looks += look(world)
    history = History(tuple(clients.asked), tuple(looks), tuple(effects(world)), tuple(told(world)), told_all=True)
    kept = made.directory / "history.json"
    kept.write_bytes(msgspec.json.encode({"nemesis": nemesis.log, "history": history}))
    faults = check(history)
    outcomes = Counter(one.outcome.value for one in history.asked)
    assert not faults, f"seed {seed}: {[str(fault) for fault in faults[:20]]} of {outcomes}; {nemesis.log}; {kept}"
    assert outcomes[Outcome.ACKNOWLEDGED] > 10, f"too little was done to say anything: {outcomes}"
    tasks = sum(one.kind is Kind.TASK for one in history.asked)
    done = ", ".join(f"{name} {times}" for name, times in sorted(nemesis.done.items()))
    return f"{dict(outcomes)}, {tasks} of them tasks, {len(history.effects)} runs; {done}; quiet after {settled:.0f} s"
