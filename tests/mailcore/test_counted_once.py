"""What agents used is counted once and all of it, by the live reading and by `usage`, however sessions lie and fork."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mailcore.model.fleet import Fleet
from mailcore.model.usage import Usage
from mailcore.observe import session_discovery, session_reader
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.usage_ledger import ledger
from mailcore.observe.usage_sum import local_midnight
from mailcore.workspace import create
from mailcore.workspace.find import Workspace
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
        yield create.create_workspace(Path(place) / "project", agents), Home(clock(), Path(place) / "codex")


def clock() -> Callable[[float], float]:
    """Each call goes on by so many seconds, from some time ago, but neither into yesterday nor past now."""
    began = time.time()
    at = [max(local_midnight(began), began - 3000)]

    def tick(seconds: float) -> float:
        at[0] = min(at[0] + seconds, began)
        return at[0]

    return tick


class Look:
    """A loader and the fleet that its facts make."""

    def __init__(self, workspace: Workspace) -> None:
        self.loader = WorkspaceReader(workspace)
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
        return rounded({one.address: one.spending.today for one in self.fleet.agents if one.spending.today.tokens})


def rounded(used: Mapping[str, Usage]) -> dict[str, Usage]:
    """To a billionth of a dollar: sums of floats hang on their order."""
    return {agent: replace(one, estimated=round(one.estimated or 0.0, 9)) for agent, one in used.items()}


def counted(workspace: Workspace) -> dict[str, Usage]:
    """What `usage` says of today."""
    found: dict[str, Usage] = {}
    for entry in ledger(workspace.agents, local_midnight(time.time())).entries:
        found[entry.agent] = found.get(entry.agent, Usage()) + entry.usage
    return rounded({agent: used for agent, used in found.items() if used.tokens})


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
        patch.setattr(session_discovery, "MAX_FILES", room)
        patch.setattr(session_reader, "MAX_FOLLOWED", room)
        patch.setattr(session_discovery, "CENSUS_PERIOD", 0.0)
        for step in steps[:before]:
            play(workspace, home, step)
        watching = Look(workspace)
        for step in steps[before:]:
            if (path := play(workspace, home, step)) is not None and path.exists():
                watching.changed(path)
        assert counted(workspace) == rounded(home.used), "`usage`"
        assert watching.settle() == rounded(home.used), "who watched"
        assert Look(workspace).settle() == rounded(home.used), "who looks later"


def test_a_thousand_sessions_of_a_day_are_counted_behind_the_first_paint() -> None:
    """Until all are, the figure is said to be unfinished; only a few of them are followed."""
    with somewhere() as (workspace, home):
        for n in range(1000):
            session = home.begin("claude" if n % 2 else "codex", "@other", workspace.agent("@other").branch)
            home.request(session, gap=0.1)
        look = Look(workspace)
        first = look.fleet.find("@other")
        assert first is not None and first.spending.unfinished
        assert first.spending.today.tokens < home.used["@other"].tokens / 2, "it is not read whole"
        assert look.settle() == rounded(home.used)


@pytest.mark.parametrize("room", [0, 8])
def test_a_session_that_is_archived_while_a_screen_is_open_counts_once(room: int) -> None:
    with somewhere() as (workspace, home), pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_discovery, "CENSUS_PERIOD", 0.0)
        patch.setattr(session_discovery, "MAX_FILES", room)
        patch.setattr(session_reader, "MAX_FOLLOWED", room)
        made = [home.begin("codex", "@other", workspace.agent("@other").branch) for _ in range(3)]
        for session in made:
            home.request(session)
        look = Look(workspace)
        assert look.settle() == rounded(home.used)
        archive = Path(os.environ["CODEX_HOME"]) / "archived_sessions"
        archive.mkdir()
        for session in made[:2]:
            session.path = session.path.rename(archive / session.path.name)
        home.request(made[0])
        for _ in range(3):
            assert look.settle() == rounded(home.used) == counted(workspace)


def test_what_is_odd_is_said_once_for_each_version_with_its_share() -> None:
    with somewhere() as (workspace, home):
        look = Look(workspace)
        for n in range(3):
            session = home.begin("codex", "@other" if n else "@inner", workspace.agent("@inner").branch, "counts")
            session.path.write_bytes(session.path.read_bytes().replace(b"0.169.0", b"0.200.0"))
            strange = b'{"timestamp":"2026-11-29T00:00:00Z","type":"event_msg","payload":{"type":"telepathy"}}\n'
            with session.path.open("ab") as file:
                file.write(strange * 30)
            look.changed(session.path)
        look.settle()
        (note,) = look.fleet.notes
        assert note.startswith("Codex 0.200.0 writes lines of kinds that are not known") and "97 %" in note


def test_the_live_sum_usage_and_ccusage_agree_on_a_generated_home(pytestconfig: pytest.Config) -> None:
    """With `--ccusage PATH`: of its package, the script. For Codex the totals that were generated are the measure."""
    script = pytestconfig.getoption("--ccusage")
    with somewhere() as (workspace, home):
        generate(workspace, home)
        used = counted(workspace)
        assert used == rounded(home.used)
        assert Look(workspace).settle() == used
        if not script:
            pytest.skip("ccusage is compared with --ccusage PATH/TO/ccusage/dist/index.js; the others agree")
        config = os.environ["CLAUDE_CONFIG_DIR"]
        words = [shutil.which("node") or "node", script, "daily", "--json", "--offline"]
        done = subprocess.run(words, env={**os.environ, "CLAUDE_CONFIG_DIR": config}, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr
        total = json.loads(done.stdout)["totals"]
        theirs = Usage(
            total["inputTokens"], total["outputTokens"], total["cacheReadTokens"], total["cacheCreationTokens"]
        )
        said = {"ccusage": theirs.tokens, "usage, Claude Code": home.by_program["claude"].tokens}
        print(f"\n{len(home.sessions)} session files: {said}, Codex {home.by_program['codex'].tokens}")
        assert theirs == replace(home.by_program["claude"], estimated=None)


def generate(workspace: Workspace, home: Home) -> None:
    """A hundred sessions and more: forks of forks, resumed ones, sidechains, subagents, subdirectories."""
    for n in range(110):
        program, where = ("claude", "codex")[n % 2], WHERE[:4][n // 2 % 4]
        address = ("@outer", "@other")[n // 8 % 2]
        session = home.begin(program, address, workspace.agent(address).branch / where, STYLES[n % 3])
        for request in range(1 + n % 5):
            home.request(session, sidechain=request == 2, gap=0.5)
        if (n % 4 == 0 and program == "codex") or n % 7 == 1:
            fork = home.fork(session, 1 + n % len(session.totals), STYLES[n // 3 % 3])
            home.request(fork, gap=0.5)
            home.request(home.fork(fork, len(fork.totals)), gap=0.5)
        if n % 6 == 1 and program == "claude":
            home.request(home.subagent(session), gap=0.5)
    for session in home.sessions[::9]:
        home.request(session, gap=0.5)
