"""The requests that wait: `.ai_mail.local/permissions/ID.json`, beside it its answer, and a bell for the hook.

Who waits holds the bell open, so a request whose bell nobody hears waits no more, in whatever container it waited. The
first answer counts: the file of an answer is made, and a request taken away, under one lock.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from mailcore.exceptions import MailcoreError, Refused
from mailcore.mail.bell import SUFFIX, has_sleeper, ring_bell
from mailcore.model.agent import Agent
from mailcore.model.permission import PermissionAnswer, PermissionRequest, remembered
from mailcore.system import safe_open, self_ignore, writing
from mailcore.system.locks import locked
from mailcore.text import line
from mailcore.workspace.find import Workspace

PERMISSIONS = "permissions"
"""In the agent's mail directory."""
REQUEST, ANSWER = ".json", ".answer"
_LOCK = ".lock"
_ID = re.compile("[0-9a-f]{8}")
MAX_REQUEST = 1 << 20
"""Bytes of a request: an edit holds the text that it would write. What is larger is none, and not read at each look."""
_ENDS = (REQUEST, SUFFIX, ANSWER)
"""In this order they go: what is no request any more has no bell, and its answer was read."""
T = TypeVar("T")


def read_requests(agent: Agent) -> tuple[PermissionRequest, ...]:
    """The requests of an agent that wait for an answer, the oldest first.

    Left out is what cannot be read, what says that it is another's than its place and name say, and whose hook does not
    wait any more.
    """
    directory = agent.mail_dir / PERMISSIONS
    found = []
    for name in _ids(directory):
        place = directory / name
        if not place.with_suffix(ANSWER).exists() and has_sleeper(place.with_suffix(SUFFIX)):
            request = _read(place.with_suffix(REQUEST), PermissionRequest)
            if request is not None and (request.id, request.agent) == (name, agent.address):
                found.append(request)
    return tuple(sorted(found, key=lambda one: (one.at, one.id)))


def _ids(directory: Path) -> set[str]:
    """Of all that lies there; empty where there is none."""
    try:
        names = os.listdir(directory)  # noqa: PTH208 (at each look)
    except OSError:
        return set()
    return {stem for stem, dot, end in (name.partition(".") for name in names) if dot + end in _ENDS and _is_id(stem)}


def _is_id(name: str) -> bool:
    return _ID.fullmatch(name) is not None


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


class WaitingRequest:
    """A request that waits, as its hook has it."""

    def __init__(self, agent: Agent, request: PermissionRequest, bell: int) -> None:
        """`bell`: the descriptor that is readable once it was rung."""
        self.bell = bell
        self._agent, self._request, self._place = agent, request, _place(agent, request.id)

    @property
    def stands(self) -> bool:
        """False once it was answered, or the hooks were removed: then there is nothing to wait for."""
        return self._place.with_suffix(REQUEST).exists() and not self._place.with_suffix(ANSWER).exists()

    def withdraw(self) -> PermissionAnswer | None:
        """Let it wait no more; the answer that was given until now, after which none is."""
        with suppress(FileNotFoundError), locked(self._place.with_name(_LOCK), own=True):
            answer = read_answer(self._agent, self._request)
            _remove(self._place)
            return answer
        return None  # all was taken away


@contextmanager
def waiting_request(agent: Agent, request: PermissionRequest) -> Iterator[WaitingRequest]:
    """Let a request wait. It is gone at the end, and so is what hooks left that were killed."""
    place = _place(agent, request.id)
    data = msgspec.json.encode(request)
    if len(data) > MAX_REQUEST:
        raise MailcoreError(f"a request of {len(data):,} bytes is not kept: it is asked where the program runs")
    self_ignore.make_ignored(agent.mail_dir)
    writing.make_directory(place.parent)
    bell = place.with_suffix(SUFFIX)
    with locked(place.with_name(_LOCK), own=True):
        for left in _ids(place.parent):
            if not has_sleeper(place.with_name(left + SUFFIX)):
                _remove(place.with_name(left))
        os.mkfifo(bell, 0o600)
        descriptor = os.open(bell, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    waiting = WaitingRequest(agent, request, descriptor)
    try:
        writing.replace(place.with_suffix(REQUEST), data, root=agent.boundary)
        yield waiting
    finally:
        with suppress(OSError, MailcoreError):
            waiting.withdraw()
        os.close(descriptor)


def read_answer(agent: Agent, request: PermissionRequest) -> PermissionAnswer | None:
    """What was decided; None: nothing yet."""
    return _read(_place(agent, request.id).with_suffix(ANSWER), PermissionAnswer)


def put_answer(agent: Agent, request: PermissionRequest, answer: PermissionAnswer) -> None:
    """Decide a request. Refused (code `answered`) where somebody was first, or its program went on."""
    place = _place(agent, request.id)
    try:
        with locked(place.with_name(_LOCK), own=True):
            if not place.with_suffix(REQUEST).exists():
                raise Refused(f"{request.id} waits no more", "answered")
            if not writing.link_new(place.with_suffix(ANSWER), msgspec.json.encode(answer), 0o600):
                raise Refused(f"{request.id} was decided already", "answered")
    except FileNotFoundError as error:
        raise Refused(f"{request.id} waits no more", "answered") from error
    except OSError as error:
        raise MailcoreError(f"{place.with_suffix(ANSWER)}: {error.strerror}; nothing was decided") from error
    ring_bell(place.with_suffix(SUFFIX))


def remove_requests(agent: Agent) -> None:
    """Take all away that waits; a hook that waits for an answer finds that it is not wanted any more."""
    directory = agent.mail_dir / PERMISSIONS
    safe_open.inside(agent.boundary, directory)
    for name in _ids(directory):
        (directory / name).with_suffix(REQUEST).unlink(missing_ok=True)
        ring_bell((directory / name).with_suffix(SUFFIX))
        _remove(directory / name)
    with suppress(OSError):
        for lock in directory.glob(f"{_LOCK}*"):
            lock.unlink()
        directory.rmdir()


def _place(agent: Agent, request_id: str) -> Path:
    """Where the files of a request lie, but for their ends. Refused of what is no id, or where a link leads out."""
    directory = agent.mail_dir / PERMISSIONS
    if not _is_id(request_id):
        raise Refused(f"{line(request_id, 40)} is no request's id", "no_request")
    safe_open.inside(agent.boundary, directory)
    return directory / request_id


def _remove(place: Path) -> None:
    for end in _ENDS:
        with suppress(OSError):
            place.with_suffix(end).unlink()


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(safe_open.read_bytes(path, links=False, most=MAX_REQUEST), type=kind)
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
