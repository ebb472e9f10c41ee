"""The plugin in the real Claude Code, from this checkout's own marketplace: a few commands to the first reply, each
event told once, mail for who is idle, the commands that a person types."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mailcore.hooks.plugin_lines import PLUGIN
from mailcore.model.run import Phase
from mailcore.programs.hook_lines import parse_hook
from tests.mailcore.conftest import wait_until
from tests.real.conftest import BYE, DONE, READ, Lab
from tests.real.stub import Request, Text, Tool, texts
from tests.real.test_idle import arrives, quiet, send, sleeps
from tests.real.test_prompts import terminal

MARKET = Path(__file__).parents[2]
INSTALL = f"claude plugin install mailcore --marketplace {MARKET}"
DISPATCH = 'mailcore dispatch @writer "Release notes" "Write them from the changes."'


def noted(lab: Lab) -> Counter[str]:
    """How often each event of @writer's sessions was noted."""
    log = lab.branch / "logs/hooks.jsonl"
    lines = log.read_bytes().splitlines() if log.exists() else []
    events = [event for line in lines if line and (event := parse_hook(line)) is not None]
    return Counter(event["hook_event_name"] for event in events)


def over(lab: Lab, turns: int) -> bool:
    """So many turns were noted."""
    return noted(lab)["Stop"] == turns


def asked(lab: Lab, before: int) -> bool:
    """The service was asked again."""
    return len(lab.stub.requests) > before


def plugins(lab: Lab) -> list[dict[str, Any]]:
    """What `claude plugin list` says."""
    found: list[dict[str, Any]] = json.loads(lab.shell("claude plugin list --json"))
    return found


@pytest.mark.parametrize(
    "commands",
    [
        [INSTALL, "mailcore init . --agent writer=agents/writer", DISPATCH],
        ["mailcore init . --agent writer=agents/writer", "mailcore hooks install --all", DISPATCH],
    ],
    ids=["with the plugin", "without it"],
)
def test_from_an_empty_repository_to_the_first_reply(lab: Lab, commands: list[str]) -> None:
    lab.shell("git init -q .")

    def step(request: Request) -> Tool:
        lab.mailcore("hold @writer")  # no second run is to begin for it
        lab.mailcore('send @writer "Fire in the hall" "Look." --priority high')
        return Tool("Bash", {"command": "mailcore --version", "description": "its version"})

    lab.stub.plays(READ, step, DONE, BYE)
    for command in commands:
        lab.typed(command)
    run = lab.over()
    assert (run.phase, run.replied) == (Phase.COMPLETED, True), run
    (reply,) = [one for one in lab.mailcore("inbox") if one["from"] == "@writer"]
    assert "It is in NOTES.md" in json.dumps(reply)
    assert "Fire in the hall" in texts(lab.stub.requests[2]), "mail arrives at the agent's next step"
    events = noted(lab)
    assert events["SessionStart"] == events["UserPromptSubmit"] == events["SessionEnd"] == 1, events
    assert events["PreToolUse"] == events["PostToolUse"] == 3, events


def test_the_program_finds_it_in_order_and_lists_it(lab: Lab) -> None:
    for place in (MARKET, PLUGIN, PLUGIN / ".claude-plugin/plugin.json"):
        assert "Validation passed" in lab.shell(f"claude plugin validate --strict {place}")
    lab.shell(f"claude plugin marketplace add {MARKET} && claude plugin install mailcore@praxmonitor")
    (found,) = plugins(lab)
    assert found["id"] == "mailcore@praxmonitor" and found["enabled"] and found["mcpServers"].keys() == {"mailcore"}
    lab.init()
    lab.stub.plays(Text("hello"))
    lab.shell("claude plugin disable mailcore@praxmonitor")
    lab.shell("claude -p hi", cwd=lab.branch)
    assert not plugins(lab)[0]["enabled"] and not noted(lab)
    lab.shell("claude plugin enable mailcore@praxmonitor")
    lab.shell("claude -p hi", cwd=lab.branch)
    assert noted(lab)["SessionStart"] == noted(lab)["Stop"] == 1
    said = texts(lab.stub.requests[-1])
    assert "plugin:mailcore:mailcore" in said and "mailcore:mail-between-agents" in said


def test_hooks_of_the_settings_and_of_the_plugin_never_both_run(lab: Lab) -> None:
    lab.init()
    lab.shell(f"claude plugin install mailcore --marketplace {PLUGIN}")  # what ships is a marketplace too
    lab.stub.plays(Text("a turn is over"))
    with terminal(lab) as shown:
        wait_until(lambda: "turn is over" in shown.text and sleeps(lab), 60, "the plugin's hooks are at work")
        assert noted(lab)["Stop"] == 1
        for turns, what in ((2, "install"), (3, "remove")):
            lab.mailcore(f"hooks {what} @writer")
            quiet(shown, 3)  # it reads its settings again by itself
            shown.send("go on")
            quiet(shown, 1)
            shown.send("\r")
            wait_until(partial(over, lab, turns), 30, f"{what}: {noted(lab)}")
            quiet(shown, 2)
            assert (noted(lab)["Stop"], noted(lab)["UserPromptSubmit"]) == (turns, turns), what
            wait_until(lambda: sleeps(lab), 20, "one sleeps")


def test_mail_wakes_who_is_idle_and_a_person_types_the_commands(lab: Lab) -> None:
    lab.init()
    lab.shell(INSTALL)
    lab.mailcore("hold @writer")
    lab.stub.plays(Text("a turn is over"))
    with terminal(lab) as shown:
        wait_until(lambda: "turn is over" in shown.text and sleeps(lab), 60, "it is idle")
        quiet(shown)
        arrives(lab, "Fire idle", send(lab, "Fire idle"), 5.0)
        wait_until(lambda: sleeps(lab), 20, "it is idle again")
        checks = lab.mailcore("doctor --live")["checks"]
        live = {one["name"]: one["finding"] for one in checks if one["finding"].startswith("live: ")}
        print("\n".join(f"{name}: {finding}" for name, finding in live.items()))
        assert live.keys() == {"claude hook", "claude wake", "MCP server", "@writer"}
        assert "and its file holds it" in live["@writer"]
        assert any("hooks by the plugin" in one["finding"] for one in checks)
        for typed, expected in (
            ("/mail", "mailcore inbox"),
            ("/mailcore:reply 7 yes", "Answer a mail: 7 yes"),
            ("/mailcore:dispatch @a count", "@a count"),
        ):
            quiet(shown, 1)
            before = len(lab.stub.requests)
            shown.send(typed)
            quiet(shown, 1)
            shown.send("\r")
            wait_until(partial(asked, lab, before), 30, shown.text)
            assert expected in texts(lab.stub.requests[-1]), typed


def test_a_session_below_the_agents_directory_is_the_agents(lab: Lab) -> None:
    lab.init()
    lab.shell(INSTALL)
    inner = lab.branch / "src"
    inner.mkdir()
    lab.mailcore("hold @writer")
    lab.mailcore('send @writer "Tea at five" "Come."')
    lab.stub.plays(Text("hello"))
    lab.shell("claude -p hi", cwd=inner)
    assert "Tea at five" in texts(lab.stub.requests[0]) and noted(lab)["SessionStart"] == 1
    before = noted(lab)
    lab.shell("claude -p hi", cwd=lab.root)
    assert noted(lab) == before, "where no agent is, nothing is told"
