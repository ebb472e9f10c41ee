"""Prints what finding words in 15,000 mails takes: cold, warm, after one changed mailbox; beside a scan and `grep -r`.

Run it as `python -m tests.bench.bench_search [--mails 15000] [--turns 7]`. Twenty agents, each with 50 open mails, the
rest archived, one file each; a mail has 40 to 90 words. Each figure is the median of its turns, in milliseconds.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from mailcore import make
from mailcore.mail import archive, index, mailbox
from mailcore.mail.search import Query, rows, scan, search
from mailcore.model.agent import Agent
from mailcore.timestamps import aipass_time
from mailcore.workspace import Workspace
from tests.bench.asked import ask

AGENTS, OPEN = 20, 50
AMOUNTS = argparse.Namespace(mails=15_000, turns=7)
RARE = ("invoice", "deploy")
"""Words that 30 of the mails hold, both."""
VOCABULARY = [f"{'bcdfgklmnprst'[n % 13]}{'aeiou'[n // 13 % 5]}{n:x}" for n in range(20_000)]
WEIGHTS = list(accumulate(1 / (n + 10) for n in range(len(VOCABULARY))))
"""As in any language the second word comes about half as often as the first."""


def mail(number: int, count: int, chance: random.Random) -> dict[str, Any]:
    """One mail of plausible size."""
    words = chance.choices(VOCABULARY, cum_weights=WEIGHTS, k=90)
    body = " ".join(words[: chance.randrange(40, 90)])
    if number % max(1, count // 30) == 0:
        body += f" {RARE[0]} {RARE[1]}"
    at = datetime(2026, 1, 1) + timedelta(seconds=60 * number)
    return {
        "id": f"{number:08x}",
        "timestamp": aipass_time(at),
        "from": f"@agent{chance.randrange(AGENTS)}",
        "subject": " ".join(words[:5]),
        "message": body,
        "priority": "normal",
        "seq": number,
        "auto_execute": False,
        "sent_id": f"{number:07x}s",
        "thread_id": f"{number:07x}s",
        "status": "new",
    }


def fill(workspace: Workspace, count: int) -> None:
    """So many mails, of which the newest of each agent are open."""
    chance = random.Random(1)
    each = count // AGENTS
    for place, agent in enumerate(workspace.agents):
        raws = [mail(place * each + number, count, chance) for number in range(each)]
        agent.archive_dir.mkdir(parents=True)
        for raw in raws[:-OPEN]:
            closed = {**raw, "status": "closed", "archived_at": raw["timestamp"]}
            name = archive.file_name(raw, datetime.fromisoformat(raw["timestamp"]))
            (agent.archive_dir / name).write_text(json.dumps(closed, indent=2))
        agent.inbox.write_text(json.dumps({"mailbox": "inbox", "messages": raws[-OPEN:]}, indent=2))


def timed(act: Callable[[], object], before: Callable[[], object] = lambda: None, turns: int = 0) -> str:
    """Median and worst of some turns."""
    taken = []
    for _ in range(turns or AMOUNTS.turns):
        before()
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    return f"{statistics.median(taken):8.1f}  (worst {max(taken):.1f})"


def changed(agent: Agent, number: list[int]) -> None:
    """One more mail in one mailbox."""
    number[0] += 1
    mailbox.deliver(agent, {**mail(number[0], 1, random.Random(number[0])), "id": f"n{number[0]:07}"})


def main() -> None:
    """Print the figures."""
    gc.set_threshold(100_000)  # as the command has it
    ask(AMOUNTS, __doc__)
    count = AMOUNTS.mails
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as directory:
        root = Path(directory) / "project"
        workspace = make.init(root, [(f"agent{n}", f"agents/agent{n}") for n in range(AGENTS)])
        fill(workspace, count)
        time.sleep(index.YOUNG_NS / 1e9)  # what changed just now is read again
        query = Query(RARE)
        file = workspace.state_dir / f"search-{os.geteuid()}.sqlite3"
        print(f"{count} mails, {len(scan(workspace, query))} hits; milliseconds, median of {AMOUNTS.turns}")
        print(f"cold, index built      {timed(lambda: search(workspace, query), lambda: file.unlink(missing_ok=True))}")
        with index.opened(workspace) as (connection, _):
            print(f"warm, the query itself {timed(lambda: rows(connection, query))}")
        print(f"warm, files looked at  {timed(lambda: search(workspace, query))}")
        number = [count]
        one = workspace.agents[0]
        print(f"one mailbox changed    {timed(lambda: search(workspace, query), lambda: changed(one, number))}")
        print(f"naive scan             {timed(lambda: scan(workspace, query), turns=3)}")
        grep = ["grep", "-rlE", RARE[0], str(root / "agents")]
        print(f"grep -r of one word    {timed(lambda: subprocess.run(grep, capture_output=True, check=True), turns=3)}")
        print(f"index: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
