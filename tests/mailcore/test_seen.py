"""What AIPass sent and ran is told by `history` and `run`, also when AIPass has removed its own files since."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from mailcore.dispatch.aipass import recorder, register
from mailcore.dispatch.runs.run_list import find_run
from mailcore.mail import lookup
from mailcore.workspace import audit, find
from praxmonitor.alarms.recovery import AipassRecorder
from tests.mailcore.conftest import House


def sends(events: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(e["by"], e["to"], e["subject"]) for e in events if e["verb"] == "send"]


@pytest.fixture
def used(aipass: find.Workspace) -> find.Workspace:
    """A workspace of AIPass's in which mailcore is used too."""
    aipass.state_dir.mkdir()
    return aipass


def history(house: House, root: Path) -> list[dict[str, Any]]:
    done = house.mailcore("history", "--json", cwd=root)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_all_of_aipass_is_told_before_and_after_its_files_are_gone(used: find.Workspace, house: House) -> None:
    told = history(house, used.root)
    names = [path for agent in used.agents for path in agent.sent_dir.glob("*.json")]
    assert len(sends(told)) >= len(names) > 3
    assert ("@alpha", "@beta", "Demo ok") in sends(told) and ("@beta", "@alpha", "RE: Demo ok") in sends(told)
    ended = [e for e in told if e["verb"] == "run ended"]
    assert {(e["agent"], e["sender"]) for e in ended} >= {("@beta", "@alpha"), ("@gamma", "@alpha")}
    assert any(e.get("result") for e in ended)
    assert history(house, used.root) == told, "nothing is recorded twice"
    for agent in used.agents:
        shutil.rmtree(agent.mail_dir, ignore_errors=True)
    shutil.rmtree(used.aipass_dir)
    assert history(house, used.root) == told
    sent = next(e for e in told if e["verb"] == "send" and e["subject"] == "Demo ok")
    trace = json.loads(house.mailcore("trace", sent["sent_id"], "--json", cwd=used.root).stdout)
    assert (trace["from"], trace["to"], trace["rung"]) == ("@alpha", "@beta", "stored") and trace["gone"]
    run_id = next(e["run"] for e in ended if e["agent"] == "@beta" and e.get("result"))
    agent, run = find_run(used, run_id)
    assert run is not None and (agent.address, run.sender, run.phase) == ("@beta", "@alpha", "completed")
    assert run.result and run.subject == "Demo ok"
    page = house.mailcore("run", run_id, cwd=used.root).stdout.decode()
    assert "## Result" in page and run.result in page
    assert list(audit.broken_links(used.state_dir)) == []


def test_a_run_of_aipass_s_has_its_story(aipass: find.Workspace, house: House) -> None:
    """Its task's text, the answer as its result, the mail that is stamped with its id, its cost."""
    rows = [row for row in register.register_rows(aipass) if row.get("subject") == "Demo ok"]
    done = house.mailcore("run", rows[0]["dispatch_id"], "--json", cwd=aipass.root)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    answer = next(raw for _, raw in lookup.sent_records(aipass.agent("@beta")) if raw["subject"] == "RE: Demo ok")
    assert told["run"]["result"] == answer["message"] and told["run"]["replied"] and told["run"]["cost"] == 0.0123
    assert [mail["subject"] for mail in told["sent"]] == ["RE: Demo ok"]
    assert "DISPATCH TASK" in told["text"]


def test_a_task_of_aipass_s_says_how_its_run_ended(aipass: find.Workspace, house: House) -> None:
    rows = json.loads(house.mailcore("tasks", "--json", cwd=aipass.root).stdout)
    found = {row["subject"]: row["note"] for row in rows if row["kind"] == "task"}
    failed = [row["subject"] for row in register.register_rows(aipass) if row.get("target") == "@gamma"]
    assert failed and {found[subject] for subject in failed if subject in found} == {"bounced"}


def test_what_comes_later_is_recorded_once_by_whoever_looks(used: find.Workspace) -> None:
    watching = AipassRecorder(used.root)
    watching.record()
    before = [act for act in audit_of(used) if act["verb"] == "send"]
    late = {"timestamp": "2026-11-22 03:00:00", "from": "@alpha", "subject": "later", "message": "SECRET"}
    (used.agent("@alpha").sent_dir / "late.json").write_text(json.dumps({"id": "aaaa1111", "to": "@beta", **late}))
    box = json.loads(used.agent("@beta").inbox.read_text())
    box["messages"].insert(0, {"id": "bbbb2222", "sent_id": "aaaa1111", "status": "new", **late})
    used.agent("@beta").inbox.write_text(json.dumps(box))
    for _ in range(2):
        watching.record()
        recorder.record_acts(used, keep=True)
    new = [act for act in audit_of(used) if act["verb"] == "send"][len(before) :]
    assert [(act["id"], act["sent_id"], act["to"]) for act in new] == [("bbbb2222", "aaaa1111", "@beta")]
    assert "SECRET" not in (used.state_dir / "audit.jsonl").read_text()


def test_much_that_was_looked_through_is_not_looked_through_anew(house: House) -> None:
    """Of our own mail nothing is to be recorded; how far was looked is kept where that was much work."""
    kept = house.root / ".praxmonitor" / recorder.FILE
    sent = house.agent("@writer").sent_dir
    for number in range(3):
        (sent / f"{number}.json").write_text(json.dumps({"id": f"{number}", "thread_id": "t"}))
    recorder.record_acts(house.workspace)
    assert not kept.exists(), "looking writes nothing"
    for number in range(recorder.MANY_FILES + 1):
        (sent / f"{number}.json").write_text(json.dumps({"id": f"{number}", "thread_id": "t"}))
    recorder.record_acts(house.workspace)
    assert str(sent) in json.loads(kept.read_text())


def test_our_own_mail_is_not_taken_for_aipass_s(house: House) -> None:
    house.json("send", "@writer", "s", "b", "--from", "@lead")
    assert recorder.record_acts(house.workspace) == [] and len(sends(house.json("history"))) == 1


def test_where_mailcore_is_not_used_it_is_told_and_nothing_is_written(aipass: find.Workspace) -> None:
    assert ("@alpha", "@beta", "Demo ok") in sends(recorder.record_acts(aipass))
    assert not aipass.state_dir.exists()


def audit_of(used: find.Workspace) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (used.state_dir / "audit.jsonl").read_text().splitlines()]


def row(run_id: str, **more: str) -> str:
    return json.dumps({"dispatch_id": run_id, "ts": "2026-11-22T12:00:00+00:00", **more}) + "\n"


def runs_recorded(used: find.Workspace) -> list[tuple[str, str]]:
    return [(act["run"], act["status"]) for act in audit_of(used) if "run" in act]


def test_rows_of_aipass_s_are_found_among_thousands_of_ours_which_are_read_once(used: find.Workspace) -> None:
    path, look = used.aipass_dir / register.REGISTER, AipassRecorder(used.root)
    ours = [f"20261122T1200{n // 100:02}_{n:06}-0a0b0c0d" for n in range(3000)]
    path.write_text("".join(row(run, target="@alpha", status="outstanding", subject="x" * 500) for run in ours))
    look.record()
    assert runs_recorded(used) == []

    def add(text: str, mode: str = "a") -> int:
        """Write it, and look; the most memory, in bytes, that the look took."""
        with path.open(mode) as file:
            file.write(text)
        tracemalloc.start()
        look.record()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert add(row(ours[0], status="completed")) < 500_000, "the whole register is not read again"
    assert add(row("a1", target="@beta", status="outstanding")) > 1_000_000, "to find what belongs to it, it is"
    assert runs_recorded(used) == [("a1", "outstanding")]
    add('{"dispatch_id": "a1", "ts": "2026-11-22T12:0')  # half a line
    assert len(runs_recorded(used)) == 1
    add('1:00+00:00", "status": "completed"}\n')
    assert runs_recorded(used)[1:] == [("a1", "completed")]
    add(row("a2", target="@beta", status="outstanding"), "w")  # cut in place: shorter than what was read
    assert runs_recorded(used)[2:] == [("a2", "outstanding")]
    path.rename(path.with_suffix(".old"))
    add("".join(row(run, target="@alpha", status="outstanding") for run in ours) + row("a3", target="@beta", status=""))
    assert runs_recorded(used)[3:] == [("a3", "outstanding")]
