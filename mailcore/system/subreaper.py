"""Become the parent of what one's children leave behind. Imports almost nothing, so that the sentinel stays small."""

from __future__ import annotations

from mailcore.system import PORTABLE

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> bool:
    """Become the parent of what the children leave behind, so that it can be found and reaped; True if that holds.

    False on other systems than Linux: it goes to the first process, and is found by its environment alone.
    """
    if PORTABLE:
        return False
    import ctypes

    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
