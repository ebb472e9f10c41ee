"""Agents of other hosts on the screen: whose they are, what is said of a host that is not heard, and that what lies
elsewhere is not looked for here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mailcore.hosts.directory import write_host
from mailcore.hosts.link_status import LinkReport, LinkStatus
from mailcore.hosts.membership import HUB, Membership, write_membership
from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.model.link import HostRecord
from mailcore.model.machine_status import MachineStatus
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.inhibition import hidden
from praxmonitor.alarms.machine_check import check_machine
from praxmonitor.alarms.rules.evaluate import AlarmRules
from praxmonitor.dialogs.link import link_lines
from praxmonitor.preferences.arrangement import Arrangement
from praxmonitor.state.agent_filter import parse_filter
from praxmonitor.state.agent_order import arranged, sort_key
from praxmonitor.state.link_view import HostView, LinkView
from praxmonitor.state.moments import away_hosts
from praxmonitor.state.needs import needs_of
from praxmonitor.state.snapshot import EMPTY, Snapshot, next_snapshot
from praxmonitor.state.sound_status import SoundStatus
from praxmonitor.text.activity_rows import activity_rows
from praxmonitor.text.hosts import cut_name, host_said, hosts_spans, name_column
from praxmonitor.text.lines import width_of
from praxmonitor.widgets.agent_story import story_lines
from praxmonitor.widgets.card import card_lines
from praxmonitor.widgets.detail import detail_lines
from praxmonitor.widgets.header import header_line
from praxmonitor.widgets.stream import stream_line
from praxmonitor.widgets.table import TableRow, heading, row_line
from tests.clock import NOON
from tests.praxmonitor.fake_feed import (
    CONFIG,
    FakeFeed,
    app_on,
    fleet_screen,
    host,
    lighthouse,
    linked,
    mail,
    text_of,
    until,
    workspace,
)
from tests.praxmonitor.test_card import text

BUSY = MachineStatus(work={})
"""Somebody looks at the processes of this machine, and none is near a limit."""


def shown(fleet: Fleet, now: float = NOON, before: Snapshot = EMPTY) -> Snapshot:
    return next_snapshot(before, fleet, now, CONFIG.alarms, BUSY)


def one(fleet: Fleet, address: str) -> AgentFacts:
    found = fleet.find(address)
    assert found is not None
    return found


def test_an_agent_of_a_host_that_is_not_heard_is_as_it_was_then_and_derived_anew_when_that_is_back() -> None:
    fleet = linked(away="")
    before = shown(fleet)
    assert before.status("@checker.gamma").state is State.SILENT, "what its processes do is not known here"
    assert before.status("@researcher.beta").state is State.WORKING
    gone = structs.replace(fleet, hosts=(host("beta", away=1.0), host("gamma")))
    later = shown(gone, NOON + 500, before)
    assert later.status("@researcher.beta").state is State.WORKING, "nothing is expected of it meanwhile"
    assert later.status("@researcher.gamma").state is State.SILENT
    back = shown(fleet, NOON + 501, later)
    assert back.status("@researcher.beta").state is State.SILENT
    quiet = shown(structs.replace(gone, at=1.0), NOON + 501, later)
    assert quiet.status("@researcher.beta") is later.status("@researcher.beta")


def test_the_header_counts_only_whom_it_hears_and_says_which_host_is_away() -> None:
    fleet = linked()
    snapshot = shown(fleet)
    heard = snapshot.heard_agents
    assert len(heard) == 20 and len(snapshot.fleet.agents) == 30

    def header(width: int) -> str:
        words, short = (hosts_spans(fleet.hosts, NOON, words=said) for said in (True, False))
        line = header_line(
            "lighthouse", {each.address: snapshot.status(each.address) for each in heard}, 0, None, SoundStatus(), NOON,
            width, hosts=(words, short), away_agents=10,
        )  # fmt: skip
        assert width_of(line) == width
        return text([line])

    assert "⊘ 10 away" in header(200) and "3 hosts, beta away since 11:48" in header(200)
    assert "⊘1/3" in header(80) and "⊘ 10" in header(80)
    assert width_of(hosts_spans((), NOON, words=True)) == 0
    assert text([hosts_spans((host("beta"),), NOON, words=True)]) == "2 hosts"
    assert text([hosts_spans((host("beta"),), NOON, words=False)]) == ""
    both = (host("beta", away=90_000.0), host("gamma", away=60.0))
    assert text([hosts_spans(both, NOON, words=True)]) == "3 hosts, 2 away since 2027-01-14 11:00"


@pytest.mark.parametrize("width", [25, 33, 48, 64])
def test_a_card_has_its_host_behind_the_name_and_says_since_when_that_is_away(width: int) -> None:
    fleet = linked()
    for facts in fleet.agents:
        for away in (None, NOON - 720, 0.0):
            for height in (2, 3, 4, 5):
                lines = card_lines(
                    facts, shown(fleet).status(facts.address), NOON, width, False, height=height, away=away
                )
                assert all(width_of(line) == width for line in lines), facts.address
    card = text(
        card_lines(one(fleet, "@writer.beta"), shown(fleet).status("@writer.beta"), NOON, 64, False, away=NOON - 720)
    )
    assert "◆ writer.beta ✉2" in card and "⊘in tool away 12m" in card
    never = card_lines(one(fleet, "@writer.beta"), shown(fleet).status("@writer.beta"), NOON, 64, False, away=0.0)
    assert "not heard yet" in text(never)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_row_has_its_host_behind_the_name_and_a_sign_where_that_is_away(width: int) -> None:
    fleet = linked()
    snapshot = shown(fleet)
    for facts in fleet.agents:
        row = TableRow(
            facts, snapshot.status(facts.address), NOON, away=snapshot.away.get(facts.agent.host), linked=True
        )
        assert width_of(row_line(row, width)) == width
        assert (f".{facts.agent.host} " in text([row_line(row, width)])) is facts.agent.is_remote
        assert ("⊘" in text([row_line(row, width)])) is (facts.agent.host == "beta")
    assert width_of(heading(width, linked=True)) == width


@given(st.text("ab", min_size=1, max_size=30), st.text("xyz", max_size=30), st.integers(1, 40))
def test_of_a_name_that_is_too_long_the_host_keeps_half_of_the_room(name: str, where: str, width: int) -> None:
    host = f".{where}" if where else ""
    cut, kept = cut_name(name, host, width)
    assert len(cut) + len(kept) <= width
    assert len(kept) >= min(len(host), width // 2)
    if len(name) + len(host) <= width:
        assert (cut, kept) == (name, host)


def test_a_dot_in_the_name_of_an_agent_here_is_no_host() -> None:
    assert name_column("@v1.beta", (), 10, "strong") == (("v1.beta   ", "strong"),)
    assert name_column("@v1.beta", ("gamma",), 10, "strong") == (("v1.beta   ", "strong"),)
    assert name_column("@v1.beta", ("beta",), 10, "strong") == (("v1", "strong"), (".beta   ", "muted"))


@pytest.mark.parametrize("width", [60, 80, 160])
def test_the_stream_has_the_host_of_each(width: int) -> None:
    fleet = linked()
    names = shown(fleet).host_names
    for row in activity_rows(fleet.stream):
        line = stream_line(row, width, names)
        assert width_of(line) == width
        assert (f".{row.activity.agent.rpartition('.')[2]} " in text([line])) is ("." in row.activity.agent)


@pytest.mark.parametrize(
    ("typed", "number"),
    [("host:beta", 10), ("host:b", 10), ("host:", 20), ("host:here", 10), ("!host:beta", 20), ("host:nowhere", 0)],
)
def test_the_filter_knows_hosts(typed: str, number: int) -> None:
    found, snapshot = parse_filter(typed), shown(linked())
    assert not found.trouble
    assert sum(found.shows(each, snapshot.status(each.address)) for each in snapshot.fleet.agents) == number


def test_grouped_by_host_this_one_stands_first() -> None:
    fleet = linked()
    mixed, by_host = tuple(reversed(fleet.agents)), Arrangement(group="host")
    keys = {each.address: sort_key(each, shown(fleet).status(each.address), by_host, NOON, {}) for each in mixed}
    assert [each.agent.host for each in arranged(mixed, by_host, keys)] == [""] * 10 + ["beta"] * 10 + ["gamma"] * 10


def test_who_is_on_a_host_that_is_not_heard_needs_nobody() -> None:
    words = [need.words for need in needs_of(shown(linked()), ())]
    assert any("@builder.gamma" in said for said in words) and not any(".beta" in said for said in words)


def test_the_detail_says_what_is_known_of_the_host() -> None:
    fleet = linked()
    snapshot = shown(fleet)

    def said(address: str, hosts: tuple[HostRecord, ...] = fleet.hosts) -> str:
        facts, status = one(fleet, address), snapshot.status(address)
        host = host_said(facts, hosts, away_hosts(hosts), NOON)
        both = (
            *detail_lines(facts, status, None, NOON, 60, 40, host=host),
            *story_lines(facts, status, None, NOON, 60, host=host),
        )
        return text(both)

    assert said("@writer.beta").count("host     beta, away since 11:48") == 2
    assert said("@writer.beta").count("in tool ⊘ away 12m") == 2 and "pid 4211 on beta" in said("@writer.beta")
    assert "host     gamma\n" in said("@writer.gamma").replace(" " * 5 + "\n", "\n") and "⊘" not in said(
        "@writer.gamma"
    )
    assert "gamma, its clock is 3 min behind" in said("@writer.gamma", (host("gamma", skew=-180.0),))
    assert "gamma, of which nothing is known here" in said("@writer.gamma", ())
    assert "gamma, belongs to the link no more" in said("@writer.gamma", (host("gamma", revoked=True),))
    assert "gamma, not heard yet" in said("@writer.gamma", (HostRecord("gamma"),))
    assert "host " not in said("@writer")


def test_a_host_without_agents_hides_nothing() -> None:
    away, failed = (
        Alarm(AlarmKind.HOST_AWAY, "", NOON, "host away", id="beta"),
        Alarm(AlarmKind.FAILED, "@a", NOON, "failed"),
    )
    disk = Alarm(AlarmKind.DISK, "", NOON, "disk full")
    assert not hidden([Episode(alarm, NOON) for alarm in (away, failed, disk)])
    with_agents = Alarm(AlarmKind.HOST_AWAY, "", NOON, "host away", id="beta", agents=("@a",))
    assert dict(hidden([Episode(alarm, NOON) for alarm in (with_agents, failed, disk)])) == {
        failed.key: with_agents.key
    }


def test_files_and_processes_of_other_hosts_are_not_looked_for_here() -> None:
    fleet = linked()
    assert fleet.local_agents == fleet.agents[:10] and lighthouse().local_agents is not None
    missing = check_machine(fleet, CONFIG, NOON).missing_since
    assert missing and not [address for address in missing if "." in address]


@pytest.mark.anyio
async def test_the_screen_shows_hosts_and_what_comes_of_one_that_goes_and_comes_back() -> None:
    fleet = linked(3, 8, away="")
    feed = FakeFeed(fleet)
    app = app_on(feed, workspace(fleet))
    async with app.run_test(size=(200, 50)) as pilot:
        await until(pilot, lambda: "writer.gamma" in text_of(app), "the agents are shown")
        assert "3 hosts" in text_of(app) and "⊘" not in text_of(app)
        feed.put(structs.replace(fleet, hosts=(host("beta", away=720.0), host("gamma"))))
        await until(pilot, lambda: "beta away since 11:48" in text_of(app), "it is said that beta is away")
        row = next(line for line in text_of(app).splitlines() if "editor.beta" in line and "⊘" in line)
        assert "waiting" in row, "what was known last"
        await until(pilot, lambda: "host away: beta" in text_of(app), "there is one alarm")
        await pilot.press("slash", *"host:beta", "enter")
        await until(pilot, lambda: len(fleet_screen(app).grid.addresses) == 8, "only that host is shown")
        feed.put(structs.replace(fleet, at=NOON + 1))
        await until(pilot, lambda: "3 hosts" in text_of(app) and "⊘" not in text_of(app), "it is back")


def test_the_sheet_of_the_link_says_how_it_stands_with_each_host() -> None:
    report = LinkReport(4711, 1, NOON - 60, connected=True)
    status = LinkStatus("alpha", "lighthouse", HUB, ("127.0.0.1:7422",), report)
    away, ahead = host("beta", away=720.0), host("gamma", skew=180.0, agents=("@writer",), version="1.0")
    view = LinkView(status, (HostView(away, 3, NOON - 660), HostView(ahead), HostView(HostRecord("new"))))
    said = text(list(link_lines(view, NOON, 78)))
    assert "alpha, hub of lighthouse" in said and "connected for 1m, PID 4711" in said
    assert "beta             ⊘ away since 11:48; 3 envelopes for it for 11m; 0 agents" in said
    assert "gamma            there, its clock is 3 min ahead; 1 agent; 1.0" in said
    assert "new              ⊘ not heard yet" in said
    lost = structs.replace(report, connected=False, trouble="no route to host \x1b[31m")
    broken = replace(status, report=lost)
    assert "not connected" in text(list(link_lines(LinkView(broken), NOON, 78)))
    assert "\x1b" not in text(list(link_lines(LinkView(broken), NOON, 78)))
    stopped = text(list(link_lines(LinkView(replace(status, report=None)), NOON, 78)))
    assert "not running here" in stopped and "mailcore link serve" in stopped and "mailcore link invite" in stopped


@pytest.mark.anyio
async def test_the_sheet_of_the_link_opens_from_the_palette(tmp_path: Path) -> None:
    fleet = structs.replace(linked(3, 8), root=tmp_path)
    (tmp_path / ".praxmonitor").mkdir()
    where = workspace(fleet)
    write_membership(where, Membership("alpha", "lighthouse", ("127.0.0.1:7422",), HUB))
    for record in fleet.hosts:
        write_host(where, record)
    app = app_on(FakeFeed(fleet), where)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, lambda: "writer.gamma" in text_of(app), "the agents are shown")
        app.action_do("link")
        await until(pilot, lambda: "alpha, hub of lighthouse" in text_of(app), "the sheet is open")
        assert "⊘ away since 11:48" in text_of(app) and "not running here" in text_of(app)
        await pilot.press("escape")
        app.navigation.show_host("gamma")
        await until(pilot, lambda: len(fleet_screen(app).grid.addresses) == 8, "only that host is shown")


def test_what_an_agent_asks_of_the_operator_of_its_own_host_is_an_alarm_of_its_own_here() -> None:
    asks = replace(mail(90, "@writer", "Deploy?", 60), raw={"approval": {"run": "20270115-115601-7f3a"}})
    fleet = linked(away="")
    local, there = one(fleet, "@planner"), one(fleet, "@planner.gamma")
    both = tuple(structs.replace(each, requests=(asks,), run=one(fleet, "@writer").run) for each in (local, there))
    agents = tuple(
        structs.replace(each, lock=one(fleet, "@writer").lock, last_active=NOON - 5, activities=()) for each in both
    )
    asking = structs.replace(fleet, agents=agents)
    waiting = [alarm.address for alarm in AlarmRules(CONFIG).alarms(asking, NOON) if alarm.kind is AlarmKind.WAITING]
    assert waiting == ["@planner.gamma"], "ours is told by the operator's mailbox here"
