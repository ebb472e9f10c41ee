"""Hooks that tell no more of a session that goes on: noticed once, and only where they told of its calls before."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from mailcore.model.activity import Activity, Kind
from mailcore.model.hooks_stopped import HooksStopped
from mailcore.observe.dedupe import Deduplicator
from mailcore.observe.hook_tally import MISSED_CALLS, MISSED_SECONDS, HookTally
from mailcore.observe.reader import WorkspaceReader
from mailcore.workspace.create import create_workspace
from tests.mailcore.session_lines import SESSION, call, said
from tests.mailcore.test_sessions import Look, transcript

AT = 1_795_308_217.0
FAR = AT + MISSED_SECONDS


def one(at: float, source: str, kind: Kind = Kind.TOOL, tool: str = "Bash", **more: Any) -> Activity:
    return Activity(at, "@a", kind, tool, source, tool, more.pop("tool_id", f"t{at}"), more.pop("session", "s"), **more)


def after(*activities: Activity) -> HooksStopped | None:
    tally = HookTally()
    for activity in activities:
        tally.see(activity)
    return tally.stopped


HOOKED = one(AT, "hooks")
CALLS = [one(FAR + n, "transcript") for n in range(MISSED_CALLS)]
CASES = {
    "calls without hooks": ([HOOKED, *CALLS], True),
    "one call too few": ([HOOKED, *CALLS[1:]], False),
    "too soon after the last hook": ([HOOKED, *(one(AT + 1 + n, "transcript") for n in range(50))], False),
    "never a hook": (CALLS, False),
    "hooks of another session": ([one(AT, "hooks", session="other"), *CALLS], False),
    "hooks that told of no call": ([one(AT, "hooks", Kind.TURN_END, ""), *CALLS], False),
    "hooks for another tool alone": ([one(AT, "hooks", tool="Edit"), *CALLS], False),
    "calls of a subagent": ([HOOKED, *(one(FAR + n, "transcript", subagent="a1") for n in range(9))], False),
    "calls that are older than the hook": ([one(FAR + 99, "hooks"), *CALLS], False),
    "hooks are heard again": ([HOOKED, *CALLS, one(FAR + 99, "hooks", Kind.TURN_END)], False),
    "a hook of another session is heard": ([HOOKED, *CALLS, one(FAR + 99, "hooks", session="next")], False),
    "calls that hooks told too, then one after a pause": (
        [HOOKED, *(one(AT - n, "transcript") for n in range(9)), CALLS[0]],
        False,
    ),
    "a late line of an older hook in the midst of them": ([HOOKED, *CALLS[1:], one(AT - 5, "hooks"), CALLS[0]], True),
    "a late line of an older hook": ([HOOKED, *CALLS, one(AT - 5, "hooks")], True),
}


@pytest.mark.parametrize("case", CASES)
def test_stopped(case: str) -> None:
    activities, stopped = CASES[case]
    found = after(*activities)
    assert (found is not None) is stopped
    if found is not None:
        assert found == HooksStopped("s", AT, MISSED_CALLS, activities[-1].at if "midst" in case else CALLS[-1].at)


def test_it_is_noticed_once() -> None:
    more = [one(FAR + 100 + n, "transcript") for n in range(50)]
    assert after(HOOKED, *CALLS, *more) == after(HOOKED, *CALLS)


def test_both_traces_of_the_same_calls_are_seen_whichever_comes_first() -> None:
    once = Deduplicator()
    once.each([HOOKED])
    for n in range(50):  # the session file is read first, and the hook's line is dropped
        activity = one(FAR + n, "transcript")
        assert once.each([activity]) == [activity]
        assert once.each([one(FAR + n, "hooks", tool_id=activity.tool_id)]) == []
    assert once.hooks.stopped is None


def hook(name: str, at: float, **fields: Any) -> str:
    return json.dumps({"hook_event_name": name, "session_id": SESSION, "ts": at, **fields}) + "\n"


def test_it_is_read_from_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    place = create_workspace(tmp_path / "project", [("writer", "agents/writer")])
    writer, now = place.agent("@writer"), time.time()
    look = Look(place)
    assert isinstance(look.loader, WorkspaceReader)
    writer.logs_dir.mkdir(parents=True, exist_ok=True)
    writer.hooks_log.write_text(
        hook("PreToolUse", now - 300, tool_name="Bash", tool_use_id="t0", tool_input={"command": "ls"})
        + hook("PostToolUse", now - 299, tool_name="Bash", tool_use_id="t0")
    )
    look.sweep()
    assert look.the("@writer").hooks_stopped is None
    path = transcript(writer.branch)
    lines = [said(now - 200 + n, f"m{n}", call(f"t{n}", "Bash", command="ls")) for n in range(9)]
    path.write_bytes(
        b"".join(line.replace(b"/home/op/project/agents/writer", str(writer.branch).encode()) + b"\n" for line in lines)
    )
    look.sweep()
    stopped = look.the("@writer").hooks_stopped
    assert stopped is not None and (stopped.session, stopped.calls) == (SESSION, MISSED_CALLS)
    assert stopped.last == pytest.approx(now - 299)
    with writer.hooks_log.open("a") as log:
        log.write(hook("Stop", now - 100))
    look.sweep()
    assert look.the("@writer").hooks_stopped is None
