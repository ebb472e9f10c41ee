"""Asks the price lists of the library `genai-prices`, in a process of its own: here its 30 MB would stay for good.

The process is begun when a price is asked for, and ends when none was for a while, or with this one.
"""

from __future__ import annotations

import select
import subprocess
import threading
from contextlib import suppress

import msgspec

from mailcore.programs.rates import Rates
from mailcore.system.python_child import child
from mailcore.text.units import duration

LIST_TIMEOUT = 30.0
"""Seconds until an answer is given up, on a busy machine that has to load it."""
END_TIMEOUT = 5.0
"""Seconds that it is waited for at its end."""
IDLE = 2.0
"""Seconds without a question after which the process ends."""


class LibraryFailed(Exception):
    """The library could not be asked."""


class PriceList:
    """The lists, as long as somebody asks. Any thread may."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: threading.Timer | None = None

    def rates(self, model: str, provider: str) -> Rates:
        """All rates of a model, empty where no list has it. LibraryFailed if it does not answer."""
        with self._lock:
            if self._end is not None:
                self._end.cancel()
            try:
                return self._ask(model, provider)
            except (OSError, ValueError) as error:
                self._close()
                raise LibraryFailed(str(error)) from error
            finally:
                self._end = threading.Timer(IDLE, self.close)
                self._end.daemon = True
                self._end.start()

    def close(self) -> None:
        """End the process; the next question begins another."""
        with self._lock:
            self._close()

    def _ask(self, model: str, provider: str) -> Rates:
        process = self._process
        if process is None:
            process = self._process = subprocess.Popen(
                child("mailcore.programs.price_library"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(msgspec.json.encode([model, provider]) + b"\n")
        process.stdin.flush()
        poll = select.poll()  # a screen has more descriptors than select() can hold
        poll.register(process.stdout, select.POLLIN)
        if not poll.poll(LIST_TIMEOUT * 1000):
            raise OSError(f"no answer in {duration(LIST_TIMEOUT)}")
        return msgspec.json.decode(process.stdout.readline(), type=Rates)

    def _close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with process:
                with suppress(OSError, subprocess.TimeoutExpired):  # it ends when nobody can ask any more
                    process.communicate(timeout=END_TIMEOUT)
                process.kill()
