"""What the agents used, by agent, task and day: from all of their session files, else from their runs' journals."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from mailcore.model.agent import Agent
from mailcore.model.usage import Usage
from mailcore.observe.usage_ledger import ledger
from mailcore.observe.usage_sum import local_date
from mailcore.programs.claude.places import ACCOUNT_HOME, directory
from mailcore.programs.claude.sessions import ClaudeSessions
from tests.mailcore.conftest import House
from tests.mailcore.session_lines import codex, line, money, record, said, text, tokens

DAY = 86400.0
ONE = Usage(100, 30, 20, 10)
"""What `said` says."""


@pytest.fixture
def noon(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> float:
    """Noon of yesterday; the programs' own directories are the test's."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    return time.mktime((*time.localtime(time.time() - DAY)[:3], 12, 0, 0, 0, 0, -1))


def claude(agent: Agent, name: str, *lines: bytes, cwd: Path | None = None, written: float = 0.0) -> Path:
    path = directory(agent.branch, ACCOUNT_HOME.usual()) / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    head = line(1, "mode", cwd=str(cwd or agent.branch))
    path.write_bytes(b"\n".join([head, *lines]) + b"\n")
    if written:
        os.utime(path, (written, written))
    return path


def rollout(tmp_path: Path, name: str, cwd: Path, *lines: bytes) -> Path:
    path = tmp_path / "codex" / "sessions" / "2026" / "11" / "22" / f"rollout-2026-11-22T02-01-23-{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    head = [codex(1, "session_meta", id=name, cwd=str(cwd)), codex(1, "turn_context", model="gpt-5")]
    path.write_bytes(b"\n".join([*head, *lines]) + b"\n")
    return path


def run(agent: Agent, run_id: str, subject: str, began: float, ended: float = 0.0, cost: float = 0.0) -> None:
    def at(moment: float) -> str:
        return datetime.fromtimestamp(moment, UTC).isoformat()

    queued = {"run_id": run_id, "target": agent.address, "sender": "@lead", "subject": subject, "message_id": "m"}
    records = [{"at": at(began), "event": "queued", **queued}, {"at": at(began), "event": "attempt", "n": 1}]
    if ended:
        records += [
            {"at": at(ended), "event": "attempt_ended", "n": 1, "exit": 0, "cost": cost},
            {"at": at(ended), "event": "ended", "outcome": "completed"},
        ]
    path = agent.runs_dir / run_id / "run.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


PRICED = 0.001054
"""The price of what `said` says, by Claude Opus 5.5: 100 x $4, 30 x $20, 20 x $0.20 and 10 x $5 a million."""


def sums(house: House, since: float) -> dict[tuple[str, str, str], Usage]:
    """By agent, run and day; the money to a millionth, and an estimate that was taken back as none."""
    found = ledger(house.workspace.agents, since)
    return {(e.agent, e.run.run_id if e.run is not None else "", e.day): rounded(e.usage) for e in found.entries}


def rounded(used: Usage) -> Usage:
    estimated = round(used.estimated or 0.0, 6) or None
    return replace(used, cost=round(used.cost, 6), estimated=estimated)


def about(dollars: float) -> Usage:
    return Usage(estimated=dollars)


def test_by_agent_task_and_day_from_every_file(house: House, noon: float, tmp_path: Path) -> None:
    writer, editor, lead = (house.agent(name) for name in ("@writer", "@editor", "@lead"))
    claude(
        writer,
        "one",
        said(noon - 9 * DAY, "old", text("long ago")),
        money(4.0),
        said(noon - DAY, "m1", text("a")),
        said(noon, "m2", text("b")),
        said(noon, "m2", text("b")),
        said(noon + 100, "m3", text("c")),
        money(4.5),
    )
    claude(writer, "one/subagents/agent-a", said(noon + 50, "m4", text("d"), isSidechain=True, agentId="a"))
    claude(writer, "fork", said(noon, "m2", text("b")), said(noon + 150, "m5", text("e")))
    claude(writer, "foreign", said(noon, "x1", text("a")), cwd=Path("/somewhere/else"))
    claude(writer, "before", said(noon - 9 * DAY, "x2", text("a")), written=noon - 9 * DAY)
    run(writer, "20261122T120000-a", "Write", noon + 10, noon + 120, cost=9.0)
    total = tokens(120, 20, 15)
    rollout(tmp_path, "t1", editor.branch / "src", record(noon, total, total))
    rollout(tmp_path, "t2", Path("/somewhere/else"), record(noon, total, total))
    run(lead, "20261122T120000-b", "Look", noon, noon + 60, cost=0.25)
    yesterday, before = local_date(noon), local_date(noon - DAY)
    assert sums(house, noon - 3 * DAY) == {
        # The session says $0.50 of three messages, whenever they were; of the one after that its price is the estimate.
        ("@writer", "", before): ONE + Usage(cost=0.166667),
        ("@writer", "", yesterday): ONE + ONE + Usage(cost=0.166667) + about(PRICED),
        ("@writer", "20261122T120000-a", yesterday): ONE + ONE + Usage(cost=0.166667),
        # Codex with GPT-5: 100 x $1.25, 15 x $10 and 20 x $0.125 a million.
        ("@editor", "", yesterday): Usage(100, 15, 20) + rounded(about(0.0002775)),
        ("@lead", "20261122T120000-b", yesterday): Usage(cost=0.25),
    }


def test_a_run_that_goes_on_and_one_without_money_in_its_file(house: House, noon: float) -> None:
    writer = house.agent("@writer")
    claude(writer, "one", said(noon, "m1", text("a")), said(noon + 500, "m2", text("b")))
    run(writer, "20261122T110000-a", "First", noon - 10, noon + 10, cost=0.75)
    run(writer, "20261122T120000-b", "Second", noon + 400)
    run(writer, "20261101T120000-c", "Of old", noon - 20 * DAY, noon - 20 * DAY + 5, cost=3.0)
    assert sums(house, noon - DAY) == {
        ("@writer", "20261122T110000-a", local_date(noon)): ONE + Usage(cost=0.75),
        ("@writer", "20261122T120000-b", local_date(noon)): ONE + about(PRICED),
    }


def test_the_deepest_branch_has_a_codex_session(house: House, noon: float, tmp_path: Path) -> None:
    total = tokens(120, 20, 15)
    outer = Agent("@outer", "OUTER", house.agent("@writer").branch.parent)
    rollout(tmp_path, "t1", house.agent("@writer").branch, record(noon, total, total))
    found = ledger([outer, *house.workspace.agents], noon - DAY)
    assert [entry.agent for entry in found.entries] == ["@writer"]


def test_what_cannot_be_read_or_understood_is_said(house: House, noon: float) -> None:
    writer = house.agent("@writer")
    drifted = line(noon, "assistant", message={"content": [], "usage": {"tokens": 7}})
    claude(writer, "one", drifted, drifted)
    claude(writer, "two", drifted)
    (directory(writer.branch, ACCOUNT_HOME.usual()) / "three.jsonl").mkdir()
    found = ledger(house.workspace.agents, noon - DAY)
    assert found.entries == [] and len(found.notes) == 2, found.notes
    assert any("message.usage" in note for note in found.notes)
    assert any("three.jsonl: Is a directory" in note and "@writer" in note for note in found.notes)


def test_a_huge_line_and_torn_ones_cost_no_more_than_themselves(house: House, noon: float) -> None:
    writer = house.agent("@writer")
    huge = said(noon, "huge", text("x" * (3 << 20)))
    path = claude(writer, "one", said(noon, "m1", text("a")), huge, b'{"type":"assistant","usage":', said(noon, "m2"))
    with path.open("ab") as file:
        file.write(said(noon, "torn", text("a"))[:-5])
    assert sums(house, noon - DAY) == {("@writer", "", local_date(noon)): ONE + ONE + about(2 * PRICED)}


def test_of_a_file_only_what_was_written_since_is_read(house: House, noon: float) -> None:
    """Lines of old that would be said to be drift if they were read."""
    old = [line(noon - 9 * DAY + n, "assistant", message={"usage": n}, about="x" * 500) for n in range(2000)]
    claude(house.agent("@writer"), "one", *old, said(noon, "m1", text("a")))
    assert sums(house, noon - DAY) == {("@writer", "", local_date(noon)): ONE + about(PRICED)}
    assert ledger(house.workspace.agents, noon - DAY).notes == []
    assert "message.usage" in ledger(house.workspace.agents, noon - 20 * DAY).notes[0]


def files_of(agent: Agent) -> list[Path]:
    found = ClaudeSessions(ACCOUNT_HOME.usual()).history([agent.branch], 0.0)
    return [path for path, cwd in found if Path(cwd).is_relative_to(agent.branch)]


def test_claude_files_are_the_branchs_own(house: House, noon: float) -> None:
    writer = house.agent("@writer")
    assert files_of(writer) == []
    main = claude(writer, "one", said(noon, "m1"))
    child = claude(writer, "one/subagents/agent-a", said(noon, "m1"))
    deep = claude(writer, "one/subagents/flow/agent-b", said(noon, "m1"), cwd=writer.branch / "sub")
    claude(writer, "other", said(noon, "m1"), cwd=writer.branch.with_name(f"{writer.branch.name}2"))
    assert files_of(writer) == [main, child, deep]


@pytest.fixture
def used(house: House, noon: float) -> House:
    writer, editor = house.agent("@writer"), house.agent("@editor")
    claude(writer, "one", said(noon, "m1", text("a")), said(noon + 20, "m2", text("b")), money(1.5))
    claude(editor, "two", said(noon - DAY, "m3", text("a"), output=1_000_000))
    run(writer, "20261122T120000-a", "Write \x1b[31mit", noon + 10, noon + 30)
    return house


def test_the_command_sums_up_by_agent(used: House) -> None:
    told = used.json("usage")
    assert told["by"] == "agent" and told["notes"] == []
    assert told["rows"] == [
        {"agent": "@writer", "input": 200, "output": 60, "cache_read": 40, "cache_write": 20,
         "tokens": 320, "cost": 1.5, "cost_is_estimated": False, "unpriced_tokens": 0, "unpriced_models": []},
        {"agent": "@editor", "input": 100, "output": 1_000_000, "cache_read": 20, "cache_write": 10,
         "tokens": 1_000_130, "cost": 20.000454, "cost_is_estimated": True, "unpriced_tokens": 0,
         "unpriced_models": []},
    ]  # fmt: skip
    assert told["total"]["tokens"] == 1_000_450 and told["total"]["cost"] == 21.500454
    assert used.json("usage", "@editor")["total"]["tokens"] == 1_000_130
    assert used.json("usage", "--days", "1")["rows"] == []


def test_the_command_sums_up_by_task_and_by_day(used: House, noon: float) -> None:
    rows = used.json("usage", "--by", "task", "@writer")["rows"]
    assert [(row["run"], row["agent"], row["task"], row["tokens"], row["cost"]) for row in rows] == [
        ("", "@writer", "no task", 160, 0.75),
        ("20261122T120000-a", "@writer", "Write \x1b[31mit", 160, 0.75),
    ]
    rows = used.json("usage", "--by", "day")["rows"]
    assert [(row["day"], row["tokens"]) for row in rows] == [
        (local_date(noon - DAY), 1_000_130),
        (local_date(noon), 320),
    ]


def test_for_people_it_is_a_table(used: House) -> None:
    done = used.mailcore("usage").stdout.decode().splitlines()
    assert done == [
        "agent    input     output  cache read  cache write       cost",
        "@writer    200         60          40           20    $1.5000",
        "@editor    100  1,000,000          20           10  ≈$20.0005",
        "total      300  1,000,060          60           30  ≈$21.5005",
    ]
    by_task = used.mailcore("usage", "--by", "task").stdout.decode()
    assert "Write �[31mit" in by_task and "\x1b" not in by_task
    assert used.mailcore("usage", "--days", "1").stdout.decode().startswith("nothing was used since ")


def test_a_runs_story_says_what_its_session_files_say(house: House, noon: float, tmp_path: Path) -> None:
    editor, total = house.agent("@editor"), tokens(120, 20, 15)
    run(editor, "20261122T120000_000000-0123abcd", "Look", noon - 5, noon + 60)
    assert house.json("run", "@editor")["used"] is None and house.json("run", "@editor")["run"]["cost"] is None
    assert "cost unknown; no reply" in house.mailcore("run", "@editor").stdout.decode()
    rollout(tmp_path, "t1", editor.branch, record(noon, total, total), record(noon + 90, total, tokens(240, 40, 30)))
    used = house.json("run", "@editor")["used"]
    assert (used["tokens"], used["cost"], used["cost_is_estimated"]) == (135, pytest.approx(0.0002775, abs=1e-6), True)
    assert "cost ≈$0.0003; no reply" in house.mailcore("run", "@editor").stdout.decode()


def test_what_has_no_price_is_null_and_its_model_is_named(house: House, noon: float) -> None:
    nobodys = [said(noon + n, f"m{n}").replace(b"claude-opus-5-5", b"nobodys-\\u001b[1m") for n in range(2)]
    claude(house.agent("@writer"), "one", *nobodys)
    claude(house.agent("@editor"), "two", said(noon, "m3"), nobodys[0].replace(b'"m0"', b'"m4"'))
    told = house.json("usage")
    figures = {row["agent"]: (row["cost"], row["cost_is_estimated"], row["unpriced_tokens"]) for row in told["rows"]}
    assert figures == {"@writer": (None, False, 320), "@editor": (PRICED, True, 160)}
    assert told["total"]["unpriced_models"] == ["nobodys-\x1b[1m"]
    table = house.mailcore("usage").stdout.decode()
    assert [row.split("  ")[-1].strip() for row in table.splitlines()[1:4]] == ["$?", "≈$0.0011 + ?", "≈$0.0011 + ?"]
    assert "note: no price is known of nobodys-�[1m (480 tokens)" in table and "\x1b" not in table


def test_an_agent_sees_its_own_use(used: House) -> None:
    editor = used.agent("@editor").branch
    assert [row["agent"] for row in used.json("usage", cwd=editor)["rows"]] == ["@editor"]
    assert used.json("usage", "@writer", status=3, cwd=editor)["error"]["code"] == "visibility"


def test_a_wrong_number_of_days_is_refused(house: House) -> None:
    done = house.mailcore("usage", "--days", "0")
    assert done.returncode == 2 and b"--days 0" in done.stderr
    assert house.mailcore("usage", "--days", "999999999").returncode == 2
