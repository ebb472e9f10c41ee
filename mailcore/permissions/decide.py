"""The operator's decision on a request for permission."""

from __future__ import annotations

from mailcore.exceptions import Refused, tolerated
from mailcore.model.agent import Agent
from mailcore.model.message import parse_time
from mailcore.model.permission import PermissionAnswer, PermissionRequest, subject_of
from mailcore.permissions.store import put_answer, read_answer
from mailcore.text import line
from mailcore.text.units import UNKNOWN_TIME, clock_time
from mailcore.workspace import audit, presence
from mailcore.workspace.find import Workspace

ALLOWED, DENIED = "permission allow", "permission deny"
"""How the audit calls them."""
AUDITED_WORDS = 500
"""Characters of what a tool was given that stand in the audit."""


def decide_permission(workspace: Workspace, agent: Agent, request: PermissionRequest, answer: PermissionAnswer) -> None:
    """Decide a request that waits; the caller has proved to be the operator.

    Refused (code `answered`) where somebody was first, (code `once`) where `always` is more than the program takes.
    """
    if answer.always and not request.remembers:
        raise Refused(f"the program of {request.agent} takes an answer for this once alone", "once")
    try:
        put_answer(agent, request, answer)
    except Refused as error:
        raise Refused(f"{error}: {first_answer(workspace, agent, request)}", error.code) from error
    with tolerated("the answer is given, but the audit does not say so"):
        note_decision(workspace, request, answer)


def first_answer(workspace: Workspace, agent: Agent, request: PermissionRequest) -> str:
    """Who answered a request first, and how."""
    if (first := read_answer(agent, request)) is not None:
        return f"{line(first.by, 40)} {'allowed' if first.allow else 'denied'} it"
    for act in reversed(presence.newest_acts(workspace)):
        if act.get("id") == request.id and act.get("verb") in (ALLOWED, DENIED):
            said = "allowed" if act["verb"] == ALLOWED else "denied"
            at = clock_time(parse_time(act.get("at")), never=UNKNOWN_TIME)
            return f"{line(str(act.get('by')), 40)} {said} it at {at}"
    return "nobody here answered: it was answered at its own terminal, or its time was over"


def note_decision(workspace: Workspace, request: PermissionRequest, answer: PermissionAnswer) -> None:
    """Let the audit say what was decided. MailcoreError where the disk does not allow it."""
    verb = ALLOWED if answer.allow else DENIED
    facts = {"id": request.id, "agent": request.agent, "tool": request.tool, "always": answer.always}
    words = subject_of(request.tool_input)[:AUDITED_WORDS]
    audit.record(workspace, answer.by, verb, **facts, words=words, why=answer.why)
