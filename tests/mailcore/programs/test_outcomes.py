"""Whatever a program prints, its run has an outcome and its sender is told: real supervisors, a program that is odd."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mailcore.dispatch.attach import attachment
from mailcore.exceptions import Refused
from mailcore.formats import journal
from mailcore.model.run import Phase
from tests.mailcore.conftest import House

GOOD = {"type": "result", "subtype": "success", "is_error": False, "result": "it is done"}


@pytest.fixture
def printed(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the `claude` and the `codex` on PATH print, who are @writer and @editor."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("claude", "codex"):
        (programs / name).write_text(f"#!/bin/sh\ncat {tmp_path}/printed\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    house.commands = {}
    house.extra = '[agents.writer]\nprogram = "claude"\n[agents.editor]\nprogram = "codex"\n'
    house.configure()
    return tmp_path / "printed"


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"api_error_status": [529]}, "claude's result has api_error_status = [529] where a whole number is expected"),
        ({"is_error": {"deep": "\ud800"}}, "where true or false is expected"),
        ({"subtype": "\ud800\u202e"}, "exit 0, "),
    ],
)
def test_an_odd_result_is_an_outcome(house: House, printed: Path, odd: dict[str, object], said: str) -> None:
    house.limit(attempts=1)
    printed.write_text(json.dumps({**GOOD, **odd}) + "\n")
    run = house.over("writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.BOUNCED and said in run.reason
    (told,) = house.inbox("@operator")
    assert told.subject == "BOUNCE: Dispatch to @writer failed" and said in told.body
    assert not (house.agent("@writer").runs_dir / run.run_id / "supervisor.log").read_text()


@pytest.mark.parametrize("odd", [{"result": "\ud800 \x00"}, {"total_cost_usd": "1e999"}, {"permission_denials": [7]}])
def test_what_decides_nothing_keeps_no_success_from_being_one(
    house: House, printed: Path, odd: dict[str, object]
) -> None:
    text = json.dumps({**GOOD, **odd}).replace('"1e999"', "1e999").replace("7]", "Infinity]")
    printed.write_text(text + "\n")
    run = house.over("writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.COMPLETED and run.cost == 0.0
    assert "no reply" in house.inbox("@operator")[0].subject
    assert not (house.agent("@writer").runs_dir / run.run_id / "supervisor.log").read_text()


def test_a_session_id_that_would_be_an_option_is_none(house: House, printed: Path, tmp_path: Path) -> None:
    """Neither one that the program printed nor one that somebody wrote into the journal."""
    kept = tmp_path / "home/.codex/sessions/2026/11/22/rollout-2026-11-22T05-32-10---yolo.jsonl"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}\n")
    printed.write_text('{"type": "thread.started", "thread_id": "--yolo"}\n{"type": "turn.completed"}\n')
    run = house.over("editor", house.started("@operator", "@editor"))
    assert run.phase is Phase.COMPLETED and run.attempt is not None and run.attempt.session_id == ""
    editor = house.agent("@editor")
    journal.append_record(editor.runs_dir / run.run_id / "run.jsonl", {"event": "attempt", "n": 2, "session": "--yolo"})
    with pytest.raises(Refused) as refused:
        attachment(house.workspace, house.config, "@operator", "@editor")
    assert refused.value.code == "no_session"
    again = house.json("retry", "@editor", "--from", "@operator")["run_id"]
    assert house.over("editor", again).phase is Phase.COMPLETED
