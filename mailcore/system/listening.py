"""Whether a process is a server: it listens at a socket."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mailcore.system import PORTABLE

_ACCEPTS = 0x10000
"""`__SO_ACCEPTCON` among the flags of /proc/net/unix."""
_LISTEN = "0A"
"""`TCP_LISTEN` in /proc/net/tcp."""


def listens(pid: int) -> bool:
    """True of a process that others may connect to; False too where it cannot be seen.

    The portable backend sees it at network sockets alone.
    """
    return _portable(pid) if PORTABLE else _linux(pid)


def _linux(pid: int) -> bool:
    own = set()
    with suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 (names are all that is wanted)
            with suppress(OSError):
                link = os.readlink(f"/proc/{pid}/fd/{number}")  # noqa: PTH115 (a name, not a path)
                own |= {link[8:-1]} if link.startswith("socket:[") else set()
    if not own:
        return False
    for table, inode in (("unix", 6), ("tcp", 9), ("tcp6", 9)):
        with suppress(OSError, IndexError, ValueError):
            for line in Path(f"/proc/{pid}/net/{table}").read_text("utf-8", "replace").splitlines()[1:]:
                fields = line.split()
                open_ = int(fields[3], 16) & _ACCEPTS if table == "unix" else fields[3] == _LISTEN
                if open_ and fields[inode] in own:
                    return True
    return False


def _portable(pid: int) -> bool:
    import psutil

    with suppress(psutil.Error, OSError):
        return any(one.status == psutil.CONN_LISTEN for one in psutil.Process(pid).net_connections())
    return False
