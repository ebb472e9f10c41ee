"""The alarms on the screen: the line under the header, the keys, the list; from narrow to wide."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs
from textual.pilot import Pilot

from mailcore.model.fleet import Fleet
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.episode import Episode
from praxmonitor.alarms.groups import AlarmGroup, AlarmState
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.alarm_lines import group_lines
from praxmonitor.sound import Sound, Urgency
from praxmonitor.state.sound_status import SoundStatus
from praxmonitor.text.lines import width_of
from praxmonitor.views.alarms import AlarmsScreen
from praxmonitor.widgets.alarm_bar import bar_line
from praxmonitor.widgets.header import header_line
from praxmonitor.widgets.line_list import Lines
from tests.clock import NOON, Clock
from tests.praxmonitor.fake_feed import (
    CONFIG,
    FakeFeed,
    FakeSpeaker,
    app_on,
    box,
    lighthouse,
    text_of,
    until,
    workspace,
)

pytestmark = pytest.mark.anyio


def bar(app: PraxApp) -> Lines:
    return app.screen.query_one("#alarm-bar", Lines)


async def shown(pilot: Pilot[None], app: PraxApp) -> None:
    await until(pilot, lambda: app.standing and bar(app).display, "the alarms are shown")


def healed(fleet: Fleet) -> Fleet:
    """The reviewer's mailbox can be read again."""
    return structs.replace(
        fleet, agents=tuple(structs.replace(f, mailbox=box()) if f.address == "@reviewer" else f for f in fleet.agents)
    )


async def test_the_line_tells_what_wants_the_operator() -> None:
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()))
    async with app.run_test(size=(200, 40)) as pilot:
        await shown(pilot, app)
        said = text_of(app).splitlines()[1]
        for word in ("@checker silent", "@editor waits for you", "A acknowledge", "Z snooze"):
            assert word in said
        assert " 32s " in said, "the age of what is named first"
        assert " +2 " in said, "the others are counted: none is said in half"


@pytest.mark.parametrize("width", [60, 80, 110, 160, 200])
async def test_the_line_fits_and_keeps_its_keys(width: int) -> None:
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()))
    async with app.run_test(size=(width, 24)) as pilot:
        await shown(pilot, app)
        said = text_of(app).splitlines()[1]
        assert len(said) == width
        assert said.startswith(" !!! @checker silent") and all(f" {key}" in said[-45:] for key in "AZ!")


ANSWERS = (("A", "acknowledge"), ("Z", "snooze"), ("!", "list"))


@pytest.mark.parametrize("width", range(12, 220, 9))
@pytest.mark.parametrize("said", [["5 agents silent"], ["x" * 400, "y" * 30], ["日本語" * 40], ["a", "b" * 90, "c"]])
def test_the_line_is_as_wide_as_asked(width: int, said: list[str]) -> None:
    assert width_of(bar_line(said, 2, NOON, NOON + 60, width, ANSWERS)) == width


def said_in(clauses: list[str], urgency: int, width: int) -> str:
    return "".join(text for text, _ in bar_line(clauses, urgency, NOON, NOON + 60, width, ANSWERS))


def test_urgency_shows_without_colour() -> None:
    assert [said_in(["x"], urgency, 80).split()[0] for urgency in Urgency] == ["!", "!", "!!", "!!!"]


def test_the_line_says_whole_clauses_and_counts_the_others() -> None:
    clauses = ["12 runs bounced: network", "@writer silent: Report", "@editor waits for you"]
    assert "12 runs bounced: network +2" in said_in(clauses, 2, 60)
    assert "12 runs bounced: network, @writer silent: Report, @editor waits for you " in said_in(clauses, 2, 160)
    assert "+" not in said_in(clauses, 2, 160)


@pytest.mark.parametrize("urgency", [Urgency.LOW, Urgency.MEDIUM, Urgency.HIGH])
@pytest.mark.parametrize(("times", "told"), [(1, ""), (2, "told 2×"), (9, "told 9×")])
def test_the_list_marks_each_alarm_by_its_urgency_and_says_how_often_it_was_told(
    urgency: Urgency, times: int, told: str
) -> None:
    episode = Episode(
        Alarm(AlarmKind.FAILED, "@writer", NOON, "failed: Report"), NOON, times_notified=times, urgency=urgency
    )
    (line,) = group_lines(AlarmGroup(episode, AlarmState.WANTS), {}, NOON + 60, 80, None)
    said = "".join(text for text, _ in line).split()
    assert said[:2] == ["!" * urgency, "@writer"] and ("told" in said) is bool(told) and told in " ".join(said)


async def test_a_acknowledges_all_and_the_line_goes() -> None:
    clock, speaker = Clock(), FakeSpeaker()
    soon = replace(CONFIG, alarms=replace(CONFIG.alarms, repeat=(5.0,)))
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()), clock=clock, speaker=speaker, config=soon)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await shown(pilot, app)
        await pilot.press("A")
        await until(pilot, lambda: not bar(app).display, "the line is gone")
        await until(pilot, lambda: "acknowledged: 4 alarms" in text_of(app), "it is said")
        assert len(app.standing) == 4 and all(episode.acknowledged for episode in app.standing)
        heard = len(speaker.played)
        clock.now += 30
        await pilot.pause(1.0)
        assert speaker.played[heard:] == [] and not bar(app).display
        await pilot.press("A")
        await until(pilot, lambda: "no alarm is waiting" in text_of(app), "there is nothing to acknowledge")


async def test_z_snoozes_and_they_come_back() -> None:
    clock, speaker = Clock(), FakeSpeaker()
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()), clock=clock, speaker=speaker)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await shown(pilot, app)
        await pilot.press("Z")
        await until(pilot, lambda: not bar(app).display, "the line is gone")
        await until(pilot, lambda: "snoozed for 10 min" in text_of(app), "it is said")
        snoozed = {episode.alarm.key for episode in app.standing if episode.answered_until}
        heard = len(speaker.cues)
        clock.now += 601
        await until(pilot, lambda: bar(app).display, "they are back")
        await until(pilot, lambda: any(cue.urgency for cue in speaker.cues[heard:]), "they are heard again")
        assert len(snoozed) == 4 and snoozed <= {episode.alarm.key for episode in app.alarms.unanswered()}


async def test_each_alarm_is_heard_once_and_the_end_of_the_last_is_an_all_clear() -> None:
    reviewer = next(facts for facts in lighthouse().agents if facts.address == "@reviewer")
    fleet = structs.replace(lighthouse(), agents=(reviewer,))
    feed, speaker = FakeFeed(fleet), FakeSpeaker()
    app = app_on(feed, workspace(fleet), speaker=speaker)
    async with app.run_test(size=(120, 36)) as pilot:
        await shown(pilot, app)
        assert speaker.played == [Sound.ERROR]
        feed.put(healed(fleet))
        await until(pilot, lambda: not app.standing and not bar(app).display, "it is over")
        assert speaker.played == [Sound.ERROR, Sound.ALL_CLEAR]


@pytest.mark.parametrize("size", [(60, 20), (120, 36), (200, 50)])
async def test_the_list_explains_each_and_answers_one(size: tuple[int, int]) -> None:
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()))
    async with app.run_test(size=size) as pilot:
        await shown(pilot, app)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(app.screen, AlarmsScreen), "the list opens")
        await until(pilot, lambda: "4, of which 4 want you" in text_of(app), "it counts")
        said = " ".join(text_of(app).split())
        assert "@checker silent" in said and "expected" in said and "kill (D)" in said.replace("│ │", "")
        await pilot.press("a")
        await until(pilot, lambda: "of which 3 want you" in text_of(app), "one is acknowledged")
        assert [e.alarm.address for e in app.standing if e.acknowledged] == ["@checker"]
        await pilot.press("z")
        await until(pilot, lambda: "of which 2 want you" in text_of(app), "the next is snoozed")
        await pilot.press("j", "a")
        await until(pilot, lambda: "of which 1 wants you" in text_of(app), "one is left")
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, AlarmsScreen), "it closes")


async def test_enter_in_the_list_opens_the_agent() -> None:
    app = app_on(FakeFeed(lighthouse()), workspace(lighthouse()))
    async with app.run_test(size=(120, 36)) as pilot:
        await shown(pilot, app)
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(app.screen, AlarmsScreen), "the list opens")
        await pilot.press("j", "enter")
        await until(pilot, lambda: getattr(app.screen, "selected", "") == "@editor", "the second one's agent is open")
        assert not isinstance(app.screen, AlarmsScreen)


async def test_the_list_says_when_all_is_well() -> None:
    fleet = structs.replace(lighthouse(), agents=())
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "no agents yet" in text_of(app), "the screen stands")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: "all is well" in text_of(app), "the list says so")
        await pilot.press("a", "z", "m", "j", "k", "A", "enter", "escape")
        await until(pilot, lambda: not isinstance(app.screen, AlarmsScreen), "nothing does anything, and it closes")
        assert "no agents yet" in text_of(app)


def test_the_header_says_who_is_on_duty_in_our_stead() -> None:
    for width in (60, 100, 200):
        line = header_line("house", {}, 0, None, SoundStatus("miniaudio", duty="guard (PID 4711)"), NOON, width)
        said = "".join(text for text, _ in line)
        assert "♪ miniaudio; on duty: guard (PID 4711)" in said or (width == 60 and "♪ other" in said)


def test_the_header_says_that_nobody_hears_whether_it_is_muted_here_or_there() -> None:
    here = SoundStatus(
        "miniaudio", muted=True, muted_until=NOON + 1800, duty="guard (PID 4711)", not_heard="no sound device"
    )
    for width in (60, 100, 200):
        said = "".join(text for text, _ in header_line("house", {}, 0, None, here, NOON, width))
        whole = "♪ muted until 12:30; on duty: guard (PID 4711), no sound device"
        assert whole in said or (width == 60 and "♪ off" in said)


async def test_a_live_screen_goes_on_duty_hears_nothing_twice_and_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two screens on one workspace: one sounds; when it closes, the other does."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    fleet = structs.replace(lighthouse(), root=tmp_path)
    speakers = [FakeSpeaker(), FakeSpeaker()]
    feeds = [FakeFeed(fleet), FakeFeed(fleet)]
    one, two = (
        app_on(feed, workspace(fleet), speaker=speaker, live=True)
        for feed, speaker in zip(feeds, speakers, strict=True)
    )
    async with one.run_test(size=(120, 36)) as first:
        await until(first, lambda: one.alarms.notifier.on_duty and one.alarms.notifier.ready, "the first is on duty")
        async with two.run_test(size=(120, 36)) as second:
            await until(second, lambda: two.alarms.notifier.ready, "the second is ready")
            assert not two.alarms.notifier.on_duty
            holder = f"screen (PID {os.getpid()})"
            await until(second, lambda: two.sound_status.duty == holder, "it knows who is", seconds=10)
            await until(second, lambda: two.sound_status.duty == holder, "its header says who sounds")
            one.alarms.notifier.close()
            await until(second, lambda: two.alarms.notifier.on_duty, "the second takes over", seconds=2.0)
        assert speakers[1].played == []
    assert not one.alarms.notifier.on_duty and not two.alarms.notifier.on_duty


@pytest.mark.linux_only("psutil stands behind it, which takes its time to load")
def test_the_list_of_alarms_is_loaded_only_when_it_is_asked_for() -> None:
    code = "import sys, praxmonitor.app.app; print('praxmonitor.views.alarms' in sys.modules, 'psutil' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
