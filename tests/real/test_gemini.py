"""The real Gemini CLI as an agent: done, limited, stopped, killed, resumed, and seen in the fleet."""

from __future__ import annotations

import json
import os
import shlex
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest

from mailcore.model.activity import Kind
from mailcore.model.fleet import Fleet
from mailcore.model.limit import SERVICE, Certainty
from mailcore.model.message import parse_time
from mailcore.model.run import Phase
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.programs.gemini.sessions import GeminiSessions
from mailcore.programs.registry import program
from mailcore.workspace.find import find_workspace
from tests.mailcore.conftest import wait_until
from tests.real.conftest import BYE, CONFIG, Lab
from tests.real.recorder import end, recording, running
from tests.real.stub import Failure, Request, Text, Tool
from tests.real.stub_gemini import GeminiStub, Quota, said, shell

DISPATCH = 'dispatch @writer "Release notes" "Write them from the changes."'
READ, DONE = shell("mailcore read {id}"), shell("mailcore done {id} 'It is in NOTES.md'")
MODEL = "gemini-2.5-flash"
QUOTA = Quota(429, "You exceeded your quota.")
MODEL_LINE, BYPASS = f'model = "{MODEL}"', 'permission_mode = "bypass"'
SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "general": {"enableAutoUpdate": False, "maxAttempts": 1},
}
"""What a person has there who has logged in with a key, and is as quiet and as impatient as a test must be."""


@dataclass
class Google(Lab):
    """A workspace whose agent is Gemini CLI."""

    @property
    def chats(self) -> Path:
        """Where the sessions lie."""
        return self.home / ".gemini/tmp/writer/chats"

    def agent(self, *lines: str) -> None:
        """Write the workspace's config: what its agent is."""
        table = "\n".join(('program = "gemini"', *lines))
        (self.root / ".praxmonitor/config.toml").write_text(f"{CONFIG}[agents.writer]\n{table}\n")

    def settings(self, **more: object) -> None:
        """Write the person's settings."""
        (self.home / ".gemini").mkdir(exist_ok=True)
        (self.home / ".gemini/settings.json").write_text(json.dumps({**SETTINGS, **more}))


@pytest.fixture
def gemini(lab: Lab) -> Iterator[Google]:
    with GeminiStub() as stub:
        temporary = lab.root.parent / "tmp"
        temporary.mkdir()
        environment = lab.environment | {
            "GEMINI_API_KEY": "dummy-key-of-a-test",
            "GOOGLE_GEMINI_BASE_URL": stub.url,
            "TMPDIR": str(temporary),
        }
        one = Google(lab.root, lab.home, stub, environment)
        one.settings()
        one.init()
        one.agent(MODEL_LINE)
        yield one


def napping(lab: Lab) -> bool:
    return any(command.startswith("python3 nap.py") for command in lab.marked().values())


def nap(lab: Lab) -> Tool:
    """A tool that takes long; it needs an agent that may run anything."""
    (lab.branch / "nap.py").write_text("import time\ntime.sleep(600)\n")
    return Tool("run_shell_command", {"command": "python3 nap.py"})


def test_done(gemini: Google) -> None:
    notes = Tool("write_file", {"file_path": "NOTES.md", "content": "all new\n"})
    (gemini.branch / "operator.md").write_text("Of a name that the prompt has.")
    gemini.stub.plays(READ, notes, DONE, BYE)
    gemini.mailcore(DISPATCH)
    run = gemini.over()
    assert (run.phase, len(run.attempts), run.replied) == (Phase.COMPLETED, 1, True), run
    assert run.result == "It is in NOTES.md" and run.attempts[0].cause == "exit 0"
    prompt, read, *_ = map(said, gemini.stub.requests)
    assert r"You are \@writer" in prompt and "Write them from the changes." not in prompt
    assert "Of a name that the prompt has." not in prompt
    assert "Write them from the changes." in read  # what `mailcore read` showed
    assert (gemini.branch / "NOTES.md").read_text() == "all new\n"
    assert len(gemini.stub.requests) == 4 and gemini.stub.others == []
    (session,) = gemini.chats.glob("session-*.jsonl")
    assert session.stem.endswith(run.attempts[0].session_id[:8])
    inbox = gemini.mailcore("inbox @operator")
    assert "It is in NOTES.md" in json.dumps(inbox)


def test_without_a_model_its_router_chooses_one(gemini: Google) -> None:
    gemini.agent()
    gemini.stub.plays(DONE, BYE)
    gemini.mailcore(DISPATCH)
    assert gemini.over().phase is Phase.COMPLETED
    assert set(gemini.stub.others) == {"a message without tools"}


def test_its_sessions_lie_where_we_look_for_them(gemini: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(gemini.home))
    gemini.stub.plays(Text("done"))
    branches = [
        gemini.root / name for name in ("a/writer", "b/Writer", "a b+c@d~é(x),=%", "My_Own.v1", "日本.😀", "日本")
    ]
    looked = []
    for branch in branches:
        branch.mkdir(parents=True)
        looked += GeminiSessions(gemini.home).places([branch])
        gemini.shell(f"gemini --prompt=hello --skip-trust -m {MODEL}", branch)
    assert GeminiSessions(gemini.home).places(branches) == looked
    for branch, place in zip(branches, looked, strict=True):
        (session,) = place.glob("session-*.jsonl")
        assert GeminiSessions(gemini.home).cwd_of(session) == str(branch)


@pytest.mark.parametrize(
    ("refusal", "scope", "cause"),
    [
        (QUOTA, MODEL, "API 429, to be tried again after 3600s: You exceeded your quota."),
        (
            Quota(429, "No.", delay="50000s", per="Day"),
            f"day of {MODEL}",
            "API 429: You have exhausted your daily quota on this model.",
        ),
        (Failure(503, "The model is overloaded."), SERVICE, "API 503: The model is overloaded."),
    ],
)
def test_a_quota_is_waited_for(gemini: Google, refusal: Failure, scope: str, cause: str) -> None:
    gemini.stub.plays(READ, refusal, DONE, BYE)
    gemini.mailcore(DISPATCH)
    run = gemini.asked_to_go_on()
    assert (run.phase, run.replied) == (Phase.COMPLETED, True), run
    assert [attempt.mode for attempt in run.attempts] == ["start", "resume"]
    assert run.attempts[0].cause == cause and run.attempts[0].session_id == run.attempts[1].session_id
    waited = gemini.told("waiting")[0]
    assert waited["limited"] is True and waited["scope"] == scope
    if refusal == QUOTA:
        assert parse_time(waited["resets"]) == pytest.approx(run.attempts[0].ended_at + 3600, abs=5)
    assert "Write them from the changes." in said(gemini.stub.requests[2])  # the former turns


@pytest.mark.parametrize(
    ("refusal", "scope", "seconds"),
    [
        (Quota(429, "You exceeded your quota.", delay="5400s"), MODEL, 5400.0),
        (Quota(429, "No.", delay="50000s", per="Day"), f"day of {MODEL}", 0.0),
        (Failure(429, "You exceeded your quota. Please retry in 4000.5s."), MODEL, 4000.5),
        (Failure(503, "The model is overloaded."), SERVICE, 0.0),
    ],
)
def test_its_quota_is_known_by_model_and_reset(gemini: Google, refusal: Failure, scope: str, seconds: float) -> None:
    gemini.stub.plays(refusal)
    began = time.time()
    code, files = gemini.printed(f"gemini --prompt=hello --output-format stream-json --skip-trust -m {MODEL}")
    for name in ("gemini", "command"):
        limit = program(name).ending(code, files).limit
        assert limit is not None and (limit.program, limit.scope) == ("gemini", scope)
        assert limit.certainty is (Certainty.READ if seconds else Certainty.UNKNOWN)
        assert began < limit.seen_at <= time.time()
        assert limit.resets_at == (pytest.approx(limit.seen_at + seconds) if seconds else 0.0)


def test_a_key_that_is_refused_is_no_limit(gemini: Google) -> None:
    gemini.stub.plays(Failure(400, "API key not valid."))
    gemini.mailcore(DISPATCH)
    run = gemini.over()
    assert run.phase is Phase.BOUNCED and run.attempts[0].cause.startswith("exit 144: ")
    assert all(waited["limited"] is False for waited in gemini.told("waiting"))


def test_too_many_turns_are_no_success(gemini: Google) -> None:
    gemini.settings(model={"maxSessionTurns": 2})
    gemini.stub.plays(READ)
    gemini.mailcore(DISPATCH)
    run = gemini.over()
    assert run.phase is Phase.BOUNCED and run.attempts[0].cause.startswith("exit 53: Reached max session turns")


def test_what_was_not_permitted_is_told(gemini: Google) -> None:
    """In the default mode an agent may use mailcore and edit its own branch, and no more."""
    outside = str(gemini.root / "outside.md")
    gemini.stub.plays(
        shell(f"mailcore --version && touch {outside}"),
        shell(f"mailcore --version > {outside}"),
        Tool("write_file", {"file_path": outside, "content": "x"}),
        Tool("write_file", {"file_path": "./.gemini/settings.json", "content": "{}"}),
        DONE,
        BYE,
    )
    gemini.mailcore(DISPATCH)
    run = gemini.over()
    assert (run.phase, run.replied) == (Phase.COMPLETED, True), run
    assert not Path(outside).exists() and not (gemini.branch / ".gemini").exists()
    assert run.attempts[0].cause == "exit 0, not permitted: run_shell_command, write_file"


def test_killed_in_the_midst_of_a_tool(gemini: Google) -> None:
    gemini.agent(MODEL_LINE, BYPASS)
    gemini.stub.plays(nap(gemini))
    gemini.mailcore(DISPATCH)
    wait_until(lambda: napping(gemini), 60, "the tool is at work")
    assert len(gemini.marked()) >= 5  # supervisor, gemini, its child, its shell, the tool
    killed = gemini.mailcore("kill @writer")
    assert killed["survivors"] == [] and gemini.marked() == {}
    run = gemini.over()
    assert (run.phase, run.by) == (Phase.KILLED, "@operator")


def test_an_attempt_that_dies_is_resumed_in_its_session(gemini: Google) -> None:
    gemini.agent(MODEL_LINE, BYPASS)
    gemini.stub.plays(READ, nap(gemini), DONE, BYE)
    gemini.mailcore(DISPATCH)
    wait_until(lambda: napping(gemini), 60, "the tool is at work")
    first = gemini.run().attempt
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    run = gemini.over()
    assert (run.phase, run.replied) == (Phase.COMPLETED, True), run
    assert [attempt.mode for attempt in run.attempts] == ["start", "resume"]
    assert "SIGKILL" in run.attempts[0].cause and run.attempts[0].session_id == run.attempts[1].session_id
    resumed = said(gemini.stub.requests[2])
    assert "Write them from the changes." in resumed  # the former turns
    assert resumed.count(r"You are \@writer") == 2


def test_a_session_that_kept_no_prompt_is_begun_anew(gemini: Google) -> None:
    """Gemini CLI finds no such session to resume, and refuses its id for a new one."""

    def forgotten(request: Request) -> Failure:
        (session,) = gemini.chats.glob("session-*.jsonl")
        session.write_bytes(b"".join(session.read_bytes().splitlines(keepends=True)[:2]))
        return Failure(400, "No.")

    gemini.stub.plays(forgotten, READ, DONE, BYE)
    gemini.mailcore(DISPATCH)
    run = gemini.over()
    assert (run.phase, run.replied, len(run.attempts)) == (Phase.COMPLETED, True, 2), run
    assert run.attempts[0].session_id != run.attempts[1].session_id
    assert list(gemini.chats.glob(f"session-*-{run.attempts[1].session_id[:8]}.jsonl"))


def test_its_work_is_seen_in_the_fleet(gemini: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(gemini.home))  # where its session files lie
    gemini.agent(MODEL_LINE, BYPASS)
    loader = WorkspaceReader(find_workspace(gemini.root))
    fleet = apply(Fleet(gemini.root), loader.initial(), time.time())
    gemini.stub.plays(READ, nap(gemini), DONE, BYE)
    gemini.mailcore(DISPATCH)
    wait_until(lambda: napping(gemini), 60, "the tool is at work")

    def open_calls() -> list[str]:
        nonlocal fleet
        fleet = apply(fleet, loader.sweep(), time.time())
        facts = fleet.find("@writer")
        return [one.text for one in facts.open] if facts is not None else []

    assert wait_until(open_calls, 30, "the call is told while it goes on") == ["run_shell_command: python3 nap.py"]
    for pid, command in gemini.marked().items():
        if command.startswith("python3 nap.py"):
            os.kill(pid, signal.SIGTERM)
    assert gemini.over().replied
    wait_until(lambda: not open_calls(), 30, "no call is open")
    facts = fleet.find("@writer")
    assert facts is not None
    calls = [(one.kind, one.tool_id) for one in fleet.stream if one.tool_id]
    assert len(calls) == len(set(calls)) == 6, "told live and in the session file: each call stands once"
    kinds = {one.kind for one in fleet.stream if one.agent == "@writer"}
    assert kinds >= {Kind.SESSION, Kind.PROMPT, Kind.THINKING, Kind.TOOL, Kind.TOOL_DONE, Kind.MESSAGE}
    used = facts.spending
    assert (used.task.input, used.task.output, used.task.cache_read) == (4 * 800, 4 * 70, 4 * 200)
    assert (used.model, used.context) == (MODEL, 1000)


def test_attach_is_the_agents_own_session(gemini: Google) -> None:
    gemini.stub.plays(READ, DONE, BYE)
    gemini.mailcore(DISPATCH)
    former = gemini.over()
    gemini.settings(security={"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}})
    words = shlex.split("mailcore attach @writer")
    screen = pexpect.spawn(
        words[0], words[1:], cwd=str(gemini.root), env=gemini.environment | {"TERM": "xterm-256color"},
        dimensions=(50, 120), encoding="utf-8", timeout=60,
    )  # fmt: skip
    try:
        screen.expect("Notes are written")  # the former turns are shown again
        wait_until(lambda: [pid for pid, command in gemini.marked().items() if "--resume" in command], 30, "it runs")
        gemini.shell('mailcore dispatch @writer Later "In a while." --from @operator || [ $? = 3 ]')
        (later,) = gemini.mailcore("queue")
        assert "a person's own session works in" in later["reason"]
        gemini.stub.plays(DONE, BYE)
        screen.send("/quit")
        screen.expect("quit")
        screen.send("\r")
        screen.expect(pexpect.EOF)
    finally:
        screen.close(force=True)
    wait_until(lambda: gemini.run().run_id != former.run_id, 30, "what waited is started")
    assert gemini.over().replied


def test_a_command_that_hangs_is_waited_for(gemini: Google) -> None:
    gemini.agent(MODEL_LINE, BYPASS)
    gemini.stub.plays(READ, nap(gemini), DONE, BYE)
    with recording(gemini, "gemini-hangs") as seen:
        gemini.mailcore(DISPATCH)
        wait_until(lambda: running(gemini, "nap.py"), 90, "the tool is at work")
        seen.goes_on(20)
        end(running(gemini, "nap.py"))
        gemini.over()
        seen.goes_on(3)
    facts = seen.facts()
    assert facts.run is not None and facts.run.phase.ended
