"""How a run's end is told: figures and result, to whoever waits, once; and what happens where nobody can be told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from mailcore.dispatch.lifecycle import after_run
from mailcore.mail.aipass_feed import add_feed_line
from mailcore.model.run import Phase, Run
from tests.mailcore.conftest import House, wait_until

CLAUDE = """#!/bin/sh
echo '{{"type": "assistant"}}' >> {home}/seen
mkdir -p {branch}/.trinity; echo '{{}}' > {branch}/.trinity/local.json
error=false; [ $MAILCORE_ATTEMPT = 1 ] && error=true
echo "{{\\"type\\": \\"result\\", \\"subtype\\": \\"success\\", \\"is_error\\": $error, \\"result\\": \\"did it\\",\
 \\"total_cost_usd\\": 0.0{cents}}}"
"""


def ended(house: House, name: str, run_id: str) -> dict[str, Any]:
    (record,) = [one for one in house.journal(name, run_id) if one["event"] == "ended"]
    return record


def wakes(house: House, name: str, count: int) -> list[Run]:
    """The runs of an agent, once so many are over and its branch is free."""

    def over() -> bool:
        runs = house.runs(name)
        return len(runs) == count and all(run.phase.ended for run in runs)

    wait_until(over, 30, f"{count} runs of {name} are over")
    wait_until(lambda: not house.agent(name).dispatch_lock.exists(), what=f"{name} is idle")
    return house.runs(name)


@pytest.fixture
def claude(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """@writer is a claude agent: a stand-in that fails once, then succeeds, at 2 cents an attempt."""
    tools = tmp_path / "tools"
    tools.mkdir()
    tool = tools / "claude"
    tool.write_text(CLAUDE.format(home=tools, branch=house.agent("@writer").branch, cents=2))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    del house.commands["writer"]
    house.extra = '[agents.writer]\nprogram = "claude"\npermission_mode = "bypassPermissions"'
    house.configure()
    return tools


def test_the_journal_tells_session_duration_cost_and_what_it_brought(house: House, claude: Path) -> None:
    run_id = house.started("@operator", "@writer")
    run = house.over("@writer", run_id)
    assert run.phase is Phase.COMPLETED, run
    sessions = [one["session"] for one in house.journal("@writer", run_id) if one["event"] == "attempt_ended"]
    assert len(sessions) == 2 and sessions == [attempt.session_id for attempt in run.attempts] and all(sessions)
    assert sessions[0] == sessions[1]  # it was resumed
    end = ended(house, "@writer", run_id)
    assert end["cost"] == run.cost == pytest.approx(0.04) and end["replied"] is False
    assert end["memories_edited"] is run.memories_edited is True and end["progress"] == "memories"
    assert end["duration"] == pytest.approx(run.duration, abs=0.01) and 0 < run.duration < 60
    assert [attempt.bypass for attempt in run.attempts] == [True, True] and not run.bypass  # it works no more
    (told,) = house.inbox("@operator")
    for said in ("did it", "It took", "cost $0.0400", "no reply", "memories edited"):
        assert said in told.body, said
    report = json.loads((house.root / f".aipass/dispatch_reports/{run_id}.json").read_text())
    assert (report["memories_edited"], report["total_cost_usd"]) == (True, pytest.approx(0.04))
    story = house.json("run", run_id)
    assert story["run"]["cost"] == pytest.approx(0.04) and story["run"]["attempts"][1]["session_id"] == sessions[1]
    assert story["duration"] == end["duration"] and ".trinity/local.json" in story["changed"]
    page = house.mailcore("run", run_id).stdout.decode()
    assert "cost $0.0400; no reply; memories edited" in page and sessions[1] in page


def test_a_retry_that_resumes_takes_the_former_runs_session(house: House, claude: Path) -> None:
    house.limit(attempts=1)
    run_id = house.started("@operator", "@writer")
    first = house.over("@writer", run_id).attempts[0].session_id
    again = house.json("retry", "@writer", "--mode", "resume", "--from", "@operator")["run_id"]
    assert first and house.over("@writer", again).attempts[0].session_id == first


def test_a_wake_back_tells_result_and_figures(house: House) -> None:
    house.shell("writer", "echo up; mkdir -p .trinity; echo x > .trinity/local.json; echo 'a long story'")
    run_id = house.started("@lead", "@writer")
    house.over("@writer", run_id)
    (woken,) = wakes(house, "@lead", 1)
    for said in (
        '@writer finished "a task".',
        "It took",
        "cost unknown",
        "no reply",
        "memories edited",
        "a long story",
    ):
        assert said in woken.subject, said
    prompt = house.journal("@lead", woken.run_id)[0]["prompt"]
    assert "a long story" in prompt
    assert house.inbox("@lead") == ()  # the wake says it all


def test_a_bounce_tells_the_figures_too(house: House) -> None:
    house.limit(attempts=1)
    house.shell("writer", "echo up; exit 3")
    house.over("@writer", house.started("@operator", "@writer"))
    assert "It took" in house.inbox("@operator")[0].body and "memories not edited" in house.inbox("@operator")[0].body


def test_a_sender_that_no_program_can_start_has_mail(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # no claude, no codex
    del house.commands["lead"]
    house.shell("writer", "echo up; echo the result")
    run = house.over("@writer", house.started("@lead", "@writer"))
    (told,) = house.inbox("@lead")
    assert told.subject == "Done, no reply: a task" and "the result" in told.body
    assert run.undelivered == "" and house.runs("@lead") == []


def test_a_sender_whose_directory_is_gone_is_not_made_again(house: House) -> None:
    """A success is told by a wake, which makes the directories of what it starts."""
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.02; done")
    run_id = house.started("@lead", "@writer")
    house.attempt_pid("@writer", run_id)
    lead = house.agent("@lead")
    away = lead.branch.rename(lead.branch.with_name("away"))
    (house.agent("@writer").branch / "go").touch()
    run = house.over("@writer", run_id)
    assert not lead.branch.exists()
    assert run.phase is Phase.COMPLETED and str(lead.branch) in run.undelivered
    assert "Its sender has not heard of it" in house.mailcore("run", run_id).stdout.decode()
    away.rename(lead.branch)


def test_a_bounce_that_cannot_be_delivered_lies_where_aipass_puts_it(house: House, tmp_path: Path) -> None:
    house.limit(attempts=1)
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.02; done; echo boom >&2; exit 4")
    run_id = house.started("@lead", "@writer")
    house.attempt_pid("@writer", run_id)
    lead = house.agent("@lead")
    lead.inbox.unlink(missing_ok=True)
    lead.inbox.mkdir()
    (house.agent("@writer").mail_dir / "last_bounce.json").symlink_to(tmp_path / "made")
    (house.agent("@writer").branch / "go").touch()
    run = house.over("@writer", run_id)
    assert not (tmp_path / "made").exists()
    kept = json.loads((house.agent("@writer").mail_dir / "last_bounce.json").read_text())
    assert set(kept) == {"branch", "reason", "sender", "timestamp", "stderr_tail", "error"}
    assert (kept["sender"], kept["reason"], kept["stderr_tail"]) == ("@lead", "exit 4: boom", "boom")
    assert kept["error"] == run.undelivered != ""


def test_an_orphans_end_says_what_it_brought(house: House) -> None:
    house.shell("writer", "echo up; echo x > made; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    wait_until((house.agent("@writer").branch / "made").exists, what="it has written")
    house.orphan("@writer")
    after_run.clean_up(house.workspace, house.config, house.agent("@writer"))
    end = ended(house, "@writer", run_id)
    assert (end["outcome"], end["progress"], end["changed"]) == ("bounced", "files", ["made"])
    assert end["memories_edited"] is False and end["duration"] > 0


def test_the_register_and_the_feed_follow_no_symlink(house: House, tmp_path: Path) -> None:
    house.workspace.aipass_dir.mkdir(exist_ok=True)
    (house.workspace.aipass_dir / "notifications.jsonl").symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="is a symlink"):
        add_feed_line(house.workspace.aipass_dir, "wake", "title", "body", "writer")
    assert not (tmp_path / "made").exists()
