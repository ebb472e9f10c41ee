"""When the screen has to leave though no key was pressed: it is told to, or its terminal is gone."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import termios
import threading
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

from textual.app import App

LEAVE_WITHIN = 3.0
"""Seconds in which it has to be gone: a terminal that takes no more output would keep it for ever."""
SIGNAL = 128
"""What is added to a signal's number for the exit status."""
SIZE = (24, 80)
"""Rows and columns of a terminal that does not say how many it has."""
RESTORED = b"\x1b[?2004l\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?1049l\x1b[?25h\x1b[0m"
"""Ends paste and mouse reports, leaves the alternate screen, shows the cursor."""


def leave_when_told(app: App[Any], gone: threading.Event) -> None:
    """Leave in order at SIGTERM and SIGHUP, and when the terminal goes, whatever was done with SIGHUP. In its loop.

    `gone` is set once the app has left. From then on nothing is hurried: who opened the screen may have much to end, as
    the demo has, and a terminal that closes may tell it twice.
    """
    loop = asyncio.get_running_loop()

    def leave(number: int, _frame: FrameType | None = None) -> None:
        if gone.is_set():
            return
        last = threading.Timer(LEAVE_WITHIN, partial(_give_up, number, gone))
        last.daemon = True
        last.start()
        loop.call_soon_threadsafe(partial(app.exit, return_code=SIGNAL + number))

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wants it
            signal.signal(number, leave)  # not the loop's own: that may be stuck in drawing
    if sys.__stdin__ is not None and sys.__stdin__.isatty():
        threading.Thread(target=_await_hangup, args=(leave,), name="hangup", daemon=True).start()


def continue_once(app: App[Any]) -> None:
    """Come back to the terminal at SIGCONT as often as it was left, and not while leaving for good. In the app's loop.

    Textual would begin to read keys a second time where it did not stop (SIGSTOP stops it at once), or where the signal
    comes at its end, as the kernel's does to whoever loses its terminal: then it never ended.
    """
    come_back, loop = signal.getsignal(signal.SIGCONT), asyncio.get_running_loop()

    def go_on() -> None:
        driver = app._driver
        if driver is None or app._exit or not driver._auto_restart or not callable(come_back):
            return
        if not getattr(driver, "_must_signal_resume", True):
            if not _is_cooked():
                return  # nobody took the terminal meanwhile
            driver.suspend_application_mode()
        come_back(signal.SIGCONT, None)

    # Not in the handler: what it interrupts may hold the lock of what is written to the terminal.
    signal.signal(signal.SIGCONT, lambda *_: loop.call_soon_threadsafe(go_on))


def _is_cooked() -> bool:
    """The terminal hands over whole lines, as a shell wants it, and no screen."""
    try:
        return bool(termios.tcgetattr(0)[3] & termios.ICANON)
    except termios.error:
        return False


def terminal_output() -> int | None:
    """The descriptor on which Textual draws; None where that is no terminal."""
    file = sys.__stderr__
    return file.fileno() if file is not None and file.isatty() else None


def sized() -> None:
    """Give a terminal that has no size one: Textual and rich assume different ones, and draw in turn without end."""
    with suppress(OSError, termios.error):
        if 0 in os.get_terminal_size(sys.stdout.fileno()):
            termios.tcsetwinsize(sys.stdout.fileno(), SIZE)


def _await_hangup(leave: Any) -> None:
    poll = select.poll()
    poll.register(0, 0)  # a hang-up is told whether it is asked for or not
    while not any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll()):
        pass
    leave(signal.SIGHUP)


def _give_up(number: int, gone: threading.Event) -> None:
    if gone.is_set():
        return
    with suppress(OSError):
        os.set_blocking(1, False)
        os.write(1, RESTORED)
    os._exit(SIGNAL + number)
