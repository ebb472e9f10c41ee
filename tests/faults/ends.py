"""The proof over the files of a workspace at rest: everything that began has exactly one end, and its sender was told.

`check(root)` reads journals, queues, mail, `lost.jsonl` and AIPass's register, and nothing of the product decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ANSWERS = ("reply", "done", "blocked", "declined")


@dataclass
class Ends:
    """What was found, in numbers, and each fault in words."""

    runs: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    mailed: int = 0
    woken: int = 0
    answered: int = 0
    lost: int = 0
    """Told without a journal: it went with its directory, or its queue, or its agent."""
    undelivered: int = 0
    """On record as not told, with the reason."""
    faults: list[str] = field(default_factory=list)

    def __add__(self, other: Ends) -> Ends:
        outcomes = {
            key: self.outcomes.get(key, 0) + other.outcomes.get(key, 0) for key in {*self.outcomes, *other.outcomes}
        }
        numbers = (
            getattr(self, name) + getattr(other, name)
            for name in ("mailed", "woken", "answered", "lost", "undelivered", "faults")
        )
        return Ends(self.runs + other.runs, outcomes, *numbers)

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        return (
            f"{self.runs} runs ended ({outcomes}); told: {self.mailed} by mail, {self.woken} by a wake, "
            f"{self.answered} by their answer, {self.lost} as lost, {self.undelivered} on record as undeliverable; "
            f"{len(self.faults)} faults"
        )


def lines(path: Path) -> list[dict[str, Any]]:
    """The records of a file; nothing where there is none."""
    if not path.is_file():
        return []
    found = []
    for line in path.read_bytes().splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        found += [value] if isinstance(value, dict) else []
    return found


def mails(root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mail in a mailbox, open or closed, and whose it is: by the name of its directory."""
    for box in root.rglob(".ai_mail.local"):
        whose = f"@{box.parent.name}"
        if (box / "inbox.json").is_file():
            yield from ((whose, mail) for mail in json.loads((box / "inbox.json").read_bytes())["messages"])
        for path in (box / "deleted").glob("*.json"):
            yield whose, json.loads(path.read_bytes())


def check(root: Path) -> Ends:
    """Look through a workspace in which nothing works and nothing waits any more."""
    found = Ends()
    told_by_mail: dict[str, list[str]] = {}
    for whose, mail in mails(root):
        if mail.get("ended_run"):
            told_by_mail.setdefault(str(mail["ended_run"]), []).append(whose)
    lost: dict[str, list[dict[str, Any]]] = {}
    for line in lines(root / ".praxmonitor" / "lost.jsonl"):
        lost.setdefault(str(line.get("run_id") or line.get("queue_id")), []).append(line)
    found.lost = len(lost)
    found.faults += [f"{name}: told as lost {len(told)} times" for name, told in lost.items() if len(told) > 1]
    rows = {str(row.get("dispatch_id")): row for row in lines(root / ".aipass" / "dispatch_register.jsonl")}
    for path in sorted(root.rglob("run.jsonl")):
        _check_run(found, path, told_by_mail, lost, rows)
    for run_id, row in rows.items():
        if row.get("status") == "outstanding":
            found.faults.append(f"{run_id}: outstanding in the register")
    for path in root.rglob(".queue.jsonl"):
        waits = [line for line in lines(path) if str(line.get("queue_id")) not in lost]
        found.faults += [f"{path}: {line.get('subject')!r} still waits" for line in waits]
    for path in root.rglob(".dispatch.lock"):
        found.faults.append(f"{path} is left")
    for line in lines(root / ".praxmonitor" / "waiting.jsonl"):
        found.faults.append(f"noted as waiting: {line.get('subject')!r} of {line.get('agent')}")
    return found


def _check_run(
    found: Ends, path: Path, mailed: dict[str, list[str]], lost: dict[str, list[dict[str, Any]]], rows: dict[str, Any]
) -> None:
    run_id, records = path.parent.name, lines(path)
    events = [str(record.get("event")) for record in records]
    first = records[0] if records else {}
    gone = lost.get(run_id, [])
    if events.count("ended") != 1 and not (gone and "ended" not in events):
        found.faults.append(f"{run_id}: {events.count('ended')} ends: {events}")
        return
    found.runs += 1
    end = next((record for record in records if record.get("event") == "ended"), {"outcome": "bounced"})
    outcome = str(end["outcome"])
    found.outcomes[outcome] = found.outcomes.get(outcome, 0) + 1
    if events.count("told") != 1 and not gone:
        found.faults.append(f"{run_id}: {events.count('told')} times told: {events}")
    sender, target = str(first.get("sender")), str(first.get("target"))
    to_sender = [whose for whose in mailed.get(run_id, []) if whose == sender]
    if len(to_sender) > 1:
        found.faults.append(f"{run_id}: {sender} has {len(to_sender)} mails of its end")
    if not first.get("message_id") or sender in ("", target, str(end.get("by"))):
        return  # a wake: who asked for it is no sender that waits
    acts = [record for record in records if record.get("event") == "act" and record.get("to") == sender]
    answered = any(record.get("verb") in ANSWERS for record in acts)
    passed_on = any(record.get("verb") in ("dispatch", "reopen") and record.get("to") for record in records)
    undelivered = "undelivered" in events or any("undelivered" in line for line in gone)
    found.mailed += bool(to_sender)
    found.woken += "woken" in events
    found.answered += answered
    found.undelivered += undelivered
    told = bool(to_sender) or undelivered or (outcome == "completed" and (answered or passed_on or "woken" in events))
    if not told:
        found.faults.append(f"{run_id}: {outcome}, and {sender} was never told: {events}")
    if outcome != "completed" and not to_sender and not undelivered:
        found.faults.append(f"{run_id}: {outcome}, without a mail to {sender}: {events}")
