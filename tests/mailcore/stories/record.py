"""A story: agents at work, what each did by its own account, and the record that mailcore has of it beside that."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.mailcore.conftest import House, wait_until

ACTS = Path(__file__).with_name("acts.py")
ANSWERS = {"ack": "acknowledged", "done": "done", "blocked": "blocked", "declined": "declined",
           "approve": "approved", "deny": "denied", "accept": "accept"}  # fmt: skip
"""What answers a message of another's → the verb of the audit."""
ENDS = ("done", "declined", "approved", "denied", "lapsed")
NAMELESS = ("runs", "agents", "doctor")
"""Verbs that say the same to everybody."""
WRITES = ("send", "dispatch", "ask", "escalate", "reopen", "reply", "forward", *ANSWERS)
"""What puts a mail into a mailbox, save `accept`, which tells nobody."""


class Story:
    """One story in one workspace, told by public verbs alone."""

    def __init__(self, house: House, happened: Path) -> None:
        self.house = house
        self.list = happened
        house.limit(retry_wait=0.05)

    def agent(self, name: str, source: str) -> None:
        """Let an agent's program be these lines."""
        self.house.python(name, f"{ACTS.read_text()}\nnote('up', run=os.environ['MAILCORE_RUN_ID'])\n{source}")

    def operator(self, verb: str, *words: str, status: int = 0) -> Any:
        """An act of the person's, by command, noted as the agents note theirs."""
        said = self.look(verb, *words, status=status)
        with self.list.open("a") as file:
            file.write(json.dumps({"by": "@operator", "what": verb, "words": words, "said": said}) + "\n")
        return said

    def look(self, *words: str, status: int = 0) -> Any:
        """What a verb says to the person."""
        by = () if words[0] in NAMELESS else ("--from", "@operator")
        return self.house.json(*words, *by, status=status)

    @property
    def happened(self) -> list[dict[str, Any]]:
        """What really happened, as who did it noted it."""
        return [json.loads(line) for line in self.list.read_text().splitlines()] if self.list.exists() else []

    def noted(self, what: str) -> list[dict[str, Any]]:
        """All that was noted under that word."""
        return [one for one in self.happened if one["what"] == what]

    def at_rest(self, waiting: int = 0, seconds: float = 60) -> None:
        """Wait until nobody works, and no more than so much waits to start."""

        def rests() -> bool:
            runs = self.look("runs")
            ended = all(run["phase"] in ("completed", "bounced", "killed") for run in runs)
            waits = len(self.look("queue")) == waiting
            return ended and waits and not any(one["busy"] for one in self.look("agents"))

        wait_until(rests, seconds, "everybody rests")

    def compare(self, *, told_by_mailcore: int = 0, open_tasks: int = 0) -> None:
        """The record says what happened, all of it and nothing else.

        `told_by_mailcore`: mails that nobody wrote (bounces, approvals that lapsed, what became of tasks that
        conflict); `open_tasks`: what stays unanswered.
        """
        history = self.look("history")
        self._acts(history, told_by_mailcore)
        sent = {act["id"]: act for act in history if act["verb"] == "send"}
        self._mailboxes(sent)
        self._traces(sent)
        self._runs(history)
        assert len(self.look("tasks")) == open_tasks, self.look("tasks")
        checks = {check["name"]: check for check in self.look("doctor", status=self._doctor())["checks"]}
        assert checks["audit"]["ok"] and "mail" not in checks, checks

    def _doctor(self) -> int:
        return self.house.mailcore("doctor").returncode

    def _acts(self, history: list[dict[str, Any]], told_by_mailcore: int) -> None:
        """Every act, by whom and in whose order; every mail, by its id."""
        done: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for one in self.happened:
            done[one["by"]] += [("send", name) for name in _mails(one)]
            if one["what"] in ANSWERS:
                done[one["by"]].append((ANSWERS[one["what"]], ""))
        recorded: dict[str, list[tuple[str, str]]] = defaultdict(list)
        others = []
        written = {name for one in self.happened for name in _mails(one)}
        choosers = {one["by"] for one in self.happened if "tasks" in (one.get("said") or ())}
        for act in history:
            told = act.get("proof") == "supervisor" or act["by"] in choosers
            if act["verb"] == "send" and told and act["id"] not in written:
                others.append(act)
            elif act["verb"] == "send":
                recorded[act["by"]].append(("send", act["id"]))
            elif act["verb"] in ANSWERS.values():
                recorded[act["by"]].append((act["verb"], ""))
        # Of one act the mail and the answer that it tells of may be noted in either order.
        assert {by: Counter(acts) for by, acts in recorded.items()} == {by: Counter(acts) for by, acts in done.items()}
        for by, acts in done.items():
            assert [a for a in recorded[by] if a[0] == "send"] == [a for a in acts if a[0] == "send"], by
        assert len(others) == told_by_mailcore, others

    def _mailboxes(self, sent: dict[str, dict[str, Any]]) -> None:
        """Each mail lies in its recipient's mailbox, open or archived, once; and no other mail is there."""
        found: Counter[tuple[str, str]] = Counter()
        for agent in self.look("agents"):
            address = agent["address"]
            for mail in (*self.look("inbox", address), *self.look("archive", "list", "--of", address)):
                found[address, mail["id"]] += 1
        assert found == Counter((act["to"], act["id"]) for act in sent.values())

    def _traces(self, sent: dict[str, dict[str, Any]]) -> None:
        """Where each mail stands is what its recipient did with it."""
        became: dict[str, str] = {}
        for one in self.happened:
            if one["what"] in ANSWERS and one["what"] != "accept":
                became[self._id(sent, one["words"][0])] = ANSWERS[one["what"]]
            said: Any = one.get("said")
            chosen = said.get("tasks", {}) if isinstance(said, dict) else {}
            became |= {self._id(sent, name[1:]): "declined" for name, what in chosen.items() if what == "declined"}
        for name, act in sent.items():
            trace = self.look("trace", name)
            assert (trace["from"], trace["to"], trace["subject"]) == (act["by"], act["to"], act["subject"])
            rung = trace["rung"]
            assert became.get(name, rung) == rung or became[name] in ("approved", "denied"), (trace, became.get(name))
            assert name in became or rung not in ENDS, trace
            times = [one["at"] for one in trace["rungs"] if one["at"]]
            assert times == sorted(times), trace

    def _id(self, sent: dict[str, dict[str, Any]], name: str) -> str:
        """The id of the mail that was named by its id or its number."""
        return name if name in sent else next(one["id"] for one in sent.values() if str(one["seq"]) == name)

    def _runs(self, history: list[dict[str, Any]]) -> None:
        """Each start of an agent's program is an attempt of a run, and each run has one end."""
        started = Counter(one["run"] for one in self.noted("up"))
        runs = {run["run_id"]: run for run in self.look("runs")}
        assert {name: len(run["attempts"]) for name, run in runs.items()} == started
        ends = Counter(act["run"] for act in history if act["verb"] == "run ended")
        assert ends == Counter(runs.keys())
        for one in self.noted("dispatch"):
            for row in one["said"].get("dispatched", [one["said"]]):
                assert not row["run_id"] or runs[row["run_id"]]["sender"] == one["by"], row


def _mails(one: dict[str, Any]) -> Iterator[str]:
    """The ids of the mails that an act put into mailboxes."""
    said: Any = one.get("said") or {}
    if one["what"] not in WRITES or one["what"] == "accept":
        return
    rows = said if isinstance(said, list) else said.get("dispatched", [said])
    for row in rows:
        if name := row.get("id") or row.get("message_id"):
            yield name
        yield from (told["id"] for told in row.get("told", ()) if told and told.get("id"))
