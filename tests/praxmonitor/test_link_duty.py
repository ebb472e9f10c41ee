"""Of several hosts one sounds: reckoned by each from what all say, and by none from what is old."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from mailcore.config import Config
from mailcore.hosts.directory import write_host
from mailcore.hosts.link_status import LinkReport, write_link_report
from mailcore.hosts.membership import Membership, write_membership
from mailcore.hosts.reach_report import REACH_FILE, ReachReport, read_reach
from mailcore.model.fleet import Fleet
from mailcore.model.link import HostRecord
from mailcore.model.machine_status import MachineStatus
from mailcore.model.run import Phase
from mailcore.system.processes import start_ticks
from mailcore.workspace.find import Workspace
from praxmonitor.alarms import lease
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episode import ACKNOWLEDGED
from praxmonitor.alarms.link_duty import HEARD_WITHIN, SOUNDED_HERE_AFTER, LinkDuty, is_told_elsewhere, sounding_host
from praxmonitor.alarms.notifier import Notifier
from praxmonitor.alarms.reach import ReachProbe
from praxmonitor.sound import Sound
from praxmonitor.state.snapshot import EMPTY, next_snapshot
from tests.clock import NOON, Clock
from tests.praxmonitor.fake_feed import FakeSpeaker, facts, run


def told(name: str, reach: int, *, sounds: bool = False) -> HostRecord:
    return HostRecord(name, seen_at=time.time(), reach=reach, sounds=sounds)


@pytest.mark.parametrize(
    ("reach", "sounds", "others", "who", "why"),
    [
        (3, False, (), "beta", "alone"),
        (3, False, (told("alpha", 1),), "beta", "it reaches a person better"),
        (1, True, (told("alpha", 3),), "alpha", "the other does"),
        (3, True, (told("alpha", 3),), "beta", "of two that reach as far whoever has it keeps it"),
        (3, False, (told("gamma", 3, sounds=True),), "gamma", "the same of the other"),
        (3, False, (told("alpha", 3), told("gamma", 3)), "alpha", "nobody has it yet: the first by name"),
        (3, True, (told("alpha", 3, sounds=True),), "alpha", "both had it, apart from each other: the first by name"),
        (0, False, (told("alpha", 0),), "beta", "nobody is reached anywhere: each for itself"),
        (0, True, (told("alpha", 1),), "alpha", "a guard without sound leaves it to a screen"),
    ],
)
def test_who_sounds(reach: int, sounds: bool, others: tuple[HostRecord, ...], who: str, why: str) -> None:
    assert sounding_host("beta", reach, others, sounds=sounds) == who, why


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from("abcdefg"), st.tuples(st.integers(0, 3), st.booleans()), min_size=1))
def test_all_hosts_that_hear_each_other_reckon_the_same_and_keep_to_it(said: dict[str, tuple[int, bool]]) -> None:
    def reckoned(figures: dict[str, tuple[int, bool]]) -> dict[str, str]:
        return {
            own: sounding_host(
                own, reach, [told(name, *each[:1], sounds=each[1]) for name, each in figures.items() if name != own],
                sounds=sounds,
            )
            for own, (reach, sounds) in figures.items()
        }  # fmt: skip

    first = reckoned(said)
    if all(reach == 0 for reach, _ in said.values()):
        assert all(own == who for own, who in first.items())
        return
    reached = {who for own, who in first.items() if said[own][0] or who != own}
    assert len(reached) == 1, "one, and the same for each"
    then = {own: (reach, first[own] == own) for own, (reach, _) in said.items()}
    assert reckoned(then) == first, "nobody changes his mind"


class Here:
    """A workspace of this test's own that belongs to a link, whose process is this one."""

    def __init__(self, root: Path) -> None:
        (root / ".praxmonitor").mkdir()
        self.workspace = Workspace(root, root / "X_REGISTRY.json", ())
        write_membership(self.workspace, Membership("beta", "x", ("127.0.0.1:1",)))
        self.clock = Clock(NOON)
        self.duty = LinkDuty(root, clock=self.clock)
        self.connect()

    def connect(self, *, connected: bool = True) -> None:
        report = LinkReport(os.getpid(), start_ticks(os.getpid()) or 0, NOON, connected=connected)
        write_link_report(self.workspace, report)

    def hears(self, name: str, reach: int, **known: object) -> None:
        record = HostRecord(name, seen_at=self.clock.now, reach=reach, sounds=True)
        write_host(self.workspace, structs.replace(record, **known))

    def look(self, reach: int = 3, *, on_duty: bool = True) -> str:
        self.duty._looked = float("-inf")
        self.duty.look(reach, on_duty=on_duty)
        return self.duty.elsewhere


def test_a_host_that_is_heard_sounds_in_our_stead_and_no_other(tmp_path: Path) -> None:
    here = Here(tmp_path)
    assert here.look() == "" and read_reach(here.workspace).sounds
    here.hears("alpha", 3)
    assert here.look() == "alpha"
    assert (read_reach(here.workspace).reach, read_reach(here.workspace).sounds) == (3, False)
    assert here.look(on_duty=False) == "", "who is not on duty here has nothing to leave to others"
    assert here.look() == "alpha"
    here.connect(connected=False)
    assert here.look() == "" and read_reach(here.workspace).sounds, "the link is broken: the other may be gone"
    here.connect()
    assert here.look() == "alpha"
    here.clock.now += HEARD_WITHIN + 1
    assert here.look() == "", "the link says nothing any more"
    here.hears("alpha", 3)
    assert here.look() == "alpha"
    here.hears("alpha", 3, away_since=NOON)
    assert here.look() == "", "it is away"
    here.hears("alpha", 3, revoked=True)
    assert here.look() == ""


def test_without_a_link_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / ".praxmonitor").mkdir()
    duty = LinkDuty(tmp_path)
    duty.look(3, on_duty=True)
    assert not duty.elsewhere and not list((tmp_path / ".praxmonitor").iterdir())


def test_what_a_watcher_said_holds_while_it_lives_and_moves(tmp_path: Path) -> None:
    here = Here(tmp_path)
    here.look()
    path = tmp_path / ".praxmonitor" / "link" / REACH_FILE
    assert read_reach(here.workspace).reach == 3
    os.utime(path, (time.time() - 60, time.time() - 60))
    assert read_reach(here.workspace) == ReachReport(), "it stands still"
    path.write_text(path.read_text().replace(str(os.getpid()), "4194305"))
    assert read_reach(here.workspace) == ReachReport(), "it is gone"
    path.write_text("{")
    assert read_reach(here.workspace) == ReachReport()


@pytest.mark.parametrize(
    ("alarm", "elsewhere"),
    [
        (Alarm(AlarmKind.FAILED, "@a", NOON, "failed"), True),
        (Alarm(AlarmKind.HOST_AWAY, "", NOON, "away", agents=("@a.beta",)), True),
        (Alarm(AlarmKind.APPROVAL, "@operator", NOON, "asks"), True),
        (Alarm(AlarmKind.UNREAD, "@operator", NOON, "mail"), False),
        (Alarm(AlarmKind.DISK, "", NOON, "full"), False),
        (Alarm(AlarmKind.DEGRADED, "", NOON, "watching"), False),
    ],
)
def test_what_no_other_host_can_know_of_is_told_here(alarm: Alarm, elsewhere: bool) -> None:
    assert is_told_elsewhere(alarm) is elsewhere


@pytest.mark.anyio
async def test_when_the_host_that_sounded_goes_what_nobody_heard_here_is_heard_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE", 60.0)  # nobody looks again in between, however busy the machine is
    here, speaker, clock = Here(tmp_path), FakeSpeaker(), Clock(NOON)
    notifier = Notifier(
        Config(), tmp_path, period=0.5, clock=clock, live=True, what="guard", probe=ReachProbe(speaker, clock=clock)
    )
    notifier.ready = True
    duty = notifier._duty
    assert duty is not None
    notifier._link_duty = here.duty
    try:
        notifier.tick()
        duty._look()
        await notifier._take_over(duty)
        here.hears("alpha", 3)
        assert here.look() == notifier.sounding_host == "alpha"
        failed = facts("a", run=run("a", "Task", Phase.BOUNCED, 5))
        fleet = Fleet(tmp_path, (failed,))
        full = MachineStatus(disk_free=1)
        snapshot = next_snapshot(EMPTY, fleet, clock.now, Config().alarms, full)
        notifier._engine.update_machine_status(full)
        events, cues = notifier.evaluate(snapshot)
        assert {one.alarm.kind for one in events.raised} == {AlarmKind.BOUNCED, AlarmKind.DISK}
        assert [cue.sound for cue in cues] == [AlarmKind.DISK.sound], "the disk is this host's own"
        assert not notifier.needs_evaluation
        here.hears("alpha", 3, away_since=NOON)
        assert here.look() == notifier.sounding_host == ""
        assert notifier.needs_evaluation
        _, cues = notifier.evaluate(snapshot)
        assert [cue.sound for cue in cues] == [Sound.FAILED]
    finally:
        notifier.close()


@pytest.mark.anyio
async def test_what_nobody_answers_for_some_minutes_sounds_here_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE", 60.0)
    here, speaker, clock = Here(tmp_path), FakeSpeaker(), Clock(NOON)
    config = Config()
    notifier = Notifier(
        config, tmp_path, period=0.5, clock=clock, live=True, what="guard", probe=ReachProbe(speaker, clock=clock)
    )
    notifier.ready = True
    duty = notifier._duty
    assert duty is not None
    notifier._link_duty = here.duty

    def heard() -> list[Sound]:
        snapshot = next_snapshot(EMPTY, Fleet(tmp_path, (failed,)), clock.now, config.alarms)
        return [cue.sound for cue in notifier.evaluate(snapshot)[1]]

    def goes_on(seconds: float) -> None:
        clock.now += seconds
        here.clock.now = clock.now
        here.hears("alpha", 3)
        notifier.tick()
        assert here.look() == notifier.sounding_host == "alpha"

    try:
        notifier.tick()
        duty._look()
        await notifier._take_over(duty)
        failed = facts("a", run=run("a", "Task", Phase.BOUNCED, 5))
        goes_on(0)
        assert heard() == [] and not notifier.needs_evaluation
        goes_on(SOUNDED_HERE_AFTER - 1)
        assert heard() == [] and not notifier.needs_evaluation
        goes_on(2)
        assert notifier.needs_evaluation
        assert heard() == [Sound.FAILED] and not notifier.needs_evaluation
        (episode,) = notifier.unanswered()
        await notifier.answer([episode.alarm.key], ACKNOWLEDGED)
        goes_on(3600)
        assert heard() == [] and not notifier.needs_evaluation, "it was acknowledged here"
    finally:
        notifier.close()
