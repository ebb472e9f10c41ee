"""Two hundred sessions on the machine, most of them of other projects, beside a reader of one project.

    python -m tests.bench.bench_sessions [--sessions 200] [--inside 20] [--rate 5] [--seconds 20] [--probes 10]

Each is a process called `claude` with a status file and a session file; those inside lie in subdirectories of the
project, one in four of them in a linked worktree, the others in projects of their own. Every file grows by `--rate`
lines a second. Printed: the reader's CPU and memory meanwhile, and how long after its first file a session is seen. To
have the same of another version, run this file with that version on PYTHONPATH.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import aclosing, suppress
from pathlib import Path

from mailcore.model.fleet import Fleet
from mailcore.programs.claude.places import directory
from mailcore.system.processes import pid_namespace, start_ticks
from mailcore.workspace import create
from praxmonitor.feed.file_feed import FileFeed
from tests.bench.asked import ask

AMOUNTS = argparse.Namespace(sessions=200, inside=20, rate=5.0, seconds=20.0, probes=10)
FIRST = 4.0
"""Seconds until the watches stand and the first sweep is over."""
PATIENCE = 12.0
"""Seconds after which a session counts as not seen."""
WRITER = """
import sys, time
paths, rate = sys.argv[2:], float(sys.argv[1])
files = [open(path, "ab", buffering=0) for path in paths]
line = open(paths[0], "rb").readline()
began, told = time.monotonic(), 0
while True:
    for file in files:
        file.write(line)
        told += 1
        time.sleep(max(0.0, began + told / (rate * len(files)) - time.monotonic()))
"""


def line(cwd: Path, session: str, n: int = 0) -> str:
    """What an agent says, as a line of its session file."""
    usage = {"input_tokens": 10, "output_tokens": 1}
    message = {"id": f"m{n}", "model": "opus", "content": [{"type": "text", "text": "on it"}], "usage": usage}
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    return (
        json.dumps({"type": "assistant", "timestamp": stamp, "sessionId": session, "cwd": str(cwd), "message": message})
        + "\n"
    )


def begin(home: Path, cwd: Path, session: str, pid: int) -> Path:
    """The files of a session in that directory."""
    (home / "sessions").mkdir(parents=True, exist_ok=True)
    says = {"pid": pid, "procStart": str(start_ticks(pid)), "pidDomain": f"linux:0:{pid_namespace()}", "cwd": str(cwd)}
    now = time.time() * 1000
    rest = {"sessionId": session, "status": "busy", "statusUpdatedAt": now, "startedAt": now, "kind": "interactive"}
    (home / "sessions" / f"{session}.json").write_text(json.dumps(says | rest))
    (home / "sessions" / f"{session}.key").write_text("{}")
    path = directory(cwd, home) / f"{session}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line(cwd, session))
    return path


def built(place: Path) -> tuple[Path, list[Path]]:
    """A project of thirty agents under git, and the directories in which its sessions are begun."""
    root = place / "project"
    create.create_workspace(root, [(f"a{n:02}", f"agents/a{n:02}") for n in range(30)])
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    tree = place / "feature"
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"], ["worktree", "add", "-q", str(tree)]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    inside = [(tree if n % 4 == 0 else root) / "src" / f"part{n}" for n in range(AMOUNTS.inside)]
    return root, inside


def known(fleet: Fleet) -> set[str]:
    """What was said so far in the project's sessions, an agent's or not; the newest few of each."""
    everyone = (*fleet.agents, *getattr(fleet, "elsewhere", ()))
    return {one.session for facts in everyone for one in facts.activities}


async def watched(root: Path, home: Path, probes: list[Path], pid: int) -> tuple[float, float, list[float | None]]:
    """The share of a core, MB, and the seconds until each probe was seen; None: not at all."""
    took: list[float | None] = []
    fleet = Fleet(root)

    async def follow() -> None:
        nonlocal fleet
        async with aclosing(FileFeed(root).fleets()) as fleets:
            async for each in fleets:
                fleet = each

    following = asyncio.create_task(follow())
    await asyncio.sleep(FIRST)
    began, used = time.monotonic(), time.process_time()
    await asyncio.sleep(AMOUNTS.seconds)
    share = (time.process_time() - used) / (time.monotonic() - began)
    for number, cwd in enumerate(probes):
        session = f"{'abcdefghij'[number % 10] * 8}-0000-4000-8000-{number:012}"
        at = time.monotonic()
        begin(home, cwd, session, pid)
        while session not in known(fleet) and time.monotonic() - at < PATIENCE:
            await asyncio.sleep(0.005)
        took.append(time.monotonic() - at if session in known(fleet) else None)
        if took[-1] is None:
            break
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    with open("/proc/self/status") as file:
        rss = next(int(each.split()[1]) / 1024 for each in file if each.startswith("VmRSS"))
    return share, rss, took


def main() -> None:
    """Print the figures."""
    ask(AMOUNTS, __doc__)
    with tempfile.TemporaryDirectory() as made:
        place = Path(made).resolve()
        home = place / "home" / ".claude"
        os.environ |= {"HOME": str(home.parent), "CLAUDE_CONFIG_DIR": str(home)}
        root, inside = built(place)
        program = place / "claude"
        shutil.copy(shutil.which("bash") or "/bin/bash", program)
        others = [place / f"other{n:03}" for n in range(AMOUNTS.sessions - len(inside))]
        begun, paths = [], []
        try:
            for number, cwd in enumerate((*inside, *others)):
                cwd.mkdir(parents=True)
                begun.append(
                    subprocess.Popen(["claude", "-c", "read -r x"], executable=program, cwd=cwd, stdin=subprocess.PIPE)
                )
                paths.append(begin(home, cwd, f"{number:08}-0000-4000-8000-000000000000", begun[-1].pid))
            words = [sys.executable, "-c", WRITER, str(AMOUNTS.rate), *map(str, paths)]
            begun.append(subprocess.Popen(words, stdin=subprocess.PIPE))
            probes = [root / "tools" / f"probe{n}" for n in range(AMOUNTS.probes)]
            share, rss, took = asyncio.run(watched(root, home, probes, begun[0].pid))
        finally:
            for process in begun:
                process.kill()
                process.communicate()
    seen = sorted(one for one in took if one is not None)
    print(f"{AMOUNTS.sessions} sessions, {len(inside)} of them in the project, {AMOUNTS.rate:g} lines/s each")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  CPU                      {share * 100:7.1f} % of a core")
    print(f"  memory                   {rss:7.1f} MB, most {most:.1f} MB")
    if seen:
        print(f"  begun → seen             {statistics.median(seen) * 1000:7.1f} ms (most {seen[-1] * 1000:.1f})")
    print(f"  not seen                 {len(took) - len(seen)} of {len(took)} probes")


if __name__ == "__main__":
    main()
