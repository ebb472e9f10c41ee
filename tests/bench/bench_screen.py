"""What the screen costs on real files: the installed `praxmonitor` in a real terminal of 200×50, on a real workspace.

    python -m tests.bench.bench_screen [--agents 30 300 900] [--rate 1000] [--seconds 10] [--probes 40]

Every agent has a session file of Claude Code in a home of its own; another process lets them grow by `--rate` lines a
second all together. Printed for each number of agents: from the command to the first agent drawn; CPU of the whole
process (feed, fold and drawing) in per cent of one core, idle and under that load; from a line written to the bytes on
the terminal that show it, idle and loaded; from a key to the bytes that answer it, idle and loaded; what is sent, and
the memory. Beside it, on the same files in the same run: a naive twin, which looks at every file ten times a second and
prints all agents anew; and htop and btop where they are installed, which know nothing of agents.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pexpect

from mailcore.model.agent import Agent
from mailcore.programs.claude.places import ACCOUNT_HOME, directory
from mailcore.workspace import create
from tests.bench.asked import ask

WARM = 3.0
MARK = re.compile(rb"mark(\d{5})")
WRITER = """
import json, sys, time
from datetime import datetime, timezone
rate, paths = float(sys.argv[1]), sys.stdin.read().split("\\n")
begin, turn = time.monotonic(), 0
while True:
    call = {"type": "tool_use", "id": f"t{turn}", "name": "Read", "input": {"file_path": f"/src/file{turn}.py"}}
    result = {"type": "tool_result", "tool_use_id": f"t{turn}", "content": "import sys"}
    usage = {"input_tokens": 9, "output_tokens": 1}
    path = paths[turn * 7 % len(paths)]
    session = path.rpartition("/")[2].removesuffix(".jsonl")
    with open(path, "ab", buffering=0) as file:
        for kind, message in (
            ("assistant", {"id": f"m{turn}", "model": "opus", "content": [call], "usage": usage}),
            ("user", {"role": "user", "content": [result]}),
        ):
            stamp = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
            line = {"type": kind, "timestamp": stamp, "sessionId": session, "message": message}
            file.write(json.dumps(line).encode() + b"\\n")
    turn += 1
    time.sleep(max(0, begin + 2 * turn / rate - time.monotonic()))
"""
"""Writes `rate` lines a second into the session files that its standard input names: a call and its result, each pair
into another."""


def session(agent: Agent) -> Path:
    """An agent's session file, in which a turn is over. It has an id of its own, which says whose it is."""
    path = directory(agent.branch, ACCOUNT_HOME.usual()) / f"s-{agent.address[1:]}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("")
    content, usage = [{"type": "text", "text": "done"}], {"input_tokens": 9, "output_tokens": 1}
    said = {"id": "m", "model": "opus", "content": content, "usage": usage, "stop_reason": "end_turn"}
    write(path, agent, "assistant", said, age=1800)  # the age of what is younger ticks by seconds
    return path


def write(path: Path, agent: Agent, kind: str, message: Mapping[str, object], age: float = 0.0) -> None:
    """Add a line to a session file, of so many seconds ago."""
    stamp = datetime.fromtimestamp(time.time() - age, UTC).isoformat().replace("+00:00", "Z")
    line = {"type": kind, "timestamp": stamp, "sessionId": path.stem, "cwd": str(agent.branch), "message": message}
    with path.open("ab") as file:
        file.write(json.dumps(line).encode() + b"\n")


TWIN = """
import json, sys, time
paths = sys.stdin.read().split("\\n")
places, newest = dict.fromkeys(paths, 0), dict.fromkeys(paths, "")
while True:
    for path in paths:
        with open(path, "rb") as file:
            file.seek(places[path])
            lines = file.read().splitlines()
            places[path] = file.tell()
        for line in lines:
            content = json.loads(line)["message"]["content"]
            newest[path] = content if isinstance(content, str) else str(content[-1])
    rows = [f"a{number:03} {text:.180}" for number, text in enumerate(newest.values())]
    sys.stdout.write("\\x1b[H\\x1b[2J" + "\\r\\n".join(rows[:49]))
    sys.stdout.flush()
    time.sleep(0.1)
"""
"""Prints the newest line of each session file that its standard input names, all anew ten times a second."""


class Screen:
    """A program in a terminal of 200×50; a thread reads what it draws, and stamps it."""

    def __init__(self, *command: str) -> None:
        self.began = time.monotonic()
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._child: pexpect.spawn[bytes] = pexpect.spawn(
            command[0],
            list(command[1:]),
            dimensions=(50, 200),
            maxread=1 << 20,
            env=environment,
        )
        self._child.delaybeforesend = None  # pexpect's own 50 ms would count as the screen's
        self.sent = 0
        self.marks: dict[int, float] = {}
        """When each mark was drawn first."""
        self._drawn = threading.Condition()
        self._last = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                piece = self._child.read_nonblocking(1 << 20, timeout=None)
            except (pexpect.EOF, ValueError, OSError):
                return
            at = time.monotonic()
            with self._drawn:
                text = self._last[-16:] + piece
                self._last = (self._last + piece)[-65536:]
                self.sent += len(piece)
                for mark in MARK.findall(text):
                    self.marks.setdefault(int(mark), at)
                self._drawn.notify_all()

    def answers(self, keys: str, probes: int) -> str:
        """Key → the next bytes, in words."""
        return spread([took for turn in range(probes) if (took := self.press(keys[turn % len(keys)])) is not None])

    def shows(self, text: bytes, seconds: float = 60.0) -> float:
        """Seconds from the start until a text is drawn. AssertionError if it is not."""
        with self._drawn:
            assert self._drawn.wait_for(lambda: text in self._last, seconds), f"{text!r} is not drawn"
        return time.monotonic() - self.began

    def mark(self, number: int, written: float) -> float | None:
        """Seconds from then until a mark is drawn; None if it is not."""
        with self._drawn:
            if not self._drawn.wait_for(lambda: number in self.marks, 5):
                return None
            return self.marks[number] - written

    def press(self, key: str) -> float | None:
        """Seconds from a key to the next bytes; None if there are none."""
        with self._drawn:
            before, at = self.sent, time.monotonic()
            self._child.send(key)
            return time.monotonic() - at if self._drawn.wait_for(lambda: self.sent > before, 5) else None

    def until(self, keys: str, text: bytes, seconds: float = 60.0) -> float:
        """Seconds from some keys until a text is drawn that was not drawn lately. AssertionError if it is not."""
        with self._drawn:
            self._last, at = b"", time.monotonic()
            self._child.send(keys)
            assert self._drawn.wait_for(lambda: text in self._last, seconds), f"{text!r} is not drawn"
            return time.monotonic() - at

    def cpu(self) -> float:
        """Seconds of CPU time so far."""
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident megabytes."""
        return int(Path(f"/proc/{self._child.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def close(self) -> None:
        """Leave it."""
        with suppress(OSError):
            self._child.send("q")
        self._reader.join(5)
        self._child.close(force=True)


def spread(figures: list[float]) -> str:
    """Median and 95th percentile in milliseconds, and how many there were."""
    if not figures:
        return "none seen"
    ranked = sorted(1000 * figure for figure in figures)
    p95 = ranked[int(0.95 * (len(ranked) - 1))]
    return f"median {statistics.median(ranked):.0f}, p95 {p95:.0f} ms of {len(ranked)}"


def use(screen: Screen, seconds: float) -> str:
    """CPU and bytes of so long a time, in words."""
    cpu, sent = screen.cpu(), screen.sent
    time.sleep(seconds)
    used, drawn = (screen.cpu() - cpu) / seconds * 100, (screen.sent - sent) / seconds / 1000
    return f"{used:.1f} % of a core, {drawn:.1f} kB/s"


def latency(screen: Screen, agent: Agent, path: Path, first: int, probes: int) -> str:
    """Line written → bytes that show it, and which share never came into view."""
    took = []
    for number in range(first, first + probes):
        written = time.monotonic()
        write(path, agent, "user", {"role": "user", "content": f"mark{number:05}"})
        if (seconds := screen.mark(number, written)) is not None:
            took.append(seconds)
        time.sleep(0.2 + 0.007 * (number % 10))  # not in step with what the screen does by itself
    return spread(took)


def measure(count: int, rate: float, seconds: float, probes: int) -> None:
    """The figures of so many agents."""
    with tempfile.TemporaryDirectory() as place:
        homes = {"HOME": "home", "XDG_STATE_HOME": "state", "CLAUDE_CONFIG_DIR": "claude", "CODEX_HOME": "codex"}
        os.environ |= {name: f"{place}/{folder}" for name, folder in homes.items()}
        space = create.create_workspace(Path(place) / "bench", [(f"a{n:03}", f"agents/a{n:03}") for n in range(count)])
        paths = [session(agent) for agent in space.agents]
        first, own = space.agents[0], paths[0]
        own_screen = (sys.executable, "-m", "praxmonitor", str(space.root), "--mute")
        warming = Screen(*own_screen)  # the caches of files and byte code
        warming.shows(b"a000")
        warming.close()
        screen = Screen(*own_screen)
        try:
            painted = screen.shows(b"a000")
            time.sleep(WARM)
            print(f"{count} agents: first agent drawn {painted * 1000:.0f} ms, memory {screen.memory():.0f} MB")
            print(f"  idle:   {use(screen, seconds)}; line → bytes {latency(screen, first, own, 0, probes)}")
            print(f"          key → bytes {screen.answers('lh', probes)}", flush=True)
            with written(paths[1:] or paths, rate):
                print(f"  loaded: {use(screen, seconds)}; line → bytes {latency(screen, first, own, probes, probes)}")
                answered = screen.answers("lh", probes)
                print(f"          key → bytes {answered}; memory {screen.memory():.0f} MB", flush=True)
        finally:
            screen.close()
        files = Path(place) / "files"
        files.write_text("\n".join(map(str, paths)))
        twin = Screen("sh", "-c", f"exec {sys.executable} -c '{TWIN}' <{files}")
        try:
            twin.shows(b"a000")
            print(f"  twin:   idle {use(twin, seconds)}; line → bytes {latency(twin, first, own, 2 * probes, probes)}")
            with written(paths[1:] or paths, rate):
                loaded, seen = use(twin, seconds), latency(twin, first, own, 3 * probes, probes)
                print(f"          loaded {loaded}; line → bytes {seen}", flush=True)
        finally:
            twin.close()


@contextmanager
def written(paths: list[Path], rate: float) -> Iterator[None]:
    """Session files grow meanwhile."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(rate)], stdin=subprocess.PIPE)
    try:
        assert writer.stdin is not None
        writer.stdin.write("\n".join(map(str, paths)).encode())
        writer.stdin.close()
        time.sleep(1)
        yield
    finally:
        writer.kill()
        writer.wait()


def peer(name: str, first: bytes, keys: str, seconds: float, probes: int) -> None:
    """The same figures of another program that one keeps open, as far as it has them."""
    if shutil.which(name) is None:
        print(f"{name} is not installed")
        return
    screen = Screen(name)
    try:
        painted = screen.shows(first)
        time.sleep(WARM)
        print(f"{name}: first drawn {painted * 1000:.0f} ms, memory {screen.memory():.0f} MB")
        print(f"  idle:   {use(screen, seconds)}; key → bytes {screen.answers(keys, probes)}", flush=True)
    finally:
        screen.close()


def main() -> None:
    """Measure."""
    asked = argparse.Namespace(agents=[30, 300, 900], rate=1000.0, seconds=10.0, probes=40)
    ask(asked, __doc__)
    print(f"{time.strftime('%Y-%m-%d')}, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    for count in asked.agents:
        measure(count, asked.rate, asked.seconds, asked.probes)
    for name, first in (("htop", b"PID"), ("btop", b"cpu")):
        peer(name, first, "jk", asked.seconds, asked.probes)


if __name__ == "__main__":
    main()
