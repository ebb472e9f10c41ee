"""Growing files: read what came since, whatever happens to them; and the last lines of a file, for the screen."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from mailcore.system import files
from mailcore.system.open_files import OpenFiles

CHUNK = 256 * 1024
"""Bytes of one read: what a call may cost in memory, however much the file grew."""
MARK = 64
"""Bytes before our place by which a file is known again."""
LONGEST = 1024 * 1024
"""A longer line is skipped and counted."""


class Tail:
    """Reads a growing file bit by bit. Copes with rotation, truncation, vanishing, torn and huge lines, any bytes.

    The file is opened for each read and closed again: thousands of tails hold no descriptor of their own.
    """

    def __init__(self, path: Path, start_bytes: int = 65536, *, start: int | None = None) -> None:
        """Begins `start_bytes` before the end of what is there at the first read, or at the line that is at `start`."""
        self.path = path
        self._name = str(path)
        self.skipped = 0
        """How many lines were longer than LONGEST."""
        self.behind = False
        """True if the last call stopped before the end of the file: call again."""
        self.modified = 0.0
        """When the file was last written, as the last read saw it; 0.0 if it is not there."""
        self.restarts = 0
        """How many times another file, or the same one truncated, had taken its place."""
        self._start_bytes = start_bytes
        self._start = start
        self._seen = False
        self._inode = (0, 0)
        self._offset = 0
        self._mark = b""
        self._torn = b""
        self._skipping = False

    @property
    def place(self) -> int:
        """Where, in bytes, the next line begins that was not returned yet."""
        return self._offset - len(self._torn) if self._seen else self._start or 0

    def read(self, held: OpenFiles | None = None) -> list[bytes]:
        """The complete lines that came since the last call, without their ends, of at most CHUNK more bytes.

        The first call starts near the end, at a line's beginning. A file that appears later, or takes
        the place of the former one, is read from its start. A torn last line is kept until it is completed.
        With `held` the file stays open there: one that was moved away then hides what took its place, until a call
        without.
        """
        if held is not None:
            with suppress(OSError):
                descriptor = held.descriptor(self._name)
                stat = os.fstat(descriptor)
                if stat.st_nlink:
                    return self._read(descriptor, stat)
            held.drop(self._name)
        try:
            descriptor, stat = files.descriptor(self._name)
        except OSError as error:
            self.behind = False
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                self._restart()
                self._seen, self.modified = True, 0.0
            return []
        try:
            return self._read(descriptor, stat)
        except OSError:
            self.behind = False
            return []
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int, stat: os.stat_result) -> list[bytes]:
        self.modified = stat.st_mtime
        if not self._seen and self._start is not None:
            self._offset = min(self._start, stat.st_size)
        elif not self._seen:
            self._offset = max(0, stat.st_size - self._start_bytes)
            # One byte back: if it is a newline, the first line is whole.
            self._skipping = self._offset > 0 and os.pread(descriptor, 1, self._offset - 1) != b"\n"
        elif (stat.st_dev, stat.st_ino) != self._inode:
            self._restart()
            self.restarts += 1
        self._seen, self._inode = True, (stat.st_dev, stat.st_ino)
        # What stands before our place, if anything, is what we read there; else the file was truncated.
        before = len(self._mark)
        # No more than there is: a buffer of a whole CHUNK costs more than what it reads of a busy file.
        grown = min(max(stat.st_size - self._offset, 0), CHUNK)
        data = os.pread(descriptor, before + grown, self._offset - before)
        if data[:before] == self._mark:
            data = data[before:]
        else:
            self._restart()
            self.restarts += 1
            data = os.pread(descriptor, CHUNK, 0)
        self._offset += len(data)
        self.behind = self._offset < stat.st_size
        if data:
            self._mark = data[-MARK:]
        return self._lines(data)

    def _restart(self) -> None:
        self._inode, self._offset, self._mark, self._torn, self._skipping = (0, 0), 0, b"", b"", False

    def _lines(self, data: bytes) -> list[bytes]:
        if self._skipping:
            end = data.find(b"\n")
            if end < 0:
                return []
            self._skipping = False
            data = data[end + 1 :]
        *lines, torn = (self._torn + data).split(b"\n")
        if len(torn) > LONGEST:
            torn, self._skipping = b"", True
            self.skipped += 1
        self._torn = torn
        whole = [line for line in lines if len(line) <= LONGEST]
        self.skipped += len(lines) - len(whole)
        return [line.removesuffix(b"\r") for line in whole]


def grown_lines(path: Path, start_bytes: int) -> list[bytes]:
    """The complete lines of the last `start_bytes` of a file."""
    tail = Tail(path, start_bytes)
    lines = tail.read()
    while tail.behind:
        lines += tail.read()
    return lines


def last_lines(path: Path, n: int, max_bytes: int = 4 * 1024 * 1024) -> list[str]:
    """The last `n` lines of a file, oldest first, of at most its last `max_bytes`; empty if it cannot be read.

    Costs what it returns, however long the file is. The text is untrusted: neutralise it where it is drawn.
    """
    try:
        with files.opened(path) as file:
            start = end = file.seek(0, os.SEEK_END)
            floor = max(0, end - max_bytes)
            blocks: list[bytes] = []
            newlines = 0
            while start > floor and newlines <= n:
                size = min(65536, start - floor)
                start -= size
                file.seek(start)
                blocks.append(file.read(size))
                newlines += blocks[-1].count(b"\n")
    except OSError:
        return []
    lines = b"".join(reversed(blocks)).split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r").decode("utf-8", "replace") for line in (lines[-n:] if n > 0 else [])]
