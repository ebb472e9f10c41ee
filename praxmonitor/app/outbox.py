"""The app's part for mail that waits in the operator's outbox: it is sent when it is due, while the screen is open.

A mail that another screen left, which was closed or died, is sent when this one opens; any command does it, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.text.lines import plain


class Told(Protocol):
    """The app, by what this part asks of it."""

    def key_of(self, action_id: str) -> str:
        """The key that stands for an action now."""

    def run_worker(self, work: Callable[[], object], *, thread: bool, group: str) -> object:
        """Do this in a thread."""

    def call_from_thread(self, callback: Callable[[], object]) -> object:
        """Do this on the loop."""

    def notify(
        self, message: str, *, title: str, severity: Literal["information", "warning", "error"], timeout: float
    ) -> None:
        """Say it for some seconds."""


class Outbox:
    """When mail that waits is due."""

    def __init__(self, opened: OpenWorkspace, app: Told) -> None:
        self._opened, self._app = opened, app
        self._looking = False
        self._next_look = 0.0
        self._told: set[str] = set()
        """Ids of the mails of which it was said that they could not be sent."""

    def begin(self) -> None:
        """Look what others left."""
        self._next_look = 0.0
        if self._opened.live:
            self._send()

    def tick(self) -> None:
        """Send what is due."""
        opened = self._opened
        now = opened.clock()
        due = min((mail.due for mail in opened.waiting_mail), default=0.0)
        if due and max(due, self._next_look) <= now:
            self._send()

    def _send(self) -> None:
        if not self._looking:
            self._looking = True
            self._app.run_worker(self._send_due, thread=True, group="outbox")

    def _send_due(self) -> None:
        from mailcore.dispatch.due_mail import send_due_mail
        from mailcore.mail import outgoing
        from mailcore.mail.outgoing import RETRY_AFTER
        from praxmonitor.actions.sending import waiting_mail

        workspace = self._opened.workspace
        try:
            failed = send_due_mail(workspace)[1] if outgoing.is_due(workspace) else []
            self._opened.waiting_mail = waiting_mail(workspace)
            if failed:
                self._next_look = self._opened.clock() + RETRY_AFTER
        finally:
            self._looking = False
        for mail in failed:
            if mail.id not in self._told:
                self._told.add(mail.id)
                self._app.call_from_thread(lambda mail=mail: self._tell(mail.subject, mail.failed))  # type: ignore[misc]

    def _tell(self, subject: str, why: str) -> None:
        text = f"{plain(subject)}: {plain(why)}; it is tried again, and {self._app.key_of('take_back')} takes it back"
        self._app.notify(text, title="not sent", severity="error", timeout=12)
