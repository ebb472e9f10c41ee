"""Logs that are rotated while they are read, in every way, at 1, 100 and 5,000 lines a second.

    python -m tests.bench.bench_rotation [--seconds 6] [--rates 1 100 5000]

A writer in a process of its own numbers its lines and rotates its log once a second (Python's handler: at 50 kB, as
AIPass does); the screen's own feed reads it. Beside it a twin that reads as a naive reader does: from where it was to
the end, again from the start where the file became shorter or another. Of the lines written: told, told twice, missing,
how often it was said that lines may be lost, and how long the reading went on after the writing. `holds` is the claim:
missing only where that is said.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mailcore.observe.facts import Fact, Lost, Seen
from mailcore.workspace import create
from praxmonitor.feed.file_feed import FileFeed

WAYS = ("rename", "dated", "copytruncate", "remove", "gzip", "handler", "truncate")
WRITER = """
import gzip, logging.handlers, os, shutil, sys, time
path, way, rate, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
def cycle():
    for age in range(60, 0, -1):
        if os.path.exists(f"{path}.{age}"):
            os.rename(f"{path}.{age}", f"{path}.{age + 1}")
def rotate(turn):
    if way == "rename": cycle(); os.rename(path, path + ".1")
    elif way == "dated": os.rename(path, f"{path}-2026112{turn}")
    elif way == "copytruncate": cycle(); shutil.copy(path, path + ".1"); os.truncate(path, 0)
    elif way == "remove": os.unlink(path)
    elif way == "gzip":
        with open(path, "rb") as f, gzip.open(f"{path}.{turn}.gz", "wb") as packed: shutil.copyfileobj(f, packed)
        os.unlink(path)
    elif way == "truncate": os.truncate(path, 0)
text = "line %06d of a log that is rotated while it is read"
if way == "handler":
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=50_000, backupCount=50)
    put = lambda n: handler.emit(logging.makeLogRecord({"msg": text % n}))
else:
    def put(n):
        global file
        if file is None or (way not in ("copytruncate", "truncate") and turned): file = open(path, "a", buffering=1)
        file.write(text % n + "\\n")
file, turned, turn, number, began = None, False, 0, 0, time.monotonic()
while (now := time.monotonic() - began) < seconds:
    if way != "handler" and now > turn + 1 and number:
        rotate(turn); turn += 1; turned = True
    while number < (time.monotonic() - began) * rate:
        put(number); number += 1; turned = False
    time.sleep(0.002)
print(number)
"""


class Twin(threading.Thread):
    """The naive reader: 20 times a second from its place to the end."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.numbers: list[int] = []
        self.ends = threading.Event()
        self._path, self._offset, self._inode = path, 0, 0

    def run(self) -> None:
        while not self.ends.wait(0.05):
            self.look()
        self.look()

    def look(self) -> None:
        with suppress(OSError), self._path.open("rb") as file:
            stat = os.fstat(file.fileno())
            if stat.st_ino != self._inode or stat.st_size < self._offset:
                self._inode, self._offset = stat.st_ino, 0
            file.seek(self._offset)
            data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._offset += len(whole)
            self.numbers += [int(line.split()[1]) for line in whole.splitlines() if line.startswith(b"line ")]


async def measured(way: str, rate: float, seconds: float) -> tuple[int, Counter[int], int, float, Counter[int]]:
    """Lines written, what the feed told, how often it said that lines may be lost, how many seconds it was behind at
    the end, what the twin read."""
    with tempfile.TemporaryDirectory() as directory:
        workspace = create.create_workspace(Path(directory) / "project", [("writer", "agents/writer")])
        logs = workspace.agent("writer").logs_dir
        logs.mkdir(parents=True, exist_ok=True)
        path = logs / "app.log"
        told: Counter[int] = Counter()
        lost = 0

        def learn(at: float, facts: Sequence[Fact]) -> None:
            nonlocal lost
            for fact in facts:
                if isinstance(fact, Lost):
                    lost = fact.lines
                elif isinstance(fact, Seen):
                    texts = (one.text for one in fact.activities if one.text.startswith("line "))
                    told.update(int(text.split()[1]) for text in texts)

        async def follow() -> None:
            async for _ in FileFeed(workspace.root, on_facts=learn).fleets():
                pass

        task = asyncio.create_task(follow())
        await asyncio.sleep(1)  # the feed has begun
        twin = Twin(path)
        twin.start()
        words = [sys.executable, "-c", WRITER, str(path), way, str(rate), str(seconds)]
        writer = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=True)
        ended = latest = time.monotonic()
        deadline, known = ended + 5, len(told)
        while len(told) < int(writer.stdout) and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
            if len(told) > known:
                known, latest = len(told), time.monotonic()
        twin.ends.set()
        twin.join()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return int(writer.stdout), told, lost, latest - ended, Counter(twin.numbers)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rates", type=float, nargs="+", default=[1.0, 100.0, 5000.0])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    asked = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d')}, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    print("way            lines/s  written     told  twice  missing  said lost  behind  holds   twin: twice  missing")
    for way in asked.ways:
        for rate in asked.rates:
            written, told, lost, behind, twin = asyncio.run(measured(way, rate, asked.seconds))
            twice, missing = sum(told.values()) - len(told), written - len(told)
            holds = twice == 0 and (missing == 0 or lost > 0)
            print(
                f"{way:<14} {rate:>7,.0f}  {written:>7,}  {len(told):>7,}  {twice:>5,}  {missing:>7,}  {lost:>9,}  "
                f"{behind * 1000:>3.0f} ms  "
                f"{'yes' if holds else 'NO':<5}  {sum(twin.values()) - len(twin):>11,}  {written - len(twin):>7,}",
                flush=True,
            )


if __name__ == "__main__":
    main()
