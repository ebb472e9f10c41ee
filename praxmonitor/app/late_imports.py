"""What is imported after the first paint, so that the first key that needs it is answered at once."""

from __future__ import annotations

import gc
from importlib import import_module

from praxmonitor.app.library_caches import large_caches

GC_THRESHOLDS = (700, 10, 10)
"""Python's own, which its start-up raises."""


def load_screens() -> None:
    """The dialogs and views that are not there from the start."""
    for name in ("compose", "confirm", "kill_all", "choose", "help", "notices"):
        import_module(f"praxmonitor.dialogs.{name}")
    for name in ("agent", "mail", "stream", "alarms", "log"):
        import_module(f"praxmonitor.views.{name}")


def load_and_freeze() -> None:
    """Load the dialogs, let go what importing left over; from then on garbage is looked for among what is made later.

    With all that was imported a full look took 23 ms, in which no key was answered. The one here frees 1.3 MB, which
    else nobody ever would.
    """
    load_screens()
    large_caches()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
