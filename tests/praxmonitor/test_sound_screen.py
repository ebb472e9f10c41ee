"""Sound on the screen: what the header says of it, muting from the keyboard, the heartbeat."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from mailcore.config import Config
from mailcore.config import Sound as SoundConfig
from mailcore.model.activity import Kind
from mailcore.model.fleet import Fleet
from mailcore.model.run import Phase
from praxmonitor.app.app import PraxApp
from praxmonitor.app.sound import NEWS
from praxmonitor.sound import Sound
from praxmonitor.sound.mutes import FOREVER, load_mutes, mutes_path
from praxmonitor.state.sound_status import SoundStatus
from praxmonitor.widgets.header import header_line
from tests.clock import NOON, Clock
from tests.praxmonitor.fake_feed import (
    ROOT,
    FakeFeed,
    FakeSpeaker,
    act,
    app_on,
    facts,
    lighthouse,
    lock,
    run,
    text_of,
    until,
    workspace,
)  # fmt: skip

pytestmark = pytest.mark.anyio


def head(sound_status: SoundStatus, width: int = 120) -> str:
    return "".join(said for said, _ in header_line("w", {}, 0, None, sound_status, NOON, width))


@pytest.mark.parametrize(
    ("sound_status", "said"),
    [
        (SoundStatus("miniaudio/pulse"), "♪ miniaudio/pulse"),
        (SoundStatus("miniaudio/pulse", chord=7), "♪ 7 at once"),
        (SoundStatus("miniaudio/pulse", quiet=True, chord=7), "♪ quiet hours"),
        (SoundStatus("miniaudio/pulse", quiet=True, quiet_until="07:00"), "♪ quiet hours until 07:00"),
        (SoundStatus("miniaudio/pulse", agents=(("@a", NOON + 1800),)), "♪ miniaudio/pulse, @a muted until 12:30"),
        (SoundStatus("miniaudio/pulse", agents=(("@a", FOREVER), ("@b", NOON))), "♪ miniaudio/pulse, 2 agents muted"),
        (SoundStatus("miniaudio/pulse", muted=True, muted_until=NOON + 1800), "♪ muted until 12:30"),
        (SoundStatus("miniaudio/pulse", muted=True, muted_until=FOREVER, chord=7), "♪ muted   "),
        (SoundStatus("none", trouble="no device"), "♪ no sound: bell only"),
        (SoundStatus("bell"), "♪ bell"),
        (SoundStatus("none"), "♪ none"),
    ],
)
def test_the_header_says_what_can_be_heard(sound_status: SoundStatus, said: str) -> None:
    assert said in head(sound_status)


def test_that_nothing_can_be_heard_is_red_only_while_it_is_news() -> None:
    """Seen by a stranger: a red `no sound` that stood all day."""
    fleet, clock, speaker = lighthouse(), Clock(), FakeSpeaker(device=False)
    app = app_on(FakeFeed(fleet), workspace(fleet), clock=clock, speaker=speaker)

    def role() -> str:
        line = header_line("w", {}, 0, None, app.sound.status(None), clock.now, 120)
        return next(roles for said, roles in line if "no sound" in said)

    assert role() == "muted" and role() == "muted", "there was none when the screen was opened"
    speaker.backend, speaker.reason = "miniaudio/pulse", ""
    assert not app.sound.status(None).trouble
    speaker.reason = "the device is gone"
    assert role() == "error"
    clock.now += NEWS + 1
    assert role() == "muted", "it is known by now"


def test_a_narrow_header_keeps_the_count() -> None:
    assert "♪ 7 " in head(SoundStatus("miniaudio/pulse", chord=7), width=24)


async def command(app: PraxApp, pilot: object, words: str) -> None:
    press = pilot.press  # type: ignore[attr-defined]
    await press("colon")
    await until(pilot, lambda: "Search for commands" in text_of(app), "the palette is open")  # type: ignore[arg-type]
    await press(*words)
    await until(pilot, lambda: f" {words}" in text_of(app), "it is found")  # type: ignore[arg-type]
    await pilot.pause(0.2)  # type: ignore[attr-defined]
    await press("enter")


async def test_one_agent_is_muted_by_the_palette_and_stays_muted() -> None:
    fleet, speaker = lighthouse(), FakeSpeaker()
    where = workspace(fleet)
    app = app_on(FakeFeed(fleet), where, speaker=speaker)
    path = mutes_path(where.root)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await command(app, pilot, "mute @writer")
        await until(pilot, lambda: speaker.mutes.agent("@writer", NOON), "it is muted")
        assert not speaker.mutes.all(NOON)
        await until(pilot, lambda: load_mutes(path).agent("@writer", NOON), "it is kept")
        await command(app, pilot, "hear @writer")
        await until(pilot, lambda: not speaker.mutes.agent("@writer", NOON), "it is heard again")
        await until(pilot, lambda: not load_mutes(path).agents, "that is kept as well")


async def test_muting_for_minutes_ends_by_itself() -> None:
    fleet, speaker, clock = lighthouse(), FakeSpeaker(), Clock()
    app = app_on(FakeFeed(fleet), workspace(fleet), speaker=speaker, clock=clock)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await command(app, pilot, "mute for 30 minutes")
        await until(pilot, lambda: "♪ muted until 12:30" in text_of(app), "the header says until when")
        assert speaker.mutes.until == NOON + 1800
        clock.now = NOON + 1801
        await until(pilot, lambda: "♪ miniaudio/pulse" in text_of(app), "it is over")


async def test_mutes_that_cannot_be_kept_are_said(own_state: Path) -> None:
    (own_state / "praxmonitor").touch()
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(160, 40), notifications=True) as pilot:
        await until(pilot, lambda: "writer" in text_of(app), "the agents are shown")
        await pilot.press("M")
        await until(pilot, lambda: "muted until you" in text_of(app), "the operator is told")
        assert "♪ muted" in text_of(app)


async def test_the_heartbeat_is_heard_when_nothing_else_is() -> None:
    fleet, speaker, clock = working(), FakeSpeaker(), Clock()
    feed = FakeFeed(fleet)
    config = Config(sound=SoundConfig(heartbeat=10.0))
    app = app_on(feed, workspace(fleet), speaker=speaker, clock=clock, config=config)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: "checker" in text_of(app), "the agents are shown")
        clock.now = NOON + 9
        feed.put(told(fleet))
        await until(pilot, lambda: speaker.played == [Sound.TOOL], "the tool")
        clock.now = NOON + 18
        await pilot.pause(1.2)
        assert speaker.played == [Sound.TOOL], "nine seconds after the tool it is too early"
        clock.now = NOON + 20
        await until(pilot, lambda: speaker.played[1:] == [Sound.HEARTBEAT], "the heartbeat")


def working() -> Fleet:
    """One agent at work, with which nothing is wrong."""
    said = (act("checker", Kind.LOG, "page 1", 5),)
    task = run("checker", "Check", Phase.RUNNING, 100)
    return Fleet(ROOT, (facts("checker", lock=lock(100), run=task, activities=said),))


def told(fleet: Fleet) -> Fleet:
    first = fleet.agents[0]
    return replace(
        fleet,
        agents=(replace(first, activities=(*first.activities, act("checker", Kind.TOOL, "Read: x", -9))),),
    )


async def test_muting_and_hearing_again_looks_for_a_device_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet, speaker = lighthouse(), FakeSpeaker(device=False)
    starts: list[None] = []
    monkeypatch.setattr(speaker, "start", lambda: starts.append(None))
    app = app_on(FakeFeed(fleet), workspace(fleet), speaker=speaker)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: "no sound: bell only" in text_of(app), "there is none")
        await until(pilot, lambda: len(starts) == 1, "it was looked for at the start")
        await pilot.press("M", "M")
        await until(pilot, lambda: len(starts) == 3, "it is looked for again")
        assert not speaker.mutes.until


async def test_a_screen_that_was_opened_muted_is_heard_only_after_its_own_key() -> None:
    fleet, speaker = lighthouse(), FakeSpeaker()
    speaker.force_muted = True
    where = workspace(fleet)
    path = mutes_path(where.root)
    app = app_on(FakeFeed(fleet), where, speaker=speaker)
    async with app.run_test(size=(160, 40)) as pilot:
        await until(pilot, lambda: "♪ muted" in text_of(app), "the header says so")
        await command(app, pilot, "mute @writer")
        await until(pilot, lambda: load_mutes(path).agents, "an agent's mute is kept")
        assert speaker.force_muted and not load_mutes(path).until, "this screen's own is not"
        await pilot.press("M")
        await until(pilot, lambda: "♪" in text_of(app) and "♪ muted" not in text_of(app), "now it is heard")
        assert not speaker.force_muted and not speaker.mutes.until
