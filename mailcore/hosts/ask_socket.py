"""Questions to other hosts, put to the process of the link on this one: over a socket in its directory, no network.

One question a connection: a line of JSON. The answer: a line of JSON, and then as many bytes as that says.
"""

from __future__ import annotations

import json
import socket
from typing import Any

import msgspec

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.act_rules import END_OF_OPTIONS
from mailcore.hosts.acts import ActOutcome, RemoteAct
from mailcore.hosts.asked_acts import sign_act
from mailcore.hosts.membership import link_directory
from mailcore.hosts.mirrored import COPIED_BY
from mailcore.system.socket_path import short_path
from mailcore.text.units import duration
from mailcore.workspace.find import Workspace

SOCKET = "socket"
MAX_SOCKET_LINE = 1 << 19
MAX_ANSWER = 1 << 20
"""Bytes of another host's answer."""
HOST_TIMEOUT = 30.0
"""Seconds that an answer is waited for."""


def ask_host(
    workspace: Workspace, host: str, name: str, question: dict[str, Any], timeout: float = HOST_TIMEOUT
) -> bytes:
    """What another host answers. MailcoreError (codes `not_running`, `away`, `slow`) if it does not, Refused with its
    words if it refuses."""
    return _call(workspace, {"ask": name, "host": host, "question": question}, timeout)


def look_there(workspace: Workspace, act: RemoteAct) -> ActOutcome:
    """What a verb that only looks came to on another host. Raises as `ask_host`; MailcoreError (code `answer`) of an
    answer that is none."""
    answer = ask_host(workspace, act.to, "act", {"act": msgspec.to_builtins(act)})
    try:
        return msgspec.json.decode(answer, type=ActOutcome)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MailcoreError(f"{act.to} answers with what is no answer here: {str(error)[:200]}", "answer") from error


def refresh_mirror(workspace: Workspace, host: str, agent: str, what: str, timeout: float = HOST_TIMEOUT) -> None:
    """Bring the copy of what another host keeps of an agent (`@writer`) up to date, asked for with the operator's key.
    Raises as `ask_host` and `asked_acts.sign_act`."""
    if what not in COPIED_BY:
        raise Refused(f"{what!r} is nothing that is copied of an agent", "question")
    act = msgspec.to_builtins(sign_act(workspace, host, (COPIED_BY[what], END_OF_OPTIONS, agent)))
    _call(workspace, {"fill": what, "host": host, "agent": agent, "act": act}, timeout)


def _call(workspace: Workspace, request: dict[str, Any], timeout: float = HOST_TIMEOUT) -> bytes:
    """What the process of the link answers."""
    line = json.dumps(request).encode() + b"\n"
    if len(line) > MAX_SOCKET_LINE:
        raise Refused(f"a question of {len(line):,} bytes; {MAX_SOCKET_LINE:,} at most", "too_large")
    try:
        with socket.socket(socket.AF_UNIX) as connection, short_path(link_directory(workspace) / SOCKET) as path:
            connection.settimeout(timeout)
            connection.connect(path)
            connection.sendall(line)
            with connection.makefile("rb") as answer:
                return _read(answer.readline(1 << 16), answer)
    except TimeoutError as error:
        raise MailcoreError(f"{request['host']} did not answer within {duration(timeout)}", "slow") from error
    except (FileNotFoundError, ConnectionError) as error:
        raise MailcoreError("the link is not running here: mailcore link run", "not_running") from error


def _read(head: bytes, answer: Any) -> bytes:
    try:
        said = json.loads(head)
    except ValueError as error:
        raise MailcoreError("the link on this host ended while it was asked", "not_running") from error
    if "error" in said:
        kind = Refused if said.get("refused") else MailcoreError
        raise kind(str(said["error"]), str(said.get("code", "failed")))
    body: bytes = answer.read(min(int(said["bytes"]), MAX_ANSWER))
    return body
