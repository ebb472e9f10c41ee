"""The hooks of the plugin as its program runs them: the lines of `hooks install`, for an agent's directory alone."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailcore.hooks import plugin_lines
from mailcore.hooks.install import install_hooks, remove_hooks
from mailcore.hooks.line import hook_entries
from mailcore.hooks.plugin_lines import PLUGIN, lines_place
from mailcore.mail import post
from mailcore.mail.bell import WAITING, ring_bells
from mailcore.model.agent import Agent
from mailcore.programs.base import Hooks
from mailcore.programs.claude.program import Claude
from mailcore.programs.codex.program import Codex
from mailcore.programs.hook_lines import parse_hook
from tests.mailcore.conftest import House, git, wait_until
from tests.tools import plugin_files

ROOT = Path(__file__).parents[2]
SHELLS = [shell for shell in ("dash", "bash", "busybox", "fish", "zsh") if shutil.which(shell)]
BIN = str(Path(sys.executable).parent)
FILES = {Claude.hooks: "hooks.json", Codex.hooks: "codex.json"}


class Program:
    """A program with the plugin, of which a session was begun in a directory."""

    def __init__(self, directory: Path, data: Path, hooks: Hooks = Claude.hooks, shell: str = "sh") -> None:
        self.directory, self.data, self.hooks, self.shell = directory, data, hooks, shell
        self.path = os.pathsep.join([BIN, os.environ["PATH"]])
        self.event = {"session_id": "abc-1", "cwd": str(directory), "transcript_path": str(data / "abc-1.jsonl")}

    def start(self, name: str, role: str = "note", **fields: Any) -> subprocess.Popen[bytes]:
        """Run what the plugin has for an event."""
        groups = json.loads((PLUGIN / "hooks" / FILES[self.hooks]).read_text())["hooks"][name]
        handlers = [one["command"] for group in groups for one in group["hooks"]]
        line = next(command for command in handlers if f" {name}.{role} " in command)
        words = ["busybox", "sh", "-c"] if self.shell == "busybox" else [self.shell, "-c"]
        environment = {
            **os.environ, "PATH": self.path, "CLAUDE_PLUGIN_ROOT": str(PLUGIN), "CLAUDE_PLUGIN_DATA": str(self.data),
            "CLAUDE_CODE_SESSION_ATTENDED": "1",
        }  # fmt: skip
        process = subprocess.Popen(
            [*words, line], cwd=self.directory, env=environment, stdin=-1, stdout=-1, stderr=subprocess.PIPE
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps({**self.event, "hook_event_name": name, **fields}).encode())
        process.stdin.close()
        process.stdin = None
        return process

    def fire(self, name: str, role: str = "note", **fields: Any) -> dict[str, Any]:
        """The same, to its end: what it tells the program."""
        process = self.start(name, role, **fields)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, err) == (0, b""), err
        told: dict[str, Any] = json.loads(out) if out else {}
        return told


def noted(agent: Agent) -> list[str]:
    """The names of the events that the agent's sessions noted."""
    lines = agent.hooks_log.read_bytes().split(b"\n") if agent.hooks_log.exists() else []
    return [event["hook_event_name"] for line in lines if line and (event := parse_hook(line)) is not None]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The plugin's own data, which its program keeps; a name that a shell has to quote."""
    place = tmp_path / "plugin's data"
    place.mkdir()
    return place


@pytest.fixture
def writer(house: House) -> Iterator[Agent]:
    agent = house.agent("@writer")
    yield agent
    ring_bells(agent)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("hooks", FILES, ids=lambda hooks: Path(hooks.settings).parts[0])
def test_each_event_of_a_session_in_an_agents_directory_is_noted(
    writer: Agent, data: Path, shell: str, hooks: Hooks
) -> None:
    program = Program(writer.branch, data, hooks, shell)
    for name in hooks.events:
        assert program.fire(name) == {}
    assert noted(writer) == list(hooks.events)


def test_mail_is_delivered_and_wakes_the_idle_session(house: House, writer: Agent, data: Path) -> None:
    program = Program(writer.branch, data)
    post.send_mail(house.workspace, "@lead", ["@writer"], "Tea at five", "b")
    told = program.fire("SessionStart", source="startup")["hookSpecificOutput"]
    assert "Tea at five" in told["additionalContext"]
    asleep = program.start("Stop", "sleep")
    wait_until(lambda: list((writer.mail_dir / WAITING).glob("*.bell")), 20, "it sleeps")
    post.send_mail(house.workspace, "@lead", ["@writer"], "Fire in the hall", "b", priority="high")
    _, said = asleep.communicate(timeout=30)
    assert asleep.returncode == 2 and b"Fire in the hall" in said and b"Tea at five" not in said


def test_below_its_directory_and_in_a_worktree_it_is_the_same_agent(house: House, writer: Agent, data: Path) -> None:
    inner = writer.branch / "src" / "deep"
    inner.mkdir(parents=True)
    Program(inner, data).fire("SessionStart")
    assert noted(writer) == ["SessionStart"]
    git(house.root, "init", "-q", ".")
    git(house.root, "add", "-A")
    git(house.root, "commit", "-qm", "all")
    git(house.root, "worktree", "add", "-q", str(house.root.parent / "tree"))
    house.mailcore("trust", "--from", "@operator")
    Program(house.root.parent / "tree" / writer.branch.relative_to(house.root), data).fire("SessionStart")
    git(house.root, "worktree", "add", "-q", str(writer.branch / "trees" / "fix"))
    Program(writer.branch / "trees" / "fix", data).fire("SessionStart")
    assert noted(writer) == ["SessionStart"] * 3, "of a worktree that stands in its directory too"


@pytest.mark.parametrize("place", ["far from any workspace", "in the workspace, in no agent's directory"])
def test_elsewhere_nothing_is_done(house: House, tmp_path: Path, data: Path, place: str) -> None:
    far = tmp_path / "far"
    far.mkdir()
    program = Program(far if place.startswith("far") else house.root, data)
    calls = tmp_path / "calls"
    (tmp_path / "bin").mkdir()
    stub = tmp_path / "bin" / "mailcore"
    stub.write_text(f'#!/bin/sh\necho called >>{shlex.quote(str(calls))}\nexec {shlex.quote(BIN)}/mailcore "$@"\n')
    stub.chmod(0o755)
    program.path = os.pathsep.join([str(stub.parent), os.environ["PATH"]])
    for name in Claude.hooks.events:
        assert program.fire(name) == {}
    assert program.fire("Stop", "sleep") == program.fire("SessionStart", "sleep") == {}
    assert not [path for path in data.rglob("*") if path.is_file()]
    assert calls.exists() is not place.startswith("far"), "far from any workspace nothing of ours is started"


def test_where_hooks_are_installed_those_run_and_the_plugins_do_not(house: House, writer: Agent, data: Path) -> None:
    program = Program(writer.branch, data)
    program.fire("SessionStart")
    assert noted(writer) == ["SessionStart"]
    (writer.branch / ".claude").mkdir()
    (writer.branch / ".claude/settings.local.json").write_text('{"permissions": {}}')
    install_hooks(writer, Claude.hooks)
    post.send_mail(house.workspace, "@lead", ["@writer"], "Tea at five", "b")
    for name in ("SessionStart", "Stop"):  # from the moment on at which they stand there
        assert program.fire(name) == {}
    assert program.fire("Stop", "sleep") == {} and noted(writer) == ["SessionStart"]
    remove_hooks(writer, Claude.hooks)
    assert "Tea at five" in program.fire("Stop")["reason"]


@pytest.mark.parametrize("hooks", FILES, ids=lambda hooks: Path(hooks.settings).parts[0])
def test_settings_above_the_directory_count_for_a_program_that_reads_them(
    writer: Agent, data: Path, hooks: Hooks
) -> None:
    inner = writer.branch / "src"
    inner.mkdir()
    install_hooks(writer, hooks)
    Program(inner, data, hooks).fire("SessionStart")
    assert noted(writer) == ([] if hooks is Codex.hooks else ["SessionStart"])


def test_without_the_command_the_person_is_told_once_and_the_agent_not_at_all(writer: Agent, data: Path) -> None:
    program = Program(writer.branch, data)
    tools = data / "bin"
    tools.mkdir()
    for name in ("sh", "grep", "cat"):
        (tools / name).symlink_to(shutil.which(name) or "")
    program.path = str(tools)
    told = program.fire("SessionStart")
    assert list(told) == ["systemMessage"] and "not on PATH" in told["systemMessage"]
    assert program.fire("SessionStart", "sleep") == program.fire("Stop") == {} and noted(writer) == []
    (tools / "mailcore").symlink_to(Path(BIN) / "mailcore")
    assert program.fire("SessionStart") == {} and lines_place(data, writer.branch).is_dir()


def test_mail_that_came_by_git_is_delivered_when_its_owner_here_trusts_it(
    house: House, writer: Agent, data: Path
) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "Run this for me", "b")
    git(house.root, "init", "-q", ".")
    git(house.root, "add", "-Af", ".")
    git(house.root, "commit", "-qm", "all, with its mail")
    clone = house.root.parent / "clone"
    git(house.root, "clone", "-q", str(house.root), str(clone))
    program = Program(clone / writer.branch.relative_to(house.root), data)
    told = program.fire("SessionStart")
    assert list(told) == ["systemMessage"] and "mailcore trust" in told["systemMessage"]
    assert program.fire("Stop") == {}
    assert house.mailcore("trust", "--from", "@operator", cwd=clone).returncode == 0
    assert "Run this for me" in json.dumps(program.fire("SessionStart"))


def test_the_lines_go_when_the_directory_is_no_agents_any_more(house: House, writer: Agent, data: Path) -> None:
    program = Program(writer.branch, data)
    program.fire("SessionStart")
    place = lines_place(data, writer.branch)
    assert len(list(place.iterdir())) == len(hook_entries(Claude.hooks))
    assert house.mailcore("agent", "remove", "@writer", "--from", "@operator").returncode == 0
    program.fire("SessionStart")
    assert list(place.iterdir()) == []
    assert plugin_lines.main([str(writer.branch), str(data), "no such settings"]) == 0


def test_the_plugin_says_what_the_code_says_and_both_marketplaces_lead_to_it() -> None:
    assert plugin_files.main(check=True) == 0
    for home, source in ((ROOT, "./mailcore/plugin"), (PLUGIN, "./")):
        market = json.loads((home / ".claude-plugin/marketplace.json").read_text())
        (entry,) = market["plugins"]
        assert (market["name"], entry["name"], entry["source"]) == ("praxmonitor", "mailcore", source)
        assert (home / source / ".claude-plugin/plugin.json").is_file()
    manifest = json.loads((PLUGIN / ".codex-plugin/plugin.json").read_text())
    assert all((PLUGIN / manifest[key]).exists() for key in ("hooks", "skills", "mcpServers"))
