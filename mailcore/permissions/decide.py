"""The operator's decision on a request for permission."""

from __future__ import annotations

from mailcore.exceptions import Refused, tolerated
from mailcore.model.agent import Agent
from mailcore.model.permission import PermissionAnswer, PermissionRequest
from mailcore.permissions.policy import subject_of
from mailcore.permissions.store import put_answer
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

AUDITED_WORDS = 500
"""Characters of what a tool was given that stand in the audit."""


def decide_permission(workspace: Workspace, agent: Agent, request: PermissionRequest, answer: PermissionAnswer) -> None:
    """Decide a request that waits; the caller has proved to be the operator.

    Refused (code `answered`) where somebody was first, (code `once`) where `always` is more than the program takes.
    """
    if answer.always and not request.remembers:
        raise Refused(f"the program of {request.agent} takes an answer for this once alone", "once")
    put_answer(agent, request, answer)
    with tolerated("the answer is given, but the audit does not say so"):
        note_decision(workspace, request, answer)


def note_decision(workspace: Workspace, request: PermissionRequest, answer: PermissionAnswer) -> None:
    """Let the audit say what was decided. MailcoreError where the disk does not allow it."""
    verb = "permission allow" if answer.allow else "permission deny"
    facts = {"id": request.id, "agent": request.agent, "tool": request.tool, "always": answer.always}
    words = subject_of(request.tool_input)[:AUDITED_WORDS]
    audit.record(workspace, answer.by, verb, **facts, words=words, why=answer.why)
