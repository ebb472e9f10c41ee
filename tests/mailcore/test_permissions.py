"""What agents' programs ask for first: asked by the real hook line, answered once, audited, or left to the program."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mailcore.exceptions import Refused
from mailcore.hooks.install import hook_plan, install_hooks, remove_hooks
from mailcore.hooks.line import PERMISSION_REQUEST, SETTLING, HookEntry
from mailcore.hooks.permission import is_settled, request_of
from mailcore.hooks.session_events import newest_events
from mailcore.model.activity import Kind
from mailcore.model.agent import Agent
from mailcore.model.permission import PermissionAnswer, PermissionRequest
from mailcore.permissions.decide import decide_permission
from mailcore.permissions.store import MAX_REQUEST, PERMISSIONS, find_permission, read_requests
from mailcore.programs.base import Hooks
from mailcore.programs.claude.program import Claude
from mailcore.programs.codex.program import Codex
from mailcore.programs.hook_lines import read_hook
from tests.mailcore.conftest import House, wait_until

SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]
SUGGESTED = [{"type": "addDirectories", "directories": ["/p"], "destination": "session"}, {"type": "setMode"}]


class Asking:
    """A program whose hook asks."""

    def __init__(self, agent: Agent, hooks: Hooks = Claude.hooks, shell: str = "sh", **event: Any) -> None:
        known = {
            "session_id": "s-1",
            "hook_event_name": PERMISSION_REQUEST,
            "tool_name": "Bash",
            "cwd": str(agent.branch),
        }
        known |= {"tool_input": {"command": "touch one"}, "permission_suggestions": SUGGESTED} | event
        line = hook_plan(agent, hooks).handler(HookEntry(PERMISSION_REQUEST), "file")["command"]
        words = {"busybox": ["busybox", "sh", "-c"]}.get(shell, [shell, "-c"])
        self.process = subprocess.Popen([*words, line], stdin=-1, stdout=-1, stderr=-1, start_new_session=True)
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(known).encode())
        self.process.stdin.close()
        self.process.stdin = None

    def kill(self) -> None:
        """End the hook as a signal does."""
        os.killpg(self.process.pid, 9)
        self.process.communicate(timeout=20)

    def said(self) -> dict[str, Any]:
        """What it decided; nothing: it left it to the program."""
        out, err = self.process.communicate(timeout=30)
        assert (self.process.returncode, err) == (0, b"")
        found: dict[str, Any] = json.loads(out)["hookSpecificOutput"]["decision"] if out else {}
        return found


@pytest.fixture
def watched(house: House) -> Iterator[Agent]:
    """@writer, in a workspace that somebody watches."""
    watcher = house.workspace.state_dir / "duty/1.watcher"
    watcher.parent.mkdir(parents=True)
    watcher.write_text("{}")
    later = time.time() + 600
    os.utime(watcher, (later, later))
    agent = house.agent("@writer")
    yield agent
    assert not list((agent.mail_dir / PERMISSIONS).glob("[!.]*")), "nothing is left behind"


def waiting(agent: Agent, number: int = 1) -> tuple[PermissionRequest, ...]:
    """The requests, once so many wait."""
    return (
        wait_until(lambda: found if len(found := read_requests(agent)) == number else None, 20, f"{number} wait") or ()
    )


def decide(house: House, agent: Agent, request: PermissionRequest, **answer: Any) -> None:
    decide_permission(house.workspace, agent, request, PermissionAnswer(by="@operator", **answer))


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_allowed_goes_on_and_the_audit_says_so(house: House, watched: Agent, shell: str) -> None:
    asking = Asking(watched, shell=shell)
    (request,) = waiting(watched)
    assert (request.tool, request.tool_input, request.session) == ("Bash", {"command": "touch one"}, "s-1")
    assert request.beside and request.remembers and request.until - request.at > 3000
    decide(house, watched, request, allow=True)
    assert asking.said() == {"behavior": "allow"}
    (act,) = [one for one in house.json("history") if one["verb"].startswith("permission")]
    assert (act["verb"], act["by"], act["words"], act["agent"]) == (
        "permission allow", "@operator", "touch one", "@writer",
    )  # fmt: skip


def test_what_is_denied_says_why_and_the_first_answer_counts(house: House, watched: Agent) -> None:
    asking = Asking(watched)
    (request,) = waiting(watched)
    decide(house, watched, request, allow=False, why="not on a Monday")
    with pytest.raises(Refused, match="@operator denied it"):
        decide(house, watched, request, allow=True)
    assert asking.said() == {"behavior": "deny", "message": "not on a Monday"}
    with pytest.raises(Refused, match="no request"):
        find_permission(house.workspace, request.id)


def test_always_is_what_the_program_suggests_or_this_very_call(house: House, watched: Agent) -> None:
    rule = {"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "touch:*"}], "behavior": "allow"}
    own = {"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "touch one"}], "behavior": "allow"}
    for suggested, kept in (([*SUGGESTED, rule | {"destination": "localSettings"}], rule), (SUGGESTED, own), ([], own)):
        expected = [kept | {"destination": "session"}]
        asking = Asking(watched, permission_suggestions=suggested)
        (request,) = waiting(watched)
        decide(house, watched, request, allow=True, always=True)
        assert asking.said() == {"behavior": "allow", "updatedPermissions": expected}


def test_a_command_with_a_star_is_not_remembered_as_a_rule_that_allows_more(house: House) -> None:
    rule = {"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": "rm a"}], "behavior": "allow"}

    def remembers(command: str, *suggested: Any) -> bool:
        event = {"tool_name": "Bash", "tool_input": {"command": command}, "permission_suggestions": [*suggested]}
        return request_of(house.agent("@writer"), Claude.hooks, event).remembers

    assert remembers("rm a") and remembers("rm a*", rule), "what the program suggests is its own rule"
    assert not remembers("rm a*") and not remembers("rm a*", *SUGGESTED)


def test_codex_takes_an_answer_once_and_asks_itself_when_ours_is_over(house: House, watched: Agent) -> None:
    asking = Asking(watched, Codex.hooks)
    (request,) = waiting(watched)
    assert not request.beside and not request.remembers and request.until - request.at <= 20.5
    with pytest.raises(Refused, match="this once alone"):
        decide(house, watched, request, allow=True, always=True)
    decide(house, watched, request, allow=True)
    assert asking.said() == {"behavior": "allow"}
    house.workspace.config_file.write_text("[permissions]\nfirst = 0.2\n")
    assert Asking(watched, Codex.hooks).said() == {}
    house.workspace.config_file.write_text("[permissions]\nfirst = 0\n")
    assert Asking(watched, Codex.hooks).said() == {}


def test_without_anybody_who_watches_it_is_as_if_we_were_not_there(house: House) -> None:
    agent = house.agent("@writer")
    began = time.monotonic()
    assert Asking(agent).said() == {} and time.monotonic() - began < 10
    assert not (agent.mail_dir / PERMISSIONS).exists()
    watcher = house.workspace.state_dir / "duty/1.watcher"
    watcher.parent.mkdir(parents=True)
    watcher.write_text("{}")
    os.utime(watcher, (0, 0))  # it died
    assert Asking(agent).said() == {}


@pytest.mark.parametrize("event", [
    {"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_input": {"command": "touch one"}},
    {"hook_event_name": "PostToolUseFailure", "tool_name": "Bash", "tool_input": {"command": "touch one"}},
    {"hook_event_name": "UserPromptSubmit"},
    {"hook_event_name": "Stop"},
    {"hook_event_name": PERMISSION_REQUEST, "tool_name": "Bash", "tool_input": {"command": "touch two"}},
])  # fmt: skip
def test_answered_at_the_program_s_own_terminal_the_hook_goes(watched: Agent, event: dict[str, Any]) -> None:
    asking = Asking(watched)
    waiting(watched)
    (watched.root / ".praxmonitor/duty/1.watcher").unlink()  # what is asked from now on, is asked at the terminal alone
    other = {"tool_name": "Bash", "tool_input": {"command": "touch other"}}
    for elsewhere in (
        {"session_id": "s-2"} | event,
        {"session_id": "s-1", "hook_event_name": "PostToolUse"} | other,
        {"session_id": "s-1", "hook_event_name": "PreToolUse"} | other,
    ):
        note(watched, elsewhere)
    assert asking.process.poll() is None and len(read_requests(watched)) == 1
    note(watched, {"session_id": "s-1"} | event)
    assert asking.said() == {}


@pytest.mark.parametrize(("event", "own", "subagents"), [
    ({"hook_event_name": "Stop"}, True, False),
    ({"hook_event_name": "StopFailure"}, True, False),
    ({"hook_event_name": "UserPromptSubmit"}, True, False),
    ({"hook_event_name": "Interrupt"}, True, False),
    ({"hook_event_name": "SessionEnd"}, True, True),
    ({"hook_event_name": "SubagentStop", "agent_id": "sub1"}, False, True),
    ({"hook_event_name": "SubagentStop", "agent_id": "sub2"}, False, False),
    ({"hook_event_name": "Stop", "session_id": "s-2"}, False, False),
])  # fmt: skip
def test_what_ends_a_turn_ends_what_asked_in_it(
    house: House, event: dict[str, Any], own: bool, subagents: bool
) -> None:
    agent = house.agent("@writer")
    agent.hooks_log.parent.mkdir(exist_ok=True)
    agent.hooks_log.write_text(json.dumps({"ts": 20.0, "session_id": "s-1"} | event) + "\n")
    for subagent, over in (("", own), ("sub1", subagents)):
        asks = PermissionRequest("0" * 8, "@writer", "s-1", "Bash", {}, 10.0, 99.0, subagent)
        assert is_settled(agent, asks) is over
        assert not is_settled(agent, msgspec.structs.replace(asks, at=30.0)), "it was before"


def note(agent: Agent, event: dict[str, Any]) -> None:
    """Let a session report an event, by the hook line for it."""
    name = event["hook_event_name"]
    line = hook_plan(agent, Claude.hooks).handler(HookEntry(name), "file")["command"]
    done = subprocess.run(["sh", "-c", line], input=json.dumps(event).encode(), capture_output=True, timeout=30)
    assert done.returncode == 0 and name in (*SETTLING, "PreToolUse")


def test_several_at_once_are_several_and_each_has_its_own_answer(house: House, watched: Agent) -> None:
    both = [Asking(watched, tool_input={"command": f"touch {n}"}, agent_id=f"a{n}") for n in (1, 2)]
    requests = waiting(watched, 2)
    assert sorted(one.subagent for one in requests) == ["a1", "a2"]
    for one in requests:
        decide(house, watched, one, allow=one.subagent == "a2", why="no")
    said = [one.said()["behavior"] for one in both]
    assert said == ["deny", "allow"]


def test_a_program_that_dies_leaves_no_request(watched: Agent) -> None:
    line = hook_plan(watched, Claude.hooks).handler(HookEntry(PERMISSION_REQUEST), "file")["command"]
    program = "import subprocess, sys; subprocess.run(['sh', '-c', sys.argv[1]], input=sys.argv[2].encode())"
    event = json.dumps(
        {"session_id": "s-1", "hook_event_name": PERMISSION_REQUEST, "tool_name": "Bash", "tool_input": {}}
    )
    one = subprocess.Popen([sys.executable, "-c", program, line, event])
    waiting(watched)
    one.kill()
    one.wait()
    wait_until(lambda: not list((watched.mail_dir / PERMISSIONS).glob("[!.]*")), 20, "its hook goes, too")


def test_a_hook_that_was_killed_is_no_request_and_the_next_takes_away_what_it_left(
    house: House, watched: Agent
) -> None:
    asking = Asking(watched)
    waiting(watched)
    asking.kill()
    assert read_requests(watched) == ()
    assert list((watched.mail_dir / PERMISSIONS).glob("*.bell"))
    other = Asking(watched)
    (request,) = waiting(watched)
    assert {path.stem for path in (watched.mail_dir / PERMISSIONS).glob("[!.]*")} == {request.id}
    decide(house, watched, request, allow=True)
    assert other.said() == {"behavior": "allow"}


def test_two_hooks_that_begin_at_once_leave_each_other_alone(house: House, watched: Agent) -> None:
    several = [Asking(watched, tool_input={"command": f"touch {n}"}, agent_id=f"a{n}") for n in range(4)]
    for request in waiting(watched, 4):
        decide(house, watched, request, allow=True)
    assert [one.said() for one in several] == [{"behavior": "allow"}] * 4


def test_with_the_hooks_goes_what_waits_for_an_answer(watched: Agent) -> None:
    install_hooks(watched, Claude.hooks)
    asking = Asking(watched)
    waiting(watched)
    assert remove_hooks(watched, Claude.hooks)
    assert asking.said() == {}
    assert not (watched.mail_dir / PERMISSIONS).exists()


def test_what_is_too_large_is_left_to_the_program_and_odd_values_are_taken(house: House, watched: Agent) -> None:
    assert Asking(watched, tool_input={"content": "x" * MAX_REQUEST}).said() == {}
    asking = Asking(watched, tool_input="none", permission_suggestions="none", tool_name=7)
    (request,) = waiting(watched)
    assert (request.tool, request.tool_input, request.suggestions) == ("7", {}, ())
    decide(house, watched, request, allow=True)
    assert asking.said() == {"behavior": "allow"}


def test_config_decides_without_asking_and_the_audit_says_so(house: House, watched: Agent) -> None:
    house.workspace.config_file.write_text('[permissions]\nallow = ["Bash(touch *)"]\ndeny = ["Bash(rm *)"]\n')
    assert Asking(watched).said() == {"behavior": "allow"}
    refused = Asking(watched, tool_input={"command": "touch a; rm -rf b"}).said()
    assert refused["behavior"] == "deny" and "[permissions] deny" in refused["message"]
    acts = [(one["verb"], one["by"]) for one in house.json("history") if one["verb"].startswith("permission")]
    assert sorted(acts) == [("permission allow", "policy"), ("permission deny", "policy")]
    house.workspace.config_file.write_text("[permissions\n")
    assert Asking(watched).said() == {}, "a config that cannot be read grants nothing"


@pytest.mark.parametrize("shell", SHELLS)
def test_what_config_decides_is_no_question_of_its_session(house: House, watched: Agent, shell: str) -> None:
    def kinds() -> list[Kind]:
        lines = watched.hooks_log.read_bytes().splitlines()
        found = [read_hook(line, "@writer", 5.0) for line in lines if line]
        return [one.kind for one in found if one is not None]

    house.workspace.config_file.write_text('[permissions]\nallow = ["Bash(touch *)"]\ndeny = ["Bash(rm *)"]\n')
    assert Asking(watched, shell=shell).said() == {"behavior": "allow"}
    assert Asking(watched, shell=shell, tool_input={"command": "rm -rf b"}).said()["behavior"] == "deny"
    assert [event["hook_event_name"] for event in newest_events(watched)] == [PERMISSION_REQUEST] * 2
    assert kinds() == [], "its program asks nobody"
    asking = Asking(watched, shell=shell, tool_input={"command": "make"})
    (request,) = waiting(watched)
    assert kinds() == [Kind.WAITING]
    decide(house, watched, request, allow=True)
    assert asking.said() == {"behavior": "allow"}


@pytest.mark.parametrize("shell", SHELLS)
def test_where_nothing_is_decided_here_no_python_is_started(house: House, tmp_path: Path, shell: str) -> None:
    agent = house.agent("@writer")
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\ncat >/dev/null; echo $5 >>{tmp_path}/started\n")
    spy.chmod(0o755)
    line = hook_plan(agent, Claude.hooks).handler(HookEntry(PERMISSION_REQUEST), "file")["command"]
    line = line.replace(sys.executable, str(spy))

    def started() -> list[str]:
        subprocess.run(
            [*{"busybox": ["busybox", "sh", "-c"]}.get(shell, [shell, "-c"]), line],
            input=b'{"hook_event_name":"PermissionRequest"}', timeout=20, check=True,
        )  # fmt: skip
        return (tmp_path / "started").read_text().split() if (tmp_path / "started").exists() else []

    assert started() == []
    house.workspace.config_file.write_text("# [permissions]\n[mail]\nidle = 3  # not of permissions\n")
    assert started() == []
    house.workspace.config_file.write_text(' permissions . allow = ["Bash"]\n')
    assert started() == ["mailcore.hooks.policy"]
    house.workspace.config_file.unlink()
    (house.workspace.state_dir / "duty").mkdir()
    (house.workspace.state_dir / "duty/1.watcher").touch()
    assert started() == ["mailcore.hooks.policy", "mailcore.hooks.permission"]
    assert len(list(newest_events(agent))) == 4


def test_the_command_lists_and_decides_and_only_the_operator_may(house: House, watched: Agent) -> None:
    assert house.json("permission") == []
    asking = Asking(watched)
    (request,) = waiting(watched)
    (row,) = house.json("permission")
    assert (row["id"], row["tool_input"], row["always"]) == (request.id, {"command": "touch one"}, True)
    assert house.json("permission", "allow", request.id, cwd=watched.branch, status=3)["error"]["code"] == "identity"
    assert house.json("permission", "deny", request.id, status=2)["error"]["code"] == "usage"
    assert house.json("permission", "allow", "ffff", status=3)["error"]["code"] in ("no_request", "identity")
    decide(house, watched, request, allow=True)
    assert asking.said() == {"behavior": "allow"}
    assert b"no program waits" in house.mailcore("permission").stdout


def test_hostile_input_is_shown_on_one_line(house: House, watched: Agent) -> None:
    asking = Asking(watched, tool_input={"command": "echo \x1b[2J\u202e\nrm -rf /"})
    (request,) = waiting(watched)
    text = house.mailcore("permission").stdout.decode()
    assert len(text.splitlines()) == 1 and "\x1b" not in text and "\u202e" not in text
    decide(house, watched, request, allow=False, why="no")
    assert asking.said()["behavior"] == "deny"


def test_files_lie_where_they_are_ignored(house: House, watched: Agent) -> None:
    asking = Asking(watched)
    (request,) = waiting(watched)
    place = watched.mail_dir / PERMISSIONS
    assert Path(place / f"{request.id}.json").is_file() and (watched.mail_dir / ".gitignore").exists()
    decide(house, watched, request, allow=True)
    asking.said()
