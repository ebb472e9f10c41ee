"""Keys from a real terminal: each is heard at once, Esc alone too, and while none comes nothing wakes."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from textual.drivers.linux_driver import LinuxDriver

from praxmonitor.app.terminal_input import TerminalDriver
from tests.mailcore.conftest import wait_until
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, workspace
from tests.praxmonitor.test_leaving import read_until

LISTENER = """
import sys, threading
from textual.app import App
from textual.events import Key, MouseDown, Paste
from praxmonitor.app.terminal_input import TerminalDriver

class Listener(App):
    def say(self, *words):
        print(*words, file=open(sys.argv[1], "a"), flush=True)

    def on_mount(self):
        self.say("thread", next(t.native_id for t in threading.enumerate() if t.name == "textual-input"))

    def on_event(self, event):
        if isinstance(event, Key) and not event.is_forwarded:
            self.say("key", event.key)
        elif isinstance(event, (MouseDown, Paste)) and not event.is_forwarded:
            self.say(type(event).__name__, getattr(event, "text", "") or (event.x, event.y))
        return super().on_event(event)

    def key_l(self):
        with self.suspend():
            self.say("lends")
            self.say("lent", input())
        self.on_mount()

Listener(driver_class=TerminalDriver).run()
"""


class Listener:
    """An app on a terminal, and what it heard."""

    def __init__(self, told: Path, process: subprocess.Popen[bytes], end: int) -> None:
        self._told, self.process, self._end = told, process, end
        self.heard("thread")

    @property
    def lines(self) -> list[str]:
        return self._told.read_text().splitlines() if self._told.exists() else []

    @property
    def thread(self) -> Path:
        """What the kernel says of its newest thread that waits for keys."""
        number = [line.split()[1] for line in self.lines if line.startswith("thread")][-1]
        return Path(f"/proc/{self.process.pid}/task/{number}/status")

    def type(self, keys: bytes) -> None:
        os.write(self._end, keys)

    def heard(self, *lines: str) -> None:
        def all_heard() -> bool:
            read_until(self._end, b"never said", 0.01)
            return all(any(said.startswith(line) for said in self.lines) for line in lines)

        wait_until(all_heard, what=f"{lines} in {self.lines}")


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with listening(tmp_path) as listener:
        yield listener


@contextmanager
def listening(place: Path, keys: IO[bytes] | None = None) -> Iterator[Listener]:
    end, terminal = pty.openpty()
    told = place / "told"
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENER, str(told)],
        stdin=keys or terminal, stdout=terminal, stderr=terminal, env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(terminal)
    try:
        yield Listener(told, process, end)
    finally:
        process.kill()
        process.wait()
        os.close(end)


def wakes(thread: Path) -> int:
    return sum(int(line.split()[1]) for line in thread.read_text().splitlines() if "ctxt_switches" in line)


def test_whatever_is_typed_is_heard(listener: Listener) -> None:
    listener.type(b"j\x1b[A")
    listener.heard("key j", "key up")
    listener.type(b"\x1b[200~two\rlines\x1b[201~\x1b[<0;3;4M")
    listener.heard("Paste two", "MouseDown (2, 3)")
    for part in (b"\xe2", b"\x82\xac"):
        listener.type(part)
    listener.heard("key euro_sign")
    assert listener.lines[1:3] == ["key j", "key up"] and listener.lines[-1].startswith("key euro_sign")


def test_escape_alone_is_a_key_after_a_moment_and_a_sequence_in_two_parts_is_one(listener: Listener) -> None:
    listener.type(b"\x1b")
    listener.heard("key escape")
    listener.type(b"\x1b[")
    listener.type(b"B")
    listener.heard("key down")
    assert listener.lines[1:] == ["key escape", "key down"]


@pytest.mark.linux_only("what the kernel counts is read from its /proc")
def test_while_no_key_comes_its_thread_sleeps(listener: Listener) -> None:
    listener.type(b"\x1b")
    listener.heard("key escape")
    before, until = wakes(listener.thread), time.monotonic() + 2.0
    wait_until(lambda: time.monotonic() > until, what="two seconds")
    assert wakes(listener.thread) - before <= 2


def test_the_terminal_is_lent_and_comes_back_again_and_again(listener: Listener) -> None:
    for number in range(3):
        listener.type(b"l")
        wait_until(lambda: listener.lines[-1] == "lends", what="another has the terminal")
        listener.type(b"%d\r" % number)
        listener.heard(f"lent {number}")
        wait_until(lambda: listener.lines[-1].startswith("thread"), what="it hears keys again")
    listener.type(b"j")
    listener.heard("key j")


@pytest.mark.linux_only("what the kernel counts is read from its /proc")
def test_where_nothing_more_can_come_it_does_not_turn_round_and_round(tmp_path: Path) -> None:
    with open(os.devnull, "rb") as nothing, listening(tmp_path, nothing) as listener:
        until = time.monotonic() + 1.0
        wait_until(lambda: time.monotonic() > until, what="a second")
        ran = int(listener.thread.with_name("schedstat").read_text().split()[0]) / 1e9
        assert ran < 0.05, f"it ran for {ran:.3f} s"


def test_only_a_terminal_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = lighthouse()
    assert app_on(FakeFeed(fleet), workspace(fleet)).driver_class is TerminalDriver
    monkeypatch.setattr("textual.constants.DRIVER", "textual.drivers.web_driver:WebDriver")
    assert not issubclass(app_on(FakeFeed(fleet), workspace(fleet)).driver_class, LinuxDriver)
    assert signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL, "none was made"
