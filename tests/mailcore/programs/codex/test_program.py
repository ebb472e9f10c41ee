"""What Codex is told, and how its outcome is read: from its own events, never from words."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.config import AgentConfig
from mailcore.programs.base import is_session_id
from mailcore.programs.codex.program import Codex
from tests.mailcore.programs.made import AGENT, FIXTURES, launch, output


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


def test_codex_goes_on_in_the_thread_that_it_named(tmp_path: Path) -> None:
    home = tmp_path / "codex"
    captured = output(tmp_path, (FIXTURES / "codex" / "exec-success.jsonl").read_bytes())
    thread = Codex().session("ours", captured)
    assert thread == "01a200fc-9726-7063-a792-fc95f0755c3c"
    resumed = launch(mode="resume", session_id=thread, home=home)
    assert (
        "resume" not in Codex().argv(resumed) and Codex().attach(AGENT, AgentConfig(), thread, home) is None
    )  # not kept
    day = home / "sessions/2026/11/22"
    day.mkdir(parents=True)
    (day / f"rollout-2026-11-22T05-32-10-{thread}.jsonl").write_text("{}\n")
    assert Codex().argv(resumed)[-3:] == ["resume", thread, "do it"]
    assert "resume" not in Codex().argv(launch(session_id=thread, home=home))
    assert Codex().attach(AGENT, AgentConfig(model="gpt-5"), thread, home) == [
        "codex", "resume", "-c", "allow_login_shell=false", thread, "-m", "gpt-5",
    ]  # fmt: skip
    for torn in (
        "",
        "{torn",
        '{"type": "turn.started", "thread_id": "x"}',
        '{"type": "thread.started", "thread_id": 7}',
    ):
        assert Codex().session("ours", output(tmp_path, torn)) == ""
    assert Codex().attach(AGENT, AgentConfig(), "*", home) is None


def test_events_of_an_unexpected_shape_are_told(tmp_path: Path) -> None:
    failed = Codex().ending(
        1, output(tmp_path, '{"type": "turn.failed", "error": {"message": ["last status: 429"]}}\n')
    )
    told = 'codex\'s turn.failed has error.message = ["last status: 429"] where a text is expected'
    assert (failed.success, failed.limited, failed.cause) == (False, False, f"exit 1: {told}")
    odd = '{"type": "item.completed", "item": 7}\n{"type": ["x"]}\n{"type": "turn.completed", "usage": 7}\n'
    done = Codex().ending(0, output(tmp_path, odd))
    assert (done.success, done.cause) == (
        True,
        "exit 0, codex's item.completed has item = 7 where an object is expected",
    )


@pytest.mark.parametrize("id", ["-rf", "--yolo", "../../x", "a b", "x" * 200, "", "\\ud800", 7, None, ["x"]])
def test_a_thread_whose_id_could_be_an_option_or_a_path_is_none(tmp_path: Path, id: object) -> None:
    assert Codex().session("ours", output(tmp_path, json.dumps({"type": "thread.started", "thread_id": id}))) == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["message", "type", "text"]), inner),
    max_leaves=6,
)
KINDS = st.sampled_from(["error", "turn.failed", "item.completed", "turn.completed", "thread.started"])
EVENTS = st.fixed_dictionaries(
    {"type": KINDS | JSON}, optional={"message": JSON, "error": JSON, "item": JSON, "thread_id": JSON}
)


@settings(deadline=None)
@given(st.lists(EVENTS | JSON, max_size=4), st.integers(-64, 255))
def test_of_events_of_any_shape_there_is_an_outcome(events: list[Any], code: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        files = output(Path(place), "".join(json.dumps(event) + "\n" for event in events))
        found, session = Codex().ending(code, files), Codex().session("given", files)
    assert found.cause and not (found.success and code)
    assert session == "" or is_session_id(session)
