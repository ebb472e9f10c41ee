"""The plugin in the real Codex: reviewed by its person, it tells each event once, and wakes an idle session."""

from __future__ import annotations

import json

from mailcore.hooks.plugin_lines import PLUGIN
from tests.mailcore.conftest import wait_until
from tests.real.conftest import Lab
from tests.real.person import PersonTerminal
from tests.real.stub import Request, Step, Text
from tests.real.test_idle import arrives, quiet, send, sleeps
from tests.real.test_plugin import noted

ADD = f"codex plugin marketplace add {PLUGIN} && codex plugin add mailcore@praxmonitor"


def step(asked: Request) -> Step:
    """A turn, or the title of a session."""
    return Text(json.dumps({"title": "t"}) if "format" in (asked.get("text") or {}) else "a turn is over")


def test_mail_wakes_an_idle_session_and_nothing_is_told_twice(lab: Lab) -> None:
    lab.init('program = "codex"')
    lab.shell(f"git init -q . && {ADD}")
    assert "installed, enabled" in lab.shell("codex plugin list") and "mailcore  mcp" in lab.shell("codex mcp list")
    config = lab.home / ".codex/config.toml"
    inner = lab.branch / "src"
    inner.mkdir()
    places = (lab.root, lab.branch, inner)
    config.write_text(
        config.read_text() + "".join(f'\n[projects."{one}"]\ntrust_level = "trusted"\n' for one in places)
    )
    lab.mailcore("hold @writer")
    lab.stub.plays(step)
    shown = PersonTerminal(lab, ("codex", "--no-daemon", "-C", str(inner), "begin"))
    wait_until(lambda: "Hooks need review" in shown.text, 60, "its person is asked")
    quiet(shown, 1)
    shown.send("2\r")
    wait_until(lambda: "a turn is over" in shown.text and sleeps(lab), 60, "it is idle")
    assert noted(lab)["SessionStart"] == noted(lab)["Stop"] == 1
    quiet(shown)
    arrives(lab, "Fire for Codex", send(lab, "Fire for Codex"), 5.0)
    asked = json.dumps(lab.stub.requests[0])
    assert "mailcore:mail-between-agents" in asked, "the skill is offered"
    shown.close()
    lab.mailcore("hooks install @writer")
    before = noted(lab)["SessionStart"]
    again = PersonTerminal(lab, ("codex", "--no-daemon", "-C", str(inner), "begin"))
    wait_until(lambda: "Hooks need review" in again.text, 60, "its person is asked")
    quiet(again, 1)
    again.send("2\r")
    wait_until(lambda: "a turn is over" in again.text and noted(lab)["Stop"] > 2, 60, again.text)
    quiet(again, 2)
    assert noted(lab)["SessionStart"] == before + 1, "hooks of the settings above it run, and not the plugin's"
    again.close()
