"""How keys come from the terminal: its thread sleeps until there are some. Textual's own looks ten times a second."""

from __future__ import annotations

import os
import selectors
import threading
from codecs import getincrementaldecoder

from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver


class _ExitEvent(threading.Event):
    """An event that can be waited for beside files: readable while it is set. Its pipe stays as long as the process:
    Textual sets it once more after it closed the driver."""

    def __init__(self) -> None:
        super().__init__()
        self._end, self._other_end = os.pipe()

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._end

    def set(self) -> None:
        """Let whoever waits go on."""
        if not self.is_set():
            super().set()
            os.write(self._other_end, b"\0")

    def clear(self) -> None:
        """Let whoever comes wait."""
        if self.is_set():
            super().clear()
            os.read(self._end, 1)


class TerminalDriver(LinuxDriver):
    """Textual's, save that whoever presses no key costs nothing."""

    def __init__(self, app: App[None], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None):
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.exit_event = self._ended = _ExitEvent()

    def run_input_thread(self) -> None:
        """Hand over keys as they come, until this is to end."""
        parser, decode = XTermParser(self._debug), getincrementaldecoder("utf-8")().decode
        with selectors.SelectSelector() as selector:
            selector.register(self._ended, selectors.EVENT_READ)
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self._ended.is_set():
                # An escape may be a key or the beginning of one: after a while without more it is the first.
                pending = parser._timeout_time
                ready = selector.select(None if pending is None else max(0.0, pending - get_time()))
                if any(key.fd == self.fileno for key, _ in ready):
                    data = os.read(self.fileno, 4096)
                    if not data:  # it is gone: whoever noticed that ends this
                        selector.unregister(self.fileno)
                    for event in parser.feed(text) if (text := decode(data)) else ():  # of half a letter comes nothing
                        self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)
