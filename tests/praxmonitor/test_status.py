from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from mailcore.formats import journal
from mailcore.model.agent import Agent
from praxmonitor.cli.status import main

KEYS = {
    "account",
    "address",
    "branch",
    "host",
    "state",
    "reason",
    "since",
    "last_active",
    "unread",
    "open",
    "mailbox",
    "run",
}


def report(capsys: pytest.CaptureFixture[str], *words: str, exit_status: int = 0) -> dict[str, object]:
    assert main([*words, "--json"]) == exit_status
    value = json.loads(capsys.readouterr().out)
    assert isinstance(value, dict)
    return value


def agents(value: dict[str, object]) -> dict[str, dict[str, object]]:
    rows = value["agents"]
    assert isinstance(rows, list)
    return {row["address"]: row for row in rows}


def test_json_has_every_key_of_every_agent(aipass_workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = report(capsys, str(aipass_workspace / "agents"))
    assert set(value) == {"workspace", "at", "agents", "elsewhere", "hosts", "alarms", "errors", "watchers"}
    assert value["workspace"] == str(aipass_workspace)
    rows = agents(value)
    assert [set(row) for row in rows.values()] == [KEYS] * 4
    assert {address: row["state"] for address, row in rows.items()} == {
        "@alpha": "done",
        "@beta": "done",
        "@gamma": "failed",
        "@ai_mail": "idle",
    }
    assert (rows["@alpha"]["unread"], rows["@ai_mail"]["mailbox"], rows["@ai_mail"]["last_active"]) == (
        2,
        "missing",
        None,
    )
    since = rows["@gamma"]["since"]
    assert isinstance(since, str)
    assert datetime.fromisoformat(since).timestamp() == pytest.approx(1795309440.854753)
    assert isinstance(value["alarms"], list)
    (alarm,) = value["alarms"]
    assert (alarm["kind"], alarm["address"], set(alarm)) == ("failed", "@gamma", {"kind", "address", "since", "text"})


def test_a_run_that_goes_on_is_told_and_one_that_ended_is_not(
    aipass_workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beta = Agent("@beta", "BETA", aipass_workspace / "agents" / "beta")
    path = beta.runs_dir / "20990101T000000_000000-aaaaaaaa" / "run.jsonl"
    path.parent.mkdir(parents=True)
    queued = {"run_id": path.parent.name, "target": "@beta", "sender": "@alpha", "subject": "Re\x1b[31mport"}
    journal.append_record(path, {"event": "queued", **queued})
    journal.append_record(path, {"event": "attempt", "n": 1, "pid": 4711})
    beta.dispatch_lock.write_text(json.dumps({"pid": os.getpid(), "run_id": path.parent.name}))
    row = agents(report(capsys, str(aipass_workspace)))["@beta"]
    run = row["run"]
    assert isinstance(run, dict)
    assert row["state"] == "starting"
    assert abs(datetime.fromisoformat(run.pop("started_at")).timestamp() - time.time()) < 60
    assert run == {
        "run_id": path.parent.name,
        "subject": "Report",
        "sender": "@alpha",
        "account": "",
        "attempt": 1,
        "pid": 4711,
    }
    journal.append_record(path, {"event": "ended", "outcome": "completed"})
    beta.dispatch_lock.unlink()
    assert agents(report(capsys, str(aipass_workspace)))["@beta"]["run"] is None


def test_a_mailbox_that_cannot_be_read_is_never_told_as_no_mail(
    aipass_workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (aipass_workspace / "agents" / "alpha" / ".ai_mail.local" / "inbox.json").write_text('{"messages": [')
    row = agents(report(capsys, str(aipass_workspace)))["@alpha"]
    assert (row["state"], row["mailbox"], row["unread"], row["open"]) == ("unreadable", "unreadable", None, None)
    assert main([str(aipass_workspace)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("@alpha"))
    assert line.split("  ")[0] == "@alpha"
    assert "?" in line


def test_plain_text_is_aligned_and_names_the_alarms(aipass_workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(aipass_workspace)]) == 0
    lines = capsys.readouterr().out.splitlines()
    column = lines[1].index("STATE")
    assert [line[column:].split()[0] for line in lines[2:6]] == ["done", "done", "failed", "idle"]
    assert lines[-1].startswith("! @gamma failed")


def test_no_workspace_is_exit_2_with_the_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = report(capsys, str(tmp_path), exit_status=2)["error"]
    assert isinstance(error, dict)
    assert error["code"] == "no_workspace"
    assert "mailcore init" in error["message"]
    assert main([str(tmp_path)]) == 2
    assert "is in no workspace" in capsys.readouterr().err


def test_a_config_that_cannot_be_followed_is_exit_2(aipass_workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = aipass_workspace / ".praxmonitor" / "config.toml"
    config.parent.mkdir()
    config.write_text("[alarms]\nsilence = 'long'\n")
    assert "silence" in str(report(capsys, str(aipass_workspace), exit_status=2)["error"])


def test_what_the_reader_has_to_say_goes_to_stderr(aipass_workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registry = aipass_workspace / "AIPASS_REGISTRY.json"
    document = json.loads(registry.read_bytes())
    document["branches"].append({"name": "EVIL", "path": "../../etc", "email": "@evil"})
    registry.write_text(json.dumps(document))
    assert main([str(aipass_workspace)]) == 0
    assert "leaves the project" in capsys.readouterr().err


@pytest.mark.linux_only("psutil stands behind it, which takes its time to load")
def test_status_loads_no_screen_and_no_watcher(aipass_workspace: Path) -> None:
    code = (
        "import sys; from praxmonitor.cli.status import main; main(sys.argv[1:]); "
        "print(sorted({'textual', 'rich', 'watchfiles', 'psutil', 'miniaudio'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(aipass_workspace)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
