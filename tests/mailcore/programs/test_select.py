"""Which program an agent is; what all of them have in common."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mailcore.config import AgentConfig, Config
from mailcore.exceptions import Refused
from mailcore.programs.base import Output, exit_words, tail
from mailcore.programs.choose import select
from mailcore.programs.claude.program import Claude
from mailcore.programs.codex.program import Codex
from mailcore.programs.command import Command
from mailcore.programs.registry import program
from tests.mailcore.programs.made import AGENT, launch, output


def test_signs_of_life(tmp_path: Path) -> None:
    silent = output(tmp_path)
    for one in (Claude(), Codex(), Command()):
        assert not one.shows_life(launch(), silent)
        assert one.shows_life(launch(), Output(silent.stdout, silent.stderr, acted=True))
    begun = launch(home=tmp_path)
    (trace,) = Claude().traces(begun)
    trace.parent.mkdir(parents=True)
    trace.write_text("{}\n")
    assert Claude().shows_life(begun, silent)
    before = silent.stdout.stat().st_mtime - 100
    os.utime(trace, (before, before))  # a resumed session that has not grown yet
    assert not Claude().shows_life(begun, silent)
    silent.stderr.write_text("x")
    assert Command().shows_life(launch(), silent)


def test_which_program(tmp_path: Path) -> None:
    for name in ("claude", "codex"):
        (tmp_path / name).symlink_to(shutil.which("true") or "/bin/true")
    assert select(AGENT, Config(), str(tmp_path)).name == "claude"
    (tmp_path / "claude").unlink()
    assert select(AGENT, Config(), str(tmp_path)).name == "codex"
    with pytest.raises(Refused, match="not on PATH"):
        select(AGENT, Config(agents={"writer": AgentConfig(program="claude")}), str(tmp_path))
    (tmp_path / "codex").unlink()
    with pytest.raises(Refused, match=r"for every agent under \[agents\], .*\n\[agents\.writer\]"):
        select(AGENT, Config(), str(tmp_path))
    every = Config(default_agent=AgentConfig("command", ("./agent",)))
    assert select(AGENT, every, str(tmp_path)).name == "command"
    with pytest.raises(Refused, match=r"\[agents\.writer\] has no command, nor has \[agents\]"):
        select(AGENT, Config(), str(tmp_path), wanted="command")
    assert [program(name).name for name in ("claude", "codex", "command")] == ["claude", "codex", "command"]


def test_words_and_tails(tmp_path: Path) -> None:
    assert [exit_words(code) for code in (0, 3, -15, -200)] == [
        "exit 0",
        "exit 3",
        "ended by SIGTERM",
        "ended by signal 200",
    ]
    assert tail(tmp_path / "none") == []
    (tmp_path / "big").write_text("x" * 100_000 + "\nlast")
    assert tail(tmp_path / "big", 10) == ["xxxxx", "last"]
