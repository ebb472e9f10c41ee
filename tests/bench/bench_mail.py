"""Prints the figures of mail beside a naive twin and AIPass's own: one delivery, eight writers, the whole command.

Run it as `python -m tests.bench.bench_mail [--sizes 0 100 …] [--turns 45] [--each 25] [--rounds 3]`. AIPass takes part
where `PRAX_AIPASS_VENV` names its environment (`python -m tests.faults.aipass_lab` makes it). The contestants take
turns, so that a busy moment hits all of them.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mailcore.mail import mailbox
from mailcore.model.agent import Agent
from mailcore.system import safe_open, writing
from mailcore.workspace import audit, create
from mailcore.workspace.find import Workspace, find_workspace
from tests.bench.asked import ask
from tests.faults import aipass_lab
from tests.faults.aipass_lab import Lab

BODY = "m" * 600
AMOUNTS = argparse.Namespace(sizes=[0, 100, 1_000, 10_000], turns=45, each=25, rounds=3)
WRITERS = 8
ORDER = random.Random(1)

AIPASS = """
import sys, time
from aipass.ai_mail.apps.modules.email_send import deliver_email_to_branch
print("ready", flush=True)
for line in sys.stdin:
    began = time.perf_counter()
    for _ in range(int(line)):
        mail = {"id": "0123abcd", "timestamp": "2026-11-22 00:00:00", "from": "@alpha", "from_name": "ALPHA",
                "subject": "a subject", "message": "m" * 600, "reply_path": "/x/.ai_mail.local/inbox.json"}
        delivered, why = deliver_email_to_branch("@beta", mail)
        assert delivered, why
    print((time.perf_counter() - began) * 1000, flush=True)
"""
"""Imported by the module that sends, as AIPass's own fence demands; prints milliseconds for each line of input."""


def message() -> dict[str, Any]:
    """What is delivered, without the id that the recipient's side gives."""
    return {
        "timestamp": "2026-11-22 00:00:00",
        "from": "@alpha",
        "from_name": "ALPHA",
        "seq": 1,
        "subject": "a subject",
        "message": BODY,
        "priority": "normal",
        "auto_execute": False,
        "thread_id": "0123abcd",
        "status": "new",
        "sent_id": "0123abcd",
        "reply_path": "/x/.ai_mail.local/inbox.json",
    }


def fill(agent: Agent, size: int) -> None:
    """Open mail of that many messages, on disk."""
    messages = [{"id": f"{n:08x}", **message(), "stored_at": "2026-11-22T00:00:00+00:00"} for n in range(size)]
    document = {"mailbox": "inbox", "total_messages": size, "unread_count": size, "messages": messages}
    agent.sent_dir.mkdir(parents=True, exist_ok=True)
    writing.replace(agent.inbox, json.dumps(document, indent=2).encode())


def twin(inbox: Path, raw: dict[str, Any]) -> None:
    """What a competent programmer writes in ten minutes: the standard library, in place, the same lock and fsyncs."""
    with open(inbox.with_name(".inbox.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        document = json.loads(inbox.read_text(encoding="utf-8"))
        taken = {mail["id"] for mail in document["messages"]}
        while (identity := uuid.uuid4().hex[:8]) in taken:
            pass
        document["messages"].insert(0, {"id": identity, **raw})
        document["total_messages"] = len(document["messages"])
        document["unread_count"] = sum(mail["status"] == "new" for mail in document["messages"])
        with open(inbox, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        with safe_open.open_directory(inbox.parent) as directory:
            os.fsync(directory)


def timed(work: Callable[[], object]) -> float:
    """Milliseconds, with nothing of the others' left to write: an fsync would pay for it."""
    os.sync()
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


class AIPassWorker:
    """A process in AIPass's environment that delivers on demand and reports its own time."""

    def __init__(self, lab: Lab) -> None:
        self.process = lab.python(lab.home.agent("@alpha").branch, AIPASS)
        assert self.line() == "ready"

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, times: int) -> None:
        """Begin to deliver so many."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{times}\n")
        self.process.stdin.flush()

    def answer(self) -> float:
        """Milliseconds of what was asked."""
        return float(self.line())

    def end(self) -> None:
        self.process.communicate(timeout=60)


def asked_of(worker: AIPassWorker) -> float:
    """The same of one delivery of AIPass's, by its own clock."""
    os.sync()
    worker.ask(1)
    return worker.answer()


def row(label: str, took: dict[str, list[float]], unit: str = "ms") -> None:
    """Medians side by side, and how many times as long as ours the others take."""
    ours = statistics.median(took["mailcore"])
    cells = [f"{name} {statistics.median(times):9.2f} {unit}" for name, times in took.items()]
    ratios = [f"{statistics.median(times) / ours:5.1f}x {name}" for name, times in took.items() if name != "mailcore"]
    print(f"{label:<22}{'   '.join(cells)}   = {', '.join(ratios)}", flush=True)


def deliveries(workspace: Workspace, lab: Lab | None) -> None:
    """One durable delivery into mailboxes of growing size; ours with its line in the audit, and without."""
    alpha, beta = workspace.agents

    def audited() -> None:
        message_id = mailbox.deliver(alpha, message())
        audit.record(workspace, "@beta", "send", to="@alpha", id=message_id, sent_id="0123abcd", seq=1, subject="s")

    for size in AMOUNTS.sizes:
        fill(alpha, size)
        fill(beta, size)
        took: dict[str, list[float]] = {"mailcore": [], "without the audit": [], "twin": []}
        worker = None
        if lab:
            fill(lab.home.agent("@beta"), size)
            worker = AIPassWorker(lab)
            worker.ask(1)
            worker.answer()
            took["AIPass"] = []
        contestants: dict[str, Callable[[], float]] = {
            "mailcore": lambda: timed(audited),
            "without the audit": lambda: timed(lambda: mailbox.deliver(alpha, message())),
            "twin": lambda: timed(lambda: twin(beta.inbox, message())),
        }
        if worker is not None:
            contestants["AIPass"] = partial(asked_of, worker)
        for _ in range(AMOUNTS.turns):
            # In an order of its own each turn: who comes after AIPass finds the CPU's caches full of AIPass's mailbox,
            # who comes second into the same file finds them warm (0.7 ms of 3, at 1,000 messages).
            for name in ORDER.sample(list(contestants), len(contestants)):
                took[name].append(contestants[name]())
        if worker:
            worker.end()
        row(f"into {size:,} open", took)


def together(start: Callable[[], AIPassWorker | subprocess.Popen[str]]) -> float:
    """Milliseconds a delivery, when eight processes deliver into one mailbox at once."""
    workers = [start() for _ in range(WRITERS)]
    processes = [one.process if isinstance(one, AIPassWorker) else one for one in workers]
    for process in processes:
        assert process.stdin is not None and process.stdout is not None
        if not isinstance(workers[0], AIPassWorker):
            assert process.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(f"{AMOUNTS.each}\n")
        process.stdin.flush()
    for process in processes:
        assert process.stdout is not None and process.stdout.readline()
    took = (time.perf_counter() - began) * 1000
    for process in processes:
        process.communicate(timeout=60)
    return took / float(WRITERS * AMOUNTS.each)


def eight(alpha: Agent, beta: Agent, lab: Lab | None) -> None:
    """Eight writers into one mailbox of a hundred messages."""

    def writer(name: str, agent: Agent) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.bench.bench_mail", "writer", name, str(agent.root), agent.address]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    names = ("mailcore", "twin", "AIPass") if lab else ("mailcore", "twin")
    took: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(AMOUNTS.rounds):
        fill(alpha, 100)
        took["mailcore"].append(together(lambda: writer("mailcore", alpha)))
        fill(beta, 100)
        took["twin"].append(together(lambda: writer("twin", beta)))
        if lab:
            fill(lab.home.agent("@beta"), 100)
            took["AIPass"].append(together(lambda: AIPassWorker(lab)))
        arrived = {len(json.loads(agent.inbox.read_bytes())["messages"]) for agent in (alpha, beta)}
        assert arrived == {100 + WRITERS * AMOUNTS.each}
    row("8 writers, each mail", took)


def commands(alpha: Agent, lab: Lab | None) -> None:
    """The whole process, from exec to exit: the command that an agent runs."""
    script = Path(sys.executable).with_name("mailcore")
    ours = [str(script)] if script.exists() else [sys.executable, "-m", "mailcore.cli"]
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("AIPASS_", "MAILCORE_"))}

    def send() -> None:
        command = [*ours, "send", "@beta", "a subject", BODY]
        subprocess.run(command, cwd=alpha.branch, env=variables, check=True, capture_output=True)

    took: dict[str, list[float]] = {name: [] for name in (("mailcore", "AIPass") if lab else ("mailcore",))}
    for _ in range(AMOUNTS.turns):
        took["mailcore"].append(timed(send))
        if lab:
            took["AIPass"].append(timed(lambda: lab.drone(lab.home.agent("@alpha").branch, "send", "@beta", "s", BODY)))
    row("the whole `send`", took)


def main() -> None:
    """All of it."""
    ask(AMOUNTS, __doc__)
    place = aipass_lab.environment()
    if place is None:
        print(f"AIPass does not take part: {aipass_lab.PLACE} names no environment of it")
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        lab = aipass_lab.build(place, root / "lab") if place else None
        workspace = create.create_workspace(root / "bench", [("alpha", "agents/alpha"), ("beta", "agents/beta")])
        alpha, beta = workspace.agents
        deliveries(workspace, lab)
        eight(alpha, beta, lab)
        fill(beta, 0)
        if lab:
            fill(lab.home.agent("@beta"), 0)
        commands(alpha, lab)


def worker(name: str, root: str, address: str) -> None:
    """One of the eight: delivers as many as each line says."""
    agent = find_workspace(Path(root)).agent(address)
    print("ready", flush=True)
    for line in sys.stdin:
        for _ in range(int(line)):
            if name == "mailcore":
                mailbox.deliver(agent, message())
            else:
                twin(agent.inbox, message())
        print("done", flush=True)


if __name__ == "__main__":
    worker(*sys.argv[2:]) if sys.argv[1:2] == ["writer"] else main()
