"""The real Codex, open in a terminal: mail for one that is idle is queued, arrives once, and the rollout proves it.

What it asks for is answered by the operator, or by its person when ours is over.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator

import pytest

from tests.mailcore.conftest import wait_until
from tests.real.conftest import Lab
from tests.real.person import PersonTerminal
from tests.real.stub import Request, Step, Text, Tool
from tests.real.test_idle import arrives, given, quiet, send, sleeps
from tests.real.test_permission import decide

CODEX = ("codex", "--dangerously-bypass-hook-trust", "begin")


def wanting(lab: Lab, *names: str) -> Callable[[Request], Step]:
    """The steps of a model that makes these files, one after the other, each outside of its sandbox."""

    def step(request: Request) -> Step:
        if "format" in (request.get("text") or {}):
            return Text(json.dumps({"title": "t"}))
        done = json.dumps(request["input"]).count('"function_call_output"')
        if done >= len(names):
            return Text("the end of it")
        given = {"cmd": f"touch {lab.branch}/{names[done]}", "sandbox_permissions": "require_escalated"}
        return Tool("exec_command", given | {"justification": "it is needed"})

    return step


@pytest.fixture
def codex_held(lab: Lab) -> Iterator[Lab]:
    """Codex trusts @writer's directory, hooks are in, and no run is begun for mail."""
    lab.init('program = "codex"')
    lab.shell("git init -q .")
    lab.mailcore("hooks install @writer")
    lab.mailcore("hold @writer")
    trusted = "".join(f'\n[projects."{place}"]\ntrust_level = "trusted"\n' for place in (lab.branch, lab.root))
    config = lab.home / ".codex/config.toml"
    config.write_text(config.read_text() + trusted)
    config.write_text('approval_policy = "on-request"\nsandbox_mode = "read-only"\n' + config.read_text())

    def step(asked: Request) -> Step:
        titles = "format" in (asked.get("text") or {})
        return Text(json.dumps({"title": "t"}) if titles else "a turn is over")

    lab.stub.plays(step)
    yield lab
    lab.mailcore("hooks remove @writer")


@pytest.fixture
def shown(codex_held: Lab, request: pytest.FixtureRequest) -> Iterator[PersonTerminal]:
    """`codex` at work in @writer's directory; it trusts our hooks."""
    lab = codex_held
    if wants := getattr(request, "param", ()):
        lab.stub.plays(wanting(lab, *wants))
    one = PersonTerminal(lab, CODEX)
    yield one
    one.close()


def test_mail_arrives_at_an_idle_session(lab: Lab, shown: PersonTerminal) -> None:
    wait_until(lambda: "a turn is over" in shown.text and sleeps(lab), 60, "it is idle")
    quiet(shown)
    # It looks into its queue every ten seconds; before that nothing of ours is in its file.
    arrives(lab, "Fire for Codex", send(lab, "Fire for Codex"), 5.0)
    assert given(lab, "Fire for Codex") == 1 and "Fire for Codex" in shown.text


@pytest.mark.parametrize("shown", [("one", "two", "three")], indirect=True)
def test_what_it_asks_for_is_answered_here_or_there(lab: Lab, shown: PersonTerminal) -> None:
    watcher = lab.root / ".praxmonitor/duty/1.watcher"
    watcher.parent.mkdir(parents=True, exist_ok=True)
    watcher.write_text("{}")
    later = time.time() + 3600
    os.utime(watcher, (later, later))
    decide(lab, f"allow {asked_for(lab, 'one')}")
    wait_until(lambda: (lab.branch / "one").exists(), 20, "allowed here")
    decide(lab, f"deny {asked_for(lab, 'two')} 'because I say so'")
    third = asked_for(lab, "three")
    assert not (lab.branch / "two").exists() and "because I say so" in json.dumps(lab.stub.requests[-1]["input"])
    assert "Running" in shown.text or "hook" in shown.text
    wait_until(lambda: "Would you like" in shown.text or "Yes" in shown.text, 40, "when ours is over it asks itself")
    assert third not in [one["id"] for one in lab.mailcore("permission")]
    shown.send("y")
    wait_until(lambda: (lab.branch / "three").exists(), 20, f"answered there: {shown.text}")


def asked_for(lab: Lab, name: str) -> str:
    """The request that waits for that file."""

    def found() -> str | None:
        rows = lab.mailcore("permission")
        return next((one["id"] for one in rows if one["tool_input"].get("command", "").endswith(name)), None)

    return wait_until(found, 60, f"a request for {name}") or ""
