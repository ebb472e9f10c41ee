"""Changes of files as inotify tells them."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from ctypes import CDLL

import inotify_simple
from inotify_simple import INotify, flags

# Left to itself it looks for the C library by starting ldconfig, and a compiler where there is none: 10 to 20 ms of
# every supervisor, and two processes. It is in this process anyway.
inotify_simple._libc = CDLL(None, use_errno=True)

_CHANGES = (
    flags.MODIFY | flags.CREATE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO
    | flags.DELETE_SELF | flags.MOVE_SELF | flags.ONLYDIR
)  # fmt: skip
# As plain numbers: an operation of an enum costs as much as all else that is done with an event.
_OF_ITSELF = int(flags.DELETE_SELF | flags.MOVE_SELF | flags.IGNORED | flags.UNMOUNT)
_IGNORED, _OVERFLOW = int(flags.IGNORED), int(flags.Q_OVERFLOW)


class Inotify:
    """One inotify instance, of which a user has 128."""

    sure = True

    def __init__(self) -> None:
        """OSError (EMFILE) where the user's instances or this process's descriptors are used up."""
        self._inotify = INotify()
        self.trouble = ""
        self._inodes: dict[str, int] = {}
        """By path, as it was when it was watched."""
        self._watches: dict[str, int] = {}
        self._paths: dict[int, list[str]] = {}
        """By watch: of two paths to one directory, as of a symlink to it, the kernel makes one."""

    def fileno(self) -> int:
        """Readable when there is something to `read`."""
        return int(self._inotify.fileno())

    def close(self) -> None:
        """Watch no more."""
        self._inotify.close()

    def watch(self, wanted: Mapping[str, int]) -> set[str]:
        """Watch these directories and no others (`Kernel.watch`)."""
        for path in [path for path, inode in self._inodes.items() if wanted.get(path) != inode]:
            self._drop(path)
        fresh, self.trouble = set(), ""
        for path in wanted.keys() - self._inodes.keys():
            try:
                watch = self._inotify.add_watch(path, _CHANGES)
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    self.trouble = f"{error.strerror} of watches (raise fs.inotify.max_user_watches)"
                    break
                if error.errno not in (errno.ENOENT, errno.ENOTDIR):  # gone this moment: the caller finds it again
                    self.trouble = self.trouble or f"{path}: {error.strerror}"
                continue
            except ValueError:  # a NUL, or half of a surrogate pair: no file can have that name
                continue
            self._inodes[path], self._watches[path] = wanted[path], watch
            self._paths.setdefault(watch, []).append(path)
            fresh.add(path)
        return fresh

    def read(self) -> tuple[set[str], bool]:
        """The paths that changed, and whether the kernel's queue overflowed (`Kernel.read`)."""
        found: set[str] = set()
        lost = False
        for watch, mask, _, name in self._inotify.read(timeout=0):
            if mask & _OVERFLOW:
                lost = True
                continue
            paths = self._paths.get(watch, ())
            if mask & _OF_ITSELF:
                found.update(paths)
                for path in list(paths):
                    self._drop(path, gone=bool(mask & _IGNORED))
            else:
                found.update(f"{path}/{name}" for path in paths)
        return found, lost

    def _drop(self, path: str, *, gone: bool = False) -> None:
        """Watch a path no more. `gone`: the kernel took the watch away itself."""
        del self._inodes[path]
        watch = self._watches.pop(path)
        paths = self._paths[watch]
        paths.remove(path)
        if not paths:
            del self._paths[watch]
            if not gone:
                try:
                    self._inotify.rm_watch(watch)
                except OSError as error:
                    if error.errno != errno.EINVAL:  # it went with its directory
                        raise
