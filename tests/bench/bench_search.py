"""Prints what finding words in 15,000 mails takes: as they are typed on the screen, letter by letter; cold, warm, after
one changed mailbox; beside a scan and `grep -r`. And what `thread`, `trace` and `history` take of them, beside the same
by reading everything, and `grep`.

Run it as `python -m tests.bench.bench_search [--mails 15000] [--turns 7]`. Twenty agents, each with 50 open mails, the
rest archived, one file each; a mail has 40 to 90 words, five are a thread, and each stands in the audit. Each figure is
the median of its turns, in milliseconds, of wall and of CPU; the verbs are called as the command calls them, without
the start of Python.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from mailcore.cli import VERBS
from mailcore.cli.call import perform
from mailcore.formats import journal
from mailcore.formats.timestamps import aipass_time
from mailcore.mail import archive, lookup, mailbox, search_update
from mailcore.mail.search import rows, search_mail
from mailcore.mail.search_query import Query
from mailcore.mail.search_scan import scan
from mailcore.mail.search_session import SearchSession
from mailcore.mail.threads import group_threads
from mailcore.model.agent import Agent
from mailcore.workspace import audit, create
from mailcore.workspace.find import Workspace
from praxmonitor.state.mail import MailFolder
from praxmonitor.state.mail_reader import read_folder, search
from tests.bench.asked import ask

AGENTS, OPEN, THREAD = 20, 50, 5
AMOUNTS = argparse.Namespace(mails=15_000, turns=7)
RARE = ("invoice", "deploy")
"""Words that 30 of the mails hold, both."""
VOCABULARY = [f"{'bcdfgklmnprst'[n % 13]}{'aeiou'[n // 13 % 5]}{n:x}" for n in range(20_000)]
TEXTS = (
    " ".join(RARE), " ".join(VOCABULARY[:2]), "agent1", VOCABULARY[40], "zzzz", "-".join(RARE),
    f"@agent1 {VOCABULARY[0]}", f"is:open {VOCABULARY[1]}", f"since:900d {VOCABULARY[2]}", "@agent7 is:closed i",
)  # fmt: skip
"""What is typed, letter by letter: frequent words and rare ones, none, a phrase, what narrows it down."""
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
        "thread_id": f"{number - number % THREAD:07x}s",
        **({"in_reply_to": f"{number - 1:07x}s"} if number % THREAD else {}),
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
        with (workspace.state_dir / audit.FILE).open("ab") as file:
            for raw in raws:
                facts = {"to": agent.address, **{key: raw[key] for key in ("id", "sent_id", "seq", "subject")}}
                file.write(journal.encode({"by": raw["from"], "verb": "send", "proof": "run", **facts}) + b"\n")


def spent() -> float:
    """CPU seconds of this process and of those that it waited for."""
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + others.ru_utime + others.ru_stime


def timed(act: Callable[[], object], before: Callable[[], object] = lambda: None, turns: int = 0) -> str:
    """Median and worst of some turns, and the median of their CPU time."""
    taken, work = [], []
    for _ in range(turns or AMOUNTS.turns):
        before()
        began, worked = time.perf_counter(), spent()
        act()
        taken.append((time.perf_counter() - began) * 1000)
        work.append((spent() - worked) * 1000)
    return f"{statistics.median(taken):8.1f}  (worst {max(taken):.1f})  CPU {statistics.median(work):.0f}"


def until_warm(workspace: Workspace, query: Query, forgotten: Callable[[], None]) -> str:
    """What the searches after the first one take, to the first that finds all in the index."""
    forgotten()
    taken: list[float] = []
    while len(taken) < 2 or taken[-1] > taken[0] / 2:
        began = time.perf_counter()
        search_mail(workspace, query)
        taken.append((time.perf_counter() - began) * 1000)
    return ", ".join(f"{one:.0f}" for one in taken[1:])


def changed(agent: Agent, number: list[int]) -> None:
    """One more mail in one mailbox."""
    number[0] += 1
    mailbox.deliver(agent, {**mail(number[0], 1, random.Random(number[0])), "id": f"n{number[0]:07}"})


def told(root: Path, verb: str, *words: str) -> Any:
    """What a verb says to the operator."""
    return perform(verb, VERBS[verb][0], [*words, "-C", str(root), "--from", "@operator"])[0]


def stories(workspace: Workspace, some: str) -> None:
    """Print what `thread`, `trace` and `history` take, each beside the naive way and `grep`."""
    root = workspace.root

    def all_threads() -> object:
        return [
            one for one in group_threads([copy.message for copy in lookup.all_copies(workspace)]) if one.key == some
        ]

    def all_acts() -> object:
        return [json.loads(line) for line in (workspace.state_dir / audit.FILE).read_bytes().splitlines()]

    assert len(told(root, "thread", some)["messages"]) == len(told(root, "trace", some)["thread"]) == THREAD
    for verb in ("thread", "trace"):
        print(f"{verb:<22} {timed(lambda verb=verb: told(root, verb, some))}")  # type: ignore[misc]
    print(f"  naive: all mail read {timed(all_threads, turns=3)}")
    print(f"  grep -r of its id    {timed(lambda: search_by_grep(root / 'agents', some), turns=3)}")
    print(f"history, all acts      {timed(lambda: told(root, 'history', '--json'))}")
    print(f"  as lines for people  {timed(lambda: told(root, 'history'))}")
    print(f"  naive: each line read{timed(all_acts, turns=3)}")
    print(f"  grep of one subject  {timed(lambda: search_by_grep(workspace.state_dir, RARE[0]), turns=3)}")


def typed(workspace: Workspace) -> None:
    """Print what each key takes while somebody types, from the call that the mail view makes to the page it lists last:
    over all keys of a text, each of them several times."""
    session = SearchSession(workspace)
    while not session.refresh().complete:
        pass
    print(f"{'each key of':<22} {'CPU: median, p95, worst':>24} {'wall: median, p95, worst':>26}   found")
    every_cpu: list[float] = []
    every_wall: list[float] = []
    for text in TEXTS:
        cpu: list[float] = []
        wall: list[float] = []
        found = 0
        for end in range(1, len(text) + 1):
            for _ in range(AMOUNTS.turns):
                worked, began = time.thread_time(), time.perf_counter()
                *_, page = search(session, workspace, text[:end])
                cpu.append((time.thread_time() - worked) * 1000)
                wall.append((time.perf_counter() - began) * 1000)
            found = len(page.entries)
        print(f"  {text:<20} {spread(cpu):>24} {spread(wall):>26}   {found}{'+' if page.more else ''}")
        every_cpu += cpu
        every_wall += wall
    print(f"  {'all of them':<20} {spread(every_cpu):>24} {spread(every_wall):>26}")


def spread(taken: list[float]) -> str:
    """Median, 95th percentile, worst."""
    return f"{statistics.median(taken):.1f}, {sorted(taken)[int(len(taken) * 0.95)]:.1f}, {max(taken):.1f}"


def cold(workspace: Workspace, forgotten: Callable[[], None]) -> None:
    """Print what a search of the screen takes where there is no index: to its first mails, to a full page or the end of
    all mail, and until the index is made, which goes on behind it."""
    for text in (VOCABULARY[0][:1], RARE[0], " ".join(RARE), "nothing like it"):
        cpu: dict[str, list[float]] = {"first": [], "page": [], "index": []}
        wall: dict[str, list[float]] = {"first": [], "page": [], "index": []}
        for _ in range(AMOUNTS.turns):
            forgotten()
            worked, began = time.thread_time(), time.perf_counter()
            reached: set[str] = set()
            for page in search(SearchSession(workspace), workspace, text):
                now = {
                    "first": bool(page.entries),
                    "page": page.more or page.share == 1 or page.complete,
                    "index": page.complete,
                }
                for what in (one for one, is_so in now.items() if is_so and one not in reached):
                    reached.add(what)
                    cpu[what].append((time.thread_time() - worked) * 1000)
                    wall[what].append((time.perf_counter() - began) * 1000)
        for what, told in (("first", "to the first mail"), ("page", "to a full page"), ("index", "to the index")):
            if cpu[what]:
                print(f"cold, {text:<16} {told:<18} CPU {spread(cpu[what])}   wall {spread(wall[what])}")


def beside(workspace: Workspace) -> None:
    """Print what else the mail view reads, and a search right after somebody got mail."""
    session, number, one = SearchSession(workspace), [10**6], workspace.agents[0]
    while not session.refresh().complete:
        pass

    def found() -> object:
        return list(search(session, workspace, RARE[0]))

    print(f"screen, a mail came    {timed(found, lambda: changed(one, number))}")
    anew = timed(lambda: list(search(SearchSession(workspace), workspace, RARE[0])))
    print(f"  first of a session   {anew}")
    print(f"screen, archive page   {timed(lambda: read_folder(workspace, one.address, MailFolder.ARCHIVE))}")


def search_by_grep(place: Path, word: str) -> None:
    """`grep -r` of one word; that it finds nothing is no failure."""
    subprocess.run(["grep", "-rlE", word, str(place)], capture_output=True, check=False)


def main() -> None:
    """Print the figures."""
    gc.set_threshold(100_000)  # as the command has it
    ask(AMOUNTS, __doc__)
    count = AMOUNTS.mails
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as directory:
        root = Path(directory) / "project"
        workspace = create.create_workspace(root, [(f"agent{n}", f"agents/agent{n}") for n in range(AGENTS)])
        fill(workspace, count)
        time.sleep(search_update.YOUNG_NS / 1e9)  # what changed just now is read again
        query = Query(RARE)
        file = workspace.state_dir / f"search-{os.geteuid()}.sqlite3"
        hits, load = len(scan(workspace, query)), " ".join(f"{one:.1f}" for one in os.getloadavg())
        print(f"{count} mails, {hits} hits; milliseconds, median of {AMOUNTS.turns}; load {load}")

        def forgotten() -> None:
            file.unlink(missing_ok=True)

        def whole() -> None:
            with search_update.open_index(workspace):
                pass

        print(f"cold, the first search {timed(lambda: search_mail(workspace, query), forgotten)}")

        print(f"  the next ones, until all is in the index {until_warm(workspace, query, forgotten)}")
        print(f"  all taken in at once {timed(whole, forgotten)}")
        with search_update.open_index(workspace) as (connection, _):
            print(f"warm, the query itself {timed(lambda: rows(connection, query))}")
        print(f"warm, files looked at  {timed(lambda: search_mail(workspace, query))}")
        typed(workspace)
        number = [count]
        one = workspace.agents[0]
        print(f"one mailbox changed    {timed(lambda: search_mail(workspace, query), lambda: changed(one, number))}")
        beside(workspace)
        cold(workspace, forgotten)
        print(f"naive scan             {timed(lambda: scan(workspace, query), turns=3)}")
        print(f"grep -r of one word    {timed(lambda: search_by_grep(root / 'agents', RARE[0]), turns=3)}")
        stories(workspace, f"{count // 2 - count // 2 % THREAD:07x}s")
        print(f"index: {file.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
