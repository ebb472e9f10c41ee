"""Whatever stands in a log, the terminal of who reads it stays as it was: read back from an emulator, byte for byte."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest
from rich.cells import cell_len

from mailcore.model.log import LogKind, LogSource
from praxmonitor.text.log_lines import LogLook, row_lines
from praxmonitor.text.log_rows import LogViewRow
from tests.hostile_logs import contents
from tests.mailcore.conftest import House
from tests.praxmonitor.pty_screen import screen_of

ALLOWED = re.compile(
    rb"(?:\x1b\[[0-9;]*m|\x1b\[\d*(?:;\d*)?H|\x1b\[\?2026[hl]|\x1b\]22;(?:default|text|pointer)\x07|[\x20-\x7e]|[\xc2-\xf4][\x80-\xbf]{1,3}|\r|\n)*"
)
"""All that a view writes once it stands: colours, places of the cursor, frames, the mouse's shape, and text."""
TOGETHER = 6
"""Contents that are written at once: what is in view shows all of them."""
HOSTILE = list(contents())


class Emulator:
    """A terminal on the other side of a pseudo terminal."""

    def __init__(self, terminal: Any, columns: int = 100, lines: int = 30) -> None:
        self._terminal = terminal
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.since = b""
        """What was written since the last look."""

    def state(self) -> tuple[object, ...]:
        """All that a log must not change."""
        screen = self.screen
        return (
            screen.title, screen.icon_name, frozenset(screen.mode), screen.margins, screen.charset,
            screen.g0_charset, screen.g1_charset, screen.cursor.hidden, screen.columns, screen.lines,
            tuple(sorted(screen.tabstops)),
        )  # fmt: skip

    def text(self) -> str:
        """What is on the screen. pyte's own `display` fails on a mark behind a wide sign."""
        screen = self.screen
        rows = (screen.buffer[y] for y in range(screen.lines))
        return "\n".join("".join(row[x].data for x in range(screen.columns)) for row in rows)

    def read(self, seconds: float = 0.1) -> None:
        """Take what is written within this time."""
        if select.select([self._terminal.child_fd], [], [], seconds)[0]:
            data = os.read(self._terminal.child_fd, 65536)
            self.since += data
            self._stream.feed(data)

    def until(self, wanted: str, seconds: float = 60.0) -> None:
        """Read until this is on the screen, and nothing more is written."""
        deadline = time.monotonic() + seconds
        while wanted not in self.text():
            assert time.monotonic() < deadline, f"{wanted!r} in\n{self.text()}"
            self.read()
        size = -1
        while size != len(self.since):
            size = len(self.since)
            self.read(0.05)


def harmful(data: bytes) -> list[str]:
    """What of these bytes a terminal would do more about than draw it."""
    found = ALLOWED.match(data)
    end = found.end() if found is not None else 0
    wrong = [repr(data[end : end + 40])] if end < len(data) else []
    text = data.decode("utf-8", "replace")
    return wrong + [hex(ord(sign)) for sign in set(text) if unicodedata.bidirectional(sign) in BIDI or _is_c1(sign)]


BIDI = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def _is_c1(sign: str) -> bool:
    return 0x80 <= ord(sign) < 0xA0


@pytest.mark.parametrize("way", ["one log", "wrapped", "all logs"])
def test_no_content_of_a_log_steers_the_terminal(house: House, way: str) -> None:
    logs = house.workspace.agent("@writer").logs_dir
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / "app.log"
    log.write_bytes(b"it begins\n")
    if way == "all logs":
        (logs / "other.log").write_bytes(b"another\n")
    with screen_of(house) as terminal:
        emulator = Emulator(terminal)
        emulator.until("writer")
        terminal.send("L")
        emulator.until("following")
        if way == "wrapped":
            terminal.send("w")
            emulator.until("wrapped")
        before, emulator.since = emulator.state(), b""
        for first in range(0, len(HOSTILE), TOGETHER):
            some = HOSTILE[first : first + TOGETHER]
            with log.open("ab") as file:
                file.write(b"".join(b"%s\n" % data for _, data in some) + b"over %d\n" % first)
            emulator.until(f"over {first}")
            names = [name for name, _ in some]
            assert emulator.state() == before, names
            assert harmful(emulator.since) == [], names
            emulator.since = b""


@pytest.mark.parametrize("wrap", [False, True])
def test_each_content_is_drawn_in_the_cells_that_it_has(wrap: bool) -> None:
    """Each line is as wide as it may be at most, and has nothing in it that is not drawn."""
    source = LogSource("/x/app.log", "@writer", LogKind.OWN)
    for name, data in HOSTILE:
        row = LogViewRow(source, 0, data[:65536].decode("utf-8", "surrogateescape"))
        for line in row_lines(row, LogLook(wrap=wrap), 60):
            text = "".join(part for part, _ in line)
            assert cell_len(text) <= 60, name
            assert not harmful(text.encode()) and "\n" not in text, name


def test_what_is_harmful_is_found() -> None:
    """The tests above can fail."""
    assert harmful(b"\x1b[31mx\x1b[3;4H\xe6\xbc\xa2") == []
    for data in (b"\x1b]0;x\x07", b"\x1b[?25l", b"\x07", b"\xc2\x9b2J", b"\x1b[2J", "\u202e".encode(), b"\x9b"):
        assert harmful(data), data


def test_the_command_prints_none_of_it_either(house: House, tmp_path: Path) -> None:
    """To a terminal, where colours are shown, and to a pipe."""
    logs = house.workspace.agent("@writer").logs_dir
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "app.log").write_bytes(b"".join(b"%s\n" % data for _, data in HOSTILE[:-2]) + b"all over\n")
    command = ["-m", "mailcore.cli", "logs", "@writer", "-n", "1000"]
    done = subprocess.run([sys.executable, *command], cwd=house.root, capture_output=True, timeout=60)
    assert b"all over" in done.stdout and b"\x1b" not in done.stdout and harmful(done.stdout) == [], done.stderr
    terminal = pexpect.spawn(sys.executable, command, cwd=str(house.root), dimensions=(30, 100), timeout=60,
                             env=os.environ | {"TERM": "xterm-256color"})  # fmt: skip
    emulator = Emulator(terminal)
    before = emulator.state()
    with suppress(OSError):  # its end: lines that tell a time may stand behind that one
        emulator.until("all over")
    assert b"all over" in emulator.since
    assert emulator.state() == before and harmful(emulator.since) == []
