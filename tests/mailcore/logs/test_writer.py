"""Which command, tool call or run wrote a line, and how sure that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mailcore.formats import journal
from mailcore.logs.writer import Sureness, writer_of
from mailcore.model.activity import Kind
from mailcore.model.agent import Agent
from mailcore.model.log import LogEntry, LogKind, LogSource
from tests.mailcore.session_lines import iso

BASE = 1_790_000_000.0
RUN = "20260921T133320_000000-0123abcd"


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    branch = tmp_path / "writer"
    (branch / "logs").mkdir(parents=True)
    return Agent("@writer", "WRITER", branch, root=tmp_path)


def hook(agent: Agent, second: float, name: str, id: str, command: str = "make") -> None:
    event = {
        "ts": BASE + second, "hook_event_name": name, "tool_name": "Bash", "tool_use_id": id, "session_id": "s",
        "tool_input": {"command": command},
    }  # fmt: skip
    with agent.hooks_log.open("a") as file:
        file.write(json.dumps(event) + "\n")


def entry(agent: Agent, second: float, kind: LogKind = LogKind.OWN, run_id: str = "", attempt: int = 0) -> LogEntry:
    source = LogSource(str(agent.logs_dir / "app.log"), agent.address, kind, run_id, attempt)
    return LogEntry(BASE + second if second else 0.0, source, 0, Kind.LOG, ("a line",))


def test_what_a_run_printed_is_its_own(agent: Agent) -> None:
    found = writer_of(entry(agent, 5, LogKind.STDERR, RUN, 2), agent)
    assert (found.sureness, found.run_id, found.attempt) == (Sureness.CERTAIN, RUN, 2)
    assert found.words == f"run {RUN}, attempt 2"


def test_the_call_that_was_open_is_likely_and_of_several_each_is_possible(agent: Agent) -> None:
    hook(agent, 10, "PreToolUse", "1", "make all")
    hook(agent, 20, "PostToolUse", "1", "make all")
    hook(agent, 30, "PreToolUse", "2", "pytest")
    hook(agent, 35, "PreToolUse", "3", "npm test")
    hook(agent, 50, "PostToolUse", "3", "npm test")
    hook(agent, 60, "Stop", "")
    likely = writer_of(entry(agent, 15), agent)
    assert likely.sureness is Sureness.LIKELY and "make all" in likely.words and likely.words.endswith("(likely)")
    possible = writer_of(entry(agent, 40), agent)
    assert possible.sureness is Sureness.POSSIBLE and [call.tool_id for call in possible.calls] == ["2", "3"]
    assert [call.tool_id for call in writer_of(entry(agent, 55), agent).calls] == ["2"]
    for second in (5, 25, 70, 0):
        unknown = writer_of(entry(agent, second), agent)
        assert (unknown.sureness, unknown.words) == (Sureness.UNKNOWN, "unknown")


def test_the_run_that_was_under_way_is_named(agent: Agent) -> None:
    directory = agent.runs_dir / RUN
    directory.mkdir(parents=True)
    records: list[dict[str, Any]] = [
        {"event": "queued", "run_id": RUN, "target": "@writer", "at": iso(BASE)},
        {"event": "attempt", "n": 1, "pid": 1, "at": iso(BASE + 1)},
        {"event": "ended", "outcome": "completed", "at": iso(BASE + 100)},
    ]
    for record in records:
        journal.append_record(directory / "run.jsonl", record)
    found = writer_of(entry(agent, 50), agent)
    assert (found.run_id, found.sureness) == (RUN, Sureness.UNKNOWN), "which of its commands, nothing says"
    assert writer_of(entry(agent, 200), agent).run_id == ""
