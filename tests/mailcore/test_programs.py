"""What each program is told, and how its outcome is read: from status fields of this attempt, never from words."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from mailcore.config import AgentConfig, Config
from mailcore.errors import Refused
from mailcore.model.agent import Agent
from mailcore.programs.base import Launch, Output, exit_words, tail
from mailcore.programs.claude import Claude, session_file
from mailcore.programs.codex import Codex
from mailcore.programs.command import Command
from mailcore.programs.select import program, select

FIXTURES = Path(__file__).parents[1] / "fixtures"
AGENT = Agent("@writer", "WRITER", Path("/p/agents/my_writer.v1"), root=Path("/p"))


def launch(**changes: Any) -> Launch:
    config = AgentConfig(**changes.pop("config", {}))
    return Launch(AGENT, config, "do it", changes.pop("mode", "start"), changes.pop("session_id", "5e55"))


def output(tmp_path: Path, stdout: str | bytes = b"", stderr: bytes = b"") -> Output:
    found = Output(tmp_path / "out", tmp_path / "err")
    found.stdout.write_bytes(stdout if isinstance(stdout, bytes) else stdout.encode())
    found.stderr.write_bytes(stderr)
    return found


def test_claude_is_called_headless_with_a_named_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path))
    words = Claude().argv(launch(config={"model": "opus"}))
    assert words[:3] == ["claude", "-p", "do it"]
    assert words[words.index("--session-id") + 1] == "5e55" and words[words.index("--model") + 1] == "opus"
    assert words[words.index("--permission-mode") + 1] == "acceptEdits" and "--resume" not in words
    resumed = launch(mode="resume")
    assert "--resume" not in Claude().argv(resumed)  # nothing there to resume
    transcript = session_file(AGENT, "5e55")
    transcript.parent.mkdir(parents=True)
    transcript.write_text("{}\n")
    assert transcript == tmp_path / "projects" / "-p-agents-my-writer-v1" / "5e55.jsonl"
    words = Claude().argv(resumed)
    assert words[words.index("--resume") + 1] == "5e55" and "--session-id" not in words
    assert Claude().session("5e55", output(tmp_path)) == "5e55"
    assert Claude().attach(AGENT, AgentConfig(model="opus"), "5e55") == [
        "claude",
        "--resume",
        "5e55",
        "--model",
        "opus",
    ]
    assert Claude().attach(AGENT, AgentConfig(), "0the") is None and Claude().attach(AGENT, AgentConfig(), "") is None


@pytest.mark.parametrize(
    ("mode", "said"), [("", "acceptEdits"), ("bypass", "bypassPermissions"), ("plan", "plan"), ("dontAsk", "dontAsk")]
)
def test_claude_may_run_mailcore_in_every_mode(mode: str, said: str) -> None:
    words = Claude().argv(launch(config={"permission_mode": mode}))
    assert words[words.index("--permission-mode") + 1] == said
    assert words[words.index("--allowedTools") + 1] == "Bash(mailcore:*)"
    assert words[words.index("--allowedTools") + 2].startswith("--")  # the option takes all words up to the next


def test_what_claude_was_not_permitted_is_told(tmp_path: Path) -> None:
    denials = [{"tool_name": "Bash"}, {"tool_name": "Write"}, {"tool_name": "Bash"}, "odd"]
    found = Claude().ending(0, output(tmp_path, result(permission_denials=denials)))
    assert (found.success, found.cause) == (True, "exit 0, not permitted: Bash, Write")


@pytest.mark.parametrize(
    ("file", "code", "success", "limited"),
    [("result-success.json", 0, True, False), ("result-overloaded.json", 1, False, True)],
)
def test_claudes_results_as_captured(tmp_path: Path, file: str, code: int, success: bool, limited: bool) -> None:
    found = Claude().ending(code, output(tmp_path, (FIXTURES / "claude-code" / file).read_bytes()))
    assert (found.success, found.limited) == (success, limited)
    assert found.cause


def result(**changes: Any) -> str:
    return json.dumps({"type": "result", "subtype": "success", "is_error": False, "result": "ok"} | changes) + "\n"


@pytest.mark.parametrize(
    ("stdout", "code", "success", "limited"),
    [
        (result(), 0, True, False),
        (result(), 1, False, False),
        (result(is_error=True), 0, False, False),
        (result(subtype="error_max_turns"), 0, False, False),
        (result(is_error=True, api_error_status=429), 1, False, True),
        (result(is_error=True, api_error_status=529), 1, False, True),
        (result(is_error=True, api_error_status=400), 1, False, False),
        (result(result="HTTP 429 rate limit, overloaded"), 0, True, False),
        ("429 Too Many Requests\n", 1, False, False),
        ("", 0, True, False),
        ("", 1, False, False),
        ("x" * 70000 + "\n" + result(), 0, True, False),
        (result() + "bye\n[1, 2]\n{torn", 0, True, False),
    ],
)
def test_what_claudes_result_object_says_decides(
    tmp_path: Path, stdout: str, code: int, success: bool, limited: bool
) -> None:
    found = Claude().ending(code, output(tmp_path, stdout, b"earlier 429"))
    assert (found.success, found.limited) == (success, limited)


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


def test_a_command_gets_the_prompt_as_one_word(tmp_path: Path) -> None:
    words = Command().argv(launch(config={"command": ("sh", "-c", "x {prompt} y", "{prompt}")}))
    assert words == ["sh", "-c", "x do it y", "do it"]
    found = Command().ending(0, output(tmp_path, "one\ntwo\n\n"))
    assert (found.success, found.result) == (True, "two")
    assert Command().ending(-9, output(tmp_path, b"")).cause == "ended by SIGKILL"
    assert Command().ending(0, output(tmp_path, b"\xff\xfe\n")).success
    assert Command().session("5e55", output(tmp_path)) == "" and Command().attach(AGENT, AgentConfig(), "5e55") is None


def test_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    silent = output(tmp_path)
    for one in (Claude(), Codex(), Command()):
        assert not one.shows_life(launch(), silent)
        assert one.shows_life(launch(), Output(silent.stdout, silent.stderr, acted=True))
    (trace,) = Claude().traces(launch())
    trace.parent.mkdir(parents=True)
    trace.write_text("{}\n")
    assert Claude().shows_life(launch(), silent)
    before = silent.stdout.stat().st_mtime - 100
    os.utime(trace, (before, before))  # a resumed session that has not grown yet
    assert not Claude().shows_life(launch(), silent)
    silent.stderr.write_text("x")
    assert Command().shows_life(launch(), silent)


def test_which_program(tmp_path: Path) -> None:
    for name in ("claude", "codex"):
        (tmp_path / name).symlink_to(shutil.which("true") or "/bin/true")
    assert select(AGENT, Config(), str(tmp_path)).name == "claude"
    (tmp_path / "claude").unlink()
    assert select(AGENT, Config(), str(tmp_path)).name == "codex"
    with pytest.raises(Refused, match="not on PATH"):
        select(AGENT, Config(agents={"writer": AgentConfig(program="claude")}), str(tmp_path))
    with pytest.raises(Refused, match=r"is a codx agent, and mailcore knows no such .*; did you mean codex\?"):
        select(AGENT, Config(agents={"writer": AgentConfig(program="codx")}), str(tmp_path))
    (tmp_path / "codex").unlink()
    with pytest.raises(Refused, match=r"for every agent under \[agents\], .*\n\[agents\.writer\]"):
        select(AGENT, Config(), str(tmp_path))
    every = Config(default_agent=AgentConfig("command", ("./agent",)))
    assert select(AGENT, every, str(tmp_path)).name == "command"
    with pytest.raises(Refused, match=r"\[agents\.writer\] has no command, nor has \[agents\]"):
        select(AGENT, Config(), str(tmp_path), wanted="command")
    assert [program(name).name for name in ("claude", "codex", "command")] == ["claude", "codex", "command"]


def test_words_and_tails(tmp_path: Path) -> None:
    assert [exit_words(code) for code in (0, 3, -15, -200)] == [
        "exit 0",
        "exit 3",
        "ended by SIGTERM",
        "ended by signal 200",
    ]
    assert tail(tmp_path / "none") == []
    (tmp_path / "big").write_text("x" * 100_000 + "\nlast")
    assert tail(tmp_path / "big", 10) == ["xxxxx", "last"]
