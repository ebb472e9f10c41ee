"""One is on duty, and another takes over when it goes: real processes, real locks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mailcore.system.locks import is_locked
from praxmonitor.duty import Duty

pytestmark = pytest.mark.backends

HOLD = """
import sys, threading
from pathlib import Path
from praxmonitor.duty import Duty
duty = Duty(Path(sys.argv[1]), sys.argv[2], on_change=lambda: print("ours" if duty.ours else "waits", flush=True))
duty.start()
threading.Event().wait()
"""
Wait = Callable[[Callable[[], object], float, str], None]


def holder(directory: Path, what: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(directory), what]
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


def test_the_first_is_on_duty_the_others_wait_and_know_who(tmp_path: Path) -> None:
    first = holder(tmp_path, "guard")
    try:
        assert said(first) == "ours"
        second = Duty(tmp_path, "screen")
        second.start()
        assert not second.ours
        assert second.holder() == f"guard (PID {first.pid})"
        second.close()
    finally:
        end(first)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_when_the_holder_dies_another_has_it_within_two_seconds(
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
        assert second.ours and second.holder() == ""
    finally:
        end(first)
        second.close()


def test_of_many_that_wait_exactly_one_takes_over(tmp_path: Path) -> None:
    first = holder(tmp_path, "guard")
    assert said(first) == "ours"
    others = [holder(tmp_path, "screen") for _ in range(4)]
    try:
        assert [said(other) for other in others] == ["waits"] * 4
        end(first)
        late = Duty(tmp_path, "guard")
        deadline = time.monotonic() + 2.0
        while not (late.holder().startswith("screen")):
            assert time.monotonic() < deadline
        owners = [other for other in others if late.holder() == f"screen (PID {other.pid})"]
        assert len(owners) == 1
        late.start()
        assert not late.ours
        late.close()
    finally:
        end(*others)


def test_who_gives_it_up_hands_it_on_at_once(tmp_path: Path, wait_until: Wait) -> None:
    first, second = Duty(tmp_path, "screen"), Duty(tmp_path, "guard")
    first.start()
    second.start()
    assert (first.ours, second.ours) == (True, False)
    first.close()
    wait_until(lambda: second.ours, 2.0, "the second has it")
    assert not first.ours
    second.close()


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


def test_where_no_lock_can_be_made_everyone_sounds_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    duty = Duty(tmp_path / "file", "screen")
    duty.start()
    assert duty.ours and "duty.lock" in duty.trouble
    duty.close()


def test_a_holder_that_says_nonsense_of_itself_is_another(tmp_path: Path) -> None:
    (tmp_path / "duty.lock").write_text('{"what": "\\u001b]0;x", "pid": "no"}')
    assert Duty(tmp_path, "screen").holder() == "another process"
    (tmp_path / "duty.lock").write_text('{"what": "\\u001b]0;x", "pid": 7}')
    assert "\x1b" not in Duty(tmp_path, "screen").holder()


def test_what_a_symlink_points_to_is_never_written(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "duty.lock").symlink_to(precious)
    duty = Duty(tmp_path, "screen")
    duty.start()
    assert precious.read_text() == "mine"
    assert duty.ours and "duty.lock" in duty.trouble and "is a symlink" in duty.trouble
    duty.close()


def test_a_holder_with_a_number_that_is_none_is_another(tmp_path: Path) -> None:
    (tmp_path / "duty.lock").write_text('{"what": "x", "pid": 1e999}')
    assert Duty(tmp_path, "screen").holder() == "another process"


@pytest.mark.linux_only("who holds a flock is told by /proc alone")
def test_a_stranger_that_keeps_the_duty_silences_nobody(tmp_path: Path, wait_until: Wait) -> None:
    """Whoever can read the file can flock it: he is named, and one of ours is on duty all the same, and one alone."""
    (tmp_path / "duty.lock").touch()
    stranger = subprocess.Popen(["flock", str(tmp_path / "duty.lock"), "sleep", "60"], start_new_session=True)
    first, second = Duty(tmp_path, "guard"), Duty(tmp_path, "screen")
    try:
        wait_until(lambda: is_locked(tmp_path / "duty.lock"), 5.0, "the stranger has it")
        first.start()
        assert not first.ours and f"PID {stranger.pid} (flock" in first.holder()
        second.start()
        wait_until(lambda: first.ours or second.ours, 10.0, "one is on duty")
        ours, other = (first, second) if first.ours else (second, first)
        assert f"PID {stranger.pid}" in ours.trouble and "stepped around" in ours.trouble
        assert other.holder().endswith(f"(PID {os.getpid()})")
        ours.close()
        wait_until(lambda: other.ours, 10.0, "the other takes over")
    finally:
        os.killpg(stranger.pid, signal.SIGKILL)
        stranger.wait()
        first.close()
        second.close()
