"""What one screen costs that shows the agents of ten hosts, and how late it shows what happens there.

    python -m tests.bench.bench_link_sight [--hosts 10] [--agents 100] [--rate 100] [--seconds 20] [--probes 60]

Each host is a workspace with a link's process of its own, and all are linked by a real server on this machine; every
agent has a session file of Claude Code. Beside them one host with a single agent, on which the installed `praxmonitor`
runs in a real terminal of 200×50. Printed: from the command to the first agent of another host drawn; CPU of the
screen, of a host's link and of its own, in per cent of one core, idle and while `--rate` lines a second are written on
all hosts together; from a line written there to the bytes on the terminal here that show it; memory of each. Beside it,
in the same run: the same screen where as many agents are its own.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailcore.hosts.directory import read_hosts
from mailcore.model.agent import Agent
from mailcore.workspace import create
from mailcore.workspace.find import Workspace
from tests.bench.asked import ask
from tests.bench.bench_screen import Screen, latency, session, use, written
from tests.bench.process_figures import cpu
from tests.linked import LinkRun, linked

SETTLED = 8.0
"""Seconds after which all was told and read."""
HOMES = {"HOME": "home", "XDG_STATE_HOME": "state", "XDG_CACHE_HOME": "cache", "CLAUDE_CONFIG_DIR": "claude"}


def home(place: Path) -> dict[str, str]:
    """The variables of a user of their own."""
    return {name: str(place / folder) for name, folder in HOMES.items()}


@contextmanager
def at_home(variables: dict[str, str]) -> Iterator[None]:
    """Be that user."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ |= variables
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


def host(place: Path, agents: int) -> tuple[Workspace, list[Path]]:
    """A workspace of so many agents, and their session files."""
    with at_home(home(place)):
        rows = [(f"a{number:03}", f"agents/a{number:03}") for number in range(agents)]
        space = create.create_workspace(place / "bench", rows)
        return space, [session(agent) for agent in space.agents]


def memory(pid: int) -> float:
    """Resident megabytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Links:
    """The links' processes, measured."""

    def __init__(self, runs: dict[str, LinkRun]) -> None:
        self._here = runs["alpha"]
        self._there = [run for name, run in runs.items() if name != "alpha"]
        self._before, self._at = self._used(), time.monotonic()

    def _used(self) -> tuple[float, float]:
        return cpu(self._here.pid), sum(cpu(run.pid) for run in self._there) / len(self._there)

    def text(self) -> str:
        """What they took since they were asked last, and their memory."""
        used, now = self._used(), time.monotonic()
        shares = [(after - before) / (now - self._at) for before, after in zip(self._before, used, strict=True)]
        self._before, self._at = used, now
        most = max(memory(run.pid) for run in self._there)
        here, there = (f"{share * 100:.1f} %" for share in shares)
        return f"link here {here}, {memory(self._here.pid):.0f} MB; there {there}, at most {most:.0f} MB"


def measure(hosts: int, agents: int, rate: float, seconds: float, probes: int) -> None:
    """The figures."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        alpha, _ = host(place / "alpha", 1)
        there = {f"h{number}": host(place / f"h{number}", agents) for number in range(hosts)}
        homes = {name: home(place / name) for name in ("alpha", *there)}
        os.environ |= homes["alpha"]
        paths = [path for _, files in there.values() for path in files]
        first, own = there["h0"][0].agents[0], there["h0"][1][0]
        with linked(alpha, {name: space for name, (space, _) in there.items()}, homes) as runs:
            deadline = time.monotonic() + 120
            while len(list((alpha.state_dir / "link" / "hosts").glob("*/sight.jsonl"))) < hosts:
                assert time.monotonic() < deadline, read_hosts(alpha)
                time.sleep(0.2)
            time.sleep(SETTLED)
            links = Links(runs)
            on_screen(f"{hosts} hosts of {agents} agents", alpha, first, own, paths, rate, seconds, probes, links, 0)
        many, files = host(place / "many", hosts * agents)
        os.environ |= home(place / "many")
        on_screen("all its own", many, many.agents[0], files[0], files, rate, seconds, probes, None, 10_000)


def on_screen(
    name: str, space: Workspace, agent: Agent, own: Path, paths: list[Path], rate: float, seconds: float, probes: int,
    links: Links | None, number: int,
) -> None:  # fmt: skip
    """The figures of one screen."""
    screen = Screen(sys.executable, "-m", "praxmonitor", str(space.root), "--mute")
    try:
        painted = screen.shows(b"a001")
        time.sleep(SETTLED)
        print(f"{name}: first drawn {painted * 1000:.0f} ms, memory {screen.memory():.0f} MB")
        if links is not None:
            links.text()
        idle = use(screen, seconds)
        print(f"  idle:   {idle}{f'; {links.text()}' if links is not None else ''}")
        print(f"          line → bytes {latency(screen, agent, own, number, probes)}", flush=True)
        with written(paths[1:], rate):
            if links is not None:
                links.text()
            loaded = use(screen, seconds)
            print(f"  loaded: {loaded}{f'; {links.text()}' if links is not None else ''}")
            print(f"          line → bytes {latency(screen, agent, own, number + probes, probes)}", flush=True)
    finally:
        screen.close()


def main() -> None:
    """Measure."""
    asked = argparse.Namespace(hosts=10, agents=100, rate=100.0, seconds=20.0, probes=60)
    ask(asked, __doc__)
    print(f"{time.strftime('%Y-%m-%d')}, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    measure(asked.hosts, asked.agents, asked.rate, asked.seconds, asked.probes)


if __name__ == "__main__":
    main()
