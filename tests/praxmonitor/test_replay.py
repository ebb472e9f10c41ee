"""A recording on the screen: the playback, the fleets, the keys, and nothing of the present machine."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.fleet import Fleet, State
from mailcore.model.lock import Lock
from mailcore.model.message import Mailbox, MailboxStatus, Message
from mailcore.model.run import Attempt, Phase, Run
from mailcore.observe.facts import Fact, LockRead, MailboxRead, Roster, RunRead, Seen
from mailcore.observe.fold import apply
from praxmonitor.app.app import PraxApp
from praxmonitor.feed.playback import FASTEST, SLOWEST, Playback
from praxmonitor.feed.recording import VERSION, RecordingHeader, RecordingWriter
from praxmonitor.feed.recording_reader import read_header, read_recording
from praxmonitor.feed.replay import ReplayFeed
from praxmonitor.views.fleet import FleetScreen
from tests.clock import NOON, Clock
from tests.mailcore.conftest import House, wait_until
from tests.praxmonitor.fake_feed import FakeSpeaker, app_on, text_of, until, workspace
from tests.praxmonitor.test_terminal import Terminal, terminals

__all__ = ["terminals"]

BEGAN = NOON


def story(root: Path, pid: int) -> list[tuple[float, tuple[Fact, ...]]]:
    """Ten recorded minutes: @writer begins a task, uses a tool, ends; the operator has a mail that nobody opened."""
    writer = Agent("@writer", "WRITER", root / "writer", root=root)
    operator = Agent(OPERATOR, "OPERATOR", root / ".praxmonitor" / "operator", root=root)
    run = Run("r1", "@writer", "@lead", "Chapter one", "m1", "claude", BEGAN + 1)
    attempt = Attempt(1, "start", BEGAN + 1, pid=pid, running_at=BEGAN + 2)
    runs = replace(run, phase=Phase.RUNNING, since=BEGAN + 2, attempts=(attempt,))
    done = replace(runs, phase=Phase.COMPLETED, since=BEGAN + 600, attempts=(replace(attempt, ended_at=BEGAN + 600),))
    mail = Message.from_json({"id": "0a", "from": "@writer", "subject": "A question", "message": "?", "status": "new"})
    tool = Activity(BEGAN + 5, "@writer", Kind.TOOL, "Bash: make the book", "hooks", "Bash", "t1")
    return [
        (BEGAN, (Roster((writer, operator)), MailboxRead(OPERATOR, Mailbox(MailboxStatus.OK, (mail,))))),
        (BEGAN + 2, (RunRead("@writer", runs), LockRead("@writer", Lock(pid, BEGAN + 1, run_id="r1")))),
        (BEGAN + 5, (Seen("@writer", (tool,)),)),
        (BEGAN + 600, (RunRead("@writer", done), LockRead("@writer", None))),
    ]


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "r.jsonl.gz"
    root = tmp_path / "lighthouse"
    logs = root / "writer" / "logs"
    logs.mkdir(parents=True)
    (logs / "today.log").write_text("a line of the present machine\n")
    writer = RecordingWriter(path, RecordingHeader(root, BEGAN))
    for at, facts in story(root, os.getpid()):
        writer.write(at, facts)
    writer.close(BEGAN + 630)
    return path


def test_the_clock_stands_goes_pauses_and_ends() -> None:
    monotonic = Clock(0.0)
    playback = Playback(BEGAN, 2.0, monotonic)
    monotonic.now = 5
    assert playback() == BEGAN and playback.label == "REPLAY ×2"
    playback.begin()
    monotonic.now = 8
    assert playback() == BEGAN + 6
    playback.pause()
    monotonic.now = 20
    assert playback() == BEGAN + 6 and playback.label == "REPLAY ×2 paused"
    playback.change_speed(2.0)
    assert playback() == BEGAN + 6
    playback.pause()
    monotonic.now = 21
    assert playback() == BEGAN + 10 and playback.label == "REPLAY ×4"
    for _ in range(20):
        playback.change_speed(2.0)
    assert playback.speed == FASTEST
    for _ in range(20):
        playback.change_speed(0.5)
    assert playback.speed == SLOWEST and playback() == BEGAN + 10
    playback.end(BEGAN + 30)
    monotonic.now = 99
    playback.pause()
    assert playback() == BEGAN + 30 and playback.label == "REPLAY over"


@pytest.mark.anyio
async def test_who_waits_for_a_time_wakes_when_the_speed_changes() -> None:
    monotonic = Clock(0.0)
    playback = Playback(BEGAN, 1.0, monotonic)
    playback.begin()
    waiting = asyncio.create_task(playback.reach(BEGAN + 1000))
    await asyncio.wait({waiting}, timeout=0.05)
    assert not waiting.done()
    monotonic.now = 20
    playback.change_speed(64)
    monotonic.now = 36
    playback.pause()
    async with asyncio.timeout(5):
        await waiting
    assert playback() == BEGAN + 20 + 16 * 64


@pytest.mark.anyio
async def test_the_fleets_come_at_their_time_and_the_last_one_stays(recorded: Path) -> None:
    monotonic = Clock(0.0)
    playback = Playback(BEGAN, 1.0, monotonic)
    fleets = ReplayFeed(recorded, read_header(recorded), playback).fleets()
    first = await anext(fleets)
    assert [facts.address for facts in first.agents] == ["@writer"] and first.agents[0].run is None
    monotonic.now = 6
    second = await anext(fleets)
    assert second.agents[0].tool is not None and second.at == BEGAN + 5
    coming = asyncio.ensure_future(anext(fleets))
    await asyncio.wait({coming}, timeout=0.3)
    assert not coming.done()
    monotonic.now = 700
    playback.change_speed(1.0)
    third = await coming
    assert third.agents[0].run is not None and third.agents[0].run.phase is Phase.COMPLETED
    async for fleet in fleets:
        assert fleet is third
    assert playback.over and playback() == BEGAN + 630
    folded = Fleet(read_header(recorded).root)
    for at, facts in read_recording(recorded):
        folded = apply(folded, facts, at)
    assert folded == third


@pytest.mark.anyio
async def test_a_broken_line_ends_it_with_a_note(recorded: Path, tmp_path: Path) -> None:
    whole = list(read_recording(recorded))
    path = tmp_path / "broken.jsonl"
    writer = RecordingWriter(path, read_header(recorded))
    writer.write(*whole[0])
    writer.close(BEGAN)
    path.write_text(path.read_text() + "nonsense\n" + path.read_text().splitlines()[1] + "\n")
    fleets = [fleet async for fleet in ReplayFeed(path, read_header(path), Playback(BEGAN, 64)).fleets()]
    assert fleets[-1].agents and "broken.jsonl: line 4: " in fleets[-1].notes[0]


def replaying(path: Path, monotonic: Clock, speaker: FakeSpeaker | None = None) -> tuple[PraxApp, Playback]:
    header = read_header(path)
    playback = Playback(header.at, 1.0, monotonic)
    feed = ReplayFeed(path, header, playback)
    app = app_on(feed, workspace(Fleet(header.root)), speaker=speaker, playback=playback)
    return app, playback


async def at_work(pilot: Pilot[None], app: PraxApp, monotonic: Clock) -> None:
    await until(pilot, lambda: app.snapshot.fleet.agents, "the first fleet")
    monotonic.now = 6
    assert app.opened.playback is not None
    app.opened.playback.change_speed(1.0)
    await until(pilot, lambda: app.snapshot.status("@writer").state is State.IN_TOOL, "@writer is in a tool")


@pytest.mark.anyio
async def test_the_screen_shows_the_recorded_time_and_reads_nothing_of_this_machine(recorded: Path) -> None:
    monotonic, speaker = Clock(0.0), FakeSpeaker()
    app, _ = replaying(recorded, monotonic, speaker)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_work(pilot, app, monotonic)
        await until(pilot, lambda: "make the book" in text_of(app), "the tool is shown")
        assert "lighthouse REPLAY" in text_of(app).splitlines()[0]
        assert isinstance(app.screen, FleetScreen)
        app.screen.read_agent()
        assert [worker for worker in app.workers if worker.group == "details"] == []
        assert app.screen.reading.details is None
        assert "present machine" not in text_of(app) and str(os.getpid()) not in text_of(app)
        await until(pilot, lambda: speaker.played, "what happens in a recording is heard")


ACTS = ["m", "d", "D", "r", "w", "H", "y", "K"]


@pytest.mark.anyio
@pytest.mark.parametrize("key", ACTS)
async def test_nothing_can_be_done_to_a_recorded_agent(recorded: Path, key: str) -> None:
    monotonic = Clock(0.0)
    app, _ = replaying(recorded, monotonic)
    before = {path: path.stat().st_mtime_ns for path in recorded.parent.rglob("*")}
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_work(pilot, app, monotonic)
        await pilot.press(key)
        await until(pilot, lambda: "a recording is played" in text_of(app), f"{key} says why not")
        assert len(app.screen_stack) == 1
    assert {path: path.stat().st_mtime_ns for path in recorded.parent.rglob("*")} == before


@pytest.mark.anyio
async def test_a_recorded_mail_is_read_and_not_marked_and_not_answered(recorded: Path) -> None:
    monotonic = Clock(0.0)
    app, _ = replaying(recorded, monotonic)
    inbox = app.opened.workspace.operator.inbox
    inbox.parent.mkdir(parents=True)
    inbox.write_text('{"messages": [{"id": "0a", "from": "@writer", "subject": "A question", "status": "new"}]}')
    before = inbox.read_bytes()
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_work(pilot, app, monotonic)
        await pilot.press("i")
        await until(pilot, lambda: "A question" in text_of(app), "the operator's mail")
        await pilot.press("enter")
        await until(pilot, lambda: "[1 characters, not recorded]" in text_of(app), "the mail is open")
        assert [worker for worker in app.workers if worker.group == "mail"] == []
        for key in ("R", "c"):
            await pilot.press(key)
            await until(pilot, lambda: "a recording is played" in text_of(app), f"{key} says why not")
            app.clear_notifications()
            await until(pilot, lambda: "a recording is played" not in text_of(app), "the notice is gone")
        assert len(app.screen_stack) == 2
    assert inbox.read_bytes() == before and list(inbox.parent.iterdir()) == [inbox]


@pytest.mark.anyio
async def test_keys_pause_and_change_the_speed_and_the_end_is_said(recorded: Path) -> None:
    monotonic = Clock(0.0)
    app, playback = replaying(recorded, monotonic)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await at_work(pilot, app, monotonic)
        await pilot.press("space")
        assert playback.paused and "REPLAY paused" in text_of(app)
        await pilot.press("plus", "plus", "less_than_sign")
        assert playback.speed == 2 and "REPLAY ×2 paused" in text_of(app)
        await pilot.press("space")
        assert not playback.paused
        monotonic.now = 1000
        await pilot.press("less_than_sign")
        await until(pilot, lambda: "the recording is over" in text_of(app), "the end is said")
        assert "REPLAY over" in text_of(app) and app.snapshot.status("@writer").state is State.DONE
        assert app.opened.clock() == BEGAN + 630


@pytest.fixture
def newer(recorded: Path, tmp_path: Path) -> Path:
    """The same with what a later version saw besides, in its second reading and its last."""
    header, *lines = gzip.decompress(recorded.read_bytes()).decode().splitlines()
    for number in (1, len(lines) - 1):
        reading = json.loads(lines[number])
        lines[number] = json.dumps(reading | {"facts": [*reading["facts"], ["dreamt", {"address": "@writer"}]]})
    path = tmp_path / "newer.jsonl"
    path.write_text("\n".join([json.dumps(json.loads(header) | {"praxmonitor": "9.1"}), *lines]) + "\n")
    return path


@pytest.mark.anyio
async def test_what_is_left_out_is_said_in_the_header_and_among_the_notices(newer: Path) -> None:
    monotonic = Clock(0.0)
    app, _ = replaying(newer, monotonic)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        # One reading is read ahead: the second, before its time has come.
        await until(pilot, lambda: "REPLAY incomplete" in text_of(app), "the header says so")
        told = f"left out: 1 fact (1 dreamt) in 1 reading; this is praxmonitor {VERSION}, 9.1 recorded it"
        assert [(notice.text, notice.severity) for notice in app.notices] == [(told, "warning")]
        monotonic.now = 1000
        await pilot.press("less_than_sign")
        await until(pilot, lambda: "REPLAY over incomplete" in text_of(app), "it is over")
        assert app.notices[-1].text.startswith("the recording is over; left out: 2 facts (2 dreamt) in 2 readings")
        assert len(app.notices) == 2, [n.text for n in app.notices]


def test_what_was_left_out_is_said_when_the_screen_is_left(newer: Path, terminals: list[Terminal]) -> None:
    screen = terminals[0]
    # Textual draws on standard error: what is said there is seen in the terminal.
    command = f"{sys.executable} -m praxmonitor replay {newer} --speed 64 --mute; echo status $?; exec cat"
    screen.tmux("new-session", "-d", "-s", "prax", "-x", "240", "-y", "24", command)
    screen.shows("REPLAY over incomplete")
    screen.keys("q")
    told = f"left out: 2 facts (2 dreamt) in 2 readings; this is praxmonitor {VERSION}, 9.1 recorded it"
    screen.shows(f"praxmonitor replay: {newer}: {told}", "status 0")
    assert "REPLAY" not in screen.text


@pytest.mark.anyio
async def test_a_recording_of_0_1_0_is_shown(recording_0_1_0: Path) -> None:
    app, playback = replaying(recording_0_1_0, Clock(0.0, runs=True))
    playback.change_speed(FASTEST)
    async with app.run_test(size=(160, 48), notifications=True) as pilot:
        await until(pilot, lambda: "REPLAY over" in text_of(app), "it is over")
        assert not playback.left_out and [notice.text for notice in app.notices] == ["the recording is over"]
        assert app.snapshot.status("@market").state is State.STARTING and "history" in text_of(app)


@pytest.mark.anyio
async def test_a_live_screen_has_no_such_keys(recorded: Path) -> None:
    header = read_header(recorded)
    app = app_on(ReplayFeed(recorded, header, Playback(BEGAN, 64)), workspace(Fleet(header.root)))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: app.snapshot.fleet.agents, "the first fleet")
        assert "pause" not in text_of(app) and "REPLAY" not in text_of(app)
        await pilot.press("plus")
        await until(pilot, lambda: "this is no recording" in text_of(app), "the key says why not")


def test_in_a_real_terminal_of_80_columns(recorded: Path, terminals: list[Terminal]) -> None:
    screen = terminals[0]
    command = f"{sys.executable} -m praxmonitor replay {recorded} --speed 64 --mute"
    screen.tmux("new-session", "-d", "-s", "prax", "-x", "80", "-y", "24", command)
    screen.shows("REPLAY ×64", "writer")
    screen.keys("Space")
    screen.shows("paused")
    screen.keys("D")
    screen.shows("a recording is played")
    screen.keys("Space")
    screen.shows("REPLAY over", "done", "the recording is over")
    lines = screen.text.splitlines()
    assert max(map(len, lines)) <= 80 and lines[0].startswith(" lighthouse REPLAY over")
    screen.keys("q")
    wait_until(lambda: screen.text == "", what="the screen is left")


def test_a_demo_recorded_by_the_command_is_played(house: House, tmp_path: Path, terminals: list[Terminal]) -> None:
    path = tmp_path / "r.jsonl"
    words = [sys.executable, "-m", "praxmonitor", "record", str(house.root), str(path), "--seconds", "1"]
    subprocess.run(words, check=True, timeout=30, capture_output=True)
    screen = terminals[0]
    command = f"{sys.executable} -m praxmonitor replay {path} --mute"
    screen.tmux("new-session", "-d", "-s", "prax", "-x", "120", "-y", "36", command)
    screen.shows("REPLAY over", "writer", "editor", "lead", "idle")


@pytest.mark.parametrize(
    ("words", "status", "cause"),
    [
        (("no-such-file",), 4, "no-such-file: line 1: No such file"),
        ((str(Path(__file__)),), 4, "no header of a recording"),
        (("FILE", "--speed", "0"), 2, "--speed: 0.125 to 64"),
        (("FILE", "--theme", "mauve"), 2, "no theme 'mauve'"),
        (("FILE",), 2, "needs a terminal"),
    ],
)
def test_what_cannot_be_played_is_said(recorded: Path, words: tuple[str, ...], status: int, cause: str) -> None:
    words = tuple(str(recorded) if word == "FILE" else word for word in words)
    command = [sys.executable, "-m", "praxmonitor", "replay", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    assert done.returncode == status and cause in done.stderr and "Traceback" not in done.stderr
