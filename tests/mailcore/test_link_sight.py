"""Two hosts over a real server: what an agent does there is seen here soon, and again after everything broke once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.workspace import create
from mailcore.workspace.find import Workspace
from tests.linked import LinkRun, linked
from tests.mailcore.conftest import wait_until

pytest.importorskip("nats")
WITHIN = 45.0


class Hosts:
    """Alpha, from which one looks, and beta."""

    def __init__(self, here: Workspace, there: Workspace, runs: dict[str, LinkRun]) -> None:
        self.here, self.there, self.runs = here, there, runs
        self._reader = WorkspaceReader(here)
        self.fleet = apply(Fleet(here.root), self._reader.initial(), time.time())

    def close(self) -> None:
        """Look no more."""
        self._reader.close()

    def seen(self, address: str = "@writer.beta") -> AgentFacts | None:
        """That agent as it is seen here now."""
        self.fleet = apply(self.fleet, self._reader.sweep(), time.time())
        return self.fleet.find(address)

    def does(self, word: str) -> None:
        """The writer there does something."""
        log = self.there.agents[0].hooks_log
        log.parent.mkdir(exist_ok=True)
        with log.open("a") as file:
            file.write(f'{{"hook_event_name": "PreToolUse", "tool_name": "{word}", "session_id": "s"}}\n')

    def shows(self, word: str) -> None:
        """Wait until that is seen."""

        def found() -> bool:
            facts = self.seen()
            return facts is not None and any(activity.tool == word for activity in facts.activities)

        wait_until(found, WITHIN, f"{word} is seen")


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosts]:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    here, there = (
        create.create_workspace(tmp_path / name / "lighthouse", [(agent, agent)])
        for name, agent in (("alpha", "lead"), ("beta", "writer"))
    )
    with linked(here, {"beta": there}) as runs, closing(Hosts(here, there, runs)) as found:
        yield found


@contextmanager
def stopped(run: LinkRun) -> Iterator[None]:
    """That link's process killed meanwhile."""
    run.stop(kill=True)
    yield
    run.start()


def test_what_happens_there_is_seen_here_whatever_broke_meanwhile(hosts: Hosts) -> None:
    hosts.does("First")
    hosts.shows("First")
    facts = hosts.seen()
    assert facts is not None and facts.agent.host == "beta" and facts.agent.name == "WRITER"
    assert [host.name for host in hosts.fleet.hosts] == ["beta"]
    with stopped(hosts.runs["beta"]):  # its own link dies
        hosts.does("Second")
    hosts.shows("Second")
    with stopped(hosts.runs["alpha"]):  # ours dies, and the server with it
        hosts.does("Third")
    hosts.shows("Third")
    hosts.does("Fourth")
    hosts.shows("Fourth")
    create.add_agent(hosts.there, "editor", "editor")
    wait_until(lambda: hosts.seen("@editor.beta"), WITHIN, "who came there is seen")
