"""Which logs an agent has."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from mailcore.logs.merged import MergedLog
from mailcore.logs.sources import SIGNS, log_sources, source_name, source_sign
from mailcore.model.activity import Kind
from mailcore.model.agent import Agent
from mailcore.model.log import LogKind
from mailcore.programs.claude.places import directory
from praxmonitor.text.ascii import as_ascii
from tests.mailcore.session_lines import SESSION, asked, call, iso, line, result, said

RUN = "20261129T030000_123456-0123abcd"


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    branch = tmp_path / "agents" / "writer"
    (branch / "logs").mkdir(parents=True)
    (branch / ".ai_mail.local" / "runs" / RUN).mkdir(parents=True)
    return Agent("@writer", "WRITER", branch, root=tmp_path)


def put(path: Path, text: str = "a line\n", at: float = 0.0) -> Path:
    path.write_text(text)
    if at:
        os.utime(path, (at, at))
    return path


def test_own_logs_rotated_ones_output_and_hooks(agent: Agent) -> None:
    now = time.time()
    for name, age in (("app.log", 0), ("app.log.2", 200), ("app.log.1", 100), ("hooks.jsonl", 0), ("notes.txt", 0)):
        put(agent.logs_dir / name, at=now - age)
    put(agent.logs_dir / "dispatch_stdout.attempt-1.log")
    put(agent.logs_dir / "gone.log-20261128")
    for name in ("attempt-1.stdout.log", "attempt-1.stderr.log", "attempt-2.stderr.log", "run.jsonl"):
        put(agent.runs_dir / RUN / name)
    found = log_sources(agent)
    assert [source_name(source) for source in found] == [
        "app.log", "app.log.1", "app.log.2", "gone.log-20261128", "hooks.jsonl",
        "attempt 1 stderr", "attempt 1 stdout", "attempt 2 stderr",
    ]  # fmt: skip
    assert "".join(map(source_sign, found)) == "¶¶¶¶¬!›!"
    assert "".join(source_sign(source, ascii_only=True) for source in found) == "====h!>!"
    assert {source.run_id for source in found[5:]} == {RUN}
    assert found[-1].attempt == 2
    assert [source_name(source) for source in log_sources(agent, rotated=False)][:2] == ["app.log", "hooks.jsonl"]
    assert log_sources(agent, run_id=RUN) == found[5:]
    assert log_sources(agent, run_id="../../x") == []


def test_no_link_out_of_the_branch_is_followed(agent: Agent, tmp_path: Path) -> None:
    secret = put(tmp_path / "secret.log")
    (agent.logs_dir / "app.log").symlink_to(secret)
    (agent.logs_dir / "same.log").symlink_to(put(agent.branch / "real.txt"))
    os.mkfifo(agent.logs_dir / "pipe.log")
    assert [source_name(source) for source in log_sources(agent)] == ["same.log"]
    other = tmp_path / "elsewhere"
    agent.logs_dir.rename(other)
    agent.logs_dir.symlink_to(other)
    assert log_sources(agent) == []


def test_each_kind_has_a_sign_of_its_own() -> None:
    assert set(SIGNS) == set(LogKind)
    assert {sign.twin for sign in SIGNS.values()} == {as_ascii(sign.glyph) for sign in SIGNS.values()}
    assert len({sign.glyph for sign in SIGNS.values()}) == len({sign.twin for sign in SIGNS.values()}) == len(LogKind)


def test_hooks_are_read_as_what_they_mean(agent: Agent) -> None:
    at = time.time() - 60
    events: list[dict[str, object]] = [
        {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_use_id": "1", "tool_input": {"command": "ls"}},
        {"hook_event_name": "Unheard", "x": 1},
        {"hook_event_name": "PostToolUseFailure", "tool_name": "Bash", "tool_use_id": "1", "error": "exit 2"},
    ]
    text = "".join(json.dumps({"ts": at + n, **event}) + "\n" for n, event in enumerate(events))
    put(agent.hooks_log, text)
    put(agent.logs_dir / "app.log", f"{iso(at + 1)} INFO between\n")
    log = MergedLog(log_sources(agent), [agent])
    page = log.last(10)
    assert [(round(entry.at - at), entry.level) for entry in page.entries] == [
        (0, Kind.LOG), (1, Kind.LOG), (2, Kind.ERROR)
    ]  # fmt: skip
    first, between, last = page.entries
    assert "ls" in first.lines[0] and "hook_event_name" not in first.lines[0]
    assert between.source.kind is LogKind.OWN
    assert "failed" in last.lines[0]
    assert agent.hooks_log.read_bytes()[last.offset :].startswith(b'{"ts"')
    log.close()


def test_sessions_are_among_the_logs_and_read_by_their_program(
    agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "home"))
    at, cwd = time.time() - 600, str(agent.branch)
    lines = [
        asked(at, "do it", cwd=cwd),
        said(at + 1, "m1", call("t1", "Bash", command="make all"), cwd=cwd),
        line(at + 2, "system", subtype="informational", content="nothing", cwd=cwd),
        result(at + 3, "t1", "exit 2", is_error=True, cwd=cwd),
    ]
    place = directory(agent.branch, tmp_path / "home")
    place.mkdir(parents=True)
    put(place / f"{SESSION}.jsonl", "".join(f"{each.decode()}\n" for each in lines))
    put(agent.logs_dir / "make.log", f"{iso(at + 2)} WARNING odd\n")
    found = log_sources(agent)
    assert [source_name(source) for source in found] == ["make.log", f"session {SESSION}"]
    log = MergedLog(found, [agent])
    page = log.last(10)
    assert [entry.level for entry in page.entries] == [Kind.LOG, Kind.LOG, Kind.WARNING, Kind.ERROR]
    assert page.entries[0].lines == ("prompt: do it",)
    assert "make all" in page.entries[1].lines[0]
    log.close()
