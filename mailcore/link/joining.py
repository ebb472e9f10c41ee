"""How a host comes into a link: a token of the hub's, good once, by which it may hand in its own key."""

from __future__ import annotations

import base64
import re
import time

import msgspec

from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.hosts.keys import is_public, verify
from mailcore.hosts.names import HOST
from mailcore.link.accounts import HostAccount, changing
from mailcore.link.server import ServerPlace
from mailcore.link.subjects import project_token

MARK = "pxlink1-"
"""What a token begins with."""
GOOD_FOR = 86400.0
"""Seconds for which one is good."""
MOST_SERVERS = 16
_ADDRESS = re.compile(r"[!-~]{1,300}")
"""Where a server is: it stands in a line, and in a command line of ssh's."""


class Token(msgspec.Struct, frozen=True):
    """What a token says. Who holds it may hand in a key for that one name, once."""

    project: str
    host: str
    """What the host that joins is called."""
    hub: str
    server: tuple[str, ...]
    seed: str
    """Of a key that is good for this alone."""
    until: float
    certificate: str = ""
    """The certificate that the server's must be signed by, itself; empty: none."""


class JoinRequest(msgspec.Struct, frozen=True):
    """What a host hands in."""

    key: str
    operator_key: str = ""
    signature: str = ""
    """Of its name and both keys, by the first: so it has that key."""


class JoinAnswer(msgspec.Struct, frozen=True):
    """What the hub says to that."""

    hub: str = ""
    refused: str = ""
    code: str = ""


def encode_token(token: Token) -> str:
    """The token, as one word."""
    return MARK + base64.urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")


def decode_token(text: str) -> Token:
    """What a token says. UsageError if it is none, Refused (code `expired`) if it is good no more."""
    word = "".join(text.split())
    if not word.startswith(MARK):
        raise UsageError(
            f"that is no token: one begins with {MARK}, and `mailcore link invite HOST` prints it", "token"
        )
    try:
        data = word.removeprefix(MARK)
        token = msgspec.json.decode(base64.urlsafe_b64decode(data + "=" * (-len(data) % 4)), type=Token)
    except (ValueError, RecursionError) as error:
        raise UsageError("that token is not whole: copy all of it", "token") from error
    if not HOST.fullmatch(token.host) or not HOST.fullmatch(token.hub):
        raise UsageError("that token names no host", "token")
    if token.project != project_token(token.project):
        raise UsageError("that token names no project", "token")
    if not 0 < len(token.server) <= MOST_SERVERS or not all(map(_ADDRESS.fullmatch, token.server)):
        raise UsageError("that token does not say where the server is", "token")
    if token.until < time.time():
        raise Refused(f"that token has expired: ask for another one, `mailcore link invite {token.host}`", "expired")
    return token


def decode_answer(data: bytes, hub: str) -> JoinAnswer:
    """What the hub said. MailcoreError (code `answer`) where that is no answer."""
    try:
        return msgspec.json.decode(data, type=JoinAnswer)
    except (ValueError, RecursionError) as error:
        raise MailcoreError(f"what {hub} says is no answer: {type(error).__name__}", "answer") from error


def signed_part(host: str, key: str, operator_key: str) -> bytes:
    """What the signature of a JoinRequest is of."""
    return f"join {host} {key} {operator_key}".encode()


def admitted(place: ServerPlace, host: str, request: JoinRequest) -> HostAccount:
    """Let a host in for which there is a token: its key is written, and the token is good no more. Refused if not."""
    if not is_public(request.key) or not (is_public(request.operator_key) or not request.operator_key):
        raise Refused("what it hands in is no key", "key")  # one such key, and the server reads no accounts any more
    if not verify(request.key, signed_part(host, request.key, request.operator_key), request.signature):
        raise Refused("its own key did not sign this", "forged")
    account = HostAccount(host, request.key, request.operator_key)
    with changing(place.directory) as held:
        there = held[0].host(host)
        if held[0].invitation(host) is None:
            if there == account:  # it asks again: the answer was lost
                return account
            raise Refused(f"the token for {host} was used, withdrawn, or has expired", "used")
        if any(one.key == request.key and one.host != host and not one.revoked for one in held[0].hosts):
            raise Refused("a host of another name has that key already", "key")
        held[0] = held[0].with_host(account).without_invitation(host)
    return account
