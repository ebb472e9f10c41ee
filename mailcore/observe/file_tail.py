"""Growing files: read what came since, whatever happens to them; and the last lines of a file, for the screen."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from mailcore.observe.log_rotation import FileIdentity, file_identity, open_copy, open_moved
from mailcore.system import safe_open
from mailcore.system.open_files import OpenFiles

READ_BYTES = 256 * 1024
"""Bytes of one read: what a call may cost in memory, however much the file grew."""
MARK_BYTES = 64
"""Bytes before our place by which a file is known again."""
CUT_WINDOW = 0.25
"""Seconds: of a file that was written so shortly before it was cut, the last lines may be lost."""
MAX_LINE_BYTES = 1024 * 1024
"""A longer line is skipped and counted."""


class FileTail:
    """Reads a growing file bit by bit. Copes with rotation, truncation, vanishing, torn and huge lines, any bytes.

    The file is opened for each read and closed again: thousands of tails hold no descriptor of their own.
    """

    def __init__(
        self, path: Path, start_bytes: int = 65536, *, start: int | None = None, former: Path | None = None
    ) -> None:
        """Begins `start_bytes` before the end of what is there at the first read, or at the line that is at `start`.
        `former`: what it was rotated to, of which `follow` begins with as much as the file itself has too few."""
        self.path = path
        self._name = str(path)
        self.skipped = 0
        """How many lines were longer than MAX_LINE_BYTES."""
        self.behind = False
        """True if the last call stopped before the end of the file: call again."""
        self.modified = 0.0
        """When the file was last written, as the last read saw it; 0.0 if it is not there."""
        self.restarts = 0
        """How many times another file, or the same one truncated, had taken its place."""
        self._start_bytes = start_bytes
        self._start = start
        self._former = former
        self._seen = False
        self._inode: FileIdentity = (0, 0)
        self._offset = 0
        self._mark = b""
        self._torn = b""
        self._skipping = False
        self.taken = 0
        """Bytes that were read, all in all."""
        self.lost = 0
        """How often lines may have gone unread: a file was gone before its end, or was cut while it was written."""
        self._older: list[int] = []
        """Descriptors of what stood here before and is to be read first."""

    def __del__(self) -> None:
        while self._older:
            os.close(self._older.pop())

    @property
    def at(self) -> FileIdentity:
        """Which file it reads; zeros if none yet."""
        return self._inode

    @property
    def torn(self) -> bytes:
        """What stands behind the last line's end so far."""
        return self._torn

    @property
    def place(self) -> int:
        """Where, in bytes, the next line begins that was not returned yet."""
        return self._offset - len(self._torn) if self._seen else self._start or 0

    def read(self, open_files: OpenFiles | None = None) -> list[bytes]:
        """The complete lines that came since the last call, without their ends, of at most READ_BYTES more.

        The first call starts near the end, at a line's beginning. A file that appears later, or takes
        the place of the former one, is read from its start. A torn last line is kept until it is completed.
        With `open_files` the file stays open there: one that was moved away then hides what took its place, until it is
        called without.
        """
        if open_files is not None:
            with suppress(OSError):
                descriptor = open_files.descriptor(self._name)
                stat = os.fstat(descriptor)
                if stat.st_nlink:
                    return self._read(descriptor, stat)
            open_files.drop(self._name)
        try:
            descriptor, stat = safe_open.descriptor(self._name)
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

    def follow(self, open_files: OpenFiles) -> list[bytes]:
        """As `read`, of a file that may be rotated: what is left of the renamed, copied or removed one comes first.

        While it is among those that stay open in `open_files` nothing of it is lost, whatever becomes of its name.
        """
        self._open_former()
        if self._older:
            return self._read_older()
        found = None
        with suppress(OSError):
            found = os.stat(self._name)  # noqa: PTH116
        if self._inode != (0, 0) and (found is None or file_identity(found) != self._inode):
            mine = open_files.take(self._name)
            beside = open_moved(self.path, self._inode)
            if mine >= 0:
                beside = [mine, *self._but(beside, os.fstat(mine))]
            elif beside and not self._stood_in(beside[0]):  # a removed file's number was given to another
                while beside:
                    os.close(beside.pop())
            if beside:
                self._older = beside
                return self._read_older()
            self.lost += 1
            self._restart()
            self.restarts += 1
        if found is None:
            self._seen, self.behind = True, False
            return []
        try:
            descriptor = open_files.descriptor(self._name)
            return self._read(descriptor, os.fstat(descriptor), rotated=True)
        except OSError:
            self.behind = False
            return []

    def _open_former(self) -> None:
        former, self._former = self._former, None
        if former is None or self._seen:
            return
        size = 0
        with suppress(OSError):
            size = os.stat(self._name).st_size  # noqa: PTH116
        with suppress(OSError):
            if size < self._start_bytes:
                descriptor, found = safe_open.descriptor(former)
                self._older, self._seen = [descriptor], True
                self._offset = max(0, found.st_size - (self._start_bytes - size))
                self._skipping = self._offset > 0 and os.pread(descriptor, 1, self._offset - 1) != b"\n"

    def _stood_in(self, descriptor: int) -> bool:
        before = len(self._mark)
        return os.pread(descriptor, before, self._offset - before) == self._mark

    def _but(self, descriptors: list[int], one: os.stat_result) -> list[int]:
        same = [other for other in descriptors if file_identity(os.fstat(other)) == file_identity(one)]
        for other in same:
            os.close(other)
        return [other for other in descriptors if other not in same]

    def _read_older(self) -> list[bytes]:
        """A part of what stood here before; `behind` until all of it is read and what stands here now can be."""
        descriptor = self._older[0]
        try:
            data = os.pread(descriptor, READ_BYTES, self._offset)
        except OSError:
            data = b""
        lines = self._lines(data)
        self._offset += len(data)
        self.behind = True
        if len(data) < READ_BYTES:  # nobody writes there any more: what is left of it is a line
            lines += [self._torn.removesuffix(b"\r")] if self._torn and not self._skipping else []
            os.close(self._older.pop(0))
            self._restart()
            self.restarts += 1
        return lines

    def _read(self, descriptor: int, stat: os.stat_result, *, rotated: bool = False) -> list[bytes]:
        grown_at, self.modified = self.modified, stat.st_mtime
        if not self._seen and self._start is not None:
            self._offset = min(self._start, stat.st_size)
        elif not self._seen:
            self._offset = max(0, stat.st_size - self._start_bytes)
            # One byte back: if it is a newline, the first line is whole.
            self._skipping = self._offset > 0 and os.pread(descriptor, 1, self._offset - 1) != b"\n"
        elif file_identity(stat) != self._inode:
            self._restart()
            self.restarts += 1
        self._seen, self._inode = True, file_identity(stat)
        # What stands before our place, if anything, is what we read there; else the file was truncated.
        before = len(self._mark)
        # No more than there is: a buffer of READ_BYTES costs more than what it reads of a busy file.
        grown = min(max(stat.st_size - self._offset, 0), READ_BYTES)
        data = os.pread(descriptor, before + grown, self._offset - before)
        if data[:before] == self._mark:
            data = data[before:]
        else:
            if rotated and (copy := open_copy(self.path, self._mark, self._offset, grown_at)) >= 0:
                self._older = [copy]
                return self._read_older()
            self.lost += rotated and stat.st_mtime - grown_at < CUT_WINDOW
            self._restart()
            self._inode = file_identity(stat)
            self.restarts += 1
            data = os.pread(descriptor, READ_BYTES, 0)
        self._offset += len(data)
        self.behind = self._offset < stat.st_size
        if data:
            self._mark = data[-MARK_BYTES:]
        return self._lines(data)

    def _restart(self) -> None:
        self._inode, self._offset, self._mark, self._torn, self._skipping = (0, 0), 0, b"", b"", False

    def _lines(self, data: bytes) -> list[bytes]:
        self.taken += len(data)
        if self._skipping:
            end = data.find(b"\n")
            if end < 0:
                return []
            self._skipping = False
            data = data[end + 1 :]
        *lines, torn = (self._torn + data).split(b"\n")
        if len(torn) > MAX_LINE_BYTES:
            torn, self._skipping = b"", True
            self.skipped += 1
        self._torn = torn
        whole = [line for line in lines if len(line) <= MAX_LINE_BYTES]
        self.skipped += len(lines) - len(whole)
        return [line.removesuffix(b"\r") for line in whole]


def last_lines(path: Path, n: int, max_bytes: int = 4 * 1024 * 1024) -> list[str]:
    """The last `n` lines of a file, oldest first, of at most its last `max_bytes`; empty if it cannot be read.

    Costs what it returns, however long the file is. The text is untrusted: neutralise it where it is drawn.
    """
    try:
        with safe_open.open_regular(path) as file:
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
