"""The requests that wait: `.ai_mail.local/permissions/ID.json`, beside it its answer, and a bell for the hook.

The first answer counts: the file of an answer can be made only once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mailcore.exceptions import MailcoreError, Refused
from mailcore.mail.bell import SUFFIX, ring_bell
from mailcore.model.agent import Agent
from mailcore.model.permission import PermissionAnswer, PermissionRequest, remembered
from mailcore.system import safe_open, self_ignore, writing
from mailcore.system.processes import alive
from mailcore.workspace.find import Workspace

PERMISSIONS = "permissions"
"""In the agent's mail directory."""
REQUEST, ANSWER = ".json", ".answer"
MAX_REQUEST = 1 << 20
"""Bytes of a request: an edit holds the text that it would write."""
T = TypeVar("T")


def read_requests(agent: Agent) -> tuple[PermissionRequest, ...]:
    """The requests of an agent that wait for an answer, the oldest first. What cannot be read, or whose hook does not
    wait any more, is left out."""
    directory = agent.mail_dir / PERMISSIONS
    try:
        names = os.listdir(directory)  # noqa: PTH208 (at each look)
    except OSError:
        return ()
    found = []
    for name in names:
        if name.endswith(REQUEST) and not (directory / name).with_suffix(ANSWER).exists():
            request = _read(directory / name, PermissionRequest)
            if request is not None and alive(request.pid, request.pid_ticks):
                found.append(request)
    return tuple(sorted(found, key=lambda one: (one.at, one.id)))


def find_permission(workspace: Workspace, request_id: str) -> tuple[Agent, PermissionRequest]:
    """The request of that id, or of a beginning of it that no other has. Refused (code `no_request`) if none waits."""
    found = [
        (agent, request)
        for agent in workspace.agents
        for request in read_requests(agent)
        if request_id and request.id.startswith(request_id)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(f"{request_id} is the beginning of {len(found)} requests: name more of it", "ambiguous")
    raise Refused(f"no request {request_id} waits: it was answered, or its program went on", "no_request")


@contextmanager
def waiting_request(agent: Agent, request: PermissionRequest) -> Iterator[int]:
    """Let a request wait; gives the descriptor that is readable once its bell was rung. It is gone at the end."""
    directory = agent.mail_dir / PERMISSIONS
    place = directory / request.id
    data = msgspec.json.encode(request)
    if len(data) > MAX_REQUEST:
        raise MailcoreError(f"a request of {len(data):,} bytes is not kept: it is asked where the program runs")
    self_ignore.make_ignored(agent.mail_dir)
    safe_open.inside(agent.boundary, directory)
    writing.make_directory(directory)
    bell = place.with_suffix(SUFFIX)
    os.mkfifo(bell, 0o600)
    descriptor = os.open(bell, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        writing.replace(place.with_suffix(REQUEST), data, root=agent.boundary)
        yield descriptor
    finally:
        os.close(descriptor)
        for suffix in (REQUEST, SUFFIX, ANSWER):
            with suppress(OSError):
                place.with_suffix(suffix).unlink()


def read_answer(agent: Agent, request: PermissionRequest) -> PermissionAnswer | None:
    """What was decided; None: nothing yet."""
    return _read((agent.mail_dir / PERMISSIONS / request.id).with_suffix(ANSWER), PermissionAnswer)


def put_answer(agent: Agent, request: PermissionRequest, answer: PermissionAnswer) -> None:
    """Decide a request. Refused (code `answered`) where somebody was first, or its program went on."""
    place = agent.mail_dir / PERMISSIONS / request.id
    try:
        first = writing.link_new(place.with_suffix(ANSWER), msgspec.json.encode(answer), 0o600)
    except OSError as error:
        raise MailcoreError(f"{place.with_suffix(ANSWER)}: {error.strerror}; nothing was decided") from error
    if not first:
        raise Refused(f"{request.id} was decided already", "answered")
    if not place.with_suffix(REQUEST).exists():  # its hook has gone, and takes this away no more
        place.with_suffix(ANSWER).unlink(missing_ok=True)
        raise Refused(f"{request.id} waits no more", "answered")
    ring_bell(place.with_suffix(SUFFIX))


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(safe_open.read_bytes(path, links=False), type=kind)
    except (OSError, msgspec.MsgspecError, RecursionError):
        return None


def decision_json(request: PermissionRequest, answer: PermissionAnswer) -> dict[str, Any]:
    """What the hook prints, in the form of Claude Code and Codex (docs/contracts)."""
    decision: dict[str, Any] = {"behavior": "allow" if answer.allow else "deny"}
    if not answer.allow:
        decision["message"] = answer.why or f"denied by {answer.by}"
    elif answer.always and request.remembers:
        decision["updatedPermissions"] = list(remembered(request))
    return {"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}}
