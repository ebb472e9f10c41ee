"""What the real Claude Code asks its person, moment by moment, and what is said of it here. `-s` prints the table."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mailcore.config import Alarms
from mailcore.model.fleet import Fleet, State
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.state import state
from mailcore.workspace.find import find_workspace
from tests.real.conftest import Lab
from tests.real.person import PersonTerminal
from tests.real.stub import Request, Text, Tool, Tools, texts

ASKS = re.compile(r"Do you want to (?:proceed|create|make)")
CLAUDE = ("claude", "--permission-mode", "default", "begin")
LAG = 1.0
"""Seconds by which the two may differ: Claude Code draws its question and notes it in a file, in either order."""


def trust(lab: Lab) -> None:
    """Let `claude` trust @writer's directory, and ask nothing when it begins."""
    key = lab.environment["ANTHROPIC_API_KEY"][-20:]
    known = {
        "hasCompletedOnboarding": True,
        "customApiKeyResponses": {"approved": [key], "rejected": []},
        "projects": {str(place): {"hasTrustDialogAccepted": True} for place in (lab.root, lab.branch)},
    }
    (lab.home / ".claude.json").write_text(json.dumps(known))


@contextmanager
def terminal(lab: Lab) -> Iterator[PersonTerminal]:
    """`claude` at work in @writer's directory, which it trusts."""
    trust(lab)
    shown = PersonTerminal(lab, CLAUDE, ASKS)
    try:
        yield shown
    finally:
        shown.close()


class Beside:
    """What is said of @writer here, looked at four times a second, beside what the terminal shows."""

    def __init__(self, lab: Lab, shown: PersonTerminal) -> None:
        self._loader = WorkspaceReader(find_workspace(lab.root))
        self.fleet = apply(Fleet(lab.root), self._loader.initial(), time.time())
        self._shown, self._began = shown, time.monotonic()
        self.asked: list[bool] = []
        """Whether the terminal asked, at each look."""
        self._looks: list[tuple[float, float, bool]] = []
        """When each began and ended, and whether it was waiting here."""
        self._line = ""

    def until(self, condition: Callable[[], object], seconds: float) -> None:
        """Look until it is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds:g} s; the terminal shows:\n{self._shown.text}"
            threading.Event().wait(0.25)
            looked = time.monotonic()
            self.fleet = apply(self.fleet, self._loader.sweep(), time.time())
            facts = self.fleet.find("@writer")
            assert facts is not None
            here, asks, at = state(facts, time.time(), Alarms()), self._shown.asks, looked - self._began
            self.asked.append(asks)
            self._looks.append((looked, time.monotonic(), here.state is State.WAITING))
            line = f"{'asks' if asks else '-':<6}{here.state}: {here.reason}"
            if line != self._line:
                self._line = line
                print(f"{at:6.1f}  {line}")

    def check(self) -> None:
        """Nothing was said here that the terminal did not show as well, but for the lag."""
        wrong = [
            round(began - self._began, 1)
            for began, ended, waits in self._looks
            if not self._shown.showed(waits, began - LAG, ended + LAG)
        ]
        print(f"{len(self._looks)} looks, {len(wrong)} wrong")
        assert not wrong, f"at {wrong} s"


@pytest.mark.parametrize("hooks", [True, False], ids=["hooks", "no hooks"])
def test_two_calls_that_ask_and_a_long_build_that_was_granted(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, hooks: bool
) -> None:
    lab.init()
    if hooks:
        lab.mailcore("hooks install @writer")
    monkeypatch.setenv("HOME", str(lab.home))  # where its files lie
    first = Tool("Bash", {"command": "touch one && sleep 4", "description": "one"})
    build = Tool("Bash", {"command": "touch two; sleep 16", "description": "the build"})
    lab.stub.plays(Tools((first, build)), Text("all done"))
    with terminal(lab) as shown:
        beside = Beside(lab, shown)
        beside.until(lambda: shown.asks, 60)
        beside.until(lambda: all(beside.asked[-8:]), 20)
        shown.send("\r")
        beside.until(lambda: not shown.asks, 20)
        beside.until(lambda: shown.asks, 60)
        beside.until(lambda: all(beside.asked[-8:]), 20)
        shown.send("\r")
        beside.until(lambda: "all done" in shown.text, 60)
        beside.check()
    assert (lab.branch / "one").exists() and (lab.branch / "two").exists()


def test_a_subagents_prompt_stands_while_the_agent_itself_works_on(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.init()
    lab.mailcore("hooks install @writer")
    monkeypatch.setenv("HOME", str(lab.home))
    agent = Tool("Agent", {"description": "look", "prompt": "MEMBER: look", "subagent_type": "general-purpose"})
    inner = Tool("Bash", {"command": "touch three && sleep 6", "description": "three"})

    def turn(request: Request) -> Tool | Text:
        said = texts(request)
        if "MEMBER: look" in str(request["messages"][0]):
            return Text("looked") if "tool_result" in json.dumps(request["messages"][-1]) else inner
        return Text("all done") if "tool_result" in json.dumps(request["messages"]) or "looked" in said else agent

    lab.stub.plays(turn)
    with terminal(lab) as shown:
        beside = Beside(lab, shown)
        beside.until(lambda: shown.asks, 60)
        beside.until(lambda: len(beside.asked) > 8 and all(beside.asked[-8:]), 20)
        shown.send("\r")
        beside.until(lambda: (lab.branch / "three").exists() and "all done" in shown.text, 60)
        until = time.monotonic() + 4
        beside.until(lambda: time.monotonic() > until, 10)
        beside.check()
    assert (lab.branch / "three").exists()
