"""How the screen leaves, and on what it is drawn: real terminals, also gone, full, dumb or without a size."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mailcore.system import processes
from praxmonitor.alarms import outlets
from tests.mailcore.conftest import House, wait_until

_PIDS: list[int] = []


@pytest.fixture(autouse=True)
def reaped() -> Iterator[None]:
    """No screen outlives its test, nor its process as a zombie, whatever failed."""
    yield
    while _PIDS:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(_PIDS[-1], signal.SIGKILL)
            os.waitpid(_PIDS[-1], 0)
        _PIDS.pop()


def pty_of(house: House, **environment: str) -> tuple[int, int]:
    """A screen on a terminal of its own, which has no size: its PID and the other end."""
    pid, end = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored, as `nohup` has
        os.environ.update({"TERM": "xterm-256color", **environment})
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)
        os.execv(sys.executable, [sys.executable, "-m", "praxmonitor", str(house.root), "--mute"])
    _PIDS.append(pid)
    return pid, end


def read_until(end: int, wanted: bytes, seconds: float = 30.0) -> bytes:
    """What the screen writes until that comes, or it has left."""
    said, deadline = b"", time.monotonic() + seconds
    while wanted not in said and time.monotonic() < deadline:
        try:
            said += os.read(end, 65536) if select.select([end], [], [], 0.2)[0] else b""
        except OSError:  # it has left
            break
    return said


PUSH_TITLE, POP_TITLE = outlets.PUSH_TITLE.encode(), outlets.POP_TITLE.encode()
RESTORED = (b"\x1b[?1049l", b"\x1b[?1000l", b"\x1b[?2004l", b"\x1b[?25h")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("drained", [True, False])
def test_told_to_leave_it_leaves_the_terminal_as_it_was(house: House, number: signal.Signals, drained: bool) -> None:
    """Also where the terminal takes no more output, though then nothing can be put back."""
    pid, end = pty_of(house)
    read_until(end, b"idle")
    os.kill(pid, number)
    said = read_until(end, b"never said") if drained else b""
    wait_until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, what="it has left")
    assert not drained or all(sequence in said for sequence in RESTORED)
    os.close(end)


@pytest.mark.parametrize("told", [True, False])
def test_the_terminals_title_is_given_back(house: House, told: bool) -> None:
    """While something is wrong the title says so; afterwards it is what it was, by the key q and by a signal."""
    house.agent("@writer").inbox.write_text("{")
    pid, end = pty_of(house)
    said = read_until(end, PUSH_TITLE)
    assert PUSH_TITLE in said
    if told:
        os.kill(pid, signal.SIGTERM)
    else:
        os.write(end, b"q")
    said += read_until(end, b"never said")
    assert said.count(POP_TITLE) == 1 and said.index(PUSH_TITLE) < said.index(POP_TITLE)
    os.close(end)


@pytest.mark.parametrize("taken", [True, False])
def test_stopped_and_continued_it_still_hears_keys_and_ends(house: House, taken: bool) -> None:
    """SIGSTOP gives it no time to leave the terminal: where a shell took that meanwhile, it comes back to it once."""
    pid, end = pty_of(house)
    read_until(end, b"idle")
    for _ in range(3):
        os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: processes.stopped(pid), what="it stands still")
        read_until(end, b"never said", 0.3)
        if taken:
            cooked = termios.tcgetattr(end)
            cooked[3] |= termios.ICANON | termios.ECHO
            termios.tcsetattr(end, termios.TCSANOW, cooked)
        os.kill(pid, signal.SIGCONT)
        if taken:
            assert b"\x1b[?1049h" in read_until(end, b"\x1b[?1049h"), "it comes back"
            wait_until(lambda: not termios.tcgetattr(end)[3] & termios.ICANON, what="it hears single keys")
    os.write(end, b"q")
    said = read_until(end, b"never said")
    wait_until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, what="it has left")
    assert said.count(b"\x1b[?1049l") == 1
    os.close(end)


def test_continued_while_it_leaves_it_leaves(house: House) -> None:
    """As the kernel does to whoever loses its terminal."""
    pid, end = pty_of(house)
    read_until(end, b"idle")
    os.write(end, b"q")

    def left() -> bool:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
        read_until(end, b"never said", 0.01)
        return os.waitpid(pid, os.WNOHANG)[0] == pid

    wait_until(left, 15, "it has left")
    os.close(end)


def test_a_screen_without_its_terminal_leaves(house: House) -> None:
    kept = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        pid, end = pty_of(house)
    finally:
        signal.signal(signal.SIGHUP, kept)
    read_until(end, b"idle")
    os.close(end)
    wait_until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, what="it has left")


def test_a_terminal_without_a_size_is_drawn_on_for_once(house: House) -> None:
    pid, end = pty_of(house)
    read_until(end, b"idle")
    read_until(end, b"never said", 1.0)
    assert len(read_until(end, b"never said", 3.0)) < 50_000, "at rest it draws its clock"
    os.write(end, b"q")
    wait_until(
        lambda: read_until(end, b"never said", 0.1) == b"" and os.waitpid(pid, os.WNOHANG)[0] == pid, what="left"
    )
    os.close(end)


def test_where_nothing_can_be_drawn_it_says_so(house: House) -> None:
    pid, end = pty_of(house, TERM="dumb")
    said = read_until(end, b"prints")
    assert b"TERM=dumb" in said and b"praxmonitor watch" in said
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2
    os.close(end)


def test_with_standard_error_elsewhere_it_draws_on_the_terminal(house: House, tmp_path: Path) -> None:
    kept = os.dup(2)
    errors = os.open(tmp_path / "errors", os.O_CREAT | os.O_WRONLY, 0o600)
    os.dup2(errors, 2)
    try:
        pid, end = pty_of(house)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(errors)
    said = read_until(end, b"writer")
    assert b"writer" in said
    assert (tmp_path / "errors").stat().st_size == 0
    os.write(end, b"q")
    read_until(end, b"never said")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(end)


SLOW_DEMO = """
import sys, threading
from praxmonitor.app import terminal_exit
from praxmonitor.demo import session
end = session.end_everything

def slowly(workspace):
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):  # the time that a screen has to leave is over
            thread.join(10)
    end(workspace)

session.end_everything = slowly
terminal_exit.LEAVE_WITHIN = 2.0
from praxmonitor.__main__ import main
sys.exit(main(["demo", "--mute"]))
"""


def test_a_demo_whose_terminal_goes_ends_all_of_it_however_long_that_takes(tmp_path: Path) -> None:
    """A busy machine needs longer for it than a screen may take to leave; and a terminal that goes is told twice."""
    pid, end = pty.fork()
    if pid == 0:
        os.environ.update(
            {"TERM": "xterm-256color", "TMPDIR": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
        )
        os.execv(sys.executable, [sys.executable, "-c", SLOW_DEMO])
    _PIDS.append(pid)
    read_until(end, b"working", 60)
    (workspace,) = tmp_path.glob("praxmonitor-demo-*")
    os.close(end)
    os.kill(pid, signal.SIGHUP)
    wait_until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, 60, "it has left")
    assert not workspace.exists()
