"""Requests for approval that are past their time: they lapse, and the asker is notified and started with that."""

from __future__ import annotations

from contextlib import suppress

from mailcore.config import Config
from mailcore.dispatch.priority_wakes import wake_recipients
from mailcore.exceptions import MailcoreError
from mailcore.mail import approval_expiry
from mailcore.workspace import audit, trust
from mailcore.workspace.find import Workspace


def lapse_due_approvals(workspace: Workspace, config: Config) -> None:
    """Let lapse what nobody decided in time; next to no work where nothing is due. What fails is done by the next.

    Whoever looks does it, and whatever proves who that is proves nothing of the approver, whose mail it becomes.
    """
    if not approval_expiry.is_any_due(workspace.state_dir) or trust.why_state_untrusted(workspace):
        return
    before = audit.current_proof.set("supervisor")
    try:
        with suppress(MailcoreError, OSError):
            for sent, approver in approval_expiry.lapse_expired(workspace):
                what = "did not decide in time"
                wake_recipients(workspace, config, approver, [sent], sent.subject, what=what, automatic=True)
    finally:
        audit.current_proof.reset(before)
