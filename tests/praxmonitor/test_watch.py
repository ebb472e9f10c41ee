"""The stream as lines: what each says, through real pipes, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from mailcore.config import Config
from mailcore.mail import post
from mailcore.model.activity import Activity, Kind
from mailcore.model.fleet import Fleet
from mailcore.observe.fold import MAX_STREAM
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.cli.watch import Event, follow, happened, line, raised
from praxmonitor.state.snapshot import EMPTY, Snapshot, next_snapshot
from tests.clock import NOON
from tests.mailcore.conftest import House, wait_until
from tests.praxmonitor.fake_feed import ROOT, FakeFeed, lighthouse

KEYS = ["at", "type", "agent", "kind", "text"]


def snapshot(fleet: Fleet, old: Snapshot = EMPTY, now: float = NOON) -> Snapshot:
    return next_snapshot(old, fleet, now, Config().alarms)


def tool(number: int, text: str = "Bash: ls") -> Activity:
    return Activity(NOON + number, "@writer", Kind.TOOL, text, "hooks", "Bash", f"t{number}", "s1")


def test_only_what_is_new_is_told_even_if_it_looks_the_same() -> None:
    first = tool(1)
    old = snapshot(Fleet(ROOT, stream=(first,)))
    new = snapshot(Fleet(ROOT, stream=(first, tool(1), tool(2))), old)
    assert [(event["type"], event["text"]) for event in happened(old, new)] == [("activity", "Bash: ls")] * 2
    assert list(happened(new, new)) == []


@pytest.mark.anyio
async def test_a_feed_that_breaks_is_begun_anew_and_nothing_is_told_twice() -> None:
    feed, told, said = FakeFeed(), list[Event](), list[str]()
    feed.put(Fleet(ROOT, stream=(tool(1, "one"),), at=NOON + 2))
    task = asyncio.create_task(follow(feed, ROOT, Config(), told.append, said.append, from_start=True))
    try:
        async with asyncio.timeout(10):
            while len(told) < 1:
                await asyncio.wait({task}, timeout=0.02)
            feed.put(OSError("torn away"))
            feed.put(Fleet(ROOT, stream=(tool(1, "one"), tool(3, "two")), at=NOON + 4))
            while len(told) < 2:
                await asyncio.wait({task}, timeout=0.02)
                assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [event["text"] for event in told] == ["one", "two"]
    assert len(said) == 2 and "OSError: torn away" in said[0] and said[1] == "watching goes on"


def test_after_a_break_what_was_told_is_known_by_what_it_says_and_not_by_the_clock() -> None:
    ahead, behind, late = tool(300, "a clock ahead"), tool(-300, "a clock behind"), tool(1, "read late")
    old = snapshot(Fleet(ROOT, stream=(tool(0, "one"), ahead), at=NOON + 2))
    read_again = (behind, tool(0, "one"), late, structs.replace(ahead, text="told again"))
    new = snapshot(Fleet(ROOT, stream=read_again, at=NOON + 4), old)
    assert [event["text"] for event in happened(old, new, after_break=True)] == ["a clock behind", "read late"]


def test_after_a_break_what_left_the_stream_long_ago_is_not_told_again() -> None:
    old = snapshot(Fleet(ROOT, stream=tuple(map(tool, range(MAX_STREAM)))))
    new = snapshot(Fleet(ROOT, stream=(tool(-100, "long ago"), tool(MAX_STREAM - 1), tool(MAX_STREAM, "new"))), old)
    assert [event["text"] for event in happened(old, new, after_break=True)] == ["new"]


def test_a_state_is_told_when_it_changes_and_with_its_reason() -> None:
    fleet = lighthouse()
    old = snapshot(fleet)
    everyone = [event for event in happened(EMPTY, old) if event["type"] == "state"]
    assert len(everyone) == len(fleet.agents)
    writer, *others = fleet.agents
    idle = structs.replace(writer, lock=None, run=None, activities=(), open=(), turn_open=False, prompts=())
    new = snapshot(structs.replace(fleet, agents=(idle, *others)), old)
    (event,) = happened(old, new)
    assert (event["type"], event["agent"], event["kind"]) == ("state", "@writer", "idle")
    assert [event["text"] for event in everyone] == [old.status(facts.address).reason for facts in fleet.agents]


def test_what_was_too_much_to_keep_is_admitted() -> None:
    old = snapshot(Fleet(ROOT, stream=(tool(0),)))
    new = snapshot(Fleet(ROOT, stream=tuple(map(tool, range(MAX_STREAM)))), old)
    events = list(happened(old, new))
    assert events[0]["type"] == "note" and "more happened" in events[0]["text"] and len(events) == MAX_STREAM + 1


def test_alarms_come_and_go_once() -> None:
    silent = Alarm(AlarmKind.SILENCE, "@writer", NOON, "silent: a report", id="1")
    failed = Alarm(AlarmKind.FAILED, "@editor", NOON, "failed: exit 1", id="2")
    waits = Alarm(AlarmKind.WAITING, "@lead", NOON, "waits for you", remedy="answer", id="3")
    later = replace(failed, seen="3 s ago")
    old, new = ({alarm.key: alarm for alarm in alarms} for alarms in ((silent, failed), (later, waits)))
    told = [(event["type"], event["kind"], event["agent"], event["text"]) for event in raised(old, new, NOON)]
    assert told == [
        ("alarm", "waiting", "@lead", "waits for you; answer"),
        ("alarm_over", "silence", "@writer", "silent: a report"),
    ]


def test_escapes_and_line_breaks_are_made_harmless_in_both_forms() -> None:
    evil = structs.replace(tool(1, "a\x1b[2J\x1b]0;owned\x07b\nc\u202ed"), tool="\x1b[31mBash", session="\x9b5n")
    (event,) = happened(snapshot(Fleet(ROOT)), snapshot(Fleet(ROOT, stream=(evil,))))
    for said in (line(event, ""), json.dumps(event, ensure_ascii=False)):
        assert said.isprintable() and "2J" not in said and "owned" not in said


def test_a_line_says_the_date_only_of_another_day() -> None:
    (event,) = happened(snapshot(Fleet(ROOT)), snapshot(Fleet(ROOT, stream=(tool(0),))))
    day, clock = event["at"][:10], event["at"][11:19]
    assert line(event, day) == f"{clock} @writer tool: Bash: ls"
    assert line(event, "1999-12-31") == f"{day} {clock} @writer tool: Bash: ls"
    assert line(event | {"type": "state", "kind": "in tool"}, day) == f"{clock} @writer is in tool: Bash: ls"
    assert line(event | {"type": "alarm", "kind": "silence"}, day) == f"{clock} @writer ALARM silence: Bash: ls"
    assert line(event | {"type": "alarm_over", "text": ""}, day) == f"{clock} @writer alarm over tool"


@pytest.mark.parametrize("at", [-1e18, 0.0, 1e300, float("inf"), float("nan")])
def test_any_time_that_a_file_may_hold_can_be_told(at: float) -> None:
    (event,) = happened(snapshot(Fleet(ROOT)), snapshot(Fleet(ROOT, stream=(structs.replace(tool(0), at=at),))))
    assert event["at"] is None and line(event, "2026-11-22") == "unknown @writer tool: Bash: ls"


class Watch:
    """A `praxmonitor watch` whose lines a test reads."""

    def __init__(self, *words: str | Path) -> None:
        command = [sys.executable, "-m", "praxmonitor", "watch", *map(str, words)]
        # As a user's shell has it: a pipe is buffered.
        env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
        self._rest = b""

    def until(self, wanted: str, seconds: float = 20) -> list[str]:
        """All lines up to one that holds `wanted`."""
        assert self.process.stdout is not None
        lines: list[str] = []
        deadline = time.monotonic() + seconds
        while not lines or wanted not in lines[-1]:
            if b"\n" in self._rest:
                first, _, self._rest = self._rest.partition(b"\n")
                lines.append(first.decode())
                continue
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.process.stdout], [], [], left)[0], f"no {wanted!r} in {lines}"
            chunk = os.read(self.process.stdout.fileno(), 65536)
            assert chunk, f"it ended: {self.process.communicate()[1].decode()}"
            self._rest += chunk
        return lines


@pytest.fixture
def watches() -> Iterator[list[Watch]]:
    """What a test starts here is ended after it."""
    started: list[Watch] = []
    yield started
    for watch in started:
        watch.process.kill()
        watch.process.communicate()


def test_a_task_is_told_from_mail_to_end_in_lines_and_in_json(house: House, watches: list[Watch]) -> None:
    house.shell("writer", f"{sys.executable} -m mailcore.cli reply 2 finished")
    post.send_mail(house.workspace, "@lead", ["@editor"], "before", "a word")
    plain, objects = Watch(house.root, "--from-start"), Watch("--jsonl", "--from-start", house.root)
    watches += [plain, objects]
    plain.until("@lead is idle")
    objects.until('"@lead", "kind": "idle"')
    house.started("@lead", "@writer", "Chapter one")
    lines = plain.until("@writer is done")
    assert any("@writer started: Chapter one (attempt 1/3)" in said for said in lines)
    assert any("@writer mail: @lead: Chapter one" in said for said in lines)
    events: list[dict[str, Any]] = [
        json.loads(said) for said in objects.until('"state", "agent": "@writer", "kind": "done"')
    ]
    assert all(list(event)[:5] == KEYS for event in events)
    assert {tuple(event)[5:] for event in events} <= {(), ("tool", "source", "session", "subagent", "before")}
    assert {"activity", "state"} <= {event["type"] for event in events}


def test_without_from_start_only_what_comes_is_told_and_only_of_whom_is_asked(
    house: House, watches: list[Watch]
) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "before", "a word")
    watch = Watch(house.root, "@Writer")
    watches.append(watch)
    number = 0

    def arrived() -> bool:
        nonlocal number
        number += 1
        assert watch.process.stdout is not None
        post.send_mail(house.workspace, "@lead", ["@editor"], f"other {number}", "a word")
        post.send_mail(house.workspace, "@lead", ["@writer"], f"news {number}", "a word")
        return bool(select.select([watch.process.stdout], [], [], 1.0)[0])

    wait_until(arrived, what="the first line")
    lines = watch.until("news")
    assert "before" not in "\n".join(lines) and "other" not in "\n".join(lines)
    assert lines[-1].endswith(f"@writer mail: @lead: news {lines[-1].split()[-1]}")


def test_an_alarm_is_a_line_and_so_is_its_end(house: House, watches: list[Watch]) -> None:
    inbox = house.agent("@writer").inbox
    whole = inbox.read_bytes()
    inbox.write_text("{ torn")
    watch = Watch(house.root)
    watches.append(watch)
    (*_, said) = watch.until("ALARM unreadable")
    assert "@writer" in said and "inbox.json" in said
    inbox.write_bytes(whole)
    watch.until("@writer alarm over unreadable")


def test_head_ends_it_quietly_even_if_nothing_more_happens(house: House) -> None:
    command = f"{sys.executable} -m praxmonitor watch {house.root} --from-start | head -n 1"
    began = time.monotonic()
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_ends_it_quietly(house: House, watches: list[Watch], number: signal.Signals, status: int) -> None:
    watch = Watch(house.root, "--from-start")
    watches.append(watch)
    watch.until("@lead is idle")
    watch.process.send_signal(number)
    _, said = watch.process.communicate(timeout=20)
    assert (watch.process.returncode, said) == (status, b"")


@pytest.mark.parametrize(
    ("words", "status", "cause"),
    [
        (("@nobody",), 3, "no agent @nobody"),
        (("/",), 2, "in no workspace"),
        ((".", "/"), 2, "one path, not 2"),
    ],
)
def test_what_cannot_be_watched_is_said(house: House, words: tuple[str, ...], status: int, cause: str) -> None:
    command = [sys.executable, "-m", "praxmonitor", "watch", *words]
    done = subprocess.run(command, cwd=house.root, capture_output=True, text=True, timeout=30)
    assert done.returncode == status and cause in done.stderr and "Traceback" not in done.stderr


def test_an_agent_whose_process_works_is_not_called_silent(house: House, watches: list[Watch], tmp_path: Path) -> None:
    (house.root / ".praxmonitor").mkdir(exist_ok=True)
    (house.root / ".praxmonitor" / "config.toml").write_text("[alarms]\nsilence = 2\nlook = 0.5\n")
    stop = tmp_path / "stop"
    code = f"import os, threading\nwhile not os.path.exists({str(stop)!r}): pass\nthreading.Event().wait()"
    agent = subprocess.Popen([sys.executable, "-c", code])
    try:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() - 600))
        lock = {"pid": agent.pid, "timestamp": stamp, "subject": "a long build"}
        house.agent("@writer").dispatch_lock.write_text(json.dumps(lock))
        inbox = house.agent("@editor").inbox
        inbox.write_text("{ torn")
        watch = Watch(house.root)
        watches.append(watch)
        assert not [said for said in watch.until("@editor ALARM unreadable") if "silen" in said]
        inbox.unlink()
        assert not [said for said in watch.until("@editor alarm over unreadable") if "silen" in said]
        stop.touch()
        watch.until("@writer ALARM silence")
    finally:
        agent.kill()
        agent.wait()
