"""The real Codex, open in a terminal: mail for one that is idle is queued, arrives once, and the rollout proves it.

What it asks for is answered by the operator, or by its person when ours is over.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mailcore.conftest import wait_until
from tests.real.conftest import Lab
from tests.real.person import PersonTerminal
from tests.real.stub import Request, Step, Text, Tool, Tools
from tests.real.test_idle import QUIET, arrives, given, quiet, send, sleeps
from tests.real.test_permission import decide

CODEX = ("codex", "--dangerously-bypass-hook-trust", "begin")


def wanting(lab: Lab, *names: str) -> Callable[[Request], Step]:
    """The steps of a model that makes these files, one after the other, each outside of its sandbox."""

    def step(request: Request) -> Step:
        if "format" in (request.get("text") or {}):
            return Text(json.dumps({"title": "t"}))
        done = json.dumps(request["input"]).count('"function_call_output"')
        return Text("the end of it") if done >= len(names) else touching(lab, names[done])

    return step


def touching(lab: Lab, name: str) -> Tool:
    """A call that makes a file outside of its sandbox."""
    given = {"cmd": f"touch {lab.branch}/{name}", "sandbox_permissions": "require_escalated"}
    return Tool("exec_command", given | {"justification": "it is needed"})


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
    if "config_decides" in request.node.name:
        allowed, denied = (f'"Bash(touch {lab.branch}/{name})"' for name in ("one", "two"))
        config = lab.root / ".praxmonitor/config.toml"
        config.write_text(f"{config.read_text()}\n[permissions]\nallow = [{allowed}]\ndeny = [{denied}]\n")
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
    watch(lab)
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


@pytest.mark.parametrize("shown", [("one", "two")], indirect=True)
def test_without_a_screen_its_own_question_is_all(lab: Lab, shown: PersonTerminal) -> None:
    for name in ("one", "two"):
        wait_until(lambda: "Would you like" in shown.text, 30, lambda: f"it asks itself: {shown.text}")
        assert lab.mailcore("permission") == []
        shown.send("y")
        wait_until((lab.branch / name).exists, 20, name)


@pytest.mark.parametrize("shown", [("one", "two")], indirect=True)
def test_what_config_decides_is_not_asked_for(lab: Lab, shown: PersonTerminal) -> None:
    wait_until(lambda: "the end of it" in shown.text, 60, lambda: f"it ends: {shown.text}")
    assert (lab.branch / "one").exists() and not (lab.branch / "two").exists()
    acts = sorted(one["verb"] for one in lab.mailcore("history") if one["by"] == "policy")
    assert acts == ["permission allow", "permission deny"]


def test_two_parallel_calls_are_two_requests(codex_held: Lab) -> None:
    lab = codex_held

    def step(request: Request) -> Step:
        if "format" in (request.get("text") or {}):
            return Text(json.dumps({"title": "t"}))
        done = json.dumps(request["input"]).count('"function_call_output"')
        return Text("the end of it") if done else Tools((touching(lab, "one"), touching(lab, "two")))

    lab.stub.plays(step)
    watch(lab)
    shown = PersonTerminal(lab, CODEX)
    try:
        decide(lab, f"allow {asked_for(lab, 'one')}")
        decide(lab, f"deny {asked_for(lab, 'two')} no")
        wait_until(lambda: "the end of it" in shown.text, 60, lambda: f"it ends: {shown.text}")
    finally:
        shown.close()
    assert (lab.branch / "one").exists() and not (lab.branch / "two").exists()


def test_a_subagent_asks_in_its_own_name(codex_held: Lab) -> None:
    lab = codex_held
    task = {"message": "MEMBER: look", "task_name": "looks", "fork_turns": "none"}

    def step(request: Request) -> Step:
        if "format" in (request.get("text") or {}):
            return Text(json.dumps({"title": "t"}))
        said = [one for one in request["input"] if one.get("type") not in ("additional_tools", "function_call")]
        done = any(one.get("type") == "function_call_output" for one in said)
        if "MEMBER: look" in json.dumps(said):
            return Text("looked") if done else touching(lab, "one")
        return Text("the end of it") if done else Tool("spawn_agent", task, "collaboration")

    lab.stub.plays(step)
    watch(lab)
    shown = PersonTerminal(lab, CODEX)
    try:
        known = asked_for(lab, "one")
        (row,) = lab.mailcore("permission")
        wait_until(lambda: "the end of it" in shown.text, 60, lambda: f"its parent goes on: {shown.text}")
        decide(lab, f"allow {known}")
        wait_until((lab.branch / "one").exists, 60, lambda: f"it is carried out: {shown.text}")
    finally:
        shown.close()
    assert row["subagent"] and row["subagent"] != row["session"]


@pytest.mark.parametrize("shown", [("one",)], indirect=True)
def test_an_answer_for_the_session_is_not_offered(lab: Lab, shown: PersonTerminal) -> None:
    """Its hook takes none."""
    watch(lab)
    known = asked_for(lab, "one")
    assert [one["always"] for one in lab.mailcore("permission")] == [False]
    with pytest.raises(AssertionError, match="takes an answer for this once alone"):
        decide(lab, f"allow {known} --always")
    decide(lab, f"allow {known}")
    wait_until((lab.branch / "one").exists, 60, lambda: f"it is carried out: {shown.text}")


def test_the_watcher_is_killed_while_it_asks(codex_held: Lab) -> None:
    lab, watchers = codex_held, codex_held.root / ".praxmonitor/duty"
    lab.stub.plays(wanting(lab, "one", "two"))
    words = ["praxmonitor", "guard", str(lab.root)]
    with subprocess.Popen(words, env=lab.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as guard:
        wait_until(lambda: list(watchers.glob("*.watcher")), 60, "it watches")
        shown = PersonTerminal(lab, CODEX)
        asked_for(lab, "one")
        guard.kill()
    try:
        for name in ("one", "two"):
            wait_until(lambda: "Would you like" in shown.text, 60, lambda: f"it asks itself: {shown.text}")
            assert lab.mailcore("permission") == []
            for path in watchers.glob("*.watcher"):
                os.utime(path, (0, 0))  # its last sign is long ago
            shown.send("y")
            wait_until((lab.branch / name).exists, 60, name)
    finally:
        shown.close()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can say which shell a person has")
@pytest.mark.parametrize(("name", "runs"), [("zsh", "zsh"), ("fish", "bash")])
def test_hooks_work_in_whichever_shell_its_person_has(codex_held: Lab, name: str, runs: str) -> None:
    """Codex takes zsh and bash, and bash where its person has another."""
    lab, program = codex_held, shutil.which(name)
    if program is None:
        pytest.skip(f"no {name} here")
    users = lab.root / "passwd"
    lines = Path("/etc/passwd").read_text().splitlines()
    users.write_text("".join(f"{line.rpartition(':')[0]}:{program}\n" for line in lines))
    place = lab.branch / ".codex/hooks.json"
    hooks = json.loads(place.read_text())
    hooks["hooks"]["Stop"].append({"hooks": [{"type": "command", "command": f"echo $0 >{lab.root}/shell"}]})
    place.write_text(json.dumps(hooks))
    begin = f"mount --bind {users} /etc/passwd && exec {shlex.join(CODEX)}"
    shown = PersonTerminal(lab, ["unshare", "-m", "sh", "-c", begin])
    try:
        wait_until(lambda: "a turn is over" in shown.text and sleeps(lab), 60, lambda: f"it is idle: {shown.text}")
        log, shell = lab.branch / "logs/hooks.jsonl", lab.root / "shell"
        wait_until(lambda: log.read_text().count("hook_event_name") >= 3, 20, "its events are noted")
        wait_until(lambda: shell.exists() and shell.read_text(), 20, "the other hook ran")
        assert shell.read_text().strip().endswith(runs)
        sent = send(lab, "Fire for Codex")
        arrives(lab, "Fire for Codex", sent, QUIET + 5)
    finally:
        shown.close()


def watch(lab: Lab) -> None:
    """Somebody watches, for an hour."""
    watcher = lab.root / ".praxmonitor/duty/1.watcher"
    watcher.parent.mkdir(parents=True, exist_ok=True)
    watcher.write_text("{}")
    later = time.time() + 3600
    os.utime(watcher, (later, later))


def asked_for(lab: Lab, name: str) -> str:
    """The request that waits for that file."""

    def found() -> str | None:
        rows = lab.mailcore("permission")
        return next((one["id"] for one in rows if one["tool_input"].get("command", "").endswith(name)), None)

    return wait_until(found, 60, f"a request for {name}") or ""
