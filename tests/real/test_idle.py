"""Mail for the real Claude Code, open in a terminal: idle, typing, at work, cleared, closed. `-s` prints when it
arrived. Each arrives once, and the ladder says so when the session's own file holds it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from mailcore.mail.bell import WAITING
from mailcore.model.message import parse_time
from tests.mailcore.conftest import wait_until
from tests.real.conftest import Lab
from tests.real.person import PersonTerminal
from tests.real.stub import Request, Step, Text, Tool, texts
from tests.real.test_prompts import terminal

QUIET = 14.0
"""Seconds after which a terminal that was typed at counts as quiet: a window of the kernel's, and ours."""


def sleeps(lab: Lab) -> bool:
    """A sleeper waits beside a session."""
    return bool(list((lab.branch / ".ai_mail.local" / WAITING).glob("*.bell")))


def message(lab: Lab, subject: str) -> dict[str, Any]:
    """The open message of that subject."""
    document = json.loads((lab.branch / ".ai_mail.local/inbox.json").read_text())
    found: dict[str, Any] = next(one for one in document["messages"] if one["subject"] == subject)
    return found


def rungs(lab: Lab, subject: str) -> list[str]:
    """The rungs of the ladder that the mail has reached."""
    return [one["rung"] for one in lab.mailcore(f"trace {message(lab, subject)['id']}")["rungs"]]


def given(lab: Lab, subject: str) -> int:
    """How often the newest request to the service holds the subject."""
    request = lab.stub.requests[-1] if lab.stub.requests else {}
    return json.dumps(request.get("messages") or request.get("input") or []).count(subject)


def quiet(shown: PersonTerminal, seconds: float = QUIET) -> None:
    """Nobody types for so long."""
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > until, seconds + 5, shown.text)


def arrives(lab: Lab, subject: str, sent: float, within: float) -> None:
    """The mail is given once, in time, and proved."""
    wait_until(lambda: given(lab, subject), within + 30, f"{subject} arrives")
    took = parse_time(message(lab, subject)["told_at"]) - sent
    wait_until(lambda: message(lab, subject).get("proved_at"), 30, f"{subject} is proved: {message(lab, subject)}")
    proved = parse_time(message(lab, subject)["proved_at"]) - sent
    print(
        f"{subject:<24} given after {took:5.1f} s, proved after {proved:5.1f} s, {message(lab, subject)['told_where']}"
    )
    assert took <= within and given(lab, subject) == 1
    assert rungs(lab, subject)[:2] == ["stored", "submitted"]


def send(lab: Lab, subject: str, priority: str = "high") -> float:
    """Send it; when."""
    at = time.time()
    lab.mailcore(f"send @writer {subject!r} Look. --priority {priority}")
    return at


@pytest.fixture
def held(lab: Lab) -> Iterator[Lab]:
    """Hooks are in, and no run is begun for mail."""
    lab.init()
    lab.mailcore("hooks install @writer")
    lab.mailcore("hold @writer")
    yield lab
    lab.mailcore("hooks remove @writer")


def test_mail_arrives_at_an_idle_session_and_not_while_its_person_types(held: Lab) -> None:
    held.stub.plays(Text("a turn is over"))
    with terminal(held) as shown:
        wait_until(lambda: "turn is over" in shown.text and sleeps(held), 60, "it is idle")
        quiet(shown)
        arrives(held, "Fire idle", send(held, "Fire idle"), 5.0)
        wait_until(lambda: sleeps(held), 20, "it is idle again")
        shown.send("half a sentence")
        typed = time.time()
        sent = send(held, "Fire typing")
        arrives(held, "Fire typing", sent, QUIET + 5)
        assert parse_time(message(held, "Fire typing")["told_at"]) - typed >= 4.0, "not while the person types"
        assert "half a sentence" in shown.text, "what was typed stays"
        (held.root / ".praxmonitor/config.toml").write_text("[mail]\nidle = 20\n")
        wait_until(lambda: sleeps(held), 20, "it is idle again")
        turn = time.time()
        send(held, "Tea later", "normal")
        wait_until(lambda: given(held, "Tea later"), 60, "normal priority arrives")
        waited = parse_time(message(held, "Tea later")["told_at"]) - turn
        print(f"{'Tea later (idle = 20)':<24} given {waited:5.1f} s after the last turn")
        assert 15.0 <= waited <= 20.0 + QUIET
        assert [given(held, name) for name in ("Fire idle", "Fire typing", "Tea later")] == [1, 1, 1]


def test_mail_arrives_at_a_session_at_work_with_its_next_step(held: Lab) -> None:
    done = held.root / "go"

    def step(request: Request) -> Step:
        if "sleep_until" in json.dumps(request["messages"]) or "Fire at work" in texts(request):
            return Text("all is done")
        return Tool("Bash", {"command": f"sleep_until() {{ while [ ! -e {done} ]; do sleep 0.1; done; }}; sleep_until"})

    held.stub.plays(step)
    with terminal(held) as shown:
        wait_until(lambda: shown.asks, 60, "it asks")
        shown.send("1")
        quiet(shown, 2)
        sent = send(held, "Fire at work")
        done.touch()
        arrives(held, "Fire at work", sent, 10.0)


def test_what_a_session_forgets_it_is_given_again_once(held: Lab) -> None:
    held.stub.plays(Text("a turn is over"))
    with terminal(held) as shown:
        wait_until(lambda: "turn is over" in shown.text and sleeps(held), 60, "it is idle")
        quiet(shown)
        arrives(held, "Fire forgotten", send(held, "Fire forgotten"), 5.0)
        session = message(held, "Fire forgotten")["told_session"]
        shown.send("/clear")
        quiet(shown, 1)
        shown.send("\r")
        wait_until(
            lambda: message(held, "Fire forgotten")["told_session"] != session, 30, "another session is given it"
        )
        shown.send("go on")
        quiet(shown, 1)
        shown.send("\r")
        wait_until(lambda: given(held, "Fire forgotten"), 30, shown.text)
        assert given(held, "Fire forgotten") == 1
    send(held, "Fire while closed")
    assert not message(held, "Fire while closed").get("told_at"), "nobody was there"
