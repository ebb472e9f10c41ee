"""A large log beside `tail`, `less`, `lnav` and `grep`, and many that grow at once beside `tail -F`.

    python -m tests.bench.bench_logs [--megabytes 1000] [--turns 5] [--seconds 10] [--files 100] [--rate 10000]

First a log is written that is gone afterwards. Of each program: how long until its last screen is there, with starting
it; the most memory it has. Ours is a process of its own too, whose figures begin behind its imports: the last 50 rows
of a log just opened, and the memory that it has more after counting all lines and searching all of each pattern. Each
search stands beside `grep -cE` of the same, in turns, of which the median is told: `share` is grep's time by ours; the
claim is 0.5. And the view of logs, in a real terminal: from the key `L` to the log's last line, from a word that is
searched for to its first hit, and the memory that the screen has more then.

Then so many files grow by so many lines a second altogether, all read by one thread of ours and by one `tail -F`: lines
that are missing, and the CPU that each took.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import random
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mailcore.logs.log_file import LogChange, LogFile
from mailcore.workspace import create
from tests.bench.bench_screen import WARM, Screen, spread

ROWS = 50
PATIENCE = 60.0
PATTERNS = {
    "a literal": "ERROR",
    "an alternation": "session token|worker queue|took=7",
    "a class": "[0-9]{3}ms",
    "none": "no such words",
}
WORDS = (
    "request", "handled", "cache", "worker", "queue", "mail", "branch", "session", "token", "retry", "commit", "build",
    "frame", "packet", "index", "page",
)  # fmt: skip
OURS = """
import json, sys, time
from mailcore.logs.line_index import LineIndex
from mailcore.logs.log_file import LogFile
from mailcore.logs.search import LogSearch
def megabytes(): return int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) / 1024
path, rows, *patterns = sys.argv[1:]
before, begun = megabytes(), time.perf_counter()
log = LogFile(path)
shown = log.last_rows(int(rows))
found = {"screen": (time.perf_counter() - begun) * 1000, "rows": len(shown), "searches": []}
begun = time.perf_counter()
index = LineIndex(log)
while not index.done: time.sleep(0.002)
found["index"], found["lines"] = time.perf_counter() - begun, index.total
for pattern in patterns:
    begun, first = time.perf_counter(), 0.0
    search = LogSearch(log, pattern)
    while not search.done:
        first = first or (search.count and time.perf_counter() - begun)
        time.sleep(0.002)
    seconds = time.perf_counter() - begun
    assert not search.error, search.error
    begun = time.perf_counter()
    last = search.before(log.size)
    found["searches"].append([seconds, (first or seconds) * 1000, search.count, (time.perf_counter() - begun) * 1000])
    search.close()
found["memory"] = megabytes() - before
print(json.dumps(found))
"""
WRITER = """
import sys, time
from pathlib import Path
directory, files, rate, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
logs = [(directory / f"{n}.log").open("ab", buffering=0) for n in range(files)]
number, begun = 0, time.monotonic()
while (now := time.monotonic() - begun) < seconds:
    due = [[] for _ in logs]
    while number < now * rate:
        due[number % files].append(b"2026-11-29 03:00:00 INFO line %d of a log that grows\\n" % number)
        number += 1
    for log, lines in zip(logs, due):
        if lines: log.write(b"".join(lines))
    time.sleep(0.005)
print(number)
"""


def write_log(path: Path, megabytes: float) -> None:
    """Lines as a program's logger writes them, one in a hundred an error."""
    chance = random.Random(7)
    said = [" ".join(chance.choices(WORDS, k=chance.randint(5, 14))) for _ in range(5000)]
    at, number, size = datetime(2026, 11, 29, 3), 0, 0
    with path.open("wb") as file:
        while size < megabytes * 1e6:
            lines = []
            for _ in range(10_000):
                number += 1
                at += timedelta(milliseconds=chance.randint(1, 9))
                level = chance.choices(("INFO", "DEBUG", "WARNING", "ERROR"), (93, 3, 3, 1))[0]
                stamp = at.isoformat(" ", "milliseconds")
                text = said[number * 7919 % 5000]
                lines.append(
                    f"{stamp} {level} app.{WORDS[number % 16]}: {text} id={number} took={number * 31 % 900}ms\n"
                )
            size += file.write("".join(lines).encode())


def most_memory(pid: int) -> float:
    """The most megabytes that a process had so far; not what `wait4` says, which counts those of who started it."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


def on_screen(words: list[str], mark: bytes) -> tuple[float, float] | None:
    """Milliseconds until a program in a terminal shows `mark`, and the most megabytes it had by then.

    None where it is not installed, or does not show it in time.
    """
    if not shutil.which(words[0]):
        return None
    environment = {**os.environ, "TERM": "xterm", "HOME": str(Path(words[-1]).parent), "LC_ALL": "C.UTF-8"}
    begun = time.perf_counter()
    pid, terminal = pty.fork()
    if not pid:
        termios.tcsetwinsize(0, (ROWS, 250))
        os.execvpe(words[0], words, environment)
    said, milliseconds = b"", 0.0
    while not milliseconds and time.perf_counter() - begun < PATIENCE:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                said = (said + os.read(terminal, 65536))[-65536:]
            except OSError:
                break
            if mark in said:
                milliseconds = (time.perf_counter() - begun) * 1000
    memory = most_memory(pid) if milliseconds else 0.0
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(terminal)
    return (milliseconds, memory) if milliseconds else None


def printing(words: list[str]) -> tuple[float, float] | None:
    """Seconds of a program that prints to a file, and the most megabytes it had. None as of `on_screen`.

    Not to /dev/null: grep sees that, and stops at its first match.
    """
    if not shutil.which(words[0]):
        return None
    environment = {**os.environ, "HOME": str(Path(words[-1]).parent), "LC_ALL": "C"}
    begun = time.perf_counter()
    with (Path(words[-1]).parent / "printed").open("wb") as output:
        child = subprocess.Popen(
            words, stdout=output, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
        )
    memory = 0.0
    while child.poll() is None and time.perf_counter() - begun < PATIENCE:
        with suppress(OSError, IndexError):  # it is over
            memory = most_memory(child.pid)
        time.sleep(0.001)
    if child.poll() is None:
        child.kill()
        child.wait()
        return None
    return time.perf_counter() - begun, memory


def told(figures: tuple[float, float] | None, unit: str) -> tuple[str, str]:
    """Two cells of the table."""
    if figures is None:
        return "-", "-"
    return f"{figures[0]:.0f} ms" if unit == "ms" else f"{figures[0]:.2f} s", f"{figures[1]:.0f} MB"


def large(directory: Path, megabytes: float, turns: int) -> None:
    """One large log."""
    path = directory / "large.log"
    write_log(path, megabytes)
    with path.open("rb") as file:  # warm for all
        while file.read(1 << 20):
            pass
    last = LogFile(path).last_rows(1)[0].data.split()[-2].removeprefix(b"id=")
    log = str(path)
    first = ours(log, *PATTERNS.values())
    assert first["rows"] == ROWS
    print(f"{path.stat().st_size / 1e6:,.0f} MB, {first['lines']:,} lines\n")
    print("| | last screen | memory |\n| --- | --- | --- |")
    memory = f"{first['memory']:.0f} MB more, with all lines counted and all below searched"
    print(f"| ours | {first['screen']:.1f} ms | {memory} |")
    programs = {
        f"`tail -n {ROWS} -F`": ["tail", "-n", str(ROWS), "-F", log],
        "`less +G`": ["less", "+G", log],
        "`lnav`": ["lnav", log],
    }
    for name, words in programs.items():
        print("| {} | {} | {} |".format(name, *told(on_screen(words, last), "ms")))
    print("| `lnav -n`, all of it printed | {} | {} |".format(*told(printing(["lnav", "-n", log]), "s")))
    print(f"\nall lines counted in {first['index']:.2f} s\n")
    print("| all matches of | ours | first hit | the last by `before` | `grep -cE` | share | `lnav -n` | hits |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, pattern in PATTERNS.items():
        pairs = [(ours(log, pattern), printing(["grep", "-cE", pattern, log])) for _ in range(turns)]
        searches = [found["searches"][0] for found, _ in pairs]
        seconds, hit, hits, before = (statistics.median(column) for column in zip(*searches, strict=True))
        grep = statistics.median(grep[0] for _, grep in pairs if grep)
        share = statistics.median(grep[0] / found["searches"][0][0] for found, grep in pairs if grep)
        lnav = printing(["lnav", "-n", "-c", f":filter-in {pattern}", log])
        soon = f"{hit:.0f} ms" if hits else "-"
        print(f"| {name} | {seconds:.2f} s | {soon} | {before:.0f} ms | {grep:.2f} s | {share:.2f} | "
              f"{told(lnav, 's')[0]} | {hits:,.0f} |")  # fmt: skip
    in_the_view(directory, path)


def in_the_view(directory: Path, log: Path) -> None:
    """The view of logs, opened by its key on that log."""
    space = create.create_workspace(directory / "project", [("writer", "agents/writer")])
    (agent,) = (one for one in space.agents if not one.is_operator)
    agent.logs_dir.mkdir(parents=True, exist_ok=True)
    os.link(log, agent.logs_dir / "large.log")
    last = LogFile(log).last_rows(1)[0].data[:80]  # beside the list of agents too little of it has room
    screen = Screen(sys.executable, "-m", "praxmonitor", str(space.root), "--mute")
    try:
        screen.shows(b"writer")
        time.sleep(WARM)
        before = screen.memory()
        opened = [screen.until("L", last)]
        more = screen.memory() - before
        for _ in range(4):
            screen.until("-", b"no task")
            opened.append(screen.until("L", last))
        screen.until("/", b"a regular expression")  # the cursor stands on the word before
        found = screen.until("ERROR\r", b"hit ")
        time.sleep(WARM)
        most = screen.memory() - before
    finally:
        screen.close()
    print(f"\nin the view: `L` → the last line {opened[0] * 1000:.0f} ms the first time, then {spread(opened[1:])}; "
          f"memory {more:.0f} MB more; a word → its first hit {found * 1000:.0f} ms; "
          f"memory {most:.0f} MB more in the end")  # fmt: skip


def ours(log: str, *patterns: str) -> dict[str, Any]:
    """What a process of ours found, and what it took."""
    words = [sys.executable, "-c", OURS, log, str(ROWS), *patterns]
    return dict(json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout))


def growing(directory: Path, files: int, rate: float, seconds: float) -> None:
    """Many logs that grow at once."""
    paths = [directory / f"{number}.log" for number in range(files)]
    for path in paths:
        path.touch()
    logs = [LogFile(path) for path in paths]
    places = [0] * files
    numbers: list[int] = []
    with (directory / "tail").open("wb") as output:
        tail = subprocess.Popen(
            ["tail", "-q", "-n", "+1", "-F", *map(str, paths)], stdout=output, stderr=subprocess.DEVNULL
        )
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(directory), str(files), str(rate), str(seconds)], stdout=subprocess.PIPE
        )
        begun, cpu = time.monotonic(), time.process_time()
        running = True
        while running:
            running = writer.poll() is None  # once more after its end
            for number, log in enumerate(logs):
                change = log.look()
                assert change in (LogChange.SAME, LogChange.GREW), change
                while rows := [row for row in log.rows(places[number], 1000) if log.data(row.end - 1, 1) == b"\n"]:
                    numbers += [int(row.data.split()[4]) for row in rows]
                    places[number] = rows[-1].end
            time.sleep(0.1)
        ours, took = time.process_time() - cpu, time.monotonic() - begun
        assert writer.stdout
        written = int(writer.stdout.read())
        time.sleep(1)
        tail.terminate()
        usage = os.wait4(tail.pid, 0)[2]
        tail.returncode = 0
    tailed = (directory / "tail").read_bytes().count(b" INFO line ")
    print(f"\n{files} logs, {written / took:,.0f} lines/s altogether, {took:.0f} s\n")
    print("| | lines read | missing | CPU |\n| --- | --- | --- | --- |")
    missing = written - len(set(numbers))
    print(f"| ours, looking ten times a second | {len(numbers):,} | {missing:,} | {ours / took * 100:.1f} % |")
    spent = usage.ru_utime + usage.ru_stime
    print(f"| `tail -F`, told by the kernel | {tailed:,} | {written - tailed:,} | {spent / took * 100:.1f} % |")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=1000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--rate", type=float, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        large(Path(directory), options.megabytes, options.turns)
        growing(Path(directory), options.files, options.rate, options.seconds)


if __name__ == "__main__":
    main()
