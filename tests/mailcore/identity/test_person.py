"""A person's terminal, and what stands beside a command that shows it: services, programs, options before the verb."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailcore.cli import _verb_first
from mailcore.cli.program_names import agent_signs
from mailcore.identity.ancestry import service
from tests.mailcore.conftest import House
from tests.mailcore.identity.lab import Lab

GROUPS = [
    ("0::/user.slice/user-1000.slice/session-3.scope\n", True, ""),
    ("0::/user.slice/user-1000.slice/session-3.scope\n", False, ""),
    ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope\n", True, ""),
    ("0::/user.slice/user-1000.slice/user@1000.service\n", False, ""),
    ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.kde.konsole-1.service\n", True, ""),
    ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-u12.service\n", True, "run-u12.service"),
    ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/agent.service\n", False, "agent.service"),
    ("0::/system.slice/cron.service\n", False, "cron.service"),
    ("9:name=systemd:/system.slice/at.service\n8:pids:/\n0::/\n", False, "at.service"),
    ("9:name=systemd:/\n0::/\n", False, ""),
    ("", False, ""),
]


@pytest.mark.parametrize(("groups", "terminal", "said"), GROUPS)
def test_which_service_a_process_belongs_to(groups: str, terminal: bool, said: str) -> None:
    assert service(groups, terminal) == said


def test_how_an_agents_program_is_known() -> None:
    known = agent_signs()
    assert "CLAUDECODE" in known.variables and "GEMINI_CLI" in known.variables
    assert known.is_agent("claude", ["claude"]) and known.is_agent("claude", ["claude", "-p", "x"])
    assert known.is_agent("codex", ["codex", "app-server"]), "a server of its too"
    assert known.is_agent("node", ["node", "/usr/bin/gemini"])
    for name, words in (("node", ["node", "server.js"]), ("bash", ["bash"]), ("claudette", ["claudette"])):
        assert not known.is_agent(name, words)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["--from", "@a", "send", "x"], ["send", "--from", "@a", "x"]),
        (["--from=@a", "--json", "send"], ["send", "--from=@a", "--json"]),
        (["--json", "--from", "@a", "inbox"], ["inbox", "--json", "--from", "@a"]),
        (["send", "--from", "@a"], ["send", "--from", "@a"]),
        (["--from"], ["--from"]),
        ([], []),
    ],
)
def test_options_may_stand_before_the_verb(before: list[str], after: list[str]) -> None:
    assert _verb_first(before) == after


def test_from_before_the_verb_is_taken(house: House) -> None:
    assert house.mailcore("--from", "@lead", "send", "@writer", "s", "b").returncode == 0
    assert [(m.sender, m.proof) for m in house.inbox("@writer")] == [("@lead", "declared")]
    assert house.mailcore("--from=@lead", "--json", "whoami").stdout.startswith(b"{")


def test_at_a_terminal_of_ones_own_whoami_says_who_and_why(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    try:
        lab.terminal()
        who = lab.result()["who"]
    finally:
        lab.close()
    assert (who["address"], who["how"]) == ("@operator", "terminal")
    assert who["evidence"][-1] == "a terminal, and no sign of an agent in environment, ancestors or session"


def test_without_one_it_says_what_is_missing(house: House) -> None:
    refused = json.loads(house.mailcore("whoami", "--explain", "--json").stdout)["error"]
    assert refused["code"] == "identity" and "no terminal that it was called at" in refused["message"]
