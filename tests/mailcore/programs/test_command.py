"""Any command as an agent."""

from __future__ import annotations

from pathlib import Path

from mailcore.config import AgentConfig
from mailcore.programs.command import Command
from tests.mailcore.programs.made import AGENT, launch, output


def test_a_command_gets_the_prompt_as_one_word(tmp_path: Path) -> None:
    words = Command().argv(launch(config={"command": ("sh", "-c", "x {prompt} y", "{prompt}")}))
    assert words == ["sh", "-c", "x do it y", "do it"]
    found = Command().ending(0, output(tmp_path, "one\ntwo\n\n"))
    assert (found.success, found.result) == (True, "two")
    assert Command().ending(-9, output(tmp_path, b"")).cause == "ended by SIGKILL"
    assert Command().ending(0, output(tmp_path, b"\xff\xfe\n")).success
    assert (
        Command().session("5e55", output(tmp_path)) == ""
        and Command().attach(AGENT, AgentConfig(), "5e55", tmp_path) is None
    )
