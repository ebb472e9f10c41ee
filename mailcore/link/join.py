"""This host joins a link: its own keys, a token's word for it, and from then on a membership."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.hosts.directory import write_host
from mailcore.hosts.keys import HOST_KEY, OPERATOR_KEY, Key, make_key
from mailcore.hosts.membership import (
    MEMBER,
    Membership,
    dotted_agents,
    make_link_directory,
    read_membership,
    write_membership,
)
from mailcore.link.connection import connected
from mailcore.link.forward import Forward, SshPlace, keep_forward
from mailcore.link.founding import free_port, host_and_port
from mailcore.link.joining import JoinRequest, Token, decode_answer, decode_token, signed_part
from mailcore.link.subjects import JOIN_INBOX, Subjects, inbox_of
from mailcore.model.link import HostRecord
from mailcore.system import writing
from mailcore.text import plain
from mailcore.workspace.find import Workspace

if TYPE_CHECKING:
    from nats.aio.client import Client

JOINED_WITHIN = 10.0
"""Seconds for the hub's answer, and for the server to take the new key."""
_AGAIN = 0.2
MOST_SAID = 1 << 20
"""Bytes that ssh may say until the token has come."""
CERTIFICATE = "server.pem"
"""The file of the certificate that the token brought."""


def may_join(workspace: Workspace) -> None:
    """Refused where this workspace belongs to a link, or could not belong to one."""
    if (there := read_membership(workspace)) is not None:
        raise Refused(f"this host is {there.host} in a link already: mailcore link leave, first", "member")
    if dotted := dotted_agents(workspace):
        raise Refused(f"{' '.join(dotted)}: no agent's name has a dot in a link, give another one first", "dotted")


def join(workspace: Workspace, token: Token, ssh: SshPlace | None = None) -> Membership:
    """Join by a token; over ssh, where a place is given. Refused where the hub says so, in its words."""
    may_join(workspace)
    directory = make_link_directory(workspace)
    certificate = ""
    if token.certificate:
        certificate = str(directory / CERTIFICATE)
        writing.replace(Path(certificate), token.certificate.encode())
    membership = Membership(token.host, token.project, token.server, MEMBER, certificate)
    forward = None
    if ssh is not None:
        forward = Forward(ssh, free_port(), token.server[0].rpartition("/")[2])
        host_and_port(forward.remote)
        membership = replace(membership, server=(f"nats://127.0.0.1:{forward.local}",), ssh=forward.text)
    key, operator_key = make_key(directory / HOST_KEY), make_key(directory / OPERATOR_KEY)
    asyncio.run(_joined(token, membership, key, operator_key.public, forward))
    write_membership(workspace, membership)
    write_host(workspace, HostRecord(token.hub))
    return membership


def token_over_ssh(place: SshPlace, host: str) -> Token:
    """Have the hub invite this host, over ssh, which may ask at the terminal."""
    there = [] if not place.path else ["-C", place.path]
    words = ["mailcore", *there, "link", "invite", host, "--from", "@operator", "--json"]
    # With a terminal there: else it would take the caller for nobody. What it asks there is asked here.
    command = ["ssh", "-tt", *place.words, " ".join(map(_quoted, words))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        output = _passed_on(process)
    said: Any = None
    with suppress(ValueError, RecursionError):
        said = json.loads(output[output.index(b"{") : output.rindex(b"}") + 1])
    if isinstance(said, dict) and isinstance(said.get("error"), dict):
        raise Refused(f"{place.who} says: {said['error'].get('message')}", str(said["error"].get("code", "refused")))
    if process.returncode or not isinstance(said, dict) or not isinstance(said.get("token"), str):
        raise MailcoreError(
            f"no token from {place.who}: ssh ended with {process.returncode}; is mailcore there, and does the "
            "directory of ssh://host/directory hold the hub's workspace?",
            "ssh",
        )
    return decode_token(said["token"])


def _passed_on(process: subprocess.Popen[bytes]) -> bytes:
    """All that it says; where that has no end the pipe is closed on it. What comes before the answer is for whoever
    sits here: a question for a passphrase."""
    assert process.stdout is not None
    output = b""
    while data := os.read(process.stdout.fileno(), 4096):
        if len(output) > MOST_SAID:
            break
        if b"{" not in output:
            sys.stderr.write(plain(data.partition(b"{")[0].decode("utf-8", "replace")))
            sys.stderr.flush()
        output += data
    return output


def _quoted(word: str) -> str:
    from shlex import quote

    return quote(word)


async def _joined(token: Token, membership: Membership, key: Key, operator_key: str, forward: Forward | None) -> None:
    """Hand the keys in, and see that the server takes them."""
    said: list[str] = []
    keeping = asyncio.create_task(keep_forward(forward, said.append)) if forward is not None else None
    try:
        if keeping is not None:
            await _wait_for_port(membership, said)
        await _hand_in(token, membership, key, operator_key)
        deadline = asyncio.get_running_loop().time() + JOINED_WITHIN
        while True:
            try:
                async with connected(membership.server, key, inbox_of(token.host), certificate=membership.certificate):
                    return
            except MailcoreError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(_AGAIN)
    finally:
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def _hand_in(token: Token, membership: Membership, key: Key, operator_key: str) -> None:
    """Ask the hub to take the keys. Where the connection ends before its answer, the server's taking them tells."""
    request = JoinRequest(key.public, operator_key, key.sign(signed_part(token.host, key.public, operator_key)))
    subject = Subjects(token.project).join(token.host)
    from nats.errors import Error, NoRespondersError

    try:
        async with connected(
            membership.server,
            Key(token.seed.encode()),
            f"{JOIN_INBOX}.{token.host}",
            certificate=membership.certificate,
        ) as (client, broken):
            found = await _answer(client, broken, subject, msgspec.json.encode(request))
    except Refused as error:
        raise Refused(
            f"the server does not take this token: it was used, was withdrawn, or has expired. Another one: mailcore "
            f"link invite {token.host}, on {token.hub}",
            "token",
        ) from error
    except NoRespondersError as error:
        raise MailcoreError(f"the link of {token.hub} does not run: mailcore link serve, there", "away") from error
    except (Error, TimeoutError):
        return
    if found is None:
        return
    answer = decode_answer(found, token.hub)
    if answer.refused:
        raise Refused(f"{token.hub} does not let this host in: {answer.refused}", answer.code)


async def _answer(client: Client, broken: asyncio.Future[str], subject: str, request: bytes) -> bytes | None:
    """What the hub says; None where the connection broke before. While it is just starting nobody hears it."""
    from nats.errors import NoRespondersError

    deadline = asyncio.get_running_loop().time() + JOINED_WITHIN
    while True:
        asking = asyncio.create_task(client.request(subject, request, timeout=JOINED_WITHIN))
        both: set[asyncio.Future[Any]] = {asking, broken}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            asking.cancel()
            return None
        try:
            return bytes(asking.result().data)
        except NoRespondersError:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(_AGAIN)


async def _wait_for_port(membership: Membership, said: list[str]) -> None:
    """Wait until the forward is there. MailcoreError with what ssh said, if it does not come."""
    port = host_and_port(membership.server[0].rpartition("/")[2])[1]
    deadline = asyncio.get_running_loop().time() + JOINED_WITHIN
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError as error:
            if said or asyncio.get_running_loop().time() > deadline:
                raise MailcoreError(said[-1] if said else "no forward by ssh came about", "ssh") from error
        await asyncio.sleep(_AGAIN)


def token_text(argument: str, read: Any) -> str:
    """The token of an argument; `read` gives it where the argument is `-` or empty."""
    text = read() if argument in ("", "-") else argument
    if not isinstance(text, str) or not text.strip():
        raise UsageError("no token: mailcore link invite HOST, on the hub, prints one", "token")
    return text
