"""What `doctor` says of hooks, plugin, MCP server and what waits beside a session, and its round trips."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailcore.cli.doctor_live import _check
from mailcore.cli.doctor_parts import part_checks, waiting_sessions
from mailcore.hooks.install import hook_plan, install_hooks
from mailcore.hooks.line import HookEntry, HookRole
from mailcore.mail.bell import WAITING, ring_bells
from mailcore.model.agent import Agent
from mailcore.programs.base import Hooks
from mailcore.programs.claude.program import Claude
from mailcore.programs.codex.program import Codex
from tests.mailcore.conftest import House, wait_until

SERVER = {"command": "/opt/venv/bin/mailcore", "args": ["mcp"]}
SESSION = """\
import json, os, subprocess, sys
line, event, transcript = sys.argv[1:]
done = subprocess.run(["sh", "-c", line], input=event, text=True, stderr=subprocess.PIPE,
                      env={**os.environ, "CLAUDE_CODE_SESSION_ATTENDED": "1"})
if done.returncode == 2:
    with open(transcript, "a") as file:
        file.write(json.dumps({"text": done.stderr}) + "\\n")
    event = json.loads(event) | {"hook_event_name": "Stop"}
    subprocess.run(["sh", "-c", sys.stdin.readline()], input=json.dumps(event), text=True)
"""
"""A program whose idle session takes what wakes it into its file, and reports the end of its turn."""


def said(house: House, agent: Agent, home: Path, hooks: Hooks = Claude.hooks) -> str:
    """What doctor says of one agent's parts."""
    return "\n".join(check.finding for check in part_checks(agent, hooks, home))


def test_it_says_where_the_plugin_and_the_server_are_switched_on(house: House, tmp_path: Path) -> None:
    agent, home = house.agent("@writer"), tmp_path / "home" / ".claude"
    home.mkdir(parents=True)
    assert "hooks none: no events yet" in said(house, agent, home)
    assert "MCP server named by no settings that are known" in said(house, agent, home)
    (home / "settings.json").write_text(json.dumps({"enabledPlugins": {"mailcore@praxmonitor": True, "x@y": True}}))
    assert f"hooks by the plugin ({home / 'settings.json'})" in said(house, agent, home)
    assert "MCP server named by the plugin" in said(house, agent, home)
    local = agent.branch / ".claude" / "settings.local.json"
    local.parent.mkdir()
    local.write_text(json.dumps({"enabledPlugins": {"mailcore@praxmonitor": False}}))
    assert "the plugin" not in said(house, agent, home), "what the agent's own settings say counts more"
    local.unlink()
    install_hooks(agent, Claude.hooks)
    assert f"hooks installed ({local})" in said(house, agent, home)
    assert "the plugin is there too, and leaves it to them" in said(house, agent, home)
    (agent.branch / ".mcp.json").write_text(json.dumps({"mcpServers": {"mail": SERVER}}))
    of_user = {
        "mcpServers": {"other": {"command": "x"}},
        "projects": {str(agent.branch): {"mcpServers": {"m": SERVER}}},
    }
    (home.parent / ".claude.json").write_text(json.dumps(of_user))
    named = f"{agent.branch / '.mcp.json'}, {home.parent / '.claude.json'}, the plugin"
    assert f"MCP server named by {named}" in said(house, agent, home)


def test_the_same_of_the_other_program(house: House, tmp_path: Path) -> None:
    agent, home = house.agent("@writer"), tmp_path
    config = home / "config.toml"
    config.write_text('[plugins."mailcore@praxmonitor"]\nenabled = true\n')
    assert f"hooks by the plugin ({config})" in said(house, agent, home, Codex.hooks)
    config.write_text(
        '[plugins."mailcore@x"]\nenabled = false\n[mcp_servers.m]\ncommand = "mailcore"\nargs = ["mcp"]\n'
    )
    found = said(house, agent, home, Codex.hooks)
    assert "the plugin" not in found and f"MCP server named by {config}" in found


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"enabledPlugins": 3, "mcpServers": [1]}', '{"mcpServers": {"m": 1}}']
)
def test_odd_settings_bring_nothing(house: House, tmp_path: Path, text: str) -> None:
    for name in ("settings.json", ".claude.json", "config.toml"):
        (tmp_path / name).write_text(text)
    for hooks in (Claude.hooks, Codex.hooks):
        found = said(house, house.agent("@writer"), tmp_path, hooks)
        assert "the plugin" not in found and "named by no settings" in found


@pytest.fixture
def idle(house: House) -> Iterator[Agent]:
    """@writer, of which a session sits idle, with a sleeper beside it."""
    agent = house.agent("@writer")
    install_hooks(agent, Claude.hooks)
    transcript = house.root / "abc-1.jsonl"
    transcript.touch()
    handler = hook_plan(agent, Claude.hooks).handler
    line, turn = (handler(HookEntry("Stop", role), "file")["command"] for role in (HookRole.SLEEP, HookRole.NOTE))
    event = {"session_id": "abc-1", "transcript_path": str(transcript), "hook_event_name": "Stop"}
    process = subprocess.Popen(
        [sys.executable, "-c", SESSION, line, json.dumps(event), str(transcript)], stdin=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    process.stdin.write(turn + "\n")
    process.stdin.close()
    wait_until(lambda: list((agent.mail_dir / WAITING).glob("*.bell")), 20, "it sleeps")
    yield agent
    process.kill()
    process.wait()
    ring_bells(agent)
    wait_until(lambda: not waiting_sessions(agent), 20, "no sleeper is left")


def test_hooks_status_says_the_plugin(house: House, tmp_path: Path, programs: str) -> None:
    home = {"PATH": programs, "CLAUDE_CONFIG_DIR": str(tmp_path)}
    (tmp_path / "settings.json").write_text(json.dumps({"enabledPlugins": {"mailcore@praxmonitor": True}}))
    done = house.mailcore("hooks", "status", "@writer", "--from", "@operator", "--json", env=home)
    (row,) = json.loads(done.stdout)["agents"]
    assert row["state"] == "plugin" and str(tmp_path / "settings.json") in row["why"]
    (tmp_path / "settings.json").unlink()
    done = house.mailcore("hooks", "status", "@writer", "--from", "@operator", "--json", env=home)
    assert json.loads(done.stdout)["agents"][0]["state"] == "none"


def live(house: House, status: int, **environment: str) -> dict[str, list[dict[str, Any]]]:
    """Name → the checks that round trips gave."""
    done = house.mailcore("doctor", "--live", "--from", "@operator", "--json", env=environment)
    assert done.returncode == status, (done.stdout, done.stderr)
    found: dict[str, list[dict[str, Any]]] = {}
    for check in json.loads(done.stdout)["checks"]:
        if check["finding"].startswith("live: "):
            found.setdefault(check["name"], []).append(check)
    return found


@pytest.fixture
def programs(house: House, tmp_path: Path) -> str:
    """PATH with a `claude` on it, which every agent is."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "claude").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "claude").chmod(0o755)
    house.workspace.config_file.write_text('[agents]\nprogram = "claude"\n')
    return os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]])


def test_mail_goes_round_and_through_the_session_that_is_open(house: House, idle: Agent, programs: str) -> None:
    before = sorted(Path(tempfile.gettempdir()).glob("mailcore-doctor-*"))
    found = live(house, 0, PATH=programs)
    assert found.keys() == {"claude hook", "claude wake", "MCP server", "@writer"}
    assert all(check["ok"] for checks in found.values() for check in checks)
    took = float(found["claude wake"][0]["finding"].split()[-2])
    assert took < 15, "a session that nothing else was told of is woken at once"
    assert "session abc-1 was given a mail, and its file holds it" in found["@writer"][0]["finding"]
    assert house.inbox("@writer") == (), "it is closed again"
    assert sorted(Path(tempfile.gettempdir()).glob("mailcore-doctor-*")) == before


def test_what_does_not_come_back_is_said(house: House, programs: str, tmp_path: Path) -> None:
    (tmp_path / "bin" / "flock").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin" / "flock").chmod(0o755)
    found = live(house, 4, PATH=programs)
    assert found["claude hook"][0]["ok"] and not found["claude wake"][0]["ok"]
    assert "nothing sleeps beside an idle session" in found["claude wake"][0]["finding"]


def test_only_the_operator_has_mail_sent_round(house: House) -> None:
    done = house.mailcore("doctor", "--live", cwd=house.agent("@writer").branch)
    assert done.returncode == 3, done.stdout


def test_what_an_agents_files_say_of_a_session_begins_no_line_of_the_findings() -> None:
    def trip() -> str:
        return "session x\nok   @writer: live: \x1b[31mall is well"

    said = _check("@writer", trip).finding
    assert "\n" not in said and "\x1b" not in said
