"""Attach: a person's terminal goes on in an agent's session, or is told in words why it cannot."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pexpect
import pytest

from mailcore.cli import main
from mailcore.dispatch.attach import attachment
from mailcore.exceptions import Refused
from mailcore.model.run import Phase
from mailcore.programs.codex.program import OWN_PATH
from tests.mailcore.conftest import House, wait_until

THREAD = "01a200fc-9726-7063-a792-fc95f0755c3c"
CODEX = f"""#!/bin/sh
if [ "$1" = resume ]; then echo "goes on in $4 at $(pwd) as ${{MAILCORE_RUN_ID:-nobody}}"; cat; exit; fi
mkdir -p "$CODEX_HOME/sessions/2026/11/22"
echo '{{}}' > "$CODEX_HOME/sessions/2026/11/22/rollout-2026-11-22T05-32-10-{THREAD}.jsonl"
echo '{{"type": "thread.started", "thread_id": "{THREAD}"}}'
while [ -e "$CODEX_HOME/hold" ]; do sleep 0.05; done
echo '{{"type": "turn.completed"}}'
"""
"""What a real Codex leaves behind and prints (contract codex), and a terminal that echoes."""


@pytest.fixture
def codex(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `codex` on PATH that @writer is; the directory where it keeps its threads."""
    programs, home = tmp_path / "bin", tmp_path / "codex"
    programs.mkdir()
    home.mkdir()
    (programs / "codex").write_text(CODEX)
    (programs / "codex").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("CODEX_HOME", str(home))
    del house.commands["writer"]
    house.extra = '[agents.writer]\nprogram = "codex"'
    house.configure()
    return home


def refused(house: House, target: str) -> tuple[str, str]:
    with pytest.raises(Refused) as error:
        attachment(house.workspace, house.config, "@operator", target)
    return error.value.code, str(error.value)


def test_a_persons_terminal_goes_on_in_the_agents_session(house: House, codex: Path) -> None:
    run = house.over("writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.COMPLETED
    found = attachment(house.workspace, house.config, "@operator", "@writer")
    assert Path(found.argv[0]).name == "codex" and found.argv[1:] == ("resume", *OWN_PATH, THREAD)
    assert found.directory == house.agent("writer").branch
    words = ["-m", "mailcore.cli", "attach", "@writer"]
    screen = pexpect.spawn(sys.executable, words, cwd=str(house.root), encoding="utf-8", timeout=20)
    screen.expect(f"goes on in {THREAD} at {found.directory} as nobody")
    screen.sendline("hello")
    screen.expect("hello\r\nhello")
    screen.close(force=True)


def test_no_two_work_in_one_session(house: House, codex: Path) -> None:
    (codex / "hold").touch()
    run_id = house.started("@operator", "@writer", "long work")
    house.attempt_pid("writer", run_id)
    code, words = refused(house, "@writer")
    assert code == "busy" and "@writer works on 'long work'" in words and "mailcore kill @writer" in words
    (codex / "hold").unlink()
    house.over("writer", run_id)
    assert attachment(house.workspace, house.config, "@operator", "@writer").argv[-1] == THREAD


def test_the_session_of_a_supervisor_that_was_killed_is_found(house: House, codex: Path) -> None:
    """It could not write down how Codex named the thread."""
    (codex / "hold").touch()
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("writer", run_id)
    os.kill(house.run("writer", run_id).supervisor_pid, 9)
    wait_until(lambda: "busy" not in _code(house), 20, "its lock is free")
    assert attachment(house.workspace, house.config, "@operator", "@writer").argv[-1] == THREAD


def _code(house: House) -> str:
    try:
        attachment(house.workspace, house.config, "@operator", "@writer")
    except Refused as error:
        return error.code
    return ""


def test_what_has_no_session_is_said(
    house: House, codex: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(house, "@writer")[0] == "no_session"  # no run yet
    house.over("lead", house.started("@operator", "@lead"))
    assert refused(house, "@lead")[0] == "no_session"  # a command keeps none
    house.over("writer", house.started("@operator", "@writer"))
    monkeypatch.chdir(house.root)
    assert main(["attach", "@writer", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["argv"][1:] == ["resume", *OWN_PATH, THREAD]
    assert main(["attach", "@writer"]) == 2 and "needs a terminal" in capsys.readouterr().err
    monkeypatch.chdir(house.agent("lead").branch)
    assert main(["attach", "@writer", "--json"]) == 3  # agents see their own
    (codex.parent / "bin/codex").unlink()
    assert refused(house, "@writer")[0] == "no_program"
