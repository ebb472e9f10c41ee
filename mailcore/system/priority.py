"""How much a program's processes yield to everything else while the machine is busy."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def lower(session: int, nice: int) -> None:
    """Give a session, which leads its process group, this niceness (0 to 19), unless it yields as much already.

    Linux shares the CPU out among sessions first, and counts the niceness of a process only within its own: the
    session's is set too. What the system refuses stays as it is.
    """
    with suppress(OSError):
        if os.getpriority(os.PRIO_PGRP, session) < nice:
            os.setpriority(os.PRIO_PGRP, session, nice)
            Path(f"/proc/{session}/autogroup").write_text(str(nice), encoding="ascii")
