"""Permissions that the real Claude Code asks for, answered by the operator, at its terminal, by both, or by nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.mailcore.conftest import wait_until
from tests.mailcore.identity.lab import PTY
from tests.real.conftest import Lab
from tests.real.person import PersonTerminal
from tests.real.stub import Request, Step, Text, Tool, Tools, texts
from tests.real.test_prompts import terminal

STEPS = ("one", "two", "three", "four", "four", "five")


def touches(lab: Lab) -> list[str]:
    """Which of the calls were carried out."""
    return [name for name in dict.fromkeys(STEPS) if (lab.branch / name).exists()]


def request(lab: Lab, tool: str) -> dict[str, Any]:
    """The request that waits for a call of that command."""

    def found() -> dict[str, Any] | None:
        rows = lab.mailcore("permission")
        return next((one for one in rows if one["tool_input"].get("command") == tool), None)

    return wait_until(found, 60, f"a request for {tool!r}") or {}


def decide(lab: Lab, words: str) -> float:
    """Decide as the operator at a terminal; how long the command took."""
    began = time.monotonic()
    lab.typed(f"mailcore permission {words}")
    return time.monotonic() - began


@pytest.fixture
def asked(lab: Lab) -> Iterator[Lab]:
    """Hooks are in, somebody watches, and the agent wants `touch one` and so on."""
    lab.init()
    lab.mailcore("hooks install @writer")
    watcher = lab.root / ".praxmonitor/duty/1.watcher"
    watcher.parent.mkdir(parents=True)
    watcher.write_text("{}")
    later = time.time() + 3600
    os.utime(watcher, (later, later))

    def step(asks: Request) -> Step:
        done = json.dumps(asks["messages"]).count('"tool_result"')
        if done >= len(STEPS):
            return Text("the end of it")
        return Tool("Bash", {"command": f"touch {STEPS[done]}", "description": "makes a file"})

    lab.stub.plays(step)
    yield lab
    lab.mailcore("hooks remove @writer")


def test_allowed_denied_always_and_at_both_places(asked: Lab) -> None:
    with terminal(asked) as shown:
        first = request(asked, "touch one")
        wait_until(lambda: shown.asks, 20, "its own question stands beside ours")
        took = decide(asked, f"allow {first['id']}")
        wait_until(lambda: "one" in touches(asked), 20, "it is carried out")
        print(f"allowed here: carried out, the command took {took:.2f} s")
        second = request(asked, "touch two")
        decide(asked, f"deny {second['id']} 'because I say so'")
        third = request(asked, "touch three")
        assert "because I say so" in texts(asked.stub.requests[-1]) and "two" not in touches(asked)
        print("denied here: the agent read why")
        shown.send("1")
        wait_until(lambda: "three" in touches(asked), 20, "answered at its own terminal")
        fourth = request(asked, "touch four")
        assert [one["id"] for one in asked.mailcore("permission")] == [fourth["id"]], f"not {third['id']}"
        print("answered at its own terminal: ours is gone")
        decide(asked, f"allow {fourth['id']} --always")
        fifth = request(asked, "touch five")
        print("always: the same was not asked for again, another was")
        decide(asked, f"allow {fifth['id']}")
        wait_until(lambda: "the end of it" in shown.text, 20, "it ends")
        assert touches(asked) == ["one", "three", "four", "five"]
    assert asked.mailcore("permission") == []


def test_two_parallel_calls_are_two_requests(asked: Lab) -> None:
    both = Tools(tuple(Tool("Bash", {"command": f"touch {name}", "description": "d"}) for name in STEPS[:2]))
    asked.stub.plays(both, Text("the end of it"))
    with terminal(asked) as shown:
        decide(asked, f"allow {request(asked, 'touch one')['id']}")
        decide(asked, f"deny {request(asked, 'touch two')['id']} no")
        wait_until(lambda: "the end of it" in shown.text, 30, "it ends")
    assert touches(asked) == ["one"]


def test_without_a_screen_its_own_question_is_all(asked: Lab) -> None:
    (asked.root / ".praxmonitor/duty/1.watcher").unlink()
    with terminal(asked) as shown:
        for name in STEPS[:3]:
            answer_there(shown)
            wait_until((asked.branch / name).exists, 30, name)
        assert asked.mailcore("permission") == []


def answer_there(shown: PersonTerminal) -> None:
    """Say yes at the program's own terminal."""
    wait_until(lambda: shown.asks, 30, "it asks")
    shown.send("1")
    wait_until(lambda: not shown.asks, 30, "it is answered")


def test_when_our_time_is_over_its_own_question_stands(asked: Lab) -> None:
    config = asked.root / ".praxmonitor/config.toml"
    config.write_text(config.read_text() + "\n[permissions]\nwait = 2\n")
    with terminal(asked) as shown:
        found = request(asked, "touch one")
        wait_until(lambda: asked.mailcore("permission") == [], 20, "ours is over")
        assert found["until"] - found["at"] <= 2.5
        answer_there(shown)
        wait_until(lambda: "one" in touches(asked), 20, "it is carried out")


def test_answered_at_both_places_at_one_moment_it_is_done_once(asked: Lab) -> None:
    command = "date +%s.%N >>once"
    asked.stub.plays(Tool("Bash", {"command": command, "description": "d"}), Text("the end of it"))
    with terminal(asked) as shown:
        found = request(asked, command)
        line = f"mailcore permission allow {found['id']}"
        words = [sys.executable, "-c", PTY, repr(asked.environment), "sh", "-c", line]
        with subprocess.Popen(words, cwd=asked.root, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as here:
            shown.send("1")
            here.wait(60)
        wait_until(lambda: "the end of it" in shown.text, 30, "it ends")
        assert len((asked.branch / "once").read_text().splitlines()) == 1 and not shown.asks
    assert asked.mailcore("permission") == []


def test_a_subagent_asks_in_its_own_name(asked: Lab) -> None:
    agent = Tool("Agent", {"description": "look", "prompt": "MEMBER: look", "subagent_type": "general-purpose"})

    def turn(asks: Request) -> Step:
        if "MEMBER: look" in str(asks["messages"][0]):
            done = "tool_result" in json.dumps(asks["messages"][-1])
            return Text("looked") if done else Tool("Bash", {"command": "touch one", "description": "one"})
        return Text("the end of it") if "tool_result" in json.dumps(asks["messages"]) else agent

    asked.stub.plays(turn)
    with terminal(asked) as shown:
        found = request(asked, "touch one")
        decide(asked, f"allow {found['id']}")
        wait_until(lambda: "one" in touches(asked) and "the end of it" in shown.text, 60, "it ends")
    assert found["subagent"]


def test_the_watcher_is_killed_while_it_asks(asked: Lab) -> None:
    (asked.root / ".praxmonitor/duty/1.watcher").unlink()
    words = ["praxmonitor", "guard", str(asked.root)]
    with subprocess.Popen(words, env=asked.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as guard:
        watchers = asked.root / ".praxmonitor/duty"
        wait_until(lambda: list(watchers.glob("*.watcher")), 30, "it watches")
        with terminal(asked) as shown:
            request(asked, "touch one")
            guard.kill()
            answer_there(shown)
            wait_until(lambda: "one" in touches(asked), 20, "answered there")
            second = request(asked, "touch two")
            decide(asked, f"allow {second['id']}")
            wait_until(lambda: "two" in touches(asked), 20, "a command of the operator's still answers it")
            for path in watchers.glob("*.watcher"):
                os.utime(path, (0, 0))  # its last sign is long ago
            answer_there(shown)
            wait_until(lambda: shown.asks and "three" in touches(asked), 30, "the fourth is asked there")
            assert asked.mailcore("permission") == []


def test_what_config_allows_or_denies_is_not_asked_for(asked: Lab) -> None:
    config = asked.root / ".praxmonitor/config.toml"
    config.write_text(config.read_text() + '\n[permissions]\nallow = ["Bash(touch *)"]\ndeny = ["Bash(touch two)"]\n')
    with terminal(asked) as shown:
        wait_until(lambda: "the end of it" in shown.text, 60, "it ends")
    assert touches(asked) == ["one", "three", "four", "five"]
    acts = [(one["verb"], one["words"]) for one in asked.mailcore("history") if one["by"] == "policy"]
    assert sorted(acts) == sorted(
        (f"permission {'deny' if name == 'two' else 'allow'}", f"touch {name}") for name in STEPS
    )
