"""Prints how fast errors are found in ordinary log lines, in lines of which some tell errors, and in hostile ones;
beside the observer's reader of logs, and `re.search("error")`, which finds no end of an error and groups nothing.

Run it as `python -m tests.bench.bench_errors [--lines 200000] [--turns 5]`. Each figure is the best of its turns, of
CPU. The errors are those of tests/fixtures/errors, one in a hundred lines.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable

from mailcore.errors.extract import ErrorExtractor
from mailcore.errors.fingerprint import fingerprint
from mailcore.observe.log_lines import LogLineReader
from tests.mailcore.error_corpus import NOW, corpus

AMOUNTS = argparse.Namespace(lines=200_000, turns=5)
ORDINARY = (
    "2026-11-22 01:03:{:02},{:03} - app.sync - INFO - request {} of @writer done in {} ms",
    "2026-11-22T01:03:{:02}.{:06}Z  INFO shop::net: peer {} sent {} bytes",
    "[INFO] step {} of {} is built, {} files, {} of them new",
    '{{"level":"info","ts":17953{:02}{:03},"msg":"page rendered","path":"/orders/{}","ms":{}}}',
    "GET /api/orders/{}?page={} 200 {} ms {}",
)
HOSTILE = (b" ", b"'\"", b"a.", b"error: ", b"ERROR - ", b"at a(", b"1:", b"\x1b[")
IMPORT = """import time, mailcore.observe.log_levels, mailcore.model.error_group, mailcore.text
begin = time.process_time()
import mailcore.errors.extract, mailcore.errors.fingerprint
print(time.process_time() - begin)"""
LINE = 100_000
"""Bytes of a hostile line."""


def ordinary(count: int, chance: random.Random) -> list[bytes]:
    """Lines of programs in which nothing fails."""
    values = (60, 1000, 9999, 999)
    return [ORDINARY[n % 5].format(*(chance.randrange(value) for value in values)).encode() for n in range(count)]


def with_errors(count: int, chance: random.Random) -> list[bytes]:
    """The same with the corpus between them."""
    texts = [[line.encode() for line in one.lines] for one in corpus()]
    lines: list[bytes] = []
    while len(lines) < count:
        lines += ordinary(100, chance) + chance.choice(texts)
    return lines[:count]


def best(turns: int, work: Callable[[], int]) -> tuple[float, int]:
    """Seconds of CPU, and what it counted."""
    taken = []
    for _ in range(turns):
        begin = time.process_time()
        count = work()
        taken.append(time.process_time() - begin)
    return max(min(taken), 1e-9), count


def extract(rows: list[tuple[int, bytes]]) -> int:
    """How many errors they tell, each with its fingerprint."""
    extractor = ErrorExtractor("@a")
    return len([fingerprint(event) for event in [*extractor.feed(rows, NOW), *extractor.flush()]])


def observe(lines: list[bytes]) -> int:
    """What the observer makes of them: an activity for each event."""
    return len(list(LogLineReader("@a").read(lines, NOW)))


def search(lines: list[bytes]) -> int:
    """Lines that hold the word."""
    pattern = re.compile(rb"error", re.IGNORECASE)
    return sum(pattern.search(line) is not None for line in lines)


def tell(name: str, lines: list[bytes], turns: int) -> None:
    """One row for each way to read them."""
    rows = list(enumerate(lines))
    for way, work in (
        ("errors", lambda: extract(rows)), ("observer", lambda: observe(lines)), ("re.search", lambda: search(lines)),
    ):  # fmt: skip
        seconds, count = best(turns, work)
        print(
            f"{name:>12} {way:>10} {len(lines) / seconds:>12,.0f} lines/s {seconds * 1000:>9,.0f} ms {count:>8,} found"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in vars(AMOUNTS).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    chance = random.Random(1)
    tell("ordinary", ordinary(options.lines, chance), options.turns)
    tell("1 % errors", with_errors(options.lines, chance), options.turns)
    tell("100 kB lines", [unit * (LINE // len(unit)) for unit in HOSTILE], options.turns)
    taken = [
        float(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True).stdout)
        for _ in range(options.turns)
    ]
    print(f"import of mailcore.errors beside what it needs: {min(taken) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
