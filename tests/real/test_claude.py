"""The real Claude Code as an agent: done, overloaded, cut off, killed, resumed, attached, from nothing to a reply."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import time
from pathlib import Path

import pexpect
import pytest

from mailcore.model.limit import SERVICE, Certainty, Limit
from mailcore.model.message import parse_time
from mailcore.model.run import Phase
from mailcore.programs.claude.places import ACCOUNT_HOME, directory
from mailcore.programs.claude.transcript import ClaudeTranscript
from mailcore.programs.registry import program
from mailcore.text.money import money
from tests.mailcore.conftest import wait_until
from tests.real.conftest import BYE, DONE, READ, Lab, bash
from tests.real.stub import OVERLOADED, Failure, Text, Tool, claude_limit, texts

README = Path(__file__).parents[2] / "README.md"
DISPATCH = 'dispatch @writer "Release notes" "Write them from the changes."'


def napping(lab: Lab) -> bool:
    """The tool is at work: the shell that Claude Code started, in a session of its own, and what that started."""
    return any("nap.py" in command and "python3" in command for command in lab.marked().values())


def nap(lab: Lab) -> Tool:
    """A tool that takes long."""
    (lab.branch / "nap.py").write_text("import time\ntime.sleep(600)\n")
    return Tool("Bash", {"command": "python3 nap.py"})


def test_from_an_empty_directory_to_the_first_reply_as_the_readme_tells(lab: Lab) -> None:
    """The README's own lines, as they stand, typed at a person's terminal: init, dispatch."""
    block = README.read_text().partition("## Your own agents")[2].partition("```sh\n")[2].partition("```")[0]
    lines = [line.partition(" #")[0].strip() for line in block.splitlines()]
    ours = [line for line in lines if line.startswith("mailcore ")]
    assert 2 + len(ours) <= 4, ours
    assert list(lab.root.iterdir()) == []
    lab.stub.plays(READ, DONE, BYE)
    begun = time.monotonic()
    for line in ours:
        lab.typed(line)
    inbox = wait_until(lambda: lab.mailcore("inbox @operator"), 60, "a reply")
    print(f"{time.monotonic() - begun:.1f} s from the first of {ours} to the reply")
    assert "It is in NOTES.md" in json.dumps(inbox)
    assert lab.over().phase is Phase.COMPLETED


def test_done(lab: Lab) -> None:
    lab.init()
    notes = Tool("Write", {"file_path": str(lab.branch / "NOTES.md"), "content": "all new\n"})
    lab.stub.plays(READ, notes, DONE, BYE)
    lab.mailcore(DISPATCH)
    run = lab.over()
    assert (run.phase, len(run.attempts), run.replied) == (Phase.COMPLETED, 1, True), run
    assert run.result == "It is in NOTES.md" and run.cost > 0 and run.duration > 0
    prompt, read, *_ = map(texts, lab.stub.requests)
    assert "You are @writer" in prompt and "Write them from the changes." not in prompt
    assert "Write them from the changes." in read  # what `mailcore read` showed
    assert (lab.branch / "NOTES.md").read_text() == "all new\n"
    assert len(lab.stub.requests) == 4 and lab.stub.others == []
    story = lab.shell("mailcore run @writer")
    assert "NOTES.md" in story and "completed" in story
    assert re.search(rf"It took [0-9.]+ s, cost {re.escape(money(run.cost))}; replied", story), story


def test_overloaded_then_done(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(OVERLOADED, READ, DONE, BYE)
    lab.mailcore(DISPATCH)
    run = lab.over()
    assert (run.phase, run.replied) == (Phase.COMPLETED, True)
    assert [attempt.mode for attempt in run.attempts] == ["start", "resume"]
    assert "API 529 (overloaded_error)" in run.attempts[0].cause
    (waited,) = lab.told("waiting")
    assert waited["limited"] is True and run.attempts[1].started_at - run.attempts[0].ended_at >= 0.5


@pytest.mark.parametrize("form", ["json", "stream-json --verbose"])
@pytest.mark.parametrize(
    ("kind", "scope", "hours"),
    [("five_hour", "5 h", 3), ("seven_day", "week", 70), ("seven_day_opus", "week of opus", 5)],
)
def test_a_limit_of_its_plan_is_known_with_its_reset(
    plan: Lab, monkeypatch: pytest.MonkeyPatch, kind: str, scope: str, hours: int, form: str
) -> None:
    plan.init()
    resets_at = int(time.time()) + hours * 3600
    plan.stub.plays(claude_limit(kind, resets_at))
    code, files = plan.printed(f"claude -p hello --output-format {form}", ".claude")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(plan.home / ".claude"))
    for name in ("claude", "command"):
        ended = program(name).ending(code, files)
        assert ended.limited and ended.limit is not None
        assert (ended.limit.program, ended.limit.scope, ended.limit.certainty) == ("claude", scope, Certainty.REPORTED)
        assert ended.limit.resets_at == resets_at
    (session,) = plan.home.glob(".claude/projects/*/*.jsonl")
    lines = session.read_bytes().splitlines()
    reader = ClaudeTranscript("@writer", session)
    (told,) = (one for line in lines for one in reader.read(line, time.time()) if isinstance(one, Limit))
    assert (told.scope, told.reached, told.resets_at) == (scope, True, resets_at)
    if form == "json":  # alone its result has no more than words, as exact as the minute
        session.unlink()
        alone = program("claude").ending(code, files).limit
        assert alone is not None and (alone.scope, alone.certainty) == (scope, Certainty.READ)
        assert 0 <= resets_at - alone.resets_at < 60


def test_a_limit_of_its_plan_is_waited_for_until_its_reset(plan: Lab) -> None:
    plan.init()
    resets_at = int(time.time()) + 15
    plan.stub.plays(claude_limit("five_hour", resets_at), READ, DONE, BYE)
    plan.mailcore(DISPATCH)
    run = plan.over()
    assert (run.phase, run.replied, len(run.attempts)) == (Phase.COMPLETED, True, 2), run
    assert run.attempts[0].ended_at < resets_at <= run.attempts[1].started_at
    waited = plan.told("waiting")[0]
    assert (parse_time(waited["resets"]), waited["certainty"], waited["scope"]) == (resets_at, "reported", "5 h")
    (session,) = plan.home.glob(".claude/projects/*/*.jsonl")
    reader = ClaudeTranscript("@writer", session)
    for line in session.read_bytes().splitlines():
        reader.read(line, time.time())
        assert (reader.unread, reader.drift) == (0, ""), line


def test_a_busy_service_is_no_limit_of_the_account(plan: Lab) -> None:
    plan.init()
    for refusal in (Failure(429, "rate_limit_error"), Failure(503, "api_error"), OVERLOADED):
        plan.stub.plays(refusal)
        limit = program("claude").ending(*plan.printed("claude -p hello --output-format json")).limit
        assert limit is not None and (limit.scope, limit.resets_at) == (SERVICE, 0.0)


def test_killed_in_the_midst_of_a_tool(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(nap(lab))
    lab.mailcore(DISPATCH)
    wait_until(lambda: napping(lab), 60, "the tool is at work")
    assert len(lab.marked()) >= 4  # supervisor, claude, its shell, the tool
    killed = lab.mailcore("kill @writer")
    assert killed["survivors"] == [] and lab.marked() == {}
    run = lab.over()
    assert (run.phase, run.by) == (Phase.KILLED, "@operator")


def test_an_attempt_that_dies_is_resumed_in_its_session(lab: Lab) -> None:
    lab.init()
    lab.stub.plays(READ, nap(lab), DONE, BYE)
    lab.mailcore(DISPATCH)
    wait_until(lambda: napping(lab), 60, "the tool is at work")
    first = lab.run().attempt
    assert first is not None
    # Claude Code writes its transcript a moment behind: what it has not written, no session remembers.
    (transcript,) = lab.home.glob(f".claude/projects/*/{first.session_id}.jsonl")
    wait_until(lambda: "nap.py" in transcript.read_text(), 30, "the tool's call is in the transcript")
    os.kill(first.pid, signal.SIGKILL)
    run = lab.over()
    assert (run.phase, run.replied) == (Phase.COMPLETED, True)
    assert [attempt.mode for attempt in run.attempts] == ["start", "resume"]
    assert "SIGKILL" in run.attempts[0].cause and run.attempts[0].session_id == run.attempts[1].session_id
    resumed = texts(lab.stub.requests[2])
    assert "Write them from the changes." in resumed and "nap.py" in resumed  # the former turns
    assert resumed.count("You are @writer") == 2


def test_too_many_turns_are_no_success(lab: Lab) -> None:
    lab.init("max_turns = 2")
    lab.stub.plays(READ)
    lab.mailcore(DISPATCH)
    run = lab.over()
    assert (run.phase, [attempt.cause for attempt in run.attempts]) == (Phase.BOUNCED, ["exit 1, error_max_turns"])
    (bounce,) = lab.mailcore("inbox @operator")
    assert "error_max_turns" in lab.shell(f"mailcore read {bounce['id']} --from @operator")


def test_what_was_not_permitted_is_told(lab: Lab) -> None:
    """In the default mode an agent may use mailcore and edit its own branch, and no more."""
    lab.init()
    outside = Tool("Write", {"file_path": str(lab.root / "outside.md"), "content": "x"})
    lab.stub.plays(bash("touch ../../outside.md"), outside, DONE, BYE)
    lab.mailcore(DISPATCH)
    run = lab.over()
    assert (run.phase, run.replied) == (Phase.COMPLETED, True)
    assert not (lab.root / "outside.md").exists()
    assert run.attempts[0].cause == "exit 0, not permitted: Bash, Write"


def said(lab: Lab) -> str:
    """What `mailcore attach` says at a terminal when it refuses."""
    child = pexpect.spawn("mailcore attach @writer", cwd=str(lab.root), env=lab.environment, encoding="utf-8")
    child.expect(pexpect.EOF)
    return " ".join(str(child.before).split())


@pytest.mark.parametrize("name", ["a b+c@d~é(x),=%", "日本.😀_v1", "x" * 120 + "/" + "y" * 120])
def test_the_transcript_lies_where_we_look_for_it(lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    branch = lab.root / name
    branch.mkdir(parents=True)
    lab.shell("claude -p hello", branch)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(lab.home / ".claude"))
    (transcript,) = lab.home.glob(".claude/projects/*/*.jsonl")
    assert transcript.parent == directory(branch, ACCOUNT_HOME.usual())


def test_attach_is_the_agents_own_session(lab: Lab) -> None:
    lab.init()
    assert "no session of @writer is known" in said(lab)
    lab.stub.plays(READ, DONE, nap(lab))
    lab.mailcore(DISPATCH)
    wait_until(lambda: napping(lab), 60, "the tool is at work")
    assert "@writer works on 'Release notes'" in said(lab)
    lab.mailcore("kill @writer")
    first = lab.over()

    key = lab.environment["ANTHROPIC_API_KEY"][-20:]
    state = lab.home / ".claude.json"
    known = json.loads(state.read_text()) | {
        "hasCompletedOnboarding": True,
        "customApiKeyResponses": {"approved": [key], "rejected": []},
        "projects": {str(place): {"hasTrustDialogAccepted": True} for place in (lab.root, lab.branch)},
    }
    state.write_text(json.dumps(known))
    lab.stub.plays(Text("Seventy-seven."))
    words = shlex.split("mailcore attach @writer")
    screen = pexpect.spawn(
        words[0], words[1:], cwd=str(lab.root), env=lab.environment | {"TERM": "xterm-256color"},
        dimensions=(50, 120), encoding="utf-8", timeout=60,
    )  # fmt: skip
    try:
        screen.expect("nap.py")  # the former turns are shown again
        wait_until(lambda: [pid for pid, command in lab.marked().items() if "--resume" in command], 30, "claude runs")
        lab.shell('mailcore dispatch @writer Later "In a while." --from @operator || [ $? = 3 ]')
        (later,) = lab.mailcore("queue")
        assert "a person's own session works in" in later["reason"]
        screen.send("How many notes?")
        screen.expect(re.compile("How.*many.*notes", re.DOTALL))
        screen.send("\r")
        screen.expect("Seventy-seven")
        assert "How many notes?" in texts(lab.stub.requests[-1]) and "You are @writer" in texts(lab.stub.requests[-1])
        assert first.attempt is not None and first.attempt.session_id
    finally:
        screen.close(force=True)
