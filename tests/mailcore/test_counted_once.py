"""What agents used is counted once and all of it, by the live reading and by `usage`, however sessions lie and fork."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore import make
from mailcore.model.fleet import Fleet
from mailcore.model.usage import Usage
from mailcore.observe import discover, sessions
from mailcore.observe.fold import apply
from mailcore.observe.ledger import ledger
from mailcore.observe.load import Loader
from mailcore.observe.spending import midnight
from mailcore.workspace import Workspace
from tests.mailcore.homes import STYLES, Home

WHERE = ("", "src", "src/deep", ".claude/worktrees/fix", "inner", "inner/src")
"""Below an agent's branch; `inner` is another agent's branch."""
SWEEPS = 400


@contextmanager
def somewhere(monkeypatch: pytest.MonkeyPatch | None = None) -> Iterator[tuple[Workspace, Home]]:
    """A workspace of @outer, of @inner within it and of @other; and a home in which nothing was used yet."""
    del monkeypatch
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", f"{place}/home")
        patch.setenv("CODEX_HOME", f"{place}/codex")
        patch.setenv("CLAUDE_CONFIG_DIR", f"{place}/claude")
        agents = [("outer", "agents/outer"), ("inner", "agents/outer/inner"), ("other", "agents/other")]
        yield make.init(Path(place) / "project", agents), Home(clock(), Path(place) / "codex")


def clock() -> Callable[[float], float]:
    """Each call goes on by so many seconds, from some time ago, but neither into yesterday nor past now."""
    began = time.time()
    at = [max(midnight(began), began - 3000)]

    def tick(seconds: float) -> float:
        at[0] = min(at[0] + seconds, began)
        return at[0]

    return tick


class Look:
    """A loader and the fleet that its facts make."""

    def __init__(self, workspace: Workspace) -> None:
        self.loader = Loader(workspace)
        self.fleet = apply(Fleet(workspace.root), self.loader.initial(), time.time())

    def changed(self, path: Path) -> None:
        self.fleet = apply(self.fleet, self.loader.changed([path]), time.time())

    def settle(self) -> dict[str, Usage]:
        """Sweep until all is counted: what was used today, by agent."""
        for _ in range(SWEEPS):
            self.fleet = apply(self.fleet, self.loader.sweep(), time.time())
            if not any(facts.spending.unfinished for facts in self.fleet.agents):
                return self.used()
        raise AssertionError("it is never finished")

    def used(self) -> dict[str, Usage]:
        return {facts.address: facts.spending.today for facts in self.fleet.agents if facts.spending.today.tokens}


def counted(workspace: Workspace) -> dict[str, Usage]:
    """What `usage` says of today."""
    found: dict[str, Usage] = {}
    for entry in ledger(workspace.agents, midnight(time.time())).entries:
        found[entry.agent] = found.get(entry.agent, Usage()) + entry.usage
    return {agent: used for agent, used in found.items() if used.tokens}


STEP = st.tuples(
    st.sampled_from(["begin", "begin", "fork", "fork", "resume", "sidechain", "subagent", "elsewhere"]),
    st.sampled_from(["claude", "codex"]),
    st.sampled_from(["@outer", "@other"]),
    st.sampled_from(WHERE),
    st.sampled_from(STYLES),
    st.integers(0, 30),
    st.integers(1, 3),
)


def play(workspace: Workspace, home: Home, step: tuple[Any, ...]) -> Path | None:
    """Do one thing as a program does it; the file that was written last."""
    what, program, address, where, style, pick, requests = step
    mine = [one for one in home.sessions if one.owner and (what != "subagent" or one.program == "claude")]
    if what == "begin" or (what != "elsewhere" and not mine):
        inner = address == "@outer" and where.startswith("inner")
        session = home.begin(program, "@inner" if inner else address, workspace.agent(address).branch / where, style)
    elif what == "elsewhere":
        session = home.begin(program, "", workspace.root.parent / "elsewhere" / "outer", style)
    else:
        session = mine[pick % len(mine)]
        if what == "fork" and session.path.parent.name != "subagents" and session.totals:
            session = home.fork(session, 1 + pick % len(session.totals), style)
        elif what == "subagent":
            session = home.subagent(session)
    for _ in range(requests):
        home.request(session, sidechain=what == "sidechain")
    return session.path


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=12), st.integers(0, 12), st.integers(1, 4))
def test_any_arrangement_of_sessions_is_counted_once(steps: list[tuple[Any, ...]], before: int, room: int) -> None:
    """What a screen finds, what it sees come, and what `usage` reads: the requests that were made."""
    with somewhere() as (workspace, home), pytest.MonkeyPatch.context() as patch:
        patch.setattr(discover, "MOST", room)
        patch.setattr(sessions, "MOST", room)
        patch.setattr(discover, "AGAIN", 0.0)
        for step in steps[:before]:
            play(workspace, home, step)
        watching = Look(workspace)
        for step in steps[before:]:
            if (path := play(workspace, home, step)) is not None and path.exists():
                watching.changed(path)
        assert counted(workspace) == home.used, "`usage`"
        assert watching.settle() == home.used, "who watched"
        assert Look(workspace).settle() == home.used, "who looks later"
