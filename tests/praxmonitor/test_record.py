"""The command that records: of a real workspace, ended in each way, and what it says."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from mailcore.mail import post
from mailcore.model.activity import Activity, Kind
from mailcore.model.fleet import Fleet
from mailcore.model.usage import Spent, Usage
from mailcore.observe.facts import Fact, MailboxRead, Seen, Used
from mailcore.observe.fold import apply
from praxmonitor.demo.session import demo_session
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.feed.recorder import Recorder, new_recording
from praxmonitor.feed.recording import RecordingError
from praxmonitor.feed.recording_reader import read_header, read_recording
from tests.mailcore.conftest import House

Wait = Callable[[Callable[[], object], float, str], None]


def record(*words: str | Path, **more: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "praxmonitor", "record", *map(str, words)], stderr=more.get("stderr", subprocess.PIPE),
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def mails(path: Path) -> int:
    """How many mails of @writer's the newest reading of its mailbox holds; -1 before the first."""
    try:
        facts = [fact for _, facts in read_recording(path) for fact in facts]
    except RecordingError:
        return -1
    boxes = [fact for fact in facts if isinstance(fact, MailboxRead) and fact.address == "@writer"]
    return len(boxes[-1].mailbox.messages) if boxes else -1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_until_a_signal_everything_is_recorded(
    house: House, tmp_path: Path, wait_until: Wait, number: signal.Signals
) -> None:
    path = tmp_path / "r.jsonl.gz"
    process = record(house.root, path)
    wait_until(lambda: mails(path) == 0, 20, "the first reading is on disk")
    post.send_mail(house.workspace, "@lead", ["@writer"], "hello", "a word")
    wait_until(lambda: mails(path) == 1, 10, "the mail is on disk while the recorder still runs")
    process.send_signal(number)
    output, said = process.communicate(timeout=20)
    assert (process.returncode, output) == (0, "")
    readings = list(read_recording(path))
    facts = sum(len(facts) for _, facts in readings)
    assert said == f"recording to {path}: {facts} facts in {len(readings) - 1} readings\n"
    assert readings[-1][1] == () and readings[-1][0] >= readings[-2][0] >= read_header(path).at
    assert read_header(path).root == house.root


def test_bodies_are_recorded_only_if_told_so(house: House, tmp_path: Path) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "hello", "s3cret")
    for name, options in (("shy", ()), ("told", ("--bodies",))):
        process = record(house.root, tmp_path / name, "--seconds", "0.5", *options)
        process.communicate(timeout=20)
        assert process.returncode == 0 and mails(tmp_path / name) == 1
    assert "s3cret" not in (tmp_path / "shy").read_text() and read_header(tmp_path / "shy").bodies is False
    assert "s3cret" in (tmp_path / "told").read_text() and read_header(tmp_path / "told").bodies is True


def test_on_a_terminal_it_counts_in_one_line(house: House, tmp_path: Path) -> None:
    ours, its = pty.openpty()
    process = record(house.root, tmp_path / "r", "--seconds", "1", stderr=its)
    os.close(its)
    said = b""
    try:
        while chunk := os.read(ours, 4096):
            said += chunk
    except OSError:  # Linux's end of a pty
        pass
    os.close(ours)
    process.communicate(timeout=20)
    assert said.count(b"\n") == 1 and said.count(b"\rrecording to") + said.startswith(b"recording to") >= 2
    assert b" in 1 reading\r\n" in said


def test_what_cannot_be_recorded_is_said(house: House, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    for words, status, cause in (
        ((house.root, tmp_path / "there"), 2, "is there already"),
        ((nowhere, tmp_path / "r"), 2, "in no workspace"),
        ((house.root, nowhere / "deeper" / "r"), 4, "No such file"),
        ((house.root, tmp_path / "r", "--seconds", "0"), 2, "more than 0"),
    ):
        process = record(*words)
        _, said = process.communicate(timeout=20)
        assert process.returncode == status and cause in said and "Traceback" not in said
    assert (tmp_path / "there").read_text() == "mine" and not (tmp_path / "r").exists()


def test_help_says_what_is_in_it_and_what_not(house: House) -> None:
    output, _ = record("--help").communicate(timeout=20)
    words = " ".join(output.split())
    assert "What mails say is left out" in words and "--bodies" in words and "subjects" in words


@pytest.mark.anyio
async def test_a_feed_that_breaks_is_begun_anew_and_nothing_is_recorded_twice(house: House, tmp_path: Path) -> None:
    path, mailed = tmp_path / "r.jsonl", 0
    post.send_mail(house.workspace, "@lead", ["@writer"], "first", "a word")
    house.agent("@writer").logs_dir.mkdir(exist_ok=True)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() - 60))
    (house.agent("@writer").logs_dir / "own.log").write_text(f"{stamp} ERROR before the break\n")
    with new_recording(path, house.workspace) as writer:
        recorder = Recorder(writer)

        def on_facts(at: float, facts: Sequence[Fact]) -> None:
            nonlocal mailed
            mailed += any(isinstance(fact, MailboxRead) and fact.address == "@writer" for fact in facts)
            if mailed == 2:
                mailed += 1
                raise ValueError("a file that nobody thought of")
            recorder.write(at, facts)

        following = asyncio.create_task(recorder.follow(FileFeed(house.root, 0.2, on_facts=on_facts)))
        async with asyncio.timeout(20):
            while mails(path) < 1:
                await asyncio.wait({following}, timeout=0.02)
            post.send_mail(house.workspace, "@lead", ["@writer"], "second", "a word")
            while mails(path) < 2:
                assert not following.done()
                await asyncio.wait({following}, timeout=0.02)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    fleet = Fleet(house.root)
    for at, facts in read_recording(path):
        fleet = apply(fleet, facts, at)
    told = [activity.text for activity in fleet.stream if activity.agent == "@writer"]
    assert sorted(told) == ["@lead: first", "@lead: second", "before the break"]
    (why,) = recorder.breaks
    assert "ValueError: a file that nobody thought of" in why


def test_what_is_read_anew_is_known_by_what_it_says_and_not_by_the_clock(house: House, tmp_path: Path) -> None:
    def seen(at: float, text: str, source: str = "log", **more: Any) -> Activity:
        return Activity(at, "@writer", Kind.TURN_END if source != "log" else Kind.LOG, text, source, **more)

    def spent(at: float) -> Spent:
        return Spent(at, "@writer", Usage(cost=1.0))

    old = (seen(1300, "by a clock ahead"), seen(990, "no time of its own"), seen(900, "end", "hooks", session="s"))
    path = tmp_path / "r.jsonl"
    with new_recording(path, house.workspace) as writer:
        recorder = Recorder(writer)
        recorder.write(1000, [Seen("@writer", old, (spent(980),))])
        recorder._note_break("torn away")
        read_again = (
            seen(1300, "by a clock ahead"),
            seen(1004, "no time of its own"),
            seen(901, "", "transcript", session="s"),
        )
        recorder.write(1005, [Seen("@writer", (*read_again, seen(999, "read late")), (spent(980), spent(990)))])
        recorder.write(1006, [Used("@writer", (spent(970), spent(980)))])
        recorder.write(1007, [Seen("@writer", (seen(998, "by a clock behind"), seen(998, "by a clock behind")))])
    facts = [fact for _, facts in read_recording(path) for fact in facts]
    told = [activity.text for fact in facts if isinstance(fact, Seen) for activity in fact.activities]
    assert told == [*(one.text for one in old), "read late", "by a clock behind", "by a clock behind"]
    paid = [one.at for fact in facts if isinstance(fact, Seen | Used) for one in fact.spent]
    assert paid == [980, 990, 970]


def test_a_full_disk_ends_it_with_the_reason_and_keeps_what_it_has(house: House, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    for number in range(20):
        post.send_mail(house.workspace, "@lead", ["@writer"], f"number {number}", "a word")
    command = f"ulimit -f 24; exec {sys.executable} -m praxmonitor record {house.root} {path}"
    process = subprocess.Popen(["bash", "-c", command], stderr=subprocess.PIPE, text=True)
    try:
        for number in range(60):
            if process.poll() is not None:
                break
            post.send_mail(house.workspace, "@lead", ["@editor"], f"another {number}", "a word")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.3)
        _, said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 4 and "cannot be written: File too large" in said and "Traceback" not in said
    assert len(list(read_recording(path))) >= 1


def without_nonces(fleet: Fleet) -> Fleet:
    agents = (
        structs.replace(facts, lock=replace(facts.lock, nonce="")) if facts.lock is not None else facts
        for facts in fleet.agents
    )
    return structs.replace(fleet, agents=tuple(agents))


@pytest.mark.anyio
async def test_the_demo_recorded_and_folded_anew_gives_the_fleets_that_were_seen(tmp_path: Path) -> None:
    path, live = tmp_path / "demo.jsonl.gz", []
    with (
        demo_session(tmp_path / "demo", seed=1) as (workspace, _),
        new_recording(path, workspace, bodies=True) as writer,
    ):
        fleets = FileFeed(workspace.root, sweep=0.5, on_facts=writer.write).fleets()
        live.append(await anext(fleets))
        async with asyncio.timeout(30):
            while len(live) < 30:
                live.append(await anext(fleets))
        await fleets.aclose()
    fleet, played = Fleet(read_header(path).root), []
    for at, facts in read_recording(path):
        fleet, before = apply(fleet, facts, at), fleet
        if fleet is not before:
            played.append(fleet)
    # A run's nonce proves who is calling: a recording, which is given away, has none.
    assert [without_nonces(fleet) for fleet in played[: len(live)]] == [without_nonces(fleet) for fleet in live]
    assert {activity.kind for activity in live[-1].stream} > {"started", "mail", "tool"}


def test_the_demo_records_itself(tmp_path: Path) -> None:
    path = tmp_path / "demo.jsonl.gz"
    words = [sys.executable, "-m", "praxmonitor", "demo", "--headless", "--seconds", "4", "--record", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    fleet = Fleet(read_header(path).root)
    for at, facts in read_recording(path):
        fleet = apply(fleet, facts, at)
    assert len(fleet.agents) == 12 and any(facts.run is not None for facts in fleet.agents)
