"""The one door to the machine: files, locks, processes, watching. Nothing else reads /proc or takes a lock.

Two backends stand behind `processes` and `watching`: `linux` (pidfd, /proc, inotify, subreaper) and `portable` (psutil,
watchfiles, POSIX alone). `MAILCORE_SYSTEM=portable` forces the second; elsewhere than on Linux there is no other.
"""

from __future__ import annotations

import os
import sys

VARIABLE = "MAILCORE_SYSTEM"
"""Which backend this process and all that it starts use: `linux` or `portable`; empty: by the machine."""

BACKENDS = ("linux", "portable")

PORTABLE = os.environ.get(VARIABLE) == "portable" or not sys.platform.startswith("linux")
"""True where the portable backend stands behind the door."""
