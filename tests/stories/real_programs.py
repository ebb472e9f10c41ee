"""Stories of the real Claude Code, Codex and Gemini CLI, left alone in a tool, as `tests/real` recorded them.

The facts are those that were recorded, at their times; whether a person's own session ran, and whether its processes
used the CPU, was looked at meanwhile (`recorded/machine.json`). The times of what must be heard were read off the
facts: when the last sign of life came, and when the limit that a story is told under ran out after it. Paths, and what
names the machine, are taken out; nothing else is changed.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from mailcore.config import Alarms, Config
from mailcore.model.session import LiveSession
from mailcore.observe.facts import Fact, SessionsLive
from praxmonitor.alarms.rules.silence import SILENCE_SETTLE
from praxmonitor.feed.recording_reader import read_recording
from tests.stories.made import heard
from tests.stories.play import Heard, Step, Story, Works
from tests.stories.recorded import HERE

LOOK = Alarms().look
AFTER = 30.0
"""Seconds for which a story goes on after its last reading."""


@cache
def steps_of(name: str) -> tuple[float, tuple[tuple[float, tuple[Step, ...]], ...]]:
    """When a recording began, in seconds since the epoch, and what happened, in seconds since then."""
    found: list[tuple[float, tuple[Fact, ...]]] = list(read_recording(HERE / f"{name}.jsonl.gz"))
    began = found[0][0]
    steps: list[tuple[float, tuple[Step, ...]]] = [(at - began, facts) for at, facts in found]
    session: LiveSession | None = None
    for at, runs, works in json.loads((HERE / "machine.json").read_text())[name]:
        session = (session or LiveSession(20, at)) if runs else None
        live = SessionsLive("@writer", (session,) if session is not None else ())
        steps.append((at - began, (live, Works("@writer", works))))
    return began, tuple(sorted(steps, key=lambda step: step[0]))


def real(name: str, title: str, *told: Heard, slack: float = 1.0, **limits: Any) -> Story:
    """A recording under these limits."""
    began, steps = steps_of(name)
    config = Config(alarms=Alarms(repeat=(), **limits))
    return Story(title, steps, told, steps[-1][0] + AFTER, config, began, slack)


def over(at: float, kind: str = "silence") -> tuple[Heard, Heard]:
    """The alarm is over once its condition has been gone for a while."""
    return heard(at + SILENCE_SETTLE, f"over {kind}"), heard(at + SILENCE_SETTLE, "clear", "")


REAL = (
    real(
        "claude-hangs",
        "Claude Code at a terminal: its tool hangs, then the terminal is closed",
        heard(0.64 + 12),
        *over(26.1),
        silence_tool=12.0,
        slack=1.0 + LOOK,
    ),
    real("claude-hangs", "Claude Code at a terminal, closed before its tool took too long: idle", silence_tool=28.0),
    real("claude-timeout", "Claude Code at a terminal: a tool that its own timeout ended", silence_tool=8.0),
    real(
        "claude-stopped",
        "Claude Code stands still past the timeout of its tool, and goes on",
        heard(0.69 + 6 + 30),
        *over(51.15),
    ),
    real(
        "claude-stopped",
        "Claude Code stands still in its tool: the operator's limit is the shorter one",
        heard(0.69 + 15),
        *over(51.15),
        silence_tool=15.0,
    ),
    real(
        "claude-killed-tool",
        "Claude Code at a terminal: its tool hangs and is killed",
        heard(1.48 + 10),
        *over(16.82),
        silence_tool=10.0,
    ),
    real("claude-killed-tool", "Claude Code at a terminal: its tool is killed before that is due", silence_tool=18.0),
    real(
        "claude-interrupted",
        "Claude Code at a terminal: its person presses Esc, and the turn is theirs",
        silence_tool=8.0,
        silence=8.0,
    ),
    real(
        "claude-background",
        "Claude Code at a terminal: a tool in the background is no tool that hangs",
        silence_tool=8.0,
        silence=8.0,
    ),
    real(
        "claude-spins",
        "Claude Code at a terminal: a tool spins, and has ten minutes by its own word",
        silence_tool=8.0,
        spin=20.0,
        spin_tool=20.0,
    ),
    real(
        "claude-granted",
        "Claude Code at a terminal: a call that is granted after 45 s has its time from then on",
        heard(2.04, "waiting"),
        heard(46.54, "over waiting"),
        heard(46.54, "clear", ""),
        silence_tool=40.0,
    ),
    real(
        "claude-two-calls", "Claude Code at a terminal: two calls at once, and the slower one counts", silence_tool=15.0
    ),
    real(
        "run-hangs",
        "a run of Claude Code whose tool hangs, and that is killed",
        heard(1.98 + 12),
        *over(27.7),
        silence_tool=12.0,
    ),
    real(
        "run-spins",
        "a run of Claude Code whose tool spins",
        heard(0.80 + 20, "spinning"),
        *over(40.97, "spinning"),
        silence_tool=10.0,
        spin=20.0,
        spin_tool=20.0,
    ),
    real("run-spins", "a run of Claude Code that works for 40 s without a word", silence_tool=10.0),
    real("run-hooks-removed", "a run of Claude Code whose hooks are removed in its midst", heard(83.13, "hooks")),
    real("run-hooks", "a run of Claude Code whose hooks tell of each call", silence_tool=15.0),
    real(
        "run-no-answer",
        "a run of Claude Code whose service does not answer, and that is killed",
        heard(2.33 + 10),
        *over(27.33),
        silence=10.0,
    ),
    real(
        "run-no-answer-then-one",
        "a run of Claude Code whose service answers late",
        heard(1.22 + 10),
        *over(26.12),
        silence=10.0,
    ),
    real("codex-yields", "a run of Codex: a command runs on beside it", silence_tool=8.0, silence=8.0),
    real(
        "codex-hangs",
        "a run of Codex whose command hangs, and that is killed",
        heard(1.43 + 12),
        *over(22.05),
        silence_tool=12.0,
    ),
    real(
        "codex-no-answer",
        "a run of Codex whose service answers late",
        heard(1.88 + 10),
        *over(21.55),
        silence=10.0,
    ),
    real(
        "codex-spins",
        "a run of Codex: a command uses the CPU, for no longer than it said",
        silence_tool=10.0,
        silence=10.0,
        spin=15.0,
        spin_tool=15.0,
    ),
    real("run-timeout", "a run of Claude Code: its tool's own timeout is over, and it goes on", silence_tool=8.0),
    real(
        "gemini-hangs",
        "a run of Gemini CLI whose command hangs, and is killed",
        heard(6.01 + 12),
        *over(26.15),
        silence_tool=12.0,
    ),
)
