"""What one host publishes of its agents and another keeps: soon, bounded, and whole again whatever was lost."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from mailcore.hosts.directory import host_directory, write_host
from mailcore.hosts.membership import Membership, link_directory, write_membership
from mailcore.link import sight_publisher, sight_store
from mailcore.link.sight_message import (
    MAX_MESSAGE,
    SightMessage,
    decoded_message,
    encoded_facts,
    encoded_message,
)
from mailcore.link.sight_publisher import TELL_FRAME, WHOLE_EVERY, SightPublisher
from mailcore.link.sight_store import SIGHT_BURST, SightStore
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.link import HostRecord
from mailcore.model.message import Message
from mailcore.observe import host_reader
from mailcore.observe.facts import AgentTold, Fact, HoldRead, Lost, Roster, Seen
from mailcore.observe.fold import apply
from mailcore.observe.host_reader import SIGHT_FILE
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.told import told_here
from mailcore.observe.watch import WorkspaceWatch
from mailcore.workspace.find import Workspace
from tests.mailcore.conftest import House, wait_until

AGENTS = tuple(Agent(f"@a{number}", f"A{number}", Path(f"/there/a{number}")) for number in range(5))
THERE = apply(Fleet(Path("/there")), [Roster(AGENTS)], 1.0)


def did(agent: str, text: str, at: float) -> Seen:
    return Seen(agent, (Activity(at, agent, Kind.TOOL, text, "hooks", tool_id=text),))


def into(sent: list[bytes], reached: Callable[[], bool] = lambda: True) -> Callable[[bytes], bool]:
    """What publishes into a list."""

    def publish(data: bytes) -> bool:
        if reached():
            sent.append(data)
        return reached()

    return publish


class Listener:
    """The host alpha, which hears beta."""

    def __init__(self, workspace: Workspace) -> None:
        write_membership(workspace, Membership("alpha", "p"))
        write_host(workspace, HostRecord("beta"))
        self.workspace = workspace
        self.path = host_directory(workspace, "beta") / SIGHT_FILE
        self.troubles: list[str] = []
        self.store = SightStore(workspace, self.troubles.append)

    def seen(self) -> dict[str, AgentFacts]:
        facts = WorkspaceReader(self.workspace).initial()
        fleet = apply(Fleet(self.workspace.root), facts, time.time())
        return {one.address: one for one in fleet.agents if one.agent.is_remote}

    def texts(self, address: str) -> list[str]:
        return [one.text for one in self.seen()[address].activities]


@pytest.fixture
def alpha(house: House) -> Listener:
    return Listener(house.workspace)


@pytest.fixture
def sent() -> list[bytes]:
    return []


def publisher(house: House, sent: list[bytes]) -> SightPublisher:
    found = SightPublisher(house.workspace, into(sent))
    found.want()
    return found


def test_nothing_is_told_before_somebody_wants_it(house: House, sent: list[bytes]) -> None:
    beta = SightPublisher(house.workspace, into(sent))
    assert beta.tell(THERE, 100.0) is None and sent == []
    beta.want()
    assert beta.tell(THERE, 100.0) is None and len(sent) == 1
    assert decoded_message(sent[0]).parts == 1


def test_what_changed_is_told_at_once_and_of_one_agent_once_a_frame(house: House, sent: list[bytes]) -> None:
    beta = publisher(house, sent)
    beta.tell(THERE, 100.0)
    fleet = apply(THERE, [Lost("@a1", 1)], 2.0)
    assert beta.tell(fleet, 110.0) is None and len(sent) == 2 and b"@a1" in sent[1] and b"@a2" not in sent[1]
    fleet = apply(fleet, [Lost("@a1", 2)], 3.0)
    assert beta.tell(fleet, 110.01) == pytest.approx(110.0 + TELL_FRAME) and len(sent) == 2
    fleet = apply(fleet, [Lost("@a1", 3), Lost("@a2", 9)], 3.0)
    assert beta.tell(fleet, 110.02) == pytest.approx(110.0 + TELL_FRAME)
    assert len(sent) == 3 and b"@a2" in sent[2] and b"@a1" not in sent[2], "who was quiet is told at once"
    assert beta.tell(fleet, 110.0 + TELL_FRAME) is None and b'"lost":3' in sent[3] and len(sent) == 4
    assert [decoded_message(one).number for one in sent] == [1, 2, 3, 4]


def test_a_busy_host_tells_no_more_than_its_share(
    house: House, sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sight_publisher, "BYTES_A_SECOND", 1000)
    beta = publisher(house, sent)
    beta.tell(THERE, 100.0)
    fleet, told, now = THERE, 0, 200.0
    for number in range(1000):
        for agent in AGENTS:
            fleet = apply(fleet, [did(agent.address, f"{number} " + "x" * 190, number)], number)
        now += 0.5
        before = len(sent)
        beta.tell(fleet, now)
        told += sum(map(len, sent[before:]))
    assert 100_000 < told < 500 * 1000 * 1.5, "in 500 s, at 1 kB/s and one telling more"


def test_all_is_told_anew_at_most_now_and_then(house: House, sent: list[bytes]) -> None:
    beta = publisher(house, sent)
    for tick in range(100):
        beta.want()
        beta.tell(THERE, 100.0 + tick * WHOLE_EVERY / 50)
    assert len(sent) == 2


def test_who_came_and_who_left_is_told(house: House, alpha: Listener, sent: list[bytes]) -> None:
    beta = publisher(house, sent)
    beta.tell(apply(THERE, [Lost("@a0", 7)], 1.0), 100.0)
    came = Agent("@new", "NEW", Path("/there/new"))
    fleet = apply(THERE, [Roster((*AGENTS[1:], came)), Lost("@new", 5)], 2.0)
    beta.tell(fleet, 200.0)
    beta.tell(apply(fleet, [Roster((*AGENTS, came)), Lost("@a0", 7)], 3.0), 300.0)
    reader, here = WorkspaceReader(alpha.workspace), Fleet(alpha.workspace.root)
    here = apply(here, reader.initial(), 4.0)
    for data in sent:
        assert alpha.store.take("beta", data) is not None
        here = apply(here, reader.sweep(), 4.0)
    seen = {one.address: one.lost for one in here.agents if one.agent.is_remote}
    assert seen == {"@a0.beta": 7, "@a1.beta": 0, "@a2.beta": 0, "@a3.beta": 0, "@a4.beta": 0, "@new.beta": 5}


def test_what_was_not_published_is_told_later(house: House, alpha: Listener) -> None:
    sent: list[bytes] = []
    reached = True
    beta = SightPublisher(house.workspace, into(sent, lambda: reached))
    beta.want()
    beta.tell(THERE, 100.0)
    reached = False
    fleet = apply(THERE, [Lost("@a1", 1)], 2.0)
    again = beta.tell(fleet, 110.0)
    assert again is not None and len(sent) == 1
    reached = True
    assert beta.tell(fleet, again) is None and len(sent) == 2
    for data in sent:
        alpha.store.take("beta", data)
    assert alpha.seen()["@a1.beta"].lost == 1 and alpha.store.wants() == ()


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_lost_or_who_restarts_the_end_is_as_it_is_there(house: House, alpha: Listener, seed: int) -> None:
    """Messages are lost, the publisher and the listener die and begin again; then all is heard: nothing is missing."""
    chance = random.Random(seed)
    sent: list[bytes] = []
    beta = publisher(house, sent)
    fleet, now, heard = THERE, 100.0, 0
    for step in range(120):
        agent = chance.choice(AGENTS).address
        facts: list[Fact] = [did(agent, f"s{step}", step), Lost(agent, step), HoldRead(agent, f"h{step}")]
        fleet = apply(fleet, [chance.choice(facts)], step)
        now += chance.choice([0.02, 0.3, 3.0])
        beta.tell(fleet, now)
        for data in sent[heard:]:
            if chance.random() < 0.8:
                alpha.store.take("beta", data)
        heard = len(sent)
        if "beta" in alpha.store.wants() and chance.random() < 0.5:
            beta.want()
        if chance.random() < 0.03:
            alpha.store = SightStore(alpha.workspace, alpha.troubles.append)
        if chance.random() < 0.03:
            beta = SightPublisher(house.workspace, into(sent))
    for _ in range(3):  # the word of where beta is, and what follows from it
        alpha.store.take("beta", encoded_message(SightMessage(beta.life, beta.number)))
        if alpha.store.wants():
            beta.want()
        now += WHOLE_EVERY + 1
        beta.tell(fleet, now)
        for data in sent[heard:]:
            alpha.store.take("beta", data)
        heard = len(sent)
    assert alpha.store.wants() == () and alpha.troubles == []
    seen = alpha.seen()
    for one in fleet.agents:
        there = seen[f"{one.address}.beta"]
        assert (there.lost, there.held) == (one.lost, one.held)
        assert [activity.text for activity in there.activities] == [activity.text for activity in one.activities]


def test_a_listener_that_begins_again_goes_on_where_it_was(house: House, alpha: Listener, sent: list[bytes]) -> None:
    beta = publisher(house, sent)
    beta.tell(THERE, 100.0)
    alpha.store.take("beta", sent[0])
    again = SightStore(alpha.workspace, alpha.troubles.append)
    again.take("beta", encoded_message(SightMessage(beta.life, beta.number)))
    assert again.wants() == ()
    again.take("beta", encoded_message(SightMessage(beta.life, beta.number + 1)))
    assert again.wants() == ("beta",)


def test_a_whole_in_parts_counts_when_all_of_it_is_there(
    house: House, alpha: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailcore.link.sight_message.WANTED_BYTES", 100)
    sent: list[bytes] = []
    beta = publisher(house, sent)
    beta.tell(apply(THERE, [did(one.address, "x", 1.0) for one in AGENTS], 1.0), 100.0)
    assert len(sent) > 3
    for data in (*sent[:2], *sent[3:]):
        alpha.store.take("beta", data)
    assert alpha.store.wants() == ("beta",) and not alpha.path.exists()
    beta.want()
    first = len(sent)
    beta.tell(THERE, 200.0)
    for data in sent[first:]:
        alpha.store.take("beta", data)
    assert (
        alpha.store.wants() == ()
        and len(alpha.seen()) == 5
        and link_directory(house.workspace).stat().st_mode & 0o077 == 0
    )


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"life":"a","number":1,"facts":[]}\n{}', b"[" * 9999])
def test_what_is_no_message_is_told_and_left(alpha: Listener, data: bytes) -> None:
    assert alpha.store.take("beta", data) is None
    assert len(alpha.troubles) == 1 and "what beta tells of its agents is not taken" in alpha.troubles[0]
    assert not alpha.path.exists()


def test_what_no_clock_holds_ends_no_reading(house: House, alpha: Listener, sent: list[bytes]) -> None:
    """Whatever is wrong with one of a host's facts, the others are read, of this host and of that."""
    write_host(alpha.workspace, HostRecord("beta", skew=-5.0))
    beta = publisher(house, sent)
    beta.tell(THERE, 100.0)
    alpha.store.take("beta", sent[0])
    raw = {"approval": {"tier": 1, "expires_at": "9999-12-31T23:59:59+00:00"}}
    asked = Message("00000001", "", 1.0, "@a1", "may I", "", "new", recipient=OPERATOR, unread=True, raw=raw)
    facts = [
        AgentTold("@a1", requests=(asked,), lost=1),
        AgentTold("@a2", lost=2),
    ]
    line = encoded_message(SightMessage(beta.life, 2, facts=msgspec.Raw(next(encoded_facts(facts)))))
    assert alpha.store.take("beta", line) is not None
    assert {name: one.lost for name, one in alpha.seen().items()}["@a2.beta"] == 2
    assert alpha.seen()["@a1.beta"].requests[0].expires_at > time.time()


def test_a_fact_that_cannot_be_understood_is_left_alone(
    house: House, alpha: Listener, sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(fact: AgentTold, host: str, own: str, skew: float) -> AgentTold:
        if fact.address == "@a1":
            raise OverflowError("a value that nobody thought of")
        return told_here(fact, host, own, skew)

    monkeypatch.setattr(host_reader, "told_here", broken)
    beta = publisher(house, sent)
    beta.tell(apply(THERE, [Lost("@a1", 1), Lost("@a2", 2)], 2.0), 100.0)
    alpha.store.take("beta", sent[0])
    assert {name: one.lost for name, one in alpha.seen().items()}["@a2.beta"] == 2


def test_a_message_that_is_too_long_is_not_kept(alpha: Listener) -> None:
    huge = encoded_message(SightMessage("a", 1, parts=1, facts=msgspec.Raw(b'["' + b"x" * MAX_MESSAGE + b'"]')))
    assert alpha.store.take("beta", huge) is None and "are more than a reading can have" in alpha.troubles[0]


def test_a_flood_is_bounded_and_told(alpha: Listener) -> None:
    part = msgspec.Raw(b'["' + b"x" * (MAX_MESSAGE - 200) + b'"]')
    kept = sum(
        alpha.store.take("beta", encoded_message(SightMessage("a", n, facts=part))) is not None for n in range(200)
    )
    assert kept * MAX_MESSAGE < SIGHT_BURST * 1.5 and "tells more of its agents than" in alpha.troubles[-1]
    assert not alpha.path.exists(), "and what tells only what changed, without all before it, fills no disk"


def test_a_telling_of_all_that_never_ends_is_not_held(alpha: Listener) -> None:
    part = msgspec.Raw(b'["' + b"x" * (MAX_MESSAGE - 200) + b'"]')
    for n in range(60):
        alpha.store.take("beta", encoded_message(SightMessage("a", n, part=n, parts=1000, facts=part)))
    assert any("tells more than" in words for words in alpha.troubles) and not alpha.path.exists()


def test_a_long_file_is_told_anew(
    house: House, alpha: Listener, sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sight_store, "LONG_FILE", 3000)
    beta = publisher(house, sent)
    fleet, now = THERE, 100.0
    for number in range(60):
        fleet = apply(fleet, [did("@a1", f"s{number}", number)], number)
        now += WHOLE_EVERY + 1
        beta.tell(fleet, now)
        for data in sent[-1:]:
            alpha.store.take("beta", data)
        if alpha.store.wants():
            beta.want()
    assert sum(decoded_message(one).parts > 0 for one in sent) > 1
    assert alpha.path.stat().st_size < 48_000 and alpha.texts("@a1.beta")[-1] == "s59"


def test_a_host_that_never_tells_all_anew_fills_no_disk(
    house: House, alpha: Listener, sent: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sight_store, "LONGEST_FILE", 20_000)
    beta = publisher(house, sent)
    beta.tell(THERE, 100.0)
    alpha.store.take("beta", sent[0])
    for number in range(2, 400):
        facts = next(encoded_facts([did("@a1", "x" * 200, number)]))
        alpha.store.take("beta", encoded_message(SightMessage(beta.life, number, facts=msgspec.Raw(facts))))
    assert alpha.path.stat().st_size < 20_000 and alpha.store.wants() == ()
    alpha.store.take("beta", encoded_message(SightMessage(beta.life, 900)))
    assert alpha.store.wants() == ("beta",)


def test_a_full_disk_is_told_and_what_is_missing_is_wanted(alpha: Listener, house: House, sent: list[bytes]) -> None:
    beta = publisher(house, sent)
    beta.tell(THERE, 100.0)
    alpha.store.take("beta", sent[0])
    alpha.path.unlink()
    alpha.path.mkdir()
    beta.tell(apply(THERE, [Lost("@a1", 1)], 1.0), 200.0)
    assert alpha.store.take("beta", sent[1]) is None and alpha.store.wants() == ("beta",)
    assert "is not kept" in alpha.troubles[0]


def test_no_secret_and_no_place_is_told(house: House, sent: list[bytes]) -> None:
    secret = "ghp_" + "a1B2" * 9
    beta = publisher(house, sent)
    beta.tell(apply(THERE, [did("@a1", f"curl {secret}", 1.0)], 1.0), 100.0)
    assert b"masked" in sent[0] and secret.encode() not in sent[0] and b"/there" not in sent[0]


def test_facts_are_cut_into_messages_and_one_that_is_too_long_is_left_out() -> None:
    few = list(encoded_facts([did("@a1", "x" * 200, n) for n in range(2000)]))
    assert len(few) > 2 and max(map(len, few)) < MAX_MESSAGE
    assert sum(len(msgspec.json.decode(one)) for one in few) == 2000
    assert list(encoded_facts([did("@a1", "x" * MAX_MESSAGE, 1.0)])) == [] and list(encoded_facts([])) == []


@contextmanager
def running(beta: SightPublisher) -> Iterator[None]:
    thread = threading.Thread(target=beta.run)
    thread.start()
    try:
        yield
    finally:
        beta.stop()
        thread.join(20.0)
        assert not thread.is_alive()


def test_a_line_in_a_hooks_log_is_told_in_a_moment(house: House) -> None:
    sent: list[bytes] = []
    beta = SightPublisher(house.workspace, into(sent))
    log = house.agent("writer").hooks_log
    with running(beta):
        wait_until(lambda: beta._watch, what="it watches")
        beta.want()
        wait_until(lambda: sent, what="all is told")
        log.parent.mkdir(exist_ok=True)
        log.write_text('{"hook_event_name": "PreToolUse", "tool_name": "Bash", "session_id": "s"}\n')
        wait_until(lambda: any(b"Bash" in one for one in sent[1:]), what="the call is told")


def test_after_much_work_it_pauses_longer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own processor time: what else the machine does is not counted."""
    spent, pauses = iter(range(1_000_000)), []
    monkeypatch.setattr(time, "thread_time", lambda: float(next(spent)))
    monkeypatch.setattr(WorkspaceWatch, "pause", lambda _, seconds: pauses.append(seconds))
    with running(SightPublisher(house.workspace, into([]))):
        wait_until(lambda: pauses, what="it read once")
    assert set(pauses) == {sight_publisher.PAUSE_SHARE * 1.0}
