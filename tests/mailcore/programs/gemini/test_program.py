"""What Gemini CLI is told, and where it is known from."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from mailcore.config import AgentConfig
from mailcore.programs.gemini.places import ACCOUNT_HOME
from mailcore.programs.gemini.program import POLICY, Gemini
from mailcore.programs.registry import program
from tests.mailcore.programs.made import AGENT, FIXTURES, launch, output

SESSION = "6f1c2a34-5b67-4c89-8d01-23456789abcd"
ALLOWED = "--allowed-tools=run_shell_command(mailcore)"


@pytest.fixture
def chats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the sessions of the agent's branch lie."""
    monkeypatch.setenv("GEMINI_CLI_HOME", str(tmp_path))
    place = tmp_path / ".gemini/tmp/my-writer-v1/chats"
    place.mkdir(parents=True)
    (tmp_path / ".gemini/projects.json").write_text(json.dumps({"projects": {str(AGENT.branch): "my-writer-v1"}}))
    return place


def test_it_is_called_headless_with_a_named_session(chats: Path) -> None:
    assert Gemini().argv(launch(config={"model": "gemini-2.5-pro"})) == [
        "gemini", "--prompt=do it", "--output-format", "stream-json", "--skip-trust", "--approval-mode", "default",
        f"{ALLOWED},write_file,replace", f"--admin-policy={POLICY}", "--model", "gemini-2.5-pro",
        "--session-id", "5e55",
    ]  # fmt: skip
    assert program("gemini").executables == ("gemini",)


@pytest.mark.parametrize(
    ("mode", "said", "allowed", "bypasses"),
    [
        ("bypass", "yolo", [], True),
        ("yolo", "yolo", [], True),
        ("auto_edit", "auto_edit", [ALLOWED], False),
        ("plan", "plan", [ALLOWED], False),
    ],
)
def test_its_own_modes_go_through(chats: Path, mode: str, said: str, allowed: list[str], bypasses: bool) -> None:
    words = Gemini().argv(launch(config={"permission_mode": mode}))
    assert words[words.index("--approval-mode") + 1] == said
    assert [word for word in words if word.startswith("--allowed-tools")] == allowed
    assert not any(word.startswith("--admin-policy") for word in words)
    assert Gemini().bypasses(AgentConfig(permission_mode=mode)) is bypasses
    assert not Gemini().bypasses(AgentConfig())


def test_no_word_of_the_prompt_is_a_file() -> None:
    def said(prompt: str) -> str:
        given = launch()
        (word,) = [word for word in Gemini().argv(replace(given, prompt=prompt, session_id="x"))
                   if word.startswith("--prompt=")]  # fmt: skip
        return word

    ending = r" (In this prompt \@ stands for the at sign.)"
    assert said("-You are @writer. @/etc/passwd") == rf"--prompt=-You are \@writer. \@/etc/passwd{ending}"
    assert said(r"\@a @b") == rf"--prompt=\@a \@b{ending}"
    assert said("no such sign") == "--prompt=no such sign"


def test_the_policy_keeps_its_settings_from_an_agent() -> None:
    rules = tomllib.loads(POLICY.read_text())["rule"]
    assert [rule["decision"] for rule in rules] == ["deny", "deny"]
    assert {tuple(rule["toolName"]) for rule in rules} == {("write_file", "replace")}


def test_a_session_is_resumed_where_it_was_kept(chats: Path, tmp_path: Path) -> None:
    resumed = launch(mode="resume", session_id=SESSION, home=ACCOUNT_HOME.usual())
    assert Gemini().argv(resumed)[-2:] == ["--session-id", SESSION]
    assert Gemini().attach(AGENT, AgentConfig(), SESSION, ACCOUNT_HOME.usual()) is None
    kept = chats / f"session-2026-11-28T23-10-{SESSION[:8]}.jsonl"
    lines = (FIXTURES / "gemini" / "session.jsonl").read_bytes().splitlines(keepends=True)
    kept.write_bytes(b"".join(lines[:2]))
    # It has no prompt yet: neither found to be resumed nor allowed to be begun again.
    assert not {"--resume", "--session-id"} & set(Gemini().argv(resumed))
    kept.write_bytes(b"".join(lines[:3]))
    assert Gemini().argv(resumed)[-2:] == ["--resume", SESSION]
    assert Gemini().argv(launch(session_id=SESSION, home=ACCOUNT_HOME.usual()))[-1:] != [SESSION]
    other = f"{SESSION[:-1]}0"
    resumed = launch(mode="resume", session_id=other, home=ACCOUNT_HOME.usual())
    assert Gemini().argv(resumed)[-2:] == [
        "--session-id",
        other,
    ]
    assert Gemini().attach(AGENT, AgentConfig(model="m"), SESSION, ACCOUNT_HOME.usual()) == [
        "gemini",
        "--resume",
        SESSION,
        "--model",
        "m",
    ]
    assert Gemini().attach(AGENT, AgentConfig(), "--yolo", ACCOUNT_HOME.usual()) is None


@pytest.mark.parametrize(
    "registry", ["", "{torn", "[]", '{"projects": 7}', '{"projects": {"/p/agents/my_writer.v1": "../x"}}']
)
def test_without_a_list_of_projects_nothing_is_kept(chats: Path, registry: str) -> None:
    (chats.parents[2] / "projects.json").write_text(registry)
    resumed = launch(mode="resume", session_id=SESSION, home=ACCOUNT_HOME.usual())
    assert Gemini().argv(resumed)[-2:] == [
        "--session-id",
        SESSION,
    ]


def test_the_session_is_the_one_that_it_began(tmp_path: Path) -> None:
    captured = output(tmp_path, (FIXTURES / "gemini" / "stream-success.jsonl").read_bytes())
    assert Gemini().session("ours", captured) == SESSION
    for torn in ("", "{torn", '{"type": "init", "session_id": 7}', '{"type": "init", "session_id": "--yolo"}', "x"):
        assert Gemini().session("ours", output(tmp_path, torn)) == "ours"


def test_its_first_event_is_a_sign_of_life_and_a_warning_is_none(tmp_path: Path) -> None:
    silent = output(tmp_path, stderr=b"Ripgrep is not available. Falling back to GrepTool.\n")
    assert not Gemini().shows_life(launch(), silent)
    assert Gemini().shows_life(launch(), type(silent)(silent.stdout, silent.stderr, acted=True))
    assert Gemini().shows_life(launch(), output(tmp_path, '{"type": "init"}\n'))
    silent.stdout.unlink()
    assert not Gemini().shows_life(launch(), silent)
    assert Gemini().traces(launch()) == ()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("node /usr/bin/gemini", True),
        ("node /usr/bin/gemini --resume 6f1c", True),
        ("node /usr/lib/node_modules/@google/gemini-cli/bundle/gemini.js -m gemini-2.5-pro", True),
        ("node /usr/bin/gemini -i hello", True),
        ("/usr/bin/node --max-old-space-size=12052 /usr/bin/gemini", False),  # which that started
        ("node /usr/bin/gemini --prompt=hello", False),
        ("node /usr/bin/gemini -p hello", False),
        ("node /usr/bin/gemini --acp", False),
        ("node /usr/bin/gemini mcp list", False),
        ("node /usr/bin/other", False),
        ("node", False),
        ("", False),
    ],
)
def test_a_persons_session_is_known_by_its_command_line(words: str, expected: bool) -> None:
    assert Gemini().interactive.is_session(words.split()) is expected
    assert "node" in Gemini().interactive.names
