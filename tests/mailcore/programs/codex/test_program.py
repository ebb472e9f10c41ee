"""What Codex is told, and how its outcome is read: from its own events, never from words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailcore.config import AgentConfig
from mailcore.programs.codex.program import Codex
from tests.mailcore.programs.made import AGENT, FIXTURES, launch, output


def test_codex_as_captured(tmp_path: Path) -> None:
    good = Codex().ending(0, output(tmp_path, (FIXTURES / "codex" / "exec-success.jsonl").read_bytes()))
    assert good.success and good.result
    limited = Codex().ending(1, output(tmp_path, (FIXTURES / "codex" / "exec-rate-limited.jsonl").read_bytes()))
    assert (limited.success, limited.limited) == (False, True)
    torn = Codex().ending(0, output(tmp_path, '{"type": "thread.started"}\n{"type": "turn'))
    assert not torn.success and "turn.completed" in torn.cause
    lost = '{"type": "error", "message": "Reconnecting... 1/5"}\n'
    assert Codex().ending(0, output(tmp_path, lost + '{"type": "turn.completed"}')).success
    assert not Codex().ending(0, output(tmp_path, '{"type": "turn.completed"}\n' + lost)).success
    said = {"type": "item.completed", "item": {"type": "agent_message", "text": "last status: 429"}}
    words = Codex().ending(1, output(tmp_path, json.dumps(said)))
    assert not words.limited
    argv = Codex().argv(launch())
    assert argv[:4] == ["codex", "exec", "-c", "allow_login_shell=false"] and argv[-1] == "do it"
    assert argv[argv.index("--add-dir") + 1] == "/p" and argv[argv.index("--sandbox") + 1] == "workspace-write"
    bypass = Codex().argv(launch(config={"permission_mode": "bypass"}))
    assert "--dangerously-bypass-approvals-and-sandbox" in bypass and "--sandbox" not in bypass


def test_codex_goes_on_in_the_thread_that_it_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    captured = output(tmp_path, (FIXTURES / "codex" / "exec-success.jsonl").read_bytes())
    thread = Codex().session("ours", captured)
    assert thread == "01a200fc-9726-7063-a792-fc95f0755c3c"
    resumed = launch(mode="resume", session_id=thread)
    assert "resume" not in Codex().argv(resumed) and Codex().attach(AGENT, AgentConfig(), thread) is None  # not kept
    day = tmp_path / "codex/sessions/2026/11/22"
    day.mkdir(parents=True)
    (day / f"rollout-2026-11-22T05-32-10-{thread}.jsonl").write_text("{}\n")
    assert Codex().argv(resumed)[-3:] == ["resume", thread, "do it"]
    assert "resume" not in Codex().argv(launch(session_id=thread))
    assert Codex().attach(AGENT, AgentConfig(model="gpt-5"), thread) == [
        "codex", "resume", "-c", "allow_login_shell=false", thread, "-m", "gpt-5",
    ]  # fmt: skip
    for torn in (
        "",
        "{torn",
        '{"type": "turn.started", "thread_id": "x"}',
        '{"type": "thread.started", "thread_id": 7}',
    ):
        assert Codex().session("ours", output(tmp_path, torn)) == ""
    assert Codex().attach(AGENT, AgentConfig(), "*") is None
