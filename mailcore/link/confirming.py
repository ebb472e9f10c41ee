"""What other hosts confirm is written down beside the mail: of each its last words, however many it says."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from mailcore.exceptions import MailcoreError
from mailcore.hosts import channel
from mailcore.hosts.arrivals import MAX_EPOCHS
from mailcore.link.sending import Confirmation
from mailcore.workspace.find import Workspace


class Confirming:
    """Writes down what was confirmed, in a thread of its own: of each host one thing waits for that at most."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="confirm")
        self._lock = threading.Lock()
        self._heard: dict[str, dict[str, Confirmation]] = {}
        """Host → epoch → what it said last of it, and is not written yet."""

    def heard(self, host: str, confirmation: Confirmation) -> None:
        """A host said what it has."""
        with self._lock:
            is_waited_for = host in self._heard
            words = self._heard.setdefault(host, {})
            words.pop(confirmation.epoch, None)
            words[confirmation.epoch] = confirmation
            if len(words) > MAX_EPOCHS:
                del words[next(iter(words))]
        if not is_waited_for:
            self._worker.submit(self._write, host)

    def _write(self, host: str) -> None:
        with self._lock:
            words = self._heard.pop(host)
        for word in words.values():
            with suppress(OSError, MailcoreError):  # it is said again with the next one
                channel.confirmed(self._workspace, host, word.epoch, word.last, word.id)
