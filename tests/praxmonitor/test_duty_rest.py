"""Who is on duty and alone sleeps, until another comes; it never believes to be on duty longer for that."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from mailcore.system.seal import Seal
from praxmonitor.alarms import watchers
from praxmonitor.alarms.duty import LOOK_PERIOD, Duty
from praxmonitor.alarms.heartbeat import SIGN_PERIOD
from praxmonitor.alarms.lease import LEASE, Lease
from praxmonitor.alarms.watchers import Reach, WatcherState
from tests.praxmonitor.test_duty import Changing, Wait, end, holder, never_both, said

pytestmark = pytest.mark.linux_only("a seal is of inotify alone")

STOPPABLE = """
import sys, threading, time
from pathlib import Path
from praxmonitor.alarms.duty import Duty
duty, never = Duty(Path(sys.argv[1]), "screen"), threading.Event()
duty.start()
print("ours" if duty.ours else "waits", flush=True)
before = time.monotonic()
while True:
    ours, now = duty.ours, time.monotonic()
    if now - before > 0.3:
        print("goes on", ours, flush=True)
    before = now
    never.wait(0.001)
"""


class Resting:
    """A watcher of this process that counts its looks."""

    def __init__(self, directory: Path) -> None:
        self.state, self.looks = WatcherState(Reach.SHOWN), 0
        self.duty = Duty(directory, "screen", state=lambda: self.state, on_look=self._looked)
        self.duty.start()

    def _looked(self, _: bool) -> None:
        self.looks += 1

    def rests(self) -> bool:
        """Whether it did not look for thrice as long as it does when another is there."""
        before = self.looks
        threading.Event().wait(3 * LOOK_PERIOD)
        return self.looks == before


@contextmanager
def resting(directory: Path, wait_until: Wait) -> Iterator[Resting]:
    one = Resting(directory)
    try:
        wait_until(one.rests, 5.0, "it rests")
        yield one
    finally:
        one.duty.close()


def quiet(directory: Path) -> bool:
    """Whether every watcher rests, by its last sign of life."""
    return all(time.time() - each.seen > 3 * LOOK_PERIOD for each in watchers.read_watchers(directory)[0])


def stoppable(directory: Path) -> subprocess.Popen[str]:
    """A watcher that says whether it is on duty when it goes on."""
    return subprocess.Popen([sys.executable, "-c", STOPPABLE, str(directory)], stdout=subprocess.PIPE, text=True)


@contextmanager
def resting_process(first: subprocess.Popen[str], directory: Path, wait_until: Wait) -> Iterator[subprocess.Popen[str]]:
    """The same once it is on duty, alone, and rests; ended in the end."""
    try:
        assert said(first) == "ours"
        wait_until(lambda: quiet(directory), 5.0, "it rests")
        yield first
    finally:
        end(first)


def test_alone_it_sleeps_and_is_on_duty_all_the_while(tmp_path: Path, wait_until: Wait) -> None:
    with resting(tmp_path, wait_until) as one:
        looks, until = one.looks, time.monotonic() + 2 * LEASE
        while time.monotonic() < until:
            assert one.duty.ours
            threading.Event().wait(LOOK_PERIOD)
        assert one.looks - looks <= 1
        assert watchers.read_watchers(tmp_path)[1] is not None, "whoever looks once sees it"


def test_a_lease_lasts_as_long_as_its_seal_and_a_second(tmp_path: Path, wait_until: Wait) -> None:
    lease, seal, began = Lease(), Seal(tmp_path), time.monotonic()
    lease.rest_on(seal)
    wait_until(lambda: lease.holds and time.monotonic() - began > 1.5 * LEASE, 5.0, "it lasts")
    asked = time.monotonic()
    assert lease.holds
    (tmp_path / "x.watcher").write_text("")
    assert lease.holds, "nobody can have waited a second for a sign yet"
    wait_until(lambda: not lease.holds, 2 * LEASE, "it is over")
    assert time.monotonic() - asked >= LEASE
    seal.close()


def test_nobody_asks_for_long_and_it_is_on_duty(tmp_path: Path, wait_until: Wait) -> None:
    with resting(tmp_path, wait_until) as one:
        asked = time.monotonic()
        wait_until(lambda: time.monotonic() - asked > 1.5 * LEASE, 5.0, "longer than a lease")
        assert one.duty.ours


def test_a_newcomer_is_seen_at_once_and_does_not_step_over_it(tmp_path: Path, wait_until: Wait) -> None:
    with resting(tmp_path, wait_until) as one:
        other = Changing(tmp_path, reach=Reach.SHOWN)
        with never_both(one.duty, other.duty):
            wait_until(lambda: one.duty.others, LOOK_PERIOD, "it is seen")
            until = time.monotonic() + 2 * LEASE
            while time.monotonic() < until:
                assert one.duty.ours and not other.duty.ours
                threading.Event().wait(0.001)
        other.duty.close()
        wait_until(one.rests, 5.0, "it rests again")


def test_one_that_reaches_further_has_it_at_once(tmp_path: Path, wait_until: Wait) -> None:
    with resting(tmp_path, wait_until) as one:
        other = Changing(tmp_path, "guard", Reach.SOUND)
        with never_both(one.duty, other.duty):
            wait_until(lambda: other.duty.ours, 1.0, "it goes over")
        other.duty.close()
        wait_until(lambda: one.duty.ours, 1.0, "and back")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_one_that_rests_and_dies_or_stops_is_followed(tmp_path: Path, wait_until: Wait, how: signal.Signals) -> None:
    with resting_process(holder(tmp_path, "screen"), tmp_path, wait_until) as first:
        first.send_signal(how)
        second = Changing(tmp_path)
        wait_until(lambda: second.duty.ours, 2.0, "the other has it")
        second.duty.close()


def test_stopped_while_it_rests_it_is_not_on_duty_in_the_moment_it_goes_on(tmp_path: Path, wait_until: Wait) -> None:
    with resting_process(stoppable(tmp_path), tmp_path, wait_until) as first:
        first.send_signal(signal.SIGSTOP)
        second = Changing(tmp_path, reach=Reach.NOBODY)
        wait_until(lambda: second.duty.ours, 2.0, "the other steps over it")
        first.send_signal(signal.SIGCONT)
        assert said(first) == "goes on False"
        assert second.duty.ours
        second.duty.close()


def test_stopped_and_continued_while_nobody_came_it_goes_on(tmp_path: Path, wait_until: Wait) -> None:
    with resting_process(stoppable(tmp_path), tmp_path, wait_until) as first:
        first.send_signal(signal.SIGSTOP)
        threading.Event().wait(1.5 * LEASE)
        first.send_signal(signal.SIGCONT)
        assert said(first) == "goes on True"


def test_a_newcomer_that_is_killed_is_forgotten_and_it_rests_again(tmp_path: Path, wait_until: Wait) -> None:
    with resting(tmp_path, wait_until) as one:
        other = holder(tmp_path, "screen")
        assert said(other) == "waits"
        wait_until(lambda: one.duty.others, 2.0, "it is seen")
        end(other)
        wait_until(lambda: not one.duty.others and one.rests(), 5.0, "it rests again")
        assert one.duty.ours


def test_where_anything_else_may_be_a_watcher_it_keeps_looking(tmp_path: Path, wait_until: Wait) -> None:
    (tmp_path / "duty").mkdir()
    (tmp_path / "duty" / "x.watcher").write_text("{")
    one = Resting(tmp_path)
    for _ in range(4):
        looks = one.looks
        wait_until(lambda looks=looks: one.looks > looks, 2 * LOOK_PERIOD + 1, "it looks")  # type: ignore[misc]
        assert not one.rests()
    (tmp_path / "duty" / "x.watcher").unlink()
    wait_until(one.rests, 5.0, "it rests")
    one.duty.close()


def test_its_directory_is_made_again(tmp_path: Path, wait_until: Wait) -> None:
    with resting(tmp_path, wait_until) as one:
        (tmp_path / "duty").rename(tmp_path / "away")
        wait_until(lambda: watchers.read_watchers(tmp_path)[1], 2.0, "it is on duty there")
        assert one.duty.ours


def test_it_shows_itself_before_it_sees_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else who rests could be stepped over by one that it did not know of."""
    shown: list[int] = []
    read = watchers.read_records

    def records(directory: int, but: str = "") -> list[watchers.Watcher]:
        shown.append(len(list((tmp_path / "duty").glob("*.watcher"))))
        return read(directory, but)

    monkeypatch.setattr(watchers, "read_records", records)
    duty = Duty(tmp_path, "screen")
    duty.start()
    assert shown[0] == 1
    duty.close()


def test_it_rests_no_longer_than_its_signs_may_be_apart(tmp_path: Path, wait_until: Wait) -> None:
    looks: list[float] = []
    duty = Duty(tmp_path, "guard", on_look=lambda _: looks.append(time.monotonic()), rest=lambda: SIGN_PERIOD)
    duty.start()
    wait_until(lambda: len(looks) > 5, 10.0, "it looks")
    between = [after - before for before, after in pairwise(looks)]
    assert max(between) < SIGN_PERIOD + 1 and max(between) > SIGN_PERIOD - 0.1
    duty.close()


UNWATCHED = """
import sys, threading
from pathlib import Path
from praxmonitor.alarms.duty import Duty
looks = []
duty = Duty(Path(sys.argv[1]), "screen", on_look=lambda ours: looks.append(ours))
duty.start()
threading.Event().wait(2.0)
print(len(looks), all(looks))
"""


def test_where_the_kernel_has_no_watch_left_it_keeps_looking(tmp_path: Path) -> None:
    """A user namespace has limits of its own: the machine's stay as they are."""
    script = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$0" -c "$1" "$2"'
    words = ["unshare", "--user", "--map-root-user", "sh", "-c", script, sys.executable, UNWATCHED, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    if "unshare" in done.stderr:
        pytest.skip(f"no user namespaces here: {done.stderr.strip()}")
    looks, ours = done.stdout.split()
    assert int(looks) > 4 and ours == "True"
