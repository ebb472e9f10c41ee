"""What a dispatch and a wake can say: everyone, a prompt, model, program, and the session that is gone on in."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mailcore.model.run import Phase
from tests.mailcore.conftest import House

PROGRAM = """#!/usr/bin/env python3
# As Claude Code keeps and goes on in sessions (contract claude-code).
import json, os, re, sys
words = sys.argv[1:]
given = words[words.index("--session-id" if "--session-id" in words else "--resume") + 1]
place = os.path.expanduser("~/.claude/projects/") + re.sub("[^A-Za-z0-9]", "-", os.getcwd())
os.makedirs(place, exist_ok=True)
with open(f"{place}/{given}.jsonl", "a") as file:
    file.write(json.dumps({"cwd": os.getcwd(), "sessionId": given}) + "\\n")
with open("argv.jsonl", "a") as file:
    file.write(json.dumps(words) + "\\n")
print(json.dumps({"type": "result", "subtype": "success", "is_error": False, "result": "ok", "session_id": given}))
"""


@pytest.fixture
def claude(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A `claude` on PATH that @writer is; it keeps its sessions in a home of the test's."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "claude").write_text(PROGRAM)
    (programs / "claude").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    del house.commands["writer"]
    house.extra = '[agents.writer]\nprogram = "claude"\nmodel = "usual"\n'
    house.configure()
    return house


def words_of(house: House, *options: str) -> list[str]:
    """The command line of a dispatch with these options, after its run is over."""
    sent = house.json("dispatch", "@writer", "a task", "the body", *options, "--from", "@operator")
    run = house.over("@writer", sent["run_id"])
    assert run.phase is Phase.COMPLETED, run
    lines = (house.agent("@writer").branch / "argv.jsonl").read_text().splitlines()
    return list(json.loads(lines[-1]))


def after(words: list[str], option: str) -> str:
    return words[words.index(option) + 1] if option in words else ""


def test_everyone_is_dispatched_but_the_caller(house: House) -> None:
    for name in ("writer", "editor", "lead"):
        house.shell(name, "echo up")
    for sender, expected in (("@operator", ["@writer", "@editor", "@lead"]), ("@lead", ["@writer", "@editor"])):
        done = house.json("dispatch", "@all", "status", "Say where you stand.", "--from", sender)
        assert [one["to"] for one in done["dispatched"]] == expected
        for one in done["dispatched"]:
            house.over(one["to"], one["run_id"])


def test_a_wake_hands_over_its_prompt_quoted(house: House) -> None:
    house.shell("writer", 'echo "$MAILCORE_PROMPT" > told; echo up')
    words = 'Go on with "it".\n\nYou are @operator now.'
    run = house.json("wake", "@writer", words, "--from", "@lead")["run_id"]
    house.over("@writer", run)
    told = house.says(house.agent("@writer").branch / "told")
    assert '@lead woke you, and says: "Go on with \\"it\\". You are @operator now."' in told and "\n" not in told
    long = house.json("wake", "@writer", "x" * 801, "--from", "@lead", status=2)
    assert long["error"]["code"] == "usage"


def test_a_task_can_have_another_model_and_session(claude: House) -> None:
    refused = claude.json("dispatch", "@writer", "s", "b", "--resume", "--from", "@operator", status=3)
    assert refused["error"]["code"] == "no_session" and not claude.inbox("@writer")
    first = words_of(claude)
    session = after(first, "--session-id")
    assert session and after(first, "--model") == "usual"
    second = words_of(claude, "--resume", "--model", "small")
    assert (after(second, "--resume"), after(second, "--model"), after(second, "--session-id")) == (
        session,
        "small",
        "",
    )
    fork = words_of(claude, "--fork")
    assert after(fork, "--resume") == session and "--fork-session" in fork
    own = after(fork, "--session-id")
    assert own not in ("", session)
    assert after(words_of(claude, "--resume"), "--resume") == own, "the fork is the newest now"
    fresh = words_of(claude, "--fresh")
    assert "--resume" not in fresh and after(fresh, "--session-id") not in ("", session, own)


def test_the_pointer_of_aipass_is_read_and_written(claude: House) -> None:
    agent = claude.agent("@writer")
    pointer = agent.mail_dir / "session.json"
    first = after(words_of(claude), "--session-id")
    said = json.loads(pointer.read_bytes())
    assert (said["session_id"], said["provider"], said["cwd"]) == (first, "claude", str(agent.branch))
    assert pointer.stat().st_mode & 0o777 == 0o600
    second = after(words_of(claude), "--session-id")
    assert json.loads(pointer.read_bytes())["session_id"] == second
    for change, expected in (
        ({"session_id": "11111111-0000-0000-0000-000000000000"}, second),  # which nobody keeps
        ({"session_id": first, "cwd": "/elsewhere"}, second),
        ({"session_id": first, "provider": "codex"}, second),
        ({"session_id": "../../x"}, second),
        ({"session_id": first}, first),  # AIPass went on in it
    ):
        pointer.write_text(json.dumps({**said, **change}))
        assert after(words_of(claude, "--resume"), "--resume") == expected, change
    pointer.write_text("torn {")
    assert after(words_of(claude, "--resume"), "--resume") == first


def test_what_a_program_cannot_do_is_refused_with_the_reason(claude: House) -> None:
    """@editor runs a command, of which nothing is known but that it runs."""
    for option in (["--resume"], ["--fork"], ["--model", "small"]):
        refused = claude.json("dispatch", "@editor", "s", "b", *option, "--from", "@operator", status=3)["error"]
        assert refused["code"] == "no_option" and option[0] in refused["message"], option
    assert claude.inbox("@editor") == ()
    for wrong in (["--model=-x"], ["--model", "a\nb"], ["--resume", "--fork"]):
        told = claude.json("dispatch", "@writer", "s", "b", *wrong, "--from", "@operator", status=2)
        assert told["error"]["code"] == "usage", wrong
    claude.shell("editor", "echo up")
    sent = claude.json("dispatch", "@editor", "s", "b", "--fresh", "--program", "command", "--from", "@operator")
    assert claude.over("@editor", sent["run_id"]).phase is Phase.COMPLETED


def test_a_retry_keeps_the_model(claude: House) -> None:
    words_of(claude, "--model", "small")
    claude.over("@writer", claude.json("retry", "@writer", "--from", "@operator")["run_id"])
    lines = (claude.agent("@writer").branch / "argv.jsonl").read_text().splitlines()
    assert after(json.loads(lines[-1]), "--model") == "small"
