"""Whether an alarm was heard: what is told again, what has an all-clear, what the next takes over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailcore.config import Config
from mailcore.model.fleet import Fleet
from mailcore.model.run import Phase
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episode import ACKNOWLEDGED, ReportedEpisode
from praxmonitor.alarms.episodes import Episodes, advance
from praxmonitor.alarms.notifier import Notifier
from praxmonitor.alarms.outlets import POP_TITLE, PUSH_TITLE
from praxmonitor.alarms.reach import ReachProbe
from praxmonitor.alarms.repeats import Repeat
from praxmonitor.alarms.store import AlarmStore
from praxmonitor.sound import Cue, Sound, Urgency
from praxmonitor.sound.mutes import FOREVER, Mutes, mutes_path
from praxmonitor.state.snapshot import EMPTY, next_snapshot
from tests.clock import NOON, Clock
from tests.praxmonitor.fake_feed import ROOT, FakeSpeaker, facts, run

A, B = (Alarm(AlarmKind.FAILED, address, 5.0, "failed: x") for address in ("@a", "@b"))
REPEAT = Repeat({Urgency.MEDIUM: (180.0,)})


def book(*alarms: Alarm, at: float = 100.0) -> Episodes:
    return advance(Episodes(), alarms, {}, at, REPEAT)[0]


def test_what_nobody_heard_stays_unheard_until_it_is_marked() -> None:
    two = book(A, B)
    assert [each.alarm for each in two.unheard(101.0)] == [A, B]
    one = two.with_heard([A.key, "of nothing"], heard=True)
    assert [each.alarm for each in one.unheard(101.0)] == [B]
    assert one.with_heard([A.key], heard=True) is one
    assert one.with_heard([A.key], heard=False).unheard(101.0) == two.unheard(101.0)
    answered, _ = advance(two, [A, B], {A.key: ACKNOWLEDGED}, 102.0, REPEAT)
    assert [each.alarm for each in answered.unheard(102.0)] == [B], "who took note need not hear it"
    gone, _ = advance(book(Alarm(AlarmKind.LIMIT, "@a", 5.0, "limited")), [], {}, 102.0, REPEAT)
    assert not gone.unheard(102.0), "what is over need not be heard"


def test_who_takes_over_goes_on_and_tells_what_was_not_told() -> None:
    known = {A.key: ReportedEpisode(98.0, 3, 400.0, heard=True)}
    taken = book(A, B).taken_over(known, 110.0)
    (kept,) = taken.by_key.values()
    assert (kept.raised_at, kept.times_notified, kept.next_at, kept.heard) == (98.0, 3, 400.0, True)
    _, due = advance(taken, [A, B], {}, 111.0, REPEAT)
    assert [each.alarm for each in due.raised] == [B] and not due.repeated


def test_an_episode_that_began_after_the_one_that_was_told_is_told() -> None:
    known = {A.key: ReportedEpisode(20.0, 3, 200.0, heard=True)}
    assert not book(A, at=100.0).taken_over(known, 110.0).by_key


def test_that_it_was_heard_outlives_a_restart(tmp_path: Path) -> None:
    heard = book(A, B).with_heard([A.key], heard=True)
    AlarmStore(tmp_path).save_reported(heard.by_key)
    assert {key: told.heard for key, told in AlarmStore(tmp_path).reported().items()} == {A.key: True, B.key: False}
    again, _ = advance(Episodes(reported_before=AlarmStore(tmp_path).reported()), [A, B], {}, 200.0, REPEAT)
    assert [each.alarm for each in again.unheard(200.0)] == [B]


OPENED: list[Watch] = []


class Watch:
    """A guard's notifier of this test's own, on duty: ticked by hand, on a speaker that remembers."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self.speaker, self.clock = FakeSpeaker(), clock
        probe = ReachProbe(self.speaker, clock=clock)
        self.notifier = Notifier(Config(), root, period=0.5, clock=clock, live=True, what="guard", probe=probe)
        self.notifier.ready = True
        OPENED.append(self)

    async def on_duty(self) -> None:
        duty = self.notifier._duty
        assert duty is not None
        self.notifier.tick()
        duty._look()
        await self.notifier._take_over(duty)

    async def sounds(self, *failed: str, after: float = 1.0) -> list[Sound]:
        """What it would play at the next tick, while these agents' runs have failed."""
        await self.on_duty()
        self.clock.now += after
        runs = {name: run(name, "Report", Phase.BOUNCED, 5.0) for name in failed}
        agents = [facts(name, run=runs.get(name)) for name in ("writer", "tester")]
        fleet = Fleet(ROOT, agents=tuple(agents))
        snapshot = next_snapshot(EMPTY, fleet, self.clock(), self.notifier.config.alarms, self.notifier.machine_status)
        played: list[Cue] = self.notifier.evaluate(snapshot)[1]
        return [cue.sound for cue in played]

    def mute(self, muted: bool) -> None:
        self.speaker.mutes = Mutes(FOREVER if muted else 0.0)


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """Whoever watched closes what it holds at the end, those that a test took for dead too."""
    yield
    while OPENED:
        OPENED.pop().notifier.close()


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path, Clock(NOON))


@pytest.mark.anyio
async def test_what_was_muted_is_heard_when_it_is_not_any_more(watch: Watch) -> None:
    watch.mute(True)
    await watch.sounds("writer")
    assert not watch.notifier.needs_evaluation, "nothing to be done while it is muted"
    watch.mute(False)
    assert watch.notifier.needs_evaluation
    assert await watch.sounds("writer") == [Sound.FAILED]
    assert not watch.notifier.needs_evaluation
    assert await watch.sounds("writer") == []


@pytest.mark.anyio
async def test_what_nobody_heard_has_no_all_clear_and_what_one_heard_has_one(watch: Watch) -> None:
    watch.mute(True)
    await watch.sounds("writer")
    watch.mute(False)
    assert await watch.sounds() == []
    assert await watch.sounds("writer") == [Sound.FAILED]
    assert await watch.sounds() == [Sound.ALL_CLEAR]
    assert await watch.sounds("writer") == [Sound.FAILED]
    watch.mute(True)
    await watch.sounds("writer", "tester")
    await watch.sounds("tester")
    watch.mute(False)
    assert await watch.sounds() == [Sound.ALL_CLEAR], "of the one that was heard"


@pytest.mark.anyio
async def test_what_the_device_swallowed_is_told_again(watch: Watch) -> None:
    assert await watch.sounds("writer") == [Sound.FAILED]
    watch.speaker.unplayed = lambda: [Cue(Sound.FAILED, "@writer")]  # type: ignore[method-assign]
    assert await watch.sounds("writer") == [Sound.FAILED]
    watch.speaker.unplayed = list  # type: ignore[method-assign]
    assert await watch.sounds("writer") == []


@pytest.mark.anyio
async def test_an_alarm_that_came_again_while_the_last_one_was_stopped_is_told(watch: Watch, tmp_path: Path) -> None:
    """What stands in `told.json` is an earlier episode of the same name."""
    assert await watch.sounds("writer") == [Sound.FAILED]
    (key,) = watch.notifier.episodes.by_key
    earlier = {key: replace(watch.notifier.episodes.by_key[key], raised_at=NOON - 100)}
    AlarmStore(mutes_path(tmp_path).parent).save_reported(earlier)
    watch.notifier._acting = False
    assert await watch.sounds("writer") == [Sound.FAILED]


@pytest.mark.anyio
async def test_what_was_over_before_the_last_one_could_tell_has_its_all_clear(watch: Watch, tmp_path: Path) -> None:
    path = mutes_path(tmp_path).parent
    AlarmStore(path).save_reported(book(A).with_heard([A.key], heard=True).by_key)
    assert await watch.sounds() == [Sound.ALL_CLEAR]
    assert await watch.sounds() == []


@pytest.mark.anyio
async def test_the_terminals_title_says_what_is_wrong_and_is_given_back_at_the_end(tmp_path: Path) -> None:
    written: list[str] = []
    notifier = Notifier(Config(), tmp_path, period=0.5, clock=Clock(), what="screen", write=written.append)
    for failed in (False, True, True, False):
        agent = facts("writer", run=run("writer", "Report", Phase.BOUNCED, 5.0) if failed else None)
        notifier.evaluate(next_snapshot(EMPTY, Fleet(ROOT, agents=(agent,)), NOON, Config().alarms))
    assert len(written) == 2, "once when it is wrong, once when it is over"
    assert written[0].startswith(PUSH_TITLE) and "bounced: Report" in written[0] and written[1].count("\x1b") == 1
    notifier.close()
    assert written[2:] == [POP_TITLE]


def test_a_title_that_was_never_changed_is_not_given_back(tmp_path: Path) -> None:
    written: list[str] = []
    Notifier(Config(), tmp_path, period=0.5, clock=Clock(), what="screen", write=written.append).close()
    assert written == []
