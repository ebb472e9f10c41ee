"""What goes wrong with linked hosts, at random and by a seed: each fault is done, lasts a while, and is undone."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.faults.link_lab import Host
from tests.faults.link_world import HUB, World

LONGEST_CUT = 12.0
"""Seconds without a cable: more than a connection lives without a word is the rarer case."""
CLOCK = 300
"""Seconds by which a clock may be set wrong."""


class Nemesis:
    """Two threads: one pulls cables, one breaks what runs."""

    def __init__(self, world: World, seed: int, without: frozenset[str] = frozenset()) -> None:
        """`without` names faults, as functions here, that do not happen."""
        self.done: Counter[str] = Counter()
        self.log: list[tuple[float, str]] = []
        self.failed: BaseException | None = None
        self._world = world
        self._over = threading.Event()
        breaking = [fault for fault in BREAKING if fault.__name__ not in without]
        self._threads = [
            threading.Thread(target=self._go_on, args=(random.Random(f"{seed}.cables"), [cut])),
            threading.Thread(target=self._go_on, args=(random.Random(f"{seed}.breaking"), breaking)),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Undo what is done, and mend everything."""
        self._over.set()
        for thread in self._threads:
            thread.join(300)
        if self.failed is not None:
            raise self.failed
        self._world.lab.mend()
        for host in self._world.lab.hosts.values():
            host.move_clock(0)
        self._world.mend()

    def _go_on(self, chance: random.Random, faults: list[Fault]) -> None:
        try:
            deck: list[Fault] = []
            while not self._over.wait(chance.uniform(0.5, 4)):
                # Each once before any is done again: on a slow machine there are few in a round.
                deck = deck or chance.sample(faults, len(faults))
                fault = deck.pop()
                with contextmanager(fault)(self._world, chance) as words:
                    self.log.append((time.monotonic(), words))
                    self.done[fault.__name__] += 1
                    self._over.wait(
                        chance.uniform(0.1, LONGEST_CUT / (1 if fault is cut and chance.random() < 0.3 else 4))
                    )
        except BaseException as error:  # told by `stop`
            self.failed = error


def cut(world: World, chance: random.Random) -> Iterator[str]:
    """Some hosts hear nobody, the hub among them or not."""
    names = chance.sample(sorted(world.lab.hosts), chance.randint(1, max(1, len(world.lab.hosts) // 2)))
    world.lab.cut(*names)
    yield f"cut {' '.join(names)}"
    world.lab.mend(*names)


def kill_link(world: World, chance: random.Random) -> Iterator[str]:
    """The link's process is killed; the server, where it has one, goes on without it."""
    host = _any(world, chance)
    world.links[host.name].kill()
    yield f"killed the link of {host.name}"
    world.start_link(host)


def kill_server(world: World, chance: random.Random) -> Iterator[str]:
    """The server is killed; the link's process starts another one."""
    _kill(world.lab.hosts[HUB], "nats-server")
    yield "killed the server"


def forget(world: World, chance: random.Random) -> Iterator[str]:
    """The server is killed, and its store is gone."""
    hub = world.lab.hosts[HUB]
    world.links[HUB].kill()
    _kill(hub, "nats-server")
    hub.run("rm", "-rf", str(hub.root / ".praxmonitor/link/server/store"))
    yield "removed the server's store"
    world.start_link(hub)


def kill_supervisor(world: World, chance: random.Random) -> Iterator[str]:
    """One process that owns a run is killed, or the sentinel beside it, on any host where one is at work."""
    place = f"{world.lab.directory}/"
    rows = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True).stdout.splitlines()
    found = [row for row in rows if "mailcore.dispatch" in row and place in row]
    if not found:
        yield "no supervisor to kill"
        return
    row = chance.choice(found)
    with suppress(ProcessLookupError):
        os.kill(int(row.split()[0]), signal.SIGKILL)
    yield f"killed a supervisor of {row.split(place)[1].split('/')[0]}"


def fill_disk(world: World, chance: random.Random) -> Iterator[str]:
    """A host that has a disk of its own has no room on it."""
    small = [host for host in world.lab.hosts.values() if host.has_own_disk]
    if not small:
        yield "no disk to fill"
        return
    host = chance.choice(small)
    host.run("sh", "-c", f"head -c 1G /dev/zero > {host.directory}/filler")
    yield f"filled the disk of {host.name}"
    host.run("rm", "-f", f"{host.directory}/filler")


def set_clock(world: World, chance: random.Random) -> Iterator[str]:
    """A host's clock is set wrong, and stays so."""
    host, seconds = _any(world, chance), chance.randint(-CLOCK, CLOCK)
    host.move_clock(seconds)
    yield f"set the clock of {host.name} by {seconds:+} s"


def power_off(world: World, chance: random.Random) -> Iterator[str]:
    """A host loses its power, and gets it again."""
    host = chance.choice([host for host in world.lab.hosts.values() if not host.has_own_disk])
    world.lab.switch_off(host)
    yield f"took the power of {host.name}"
    world.lab.switch_on(host)
    world.start_link(host)


Fault = Callable[[World, random.Random], Iterator[str]]
BREAKING: tuple[Fault, ...] = (
    kill_link,
    kill_server,
    forget,
    kill_supervisor,
    fill_disk,
    set_clock,
    power_off,
)


def _any(world: World, chance: random.Random) -> Host:
    return chance.choice(list(world.lab.hosts.values()))


def _kill(host: Host, word: str) -> None:
    """Kill what runs there and has that word in its command line."""
    host.run("pkill", "-KILL", "-f", word)
