"""The real AIPass and ours act at once on one home, by their own commands; then both say the same of what happened.

With `--rounds all` for ten minutes. Each mail and task has a subject of its own, by which its fate is known.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mailcore.formats import journal
from mailcore.model.agent import Agent
from mailcore.model.run import RUN_ID
from tests.faults.aipass_lab import Lab, build, wanted
from tests.faults.conftest import archived_mail, open_mail
from tests.faults.test_aipass_dispatch import call, go, processes

Wait = Callable[[Callable[[], object], float, str], None]
PAUSE = 0.3
"""Seconds between two acts of one worker of ours: AIPass's take 1 to 4 s each."""
TORN = re.compile(r"Expecting (value|property name|',')|Unterminated string|Extra data|Invalid control character")
CROWD = 40
"""Open mails in a mailbox beyond which nobody sends there, so that those who read keep up."""

PROGRAM = """
import json, re, subprocess, sys
print("up", flush=True)
task = re.search(r"message (\\w+)", sys.argv[1])
if task:
    subprocess.run(["mailcore", "send", "@alpha", "on the way: " + task[1], "b"], check=True)
    subprocess.run(["mailcore", "done", task[1], "did " + task[1]], check=True)
"""
"""What our runs start: it does its task, if it has one."""

READ = """
import json, sys
from pathlib import Path
from aipass.ai_mail.apps.handlers.dispatch import register, report
from aipass.ai_mail.apps.handlers.email.inbox_ops import count_new, load_inbox
from aipass.ai_mail.apps.handlers import central_writer
rows, out = [], {}
for branch in sys.argv[1:]:
    box = load_inbox(Path(branch) / ".ai_mail.local" / "inbox.json")
    shown = [[m.get("id"), m.get("status"), m.get("subject")] for m in box["messages"]]
    out[branch] = {"messages": shown, "unread": count_new(box["messages"]), "counted": box["unread_count"]}
reports = {}
for path in report.reports_dir().glob("*.json"):
    body = json.loads(path.read_text())
    where = [b for b in sys.argv[1:] if Path(b).name.upper() == str(body["target"]).lstrip("@").upper()]
    reports[path.stem] = {"said": body, "sent": report.emails_sent(Path(where[0]), path.stem) if where else None}
said = {
    "boxes": out,
    "outstanding": [row["dispatch_id"] for row in register.outstanding()],
    "reports": reports,
    "counters": central_writer.aggregate_branch_stats(),
}
print("SAID" + json.dumps(said))
"""
"""AIPass's own reading of mailboxes, register, reports and counters."""


@pytest.fixture
def lab(tmp_path: Path, wait_until: Wait) -> Iterator[Lab]:
    """A home of AIPass's whose stand-ins end at once, and where our command programs do small tasks."""
    made = build(wanted(), tmp_path / "lab")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    made.home.state_dir.mkdir(exist_ok=True)
    command = json.dumps([sys.executable, str(program), "{prompt}"])
    tables = [f'[agents.{name}]\nprogram = "command"\ncommand = {command}\n' for name in ("alpha", "beta")]
    limits = "[dispatch]\nno_progress = 100000\nping_pong = 100000\n"
    made.home.config_file.write_text("\n".join([limits, *tables]))
    for name in ("@alpha", "@beta"):
        go(made.home.agent(name))
    yield made
    for name in ("@alpha", "@beta"):
        call(made, "mailcore.cli", "kill", name, "--from", "@operator")

    def rest() -> bool:
        for pid in processes(made):
            os.kill(pid, signal.SIGKILL)
        return not processes(made)

    wait_until(rest, 10, "nothing of the lab is left")


class Both:
    """The workers of both programs, and what they did."""

    def __init__(self, lab: Lab, seconds: float) -> None:
        self.lab = lab
        self.alpha, self.beta = lab.home.agent("@alpha"), lab.home.agent("@beta")
        self.until = time.monotonic() + seconds
        self.between = 1.0 if seconds < 60 else 4.0
        """Seconds between two dispatches of ours: AIPass keeps 200 reports of more than 400, and each makes two."""
        self.done: Counter[str] = Counter()
        self.sent: dict[str, str] = {}
        """Subject → who was to get it."""
        self.wrong: list[str] = []
        self._random = random.Random(7)
        self._pause = threading.Event()
        self._numbers = iter(range(10**6))

    def run(self) -> None:
        workers = [self.they_send, self.they_read, self.we_send, self.we_read, self.we_dispatch, self.they_dispatch]
        threads = [threading.Thread(target=self._worker, args=(worker,)) for worker in workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _worker(self, act: Callable[[], None]) -> None:
        while time.monotonic() < self.until and len(self.wrong) < 5:
            try:
                act()
            except Exception as error:  # a thread of its own: the test says it
                self.wrong.append(f"{act.__name__}: {type(error).__name__}: {error}")
            self._pause.wait(PAUSE if act.__name__.startswith("we") else 0.0)

    def subject(self, kind: str, to: Agent) -> str:
        subject = f"{kind} {next(self._numbers)}"
        self.sent[subject] = to.address
        return subject

    def theirs(self, directory: Path, *words: str, busy: bool = False) -> None:
        found = self.lab.ran(directory, "@ai_mail", *words)
        for _ in range(5):
            # Its reply looks a mail up without the lock, and may read what its own send is writing in place: it says
            # so, and has done nothing (contract sections 0.1 and 2).
            if found.returncode != 2 or not TORN.search(found.stdout + found.stderr):
                break
            self.done["torn under AIPass's own eyes"] += 1
            found = self.lab.ran(directory, "@ai_mail", *words)
        if found.returncode and not (busy and found.returncode == 2):
            self.wrong.append(f"drone {words}: exit {found.returncode}: {(found.stdout + found.stderr)[-600:]}")
        self.done[f"drone {words[0]}"] += 1

    def ours(self, directory: Path, *words: str, statuses: tuple[int, ...] = (0,)) -> Any:
        found = call(self.lab, "mailcore.cli", *words, cwd=directory)
        if found.returncode not in statuses:
            self.wrong.append(f"mailcore {words}: exit {found.returncode}: {found.stdout[-600:]}{found.stderr[-300:]}")
        self.done[f"mailcore {words[0]}"] += 1
        return json.loads(found.stdout or "null")

    def there(self, agent: Agent, kind: str) -> list[dict[str, Any]]:
        """The open mails of a kind there, oldest first, as they lie there at some moment without a writer."""
        while True:
            try:
                found = json.loads(agent.inbox.read_bytes())["messages"] if agent.inbox.exists() else []
            except ValueError:  # AIPass writes in place
                self._pause.wait(0.01)
                continue
            return [m for m in reversed(found) if str(m["subject"]).startswith(kind)]

    def they_send(self) -> None:
        if len(self.there(self.beta, "")) < CROWD:
            self.theirs(self.alpha.branch, "send", "@beta", self.subject("drone mail", self.beta), "the body — ü")

    def we_send(self) -> None:
        to = self._random.choice([self.alpha, self.beta])
        author = self.beta if to == self.alpha else self.alpha
        if len(self.there(to, "")) < CROWD:
            self.ours(author.branch, "send", to.address, self.subject("our mail", to), "the body — ü")

    def they_read(self) -> None:
        """AIPass answers or closes what lies at @beta, be it its own or ours; tasks are their runs' to do."""
        for mail in [*self.there(self.beta, "our mail"), *self.there(self.beta, "drone mail")][:1]:
            self.theirs(self.beta.branch, "view", mail["id"])
            if self._random.random() < 0.5:
                self.sent[f"RE: {mail['subject']}"] = mail["from"]
                self.theirs(self.beta.branch, "reply", mail["id"], "the answer — ä")
            else:
                self.theirs(self.beta.branch, "close", mail["id"])

    def we_read(self) -> None:
        """We answer or close what lies at @alpha."""
        mails = [m for m in self.there(self.alpha, "") if not str(m["subject"]).startswith("task")]
        for mail in mails[:2]:
            self.ours(self.alpha.branch, "read", mail["id"])
            if str(mail["subject"]).startswith("our mail") and self._random.random() < 0.5:
                self.sent[f"RE: {mail['subject']}"] = mail["from"]
                self.ours(self.alpha.branch, "reply", mail["id"], "the answer — ö")
            else:
                self.ours(self.alpha.branch, "close", mail["id"])

    def we_dispatch(self) -> None:
        """A run of ours at @beta, unless one goes on there: then it waits in the queue."""
        if len(self.there(self.beta, "task of ours")) < 5:
            subject = self.subject("task of ours", self.beta)
            self.ours(self.alpha.branch, "dispatch", "@beta", subject, "please", "--queue")
        self._pause.wait(self.between)

    def they_dispatch(self) -> None:
        """A run of AIPass's at @beta; where one goes on there, the mail is delivered, and that is all."""
        self.theirs(self.alpha.branch, "dispatch", "@beta", self.subject("task of theirs", self.beta), "b", busy=True)
        for mail in self.there(self.beta, "task of theirs")[:1]:
            self.ours(self.beta.branch, "done", mail["id"], "we did it for them")


def theirs(lab: Lab, agents: list[Agent]) -> dict[str, Any]:
    reader = lab.python(lab.home.root, READ, *(str(agent.branch) for agent in agents))
    said, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0, said
    read: dict[str, Any] = json.loads(said[said.index("SAID") + 4 :])
    return read


def mailcore(lab: Lab, *words: str, cwd: Path | None = None) -> Any:
    done = call(lab, "mailcore.cli", *words, cwd=cwd)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def test_inbox_report_register_and_counters_agree(
    lab: Lab, wait_until: Wait, rounds: Callable[[int, int], int], capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = rounds(20, 600)
    both = Both(lab, seconds)
    both.run()
    assert not both.wrong, "\n".join(both.wrong)
    alpha, beta = agents = [both.alpha, both.beta]

    def quiet() -> bool:
        waits = any(json.loads(call(lab, "mailcore.cli", "queue", "--json").stdout or "[]"))
        return not waits and not any(agent.dispatch_lock.exists() for agent in agents)

    wait_until(quiet, 180, "no run goes on, and none waits")
    # AIPass counts without a lock: what it counted a moment ago it may have written over what we counted since.
    lab.drone(alpha.branch, "send", "@beta", both.subject("drone mail", beta), "the last")
    both.ours(alpha.branch, "send", "@beta", both.subject("our mail", beta), "the last")

    said = theirs(lab, agents)
    # Inbox.
    for agent in agents:
        rows = mailcore(lab, "inbox", cwd=agent.branch)
        own = {(row["id"], row["status"], row["subject"]) for row in rows}
        box = said["boxes"][str(agent.branch)]
        assert {tuple(row) for row in box["messages"]} == own, f"{agent.address}: one shows what the other does not"
        assert box["unread"] == box["counted"] == sum(row["status"] == "new" for row in rows)
    arrived = Counter(
        (str(mail["subject"]), agent.address) for agent in agents for mail in (*open_mail(agent), *archived_mail(agent))
    )
    lost = [(s, to) for s, to in both.sent.items() if not arrived[(s, to)]]
    doubled = [key for key, number in arrived.items() if number > 1 and both.sent.get(key[0]) == key[1]]
    assert not lost and not doubled, (lost, doubled)
    # Register.
    register = journal.read_records(lab.home.aipass_dir / "dispatch_register.jsonl")
    ids = {row["dispatch_id"] for row in register}
    runs = {row["run_id"]: row for row in mailcore(lab, "runs")}
    assert said["outstanding"] == [] and ids == set(runs)
    assert all(row["phase"] in ("completed", "killed", "bounced") for row in runs.values())
    failed = [row for row in runs.values() if row["phase"] != "completed"]
    assert not failed, failed
    # Reports: each has all keys of AIPass's, and says of the mail that was sent what AIPass finds.
    assert said["reports"].keys() == ids
    keys = [set(one["said"]) for run_id, one in said["reports"].items() if not RUN_ID.fullmatch(run_id)]
    for run_id, one in said["reports"].items():
        assert one["said"]["status"] == "completed", one["said"]
        assert not keys or set(one["said"]) >= keys[0], f"{run_id} lacks {keys[0] - set(one['said'])}"
        if one["sent"] is not None:
            found = [sorted(map(str, mails)) for mails in (one["said"]["emails_sent"], one["sent"])]
            assert found[0] == found[1], run_id
    # Counters.
    central = json.loads((lab.home.root / ".ai_central" / "AI_MAIL.central.json").read_bytes())
    assert central["branch_stats"] == said["counters"]
    totals = {key: sum(row[key] for row in said["counters"].values()) for key in ("unread", "total")}
    assert central["system_totals"] == {"total_unread": totals["unread"], "total_messages": totals["total"]}
    # History: what both sent, and who ran what.
    history = mailcore(lab, "history")
    told = Counter((e["subject"], e["to"]) for e in history if e["verb"] == "send" and e["subject"] in both.sent)
    assert set(told) >= set(both.sent.items()) and max(told.values()) == 1
    ended = {event["run"] for event in history if event["verb"] == "run ended"}
    assert ended >= ids
    with capsys.disabled():
        ours = sum(bool(RUN_ID.fullmatch(run_id)) for run_id in ids)
        print(
            f"\n{seconds} s: {sum(both.done.values())} commands ({dict(sorted(both.done.items()))}), "
            f"{len(both.sent)} mails of known subjects, 0 lost, 0 doubled; {ours} runs of ours and {len(ids) - ours} "
            f"of AIPass's, {len(register)} rows, {len(said['reports'])} reports, 0 outstanding; counters {totals}"
        )
