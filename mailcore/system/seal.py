"""A seal on a directory: whether anything changed in it since, by what the kernel tells, without a look at a disk."""

from __future__ import annotations

import errno
import os
import select
from pathlib import Path

from mailcore.system.watching import kernel_watch, tells_all


class Seal:
    """Holds until a file in the directory is made, written, renamed or removed; its time alone breaks nothing."""

    def __init__(self, directory: Path) -> None:
        """OSError where the kernel cannot vouch for it: no watch is left, or other machines write there too."""
        if not tells_all(str(directory)):
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), str(directory))
        self._kernel = kernel_watch()
        try:
            if not self._kernel.watch({str(directory): directory.stat().st_ino}):
                raise OSError(errno.ENOSPC, self._kernel.trouble, str(directory))
        except BaseException:
            self._kernel.close()
            raise

    def fileno(self) -> int:
        """Readable once it is broken, from then on."""
        return self._kernel.fileno()

    @property
    def holds(self) -> bool:
        """Whether nothing changed. Waits for nothing."""
        poll = select.poll()  # one each: two threads may ask
        poll.register(self._kernel, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """It is asked no more."""
        self._kernel.close()
