"""The same mail for the real Codex, open in a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.real.conftest import Lab
from tests.real.mail_states import SOON, Interleaving, high_mail_in_each_state
from tests.real.open_session import CODEX
from tests.real.stub import Request, Step, Text, Tool
from tests.real.test_codex_session import codex_held  # noqa: F401

WORKS = Tool("exec_command", {"cmd": "true"})


def uses_a_tool(lab: Lab) -> Callable[[], None]:
    """Lets the stub answer with the use of a tool, once, and a title where one is asked for."""
    steps = iter((WORKS,))

    def step(asked: Request) -> Step:
        if "format" in (asked.get("text") or {}):
            return Text(json.dumps({"title": "t"}))
        return next(steps, Text("a turn is over"))

    return lambda: lab.stub.plays(step)


def test_high_mail_arrives_once_in_each_state(codex_held: Lab) -> None:  # noqa: F811
    table = high_mail_in_each_state(codex_held, CODEX, uses_a_tool(codex_held))
    print(table)
    assert len(table.splitlines()) == 6


def test_random_interleavings_lose_nothing_and_tell_nothing_twice(
    codex_held: Lab,  # noqa: F811
    seed: int,
) -> None:
    (codex_held.root / ".praxmonitor/config.toml").write_text(SOON)
    one = Interleaving(codex_held, CODEX, seed)
    one.plays()
    print(seed, one.steps)
    assert one.steps
