"""Mail of high priority for a session in each state in which a person can have it; and mail of both priorities at
random moments of random sessions. The same for each program."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mailcore.model.message import parse_time
from tests.mailcore.conftest import wait_until
from tests.real.conftest import Lab
from tests.real.open_session import PATIENCE, OpenSession, Ways
from tests.real.test_idle import message, quiet, rungs, send, sleeps

SOON = "[mail]\nidle = 1\n"
"""Mail of normal priority wakes what was idle for a second."""


@dataclass
class States:
    """A table of when high mail arrived, and how."""

    one: OpenSession
    rows: list[str] = field(default_factory=list)

    def arrived(self, state: str, subject: str, sent: float, within: float) -> None:
        """It was given once, within so many seconds, its session's file proves it, and the ladder says so."""
        lab = self.one.lab
        wait_until(lambda: self.one.arrived(subject), PATIENCE, lambda: f"{subject}: {self.one.shown.text}")
        self.one.rests()
        if not message(lab, subject).get("proved_at"):
            self.one.turn()  # its next event looks
        wait_until(lambda: message(lab, subject).get("proved_at"), PATIENCE, f"{subject} is proved")
        found = message(lab, subject)
        took, proved = parse_time(found["told_at"]) - sent, parse_time(found["proved_at"]) - sent
        self.rows.append(f"{state:<12} {took:5.1f} s  proved {proved:5.1f} s  {found['told_where']}")
        assert took <= within and rungs(lab, subject)[:2] == ["stored", "submitted"], self.rows
        assert max(self.one.given(subject)) == 1, f"{state}: {self.one.given(subject)}"


def sent_while_it_thinks(one: OpenSession, plays: Callable[[], None], send: Callable[[], float]) -> float:
    """A turn in which the model uses a tool, as the stub `plays`; mail is sent while it thinks. When."""
    stub = one.lab.stub
    stub.hold.clear()
    plays()
    asked = len(stub.requests)
    one.says("work")
    wait_until(lambda: len(stub.requests) > asked, PATIENCE, "it thinks")
    sent = send()
    stub.hold.set()
    return sent


def high_mail_in_each_state(lab: Lab, ways: Ways, plays: Callable[[], None]) -> str:
    """The table. `plays` lets the stub answer the next turn with the use of a tool."""
    one = OpenSession(lab, ways)
    seen = States(one)
    try:
        seen.arrived("awake", "Fire awake", sent_while_it_thinks(one, plays, lambda: send(lab, "Fire awake")), 10.0)
        wait_until(lambda: sleeps(lab), PATIENCE, "it is idle")
        quiet(one.shown)
        seen.arrived("idle", "Fire idle", send(lab, "Fire idle"), 5.0)
        wait_until(lambda: sleeps(lab), PATIENCE, "it is idle again")
        one.types("half a sentence")
        typed = time.time()
        seen.arrived("typing", "Fire typing", send(lab, "Fire typing"), 20.0)
        assert parse_time(message(lab, "Fire typing")["told_at"]) - typed >= 4.0, "not while the person types"
        assert "half a sentence" in one.shown.text, "what was typed stays"
        one.types("\x15")
        lab.stub.hold.clear()
        one.begin_compaction()
        sent = send(lab, "Fire compact")
        lab.stub.hold.set()
        one.compacted()
        one.turn()
        seen.arrived("compacting", "Fire compact", sent, 20.0)
        one.leave()
        sent = send(lab, "Fire closed")
        assert not message(lab, "Fire closed").get("told_at") and rungs(lab, "Fire closed") == ["stored"]
        seen.rows.append("closed       stays stored")
        one.resume()
        sent = time.time()
        one.turn()
        seen.arrived("resumed", "Fire closed", sent, 20.0)
    finally:
        one.close()
    return "\n".join(seen.rows)


class Interleaving:
    """One session with what happens to it by a seed, and mail meanwhile."""

    def __init__(self, lab: Lab, ways: Ways, seed: int) -> None:
        self._random = random.Random(seed)
        self._lab, self._ways = lab, ways
        self._subjects: list[str] = []
        self.steps: list[str] = []

    def plays(self) -> None:
        """Play it to its end; what is left then is given, each mail once in each context, and none lost."""
        one = OpenSession(self._lab, self._ways)
        over = threading.Event()
        sender = threading.Thread(target=self._sends, args=(over, random.Random(self._random.random())))
        sender.start()
        try:
            for _ in range(self._random.randint(3, 6)):
                name, step = self._random.choice(list(self._steps().items()))
                self.steps.append(name)
                step(one)
            over.set()
            sender.join()
            one.turn()
            one.rests()
            self._ends_well(one)
        finally:
            over.set()
            sender.join()
            one.close()

    def _steps(self) -> dict[str, Callable[[OpenSession], None]]:
        return {
            "turn": OpenSession.turn,
            "types": self._types,
            "idles": self._idles,
            "clear": OpenSession.clear,
            "compact": OpenSession.compact,
            "leaves": self._leave,
            "killed": self._kill,
        }

    def _sends(self, over: threading.Event, moments: random.Random) -> None:
        for number in range(moments.randint(3, 5)):
            over.wait(moments.uniform(0.0, 3.0))
            subject = f"Mail {number}"
            self._subjects.append(subject)
            send(self._lab, subject, moments.choice(("high", "normal")))

    def _ends_well(self, one: OpenSession) -> None:
        def open_mail() -> list[str]:
            return [name for name in self._subjects if not message(self._lab, name).get("proved_at")]

        wait_until(lambda: not open_mail(), PATIENCE, lambda: f"all is proved: {open_mail()}, {self.steps}")
        one.rests()
        given = {name: one.given(name) for name in self._subjects}
        assert all(map(one.arrived, self._subjects)), f"lost: {given}, {self.steps}"
        assert all(max(times) <= 1 for times in given.values()), f"twice: {given}, {self.steps}"

    def _types(self, one: OpenSession) -> None:
        one.types(" ".join(["so"] * self._random.randint(1, 4)))
        quiet(one.shown, self._random.uniform(0.2, 2.0))
        one.types("\x15")

    def _idles(self, one: OpenSession) -> None:
        quiet(one.shown, self._random.uniform(1.0, 6.0))

    def _leave(self, one: OpenSession) -> None:
        one.leave()
        quiet(one.shown, self._random.uniform(0.0, 1.0))
        one.resume()

    def _kill(self, one: OpenSession) -> None:
        one.close()
        quiet(one.shown, self._random.uniform(0.0, 1.0))
        one.resume()
