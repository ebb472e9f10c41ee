"""For how long the duty holds: for a second from a look at the others, or while a seal shows that nobody came."""

from __future__ import annotations

import threading
import time

from mailcore.system.seal import Seal

LEASE = 1.0
"""Seconds for which a look at the others holds; and after which a watcher without a sign of life does not count."""


class Lease:
    """It ends by itself. Any thread may ask; none waits for a disk."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = float("-inf")
        """When it is over, by the machine's own clock."""
        self._seal: Seal | None = None

    @property
    def holds(self) -> bool:
        """Whether it holds right now."""
        with self._lock:
            now = time.monotonic()
            if self._seal is not None and self._seal.holds:
                self._until = now + LEASE  # whoever comes after this waits for a sign of life for as long
            return time.monotonic() < self._until

    def renew(self, since: float) -> None:
        """It holds from a look on that began then."""
        with self._lock:
            self._until = since + LEASE

    def end(self) -> None:
        """It holds no more."""
        with self._lock:
            self._seal, self._until = None, float("-inf")

    def rest_on(self, seal: Seal | None) -> None:
        """It holds while this seal does, too; None: by looks alone. The former one is not asked any more."""
        with self._lock:
            self._seal = seal
