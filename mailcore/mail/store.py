"""The only writer of a mailbox file: AIPass's flock, read, atomic replace, fsync (contract sections 0.2 and 2)."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from mailcore import files
from mailcore.errors import MailcoreError, Refused
from mailcore.units import duration

LOCK_TIMEOUT = 10.0
"""How long to wait for another program's lock before saying who holds it."""


@contextlib.contextmanager
def opened(directory: Path) -> Iterator[int]:
    """A descriptor of `directory`: what is looked up by it stays in that very directory, whatever its path becomes."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(lock: Path, timeout: float = LOCK_TIMEOUT, *, directory: int | None = None) -> Iterator[None]:
    """Hold an exclusive flock on `lock`. MailcoreError naming the holder if it is not free within `timeout` seconds.

    `directory`: a descriptor of the one that it lies in. OSError, naming the lock, where it cannot be made, or is a
    symlink.
    """
    name = lock if directory is None else lock.name
    try:
        descriptor, _ = files.descriptor(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, directory=directory)
    except OSError as error:
        error.filename = str(lock)
        raise
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _wait(descriptor, lock, timeout)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, lock: Path, timeout: float) -> None:
    """Block in the kernel, in a thread that can be given up: flock has no timeout, and polling starves writers."""
    acquired = threading.Event()
    # The same open file: the lock is shared with `descriptor`, and gone when both are closed, as after giving up.
    copy = os.dup(descriptor)

    def wait() -> None:
        try:
            fcntl.flock(copy, fcntl.LOCK_EX)
        finally:
            os.close(copy)
        acquired.set()

    threading.Thread(target=wait, daemon=True).start()
    if acquired.wait(timeout):
        return
    holder = _holder(descriptor)
    raise MailcoreError(
        f"{lock}: locked for more than {duration(timeout)} by {holder}; nothing was written. "
        "Try again, or end that process.",
        "locked",
    )


def _holder(descriptor: int) -> str:
    """Who holds the flock, from /proc/locks: `1: FLOCK ADVISORY WRITE 4711 fe:01:1234 0 EOF`."""
    inode = os.fstat(descriptor).st_ino
    try:
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if "->" not in fields and fields[1] == "FLOCK" and fields[5].rsplit(":", 1)[-1] == str(inode):
                name = Path(f"/proc/{fields[4]}/comm").read_text().strip()
                return f"PID {fields[4]} ({name})"
    except (OSError, IndexError):
        pass
    return "another process"


# Every digit as `0`, all else as a space: a long number is then one short search away, 0.5 ms for 700 kB.
_DIGITS = bytes(ord("0") if chr(byte).isdecimal() and byte < 128 else ord(" ") for byte in range(256))


class _Constant(float):
    """NaN or an infinity: a type that orjson does not know, for it would write `null` and lose the value."""


def is_locked(lock: Path) -> bool:
    """True if somebody holds `lock` at this moment. Makes no file, and keeps nobody waiting."""
    try:
        descriptor, _ = files.descriptor(lock)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def loads(data: bytes) -> Any:
    """Parse JSON with orjson, and with the standard library what orjson refuses (NaN, lone surrogates) or changes.

    orjson silently makes a float of an integer beyond 64 bits, that is of 19 digits or more.
    """
    try:
        if b"0" * 19 not in data.translate(_DIGITS):
            return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    return json.loads(data, parse_constant=_Constant)


def dumps(value: Any) -> bytes:
    """Write JSON as AIPass does: two spaces, UTF-8 unescaped."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except TypeError:  # a lone surrogate, an integer beyond 64 bits, NaN
        return json.dumps(value, indent=2, ensure_ascii=True).encode()


def dumps_line(value: Any) -> bytes:
    """The same on one line, without its newline."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def inside(root: Path, path: Path, directory: int | None = None) -> None:
    """Refused (code `boundary`) if a symlink leads `path` out of the project at `root`.

    `directory`: a descriptor of the one that `path` lies in, or of `path`; a link at its own end is not followed then.
    """
    real = _real(path, directory)
    if not _below(real, str(root)) and not _below(real, os.path.realpath(root)):
        raise Refused(f"{path} leads out of the project, to {real}: refused", "boundary")


def _real(path: Path, directory: int | None) -> str:
    if directory is not None:
        # The kernel knows: a tenth of the time of looking at each part of the path.
        with contextlib.suppress(OSError):
            return os.readlink(f"/proc/self/fd/{directory}")  # noqa: PTH115 (a Path costs more than the call)
    # Unlike Path.resolve, realpath follows a circle of symlinks without raising; opening it then says ELOOP.
    return os.path.realpath(path)


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def exists(name: str, directory: int) -> bool:
    """True if something of that name is in an open directory."""
    return os.access(name, os.F_OK, dir_fd=directory, follow_symlinks=False)


def read(name: str, directory: int) -> bytes:
    """The whole file `name` in an open directory; a symlink is not followed (OSError, ELOOP)."""
    descriptor, found = files.descriptor(name, os.O_RDONLY | os.O_NOFOLLOW, directory=directory)
    try:
        size = found.st_size
        data = os.read(descriptor, size + 1)
        if len(data) == size:
            return data
        parts = [data]
        while parts[-1]:
            parts.append(os.read(descriptor, 1 << 20))
    finally:
        os.close(descriptor)
    return b"".join(parts)


def replace(path: Path, *data: bytes | memoryview, root: Path | None = None) -> None:
    """Put the parts of `data` at `path`, whole or not at all, and durable.

    Temporary file, fsync, rename, fsync of the directory. With the project's `root` Refused if a symlink leads the
    directory that is written into out of it.
    """
    with opened(path.parent) as directory:
        if root is not None:
            inside(root, path.parent, directory)
        replace_in(directory, path.name, *data, mark=f".{os.getpid()}.{threading.get_ident()}")


def replace_in(directory: int, name: str, *data: bytes | memoryview, mark: str = "") -> None:
    """The same for a file of an open directory.

    Without a `mark` the caller holds the lock of that file, so that one temporary name does, and killed writers leave
    no heap.
    """
    temporary = f".{name}{mark}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o644, dir_fd=directory)
    try:
        try:
            with contextlib.suppress(FileNotFoundError):
                mode = os.stat(name, dir_fd=directory).st_mode
                os.fchmod(descriptor, stat.S_IMODE(mode))
            _write(descriptor, list(data))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise
    os.fsync(directory)


def _write(descriptor: int, parts: list[bytes | memoryview]) -> None:
    while parts:
        written = os.writev(descriptor, parts)
        while parts and written >= len(parts[0]):
            written -= len(parts.pop(0))
        if written:
            parts[0] = memoryview(parts[0])[written:]
