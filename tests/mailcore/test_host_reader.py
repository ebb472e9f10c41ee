"""The files that tell of other hosts, read: who is there, what they tell, and what a hostile one cannot."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from mailcore.hosts.directory import host_directory, write_host
from mailcore.hosts.link_status import LinkReport, write_link_report
from mailcore.hosts.membership import Membership, link_directory, write_membership
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.link import HostRecord
from mailcore.model.lock import Lock
from mailcore.model.message import Mailbox, MailboxStatus
from mailcore.model.run import Phase, Run
from mailcore.observe.fact_codec import encoded_line, tagged
from mailcore.observe.facts import AgentTold, Fact, HostsRead, Lost, Roster
from mailcore.observe.fold import apply
from mailcore.observe.host_reader import SIGHT_FILE
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.remote_fleet import remote_fleet
from mailcore.system.processes import start_ticks
from mailcore.workspace.find import Workspace
from praxmonitor.cli.status import main as status_main
from tests.mailcore.conftest import House

WRITER, EDITOR = (Agent(f"@{name}", name.upper(), Path(), "role") for name in ("writer", "editor"))


def did(text: str, at: float = 1000.0, agent: str = "@writer") -> Activity:
    return Activity(at, agent, Kind.TOOL, text, "hooks")


WHOLE = (Roster((WRITER, EDITOR)), AgentTold("@writer", whole=True, activities=(did("first"),), last_active=1000.0))


class Linked:
    """A workspace of the host alpha, with a reader over it."""

    def __init__(self, workspace: Workspace) -> None:
        write_membership(workspace, Membership("alpha", "p"))
        self.workspace = workspace
        self.reader = WorkspaceReader(workspace)
        self.fleet = Fleet(workspace.root)

    def record(self, host: str = "beta", **values: object) -> None:
        write_host(self.workspace, HostRecord(host, **values))  # type: ignore[arg-type]

    def tell(self, *facts: Fact, host: str = "beta", anew: bool = False) -> Path:
        return self.write(encoded_line({"at": 1.0, "facts": tagged(facts)}) + b"\n", host=host, anew=anew)

    def write(self, data: bytes, host: str = "beta", anew: bool = False) -> Path:
        path = host_directory(self.workspace, host) / SIGHT_FILE
        if anew:
            path.with_suffix(".new").write_bytes(data)
            path.with_suffix(".new").replace(path)
        else:
            with path.open("ab") as file:
                file.write(data)
        return path

    def take(self, facts: Iterable[Fact]) -> list[Fact]:
        found = list(facts)
        self.fleet = apply(self.fleet, found, time.time())
        return found

    def look(self) -> list[Fact]:
        return self.take(self.reader.sweep())

    def texts(self, address: str = "@writer.beta") -> list[str]:
        return [activity.text for activity in self.the(address).activities]

    def the(self, address: str) -> AgentFacts:
        found = self.fleet.find(address)
        assert found is not None, [facts.address for facts in self.fleet.agents]
        return found


@pytest.fixture
def linked(house: House) -> Linked:
    return Linked(house.workspace)


def test_agents_of_another_host_stand_after_ours_and_before_it_told_of_them(linked: Linked) -> None:
    linked.record(agents=("@writer", "@editor", "@x.y", OPERATOR))
    linked.take(linked.reader.initial())
    local = [agent.address for agent in linked.workspace.agents]
    assert [facts.address for facts in linked.fleet.agents] == [*local, "@writer.beta", "@editor.beta"]
    assert [host.name for host in linked.fleet.hosts] == ["beta"] and linked.fleet.host("beta") is not None
    linked.tell(*WHOLE)
    assert any(isinstance(fact, AgentTold) for fact in linked.look())
    assert linked.texts() == ["first"] and linked.fleet.stream[-1].agent == "@writer.beta"
    agent = linked.the("@writer.beta").agent
    assert (agent.host, agent.role, agent.name) == ("beta", "role", "WRITER")
    assert agent.branch == host_directory(linked.workspace, "beta") / "agents" / "writer"


def test_a_host_that_comes_while_it_is_watched_is_read_as_soon_as_its_files_are_named(linked: Linked) -> None:
    linked.take(linked.reader.initial())
    assert str(link_directory(linked.workspace)) in linked.reader.watch_paths()
    linked.record()
    directory = host_directory(linked.workspace, "beta")
    path = linked.tell(*WHOLE)
    linked.take(linked.reader.changed([directory]))
    assert linked.texts() == ["first"] and str(directory) in linked.reader.watch_paths()
    linked.tell(AgentTold("@writer", activities=(did("second", 1001.0),)))
    linked.take(linked.reader.changed([path]))
    assert linked.texts() == ["first", "second"]


def test_a_telling_that_begins_anew_takes_the_place_of_what_was_told(linked: Linked) -> None:
    linked.record()
    linked.tell(*WHOLE)
    linked.take(linked.reader.initial())
    before = linked.the("@writer.beta")
    path = linked.tell(*WHOLE, anew=True)
    linked.take(linked.reader.changed([path]))
    assert linked.the("@writer.beta") is before, "the same, so nothing is drawn again"
    linked.tell(Roster((EDITOR,)), AgentTold("@editor", whole=True, lost=4), anew=True)
    linked.take(linked.reader.changed([path]))
    assert linked.fleet.find("@writer.beta") is None and linked.the("@editor.beta").lost == 4


def test_that_a_host_is_heard_is_no_news_but_that_it_went_is(linked: Linked) -> None:
    linked.record(seen_at=5.0)
    linked.take(linked.reader.initial())
    fleet = linked.fleet
    linked.record(seen_at=9.0)
    assert not any(isinstance(fact, HostsRead) for fact in linked.look()) and linked.fleet is fleet
    linked.record(seen_at=9.0, away_since=9.0)
    linked.look()
    assert linked.fleet.hosts == (HostRecord("beta", seen_at=9.0, away_since=9.0),)


def test_a_clock_that_is_found_to_be_another_moves_all_times_and_is_no_news(linked: Linked) -> None:
    linked.record()
    linked.tell(*WHOLE, AgentTold("@writer", activities=(did("second", 1001.0),)))
    linked.take(linked.reader.initial())
    stream = linked.fleet.stream
    linked.record(skew=300.0)
    linked.look()
    assert [one.at for one in linked.the("@writer.beta").activities] == [700.0, 701.0]
    assert linked.the("@writer.beta").last_active == 700.0 and linked.fleet.stream == stream
    linked.record(skew=300.4)
    linked.look()
    assert linked.the("@writer.beta").last_active == 700.0, "a measure that varies moves nothing"
    linked.tell(AgentTold("@writer", activities=(did("third", 1002.0),)))
    linked.look()
    assert 702.0 in [one.at for one in linked.fleet.stream]


def test_a_host_that_left_is_gone_with_its_agents_and_so_is_a_link_that_ended(linked: Linked) -> None:
    linked.record()
    linked.record("gamma", agents=("@lead",))
    linked.tell(*WHOLE)
    linked.take(linked.reader.initial())
    assert linked.fleet.find("@lead.gamma") is not None
    linked.record("gamma", agents=("@lead",), revoked=True)
    linked.look()
    assert linked.fleet.find("@lead.gamma") is None and [host.name for host in linked.fleet.hosts] == ["beta"]
    (link_directory(linked.workspace) / "hosts").rename(linked.workspace.root / "old")
    linked.look()
    assert linked.fleet.hosts == () and not any(facts.agent.is_remote for facts in linked.fleet.agents)


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\n", b"{}\n", b'{"facts": 5}\n', b'{"facts": [["told", {"address": 5}]]}\n', b"[" * 100_000 + b"\n",
        b'{"facts": [["told", {"address": "@writer", "activities": [{"kind": 5}]}]]}\n', b'{"facts": [[[], {}]]}\n',
        b'{"facts": [["told", {"address": "@writer", "activities": 5}]]}\n', b'{"facts": [["told", 5]]}\n',
    ],
    ids=range(9),
)  # fmt: skip
def test_a_line_that_is_nothing_is_left_out_and_what_follows_is_read(linked: Linked, line: bytes) -> None:
    linked.record()
    linked.tell(*WHOLE)
    linked.write(line)
    linked.tell(AgentTold("@writer", activities=(did("second", 1001.0),)))
    linked.take(linked.reader.initial())
    assert linked.texts() == ["first", "second"]


def test_a_host_speaks_of_its_own_agents_alone(linked: Linked) -> None:
    own = linked.workspace.agents[0].address
    linked.record()
    linked.record("gamma", agents=("@writer",))
    bad = [replace(WRITER, address=name) for name in (OPERATOR, "@../../x", "@a.b", "@a.gamma", "", "@A b")]
    others = [AgentTold(name, whole=True, lost=9) for name in (own, f"{own}.alpha", "@writer.gamma", "@x/../y")]
    linked.tell(Roster((WRITER, *bad)), *others, Lost(own, 9), HostsRead((HostRecord("evil"),)))
    linked.take(linked.reader.initial())
    known = {facts.address for facts in linked.fleet.agents if facts.agent.is_remote}
    assert known == {"@writer.beta", "@writer.gamma"}
    assert {host.name for host in linked.fleet.hosts} == {"beta", "gamma"}
    lost = {facts.address: facts.lost for facts in linked.fleet.agents if facts.lost}
    assert lost == ({f"{own}.beta": 9} if f"{own}.beta" in known else {})


def test_a_record_that_cannot_be_read_is_no_host_and_a_fifo_keeps_nobody_waiting(linked: Linked) -> None:
    linked.record()
    linked.record("gamma")
    os.mkfifo(host_directory(linked.workspace, "beta") / SIGHT_FILE)
    (host_directory(linked.workspace, "gamma") / "record.json").write_bytes(b"{")
    linked.take(linked.reader.initial())
    assert [host.name for host in linked.fleet.hosts] == ["beta"]


def test_who_publishes_its_own_agents_reads_no_other_hosts(linked: Linked) -> None:
    linked.record(agents=("@writer",))
    facts = WorkspaceReader(linked.workspace, hosts=False).initial()
    assert not any(isinstance(fact, HostsRead) for fact in facts)
    assert not any(agent.is_remote for fact in facts if isinstance(fact, Roster) for agent in fact.agents)


def test_many_notes_of_a_host_are_few_and_harmless(linked: Linked) -> None:
    linked.record()
    linked.tell(Roster((WRITER,), ("a\x1b[31m note",) * 50))
    linked.take(linked.reader.initial())
    assert linked.fleet.notes == ("beta: a note",) * 3


def test_an_unreadable_run_of_a_newer_version_is_left_out(linked: Linked) -> None:
    linked.record()
    new = msgspec.to_builtins(AgentTold("@writer", activities=(did("x"),)))
    new["activities"] = [*new["activities"], {**new["activities"][0], "kind": "dreamt"}]
    linked.tell(*WHOLE)
    linked.write(msgspec.json.encode({"facts": [["told", new], ["dream", {}]]}) + b"\n")
    linked.take(linked.reader.initial())
    assert linked.texts() == ["first", "x"]


def link_is(workspace: Workspace, *, connected: bool, changed_at: float = 0.0) -> None:
    """As if a link's process had said so, which is this one."""
    pid = os.getpid()
    write_link_report(workspace, LinkReport(pid, start_ticks(pid), 1.0, connected, changed_at))


def test_nobody_is_heard_while_our_own_link_is_down_for_long(linked: Linked) -> None:
    linked.record(seen_at=900.0)
    linked.record("gamma", seen_at=100.0, away_since=100.0)
    link_is(linked.workspace, connected=True)
    linked.take(linked.reader.initial())

    def away() -> dict[str, float]:
        linked.look()
        return {host.name: host.away_since for host in linked.fleet.hosts}

    assert away() == {"beta": 0.0, "gamma": 100.0}
    link_is(linked.workspace, connected=False, changed_at=time.time() - 1)
    assert away()["beta"] == 0.0, "it connects again in a moment"
    link_is(linked.workspace, connected=True)
    assert away()["beta"] == 0.0
    link_is(linked.workspace, connected=False, changed_at=1000.0)
    assert away() == {"beta": 900.0, "gamma": 100.0}
    linked.record(seen_at=901.0)
    linked.take(linked.reader.changed([host_directory(linked.workspace, "beta") / "record.json"]))
    assert away()["beta"] == 901.0
    link_is(linked.workspace, connected=True)
    assert away() == {"beta": 0.0, "gamma": 100.0}
    (link_directory(linked.workspace) / "status.json").unlink()
    assert remote_fleet(linked.workspace).hosts[0].away_since == 901.0, "a command does not wait"


def test_agents_lists_those_of_other_hosts_as_they_were_told_last(linked: Linked, house: House) -> None:
    link_is(linked.workspace, connected=True)
    linked.record(seen_at=5.0)
    linked.record("gamma", seen_at=5.0, away_since=6.0, agents=("@lead",))
    lock = Lock(7, 1000.0, "a task \x1b[2J", run_id="r")
    linked.tell(
        Roster((WRITER, EDITOR)),
        AgentTold("@writer", whole=True, lock=lock, mailbox=Mailbox(MailboxStatus.OK, (), "", 9, 4)),
    )
    rows = {row["address"]: row for row in house.json("agents")}
    assert rows["@writer"]["host"] == "" and rows["@writer"]["branch"]
    there = rows["@writer.beta"]
    assert (there["host"], there["branch"], there["busy"], there["unread"], there["open"]) == ("beta", None, True, 4, 9)
    assert rows["@lead.gamma"]["away_since"] and not rows["@editor.beta"]["busy"]
    text = house.mailcore("agents").stdout.decode()
    assert "beta, 2 agents, there" in text and "gamma, 1 agent, away since" in text and "\x1b" not in text
    assert "@writer.beta     4 unread of 9      busy: a task" in text


def test_status_tells_of_other_hosts(linked: Linked, capsys: pytest.CaptureFixture[str]) -> None:
    link_is(linked.workspace, connected=True)
    linked.record(seen_at=5.0)
    linked.record("gamma", seen_at=1000.0, away_since=1000.0, skew=3.5)
    lock, run = (
        Lock(7, 900.0, "x", run_id="r"),
        Run("r", "@lead", "@x", "x", "", "command", 900.0, phase=Phase.RUNNING, since=900.0),
    )
    linked.tell(
        Roster((replace(WRITER, address="@lead"),)), AgentTold("@lead", whole=True, lock=lock, run=run), host="gamma"
    )
    assert status_main([str(linked.workspace.root), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [(host["name"], bool(host["away_since"]), host["agents"]) for host in said["hosts"]] == [
        ("beta", False, 0), ("gamma", True, 1),
    ]  # fmt: skip
    (lead,) = [agent for agent in said["agents"] if agent["host"]]
    assert (lead["address"], lead["branch"], lead["state"]) == ("@lead.gamma", None, "working"), "as it was then"
    assert status_main([str(linked.workspace.root)]) == 0
    assert "! gamma is away since 1970-01-01" in capsys.readouterr().out
