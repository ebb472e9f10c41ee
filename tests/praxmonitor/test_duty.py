"""One is on duty, the one that is heard best, and another takes over when it goes: real processes, real files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from praxmonitor.alarms import watchers
from praxmonitor.alarms.duty import Duty
from praxmonitor.alarms.lease import LEASE
from praxmonitor.alarms.watchers import Reach, WatcherState

pytestmark = pytest.mark.backends

HOLD = """
import sys, threading
from pathlib import Path
from praxmonitor.alarms.duty import Duty
from praxmonitor.alarms.watchers import Reach, WatcherState
state = WatcherState(Reach(int(sys.argv[3])), "as said")
duty = Duty(Path(sys.argv[1]), sys.argv[2], on_change=lambda: print("ours" if duty.ours else "waits", flush=True),
            state=lambda: state)
duty.start()
threading.Event().wait()
"""
Wait = Callable[[Callable[[], object], float, str], None]


def holder(directory: Path, what: str, reach: Reach = Reach.NOBODY) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(directory), what, str(int(reach))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


class Changing:
    """A watcher of this process whose state the test changes."""

    def __init__(self, directory: Path, what: str = "screen", reach: Reach = Reach.SOUND) -> None:
        self.state = WatcherState(reach)
        self.duty = Duty(directory, what, state=lambda: self.state)
        self.duty.start()


@contextmanager
def never_both(one: Duty, other: Duty) -> Iterator[None]:
    """Fails if both were on duty at any moment in between."""
    both: list[float] = []
    over = threading.Event()

    def observe() -> None:
        while not over.wait(0.001):
            if one.ours and other.ours:
                both.append(time.monotonic())

    watching = threading.Thread(target=observe)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
    assert not both


def test_the_first_is_on_duty_the_others_wait_and_know_who(tmp_path: Path) -> None:
    first = holder(tmp_path, "guard", Reach.SOUND)
    try:
        assert said(first) == "ours"
        second = Duty(tmp_path, "screen")
        second.start()
        assert not second.ours
        assert second.holder is not None and second.holder.name == f"guard (PID {first.pid})"
        assert (second.holder.state.reach, second.holder.state.says) == (Reach.SOUND, "as said")
        second.close()
    finally:
        end(first)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSTOP])
def test_when_the_holder_dies_or_stops_another_has_it_within_two_seconds(
    tmp_path: Path, wait_until: Wait, how: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    first = holder(tmp_path, "guard")
    taken: list[float] = []
    second = Duty(tmp_path, "screen", on_change=lambda: taken.append(time.monotonic()) if second.ours else None)
    try:
        assert said(first) == "ours"
        second.start()
        killed = time.monotonic()
        first.send_signal(how)
        wait_until(lambda: taken, 2.0, "the other takes over")
        with capsys.disabled():
            print(f"\nduty taken over after {(taken[0] - killed) * 1000:.0f} ms ({how.name})")
        assert second.ours and second.holder is None
    finally:
        end(first)
        second.close()


def test_who_was_stopped_and_goes_on_finds_that_another_is_on_duty(tmp_path: Path, wait_until: Wait) -> None:
    first = holder(tmp_path, "screen", Reach.SOUND)
    assert said(first) == "ours"
    second = Changing(tmp_path, "guard")
    try:
        first.send_signal(signal.SIGSTOP)
        wait_until(lambda: second.duty.ours, 2.0, "the second steps over it")
        first.send_signal(signal.SIGCONT)
        assert said(first) == "waits"
        assert second.duty.ours
    finally:
        end(first)
        second.duty.close()


def test_a_lease_is_over_by_itself(tmp_path: Path, wait_until: Wait) -> None:
    """Who was stopped is not on duty in the moment in which it goes on, before it has looked."""
    duty = Duty(tmp_path, "screen")
    duty._look()
    assert duty.ours
    wait_until(lambda: not duty.ours, LEASE + 1, "no look, no duty")
    duty.close()


def test_of_many_that_wait_exactly_one_takes_over(tmp_path: Path, wait_until: Wait) -> None:
    first = holder(tmp_path, "guard")
    assert said(first) == "ours"
    others = [holder(tmp_path, "screen") for _ in range(4)]
    try:
        assert [said(other) for other in others] == ["waits"] * 4
        end(first)

        def holders() -> list[int]:
            return [each.pid for each in watchers.read_watchers(tmp_path)[0] if each.term and each.alive]

        wait_until(holders, 2.0, "one has it")
        assert len(holders()) == 1 and holders()[0] in [other.pid for other in others]
        late = Duty(tmp_path, "guard")
        late.start()
        assert not late.ours
        late.close()
    finally:
        end(*others)


def test_of_many_that_begin_at_once_never_two_have_it(tmp_path: Path, wait_until: Wait) -> None:
    for number in range(30):
        begun = [Duty(tmp_path / str(number), "screen") for _ in range(4)]
        threads = [threading.Thread(target=each._look) for each in begun]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(each.ours for each in begun) == 1
        for each in begun:
            each.close()


def test_who_gives_it_up_hands_it_on(tmp_path: Path, wait_until: Wait) -> None:
    first, second = Duty(tmp_path, "screen"), Duty(tmp_path, "guard")
    first.start()
    second.start()
    assert (first.ours, second.ours) == (True, False)
    first.close()
    assert not first.ours
    wait_until(lambda: second.ours, 1.0, "the second has it")
    second.close()
    assert list((tmp_path / "duty").glob("*.watcher")) == []


def test_who_left_while_it_waited_never_takes_it(tmp_path: Path, wait_until: Wait) -> None:
    first, second, third = Duty(tmp_path, "screen"), Duty(tmp_path, "screen"), Duty(tmp_path, "guard")
    first.start()
    second.start()
    second.close()
    third.start()
    first.close()
    wait_until(lambda: third.ours, 2.0, "the third has it")
    assert not second.ours
    third.close()


def test_duty_goes_to_who_reaches_further_and_never_to_two(tmp_path: Path, wait_until: Wait) -> None:
    muted, guard = Changing(tmp_path, reach=Reach.SHOWN), Changing(tmp_path, "guard", Reach.NOBODY)
    try:
        with never_both(muted.duty, guard.duty):
            assert muted.duty.ours
            for reach, other in (
                (Reach.BELL, guard),
                (Reach.NOBODY, muted),
                (Reach.SOUND, guard),
                (Reach.NOBODY, muted),
            ):
                guard.state = WatcherState(reach)
                wait_until(lambda other=other: other.duty.ours, 2.0, f"at {reach.name} it goes over")  # type: ignore[misc]
            guard.state = WatcherState(Reach.SHOWN)
            wait_until(lambda: all(e.state.reach is Reach.SHOWN for e in muted.duty.others), 2.0, "it is seen")
            assert muted.duty.ours, "of two that reach as far, who has it keeps it"
    finally:
        muted.duty.close()
        guard.duty.close()


def test_who_stands_still_gives_it_up_and_has_it_again_if_it_is_the_better_one(
    tmp_path: Path, wait_until: Wait
) -> None:
    screen, guard = Changing(tmp_path, reach=Reach.SOUND), Changing(tmp_path, "guard", Reach.NOBODY)
    try:
        assert screen.duty.ours
        with never_both(screen.duty, guard.duty):
            screen.state = WatcherState(Reach.SOUND, fit=False)
            wait_until(lambda: guard.duty.ours, 2.0, "the one that moves takes over")
            screen.state = WatcherState(Reach.SOUND)
            wait_until(lambda: screen.duty.ours and not guard.duty.ours, 2.0, "it goes back")
    finally:
        screen.duty.close()
        guard.duty.close()


def test_one_that_promises_more_and_never_takes_it_is_not_waited_for(tmp_path: Path, wait_until: Wait) -> None:
    screen = Changing(tmp_path, reach=Reach.SHOWN)
    over = threading.Event()

    def boast() -> None:
        with watchers.open_directory(tmp_path) as directory:
            while not over.wait(0.2):
                watchers.write_record(directory, "boaster", "guard", time.time(), 0, WatcherState(Reach.SOUND))

    boasting = threading.Thread(target=boast)
    boasting.start()
    try:
        wait_until(lambda: not screen.duty.ours, 2.0, "it is left to the other")
        wait_until(lambda: screen.duty.ours, 5.0, "who does not take it")
        seen = time.monotonic()
        wait_until(lambda: time.monotonic() - seen > 1.0, 2.0, "a second")
        assert screen.duty.ours, "and is not believed again"
    finally:
        over.set()
        boasting.join()
        screen.duty.close()


def test_a_guard_that_died_is_remembered_until_another_comes_a_screen_is_not(tmp_path: Path, wait_until: Wait) -> None:
    dead = [holder(tmp_path, "guard"), holder(tmp_path, "screen")]
    assert sorted(map(said, dead)) == ["ours", "waits"]
    end(*dead)
    screen = Changing(tmp_path)
    wait_until(lambda: [each.what for each in screen.duty.others] == ["guard"], 3.0, "the screen is forgotten")
    assert not screen.duty.others[0].alive
    guard = Changing(tmp_path, "guard")
    wait_until(lambda: all(each.alive for each in screen.duty.others), 3.0, "the dead guard too")
    guard.duty.close()
    screen.duty.close()


def test_where_nothing_can_be_written_everyone_sounds_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    duty = Duty(tmp_path / "file", "screen")
    duty.start()
    assert duty.ours and "/duty: " in duty.trouble
    duty.close()
    assert not duty.ours


def test_a_watcher_that_says_nonsense_of_itself_is_none(tmp_path: Path) -> None:
    duty = tmp_path / "duty"
    duty.mkdir()
    for number, text in enumerate(
        ('{"what": "\\u001b]0;x", "pid": "no"}', '{"pid": 1e999}', "[", "[" * 99999, "7", "")
    ):
        (duty / f"{number}.watcher").write_text(text)
    assert watchers.read_watchers(tmp_path) == ([], None)
    record = {"what": "\x1b]0;x", "pid": 7, "start_ticks": 1, "since": 0, "term": 0, "reach": 3, "says": "\x1b[2J"}
    (duty / "x.watcher").write_text(json.dumps(record | {"fit": True, "pid_namespace": None}))
    (told,), nobody = watchers.read_watchers(tmp_path)
    assert "\x1b" not in told.name + told.state.says and nobody is None


def test_what_nobody_thought_of_silences_nobody(tmp_path: Path) -> None:
    def broken() -> WatcherState:
        raise RuntimeError("nobody thought of it")

    duty = Duty(tmp_path, "screen", state=broken)
    duty.start()
    assert duty.ours and "nobody thought of it" in duty.trouble
    duty.close()


def test_a_file_of_any_size_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "duty").mkdir()
    for name in ("x.watcher", "3.term"):
        with (tmp_path / "duty" / name).open("wb") as file:
            file.truncate(1 << 40)
    duty = Duty(tmp_path, "screen")
    duty.start()
    assert duty.ours and not duty.trouble
    duty.close()


@pytest.mark.parametrize("name", ["7.term", "x.term", f"{10**14 - 1}.term", "-1.term"])
def test_whatever_lies_there_one_is_on_duty(tmp_path: Path, name: str) -> None:
    (tmp_path / "duty" / name).mkdir(parents=True)
    os.mkfifo(tmp_path / "duty" / "y.watcher")
    duty = Duty(tmp_path, "screen")
    duty.start()
    assert duty.ours
    duty.close()


def test_what_a_symlink_points_to_is_never_written(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (tmp_path / "duty").symlink_to(precious)
    duty = Duty(tmp_path, "screen")
    duty.start()
    assert list(precious.iterdir()) == []
    assert duty.ours and "is a symlink" in duty.trouble
    duty.close()
