"""What a token, a host that joins, and the hub that it comes to may say: strangers' words, until they are proved."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import msgspec
import pytest

from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.hosts.keys import Key, make_key
from mailcore.link.accounts import Invitation, changing, read_accounts
from mailcore.link.forward import SshPlace
from mailcore.link.founding import LISTEN, listen_address
from mailcore.link.join import MOST_SAID, token_over_ssh
from mailcore.link.joining import JoinRequest, Token, admitted, decode_answer, decode_token, encode_token, signed_part
from mailcore.link.server import ServerPlace, end_left_over

GOOD = Token("shop", "beta", "alpha", ("nats://127.0.0.1:4222",), "SUAB", 4e9)


def request(key: Key, public: str, operator: str) -> JoinRequest:
    return JoinRequest(public, operator, key.sign(signed_part("beta", public, operator)))


@pytest.mark.parametrize(
    ("after", "operator"),
    [("", "x" * 1000), ("", "UABC\n}"), ("A" * 1000, ""), ("======", ""), ("\n", ""), (None, "")],
    ids=["long", "lines", "longer", "padded", "a line", "of no checksum"],
)
def test_a_key_that_the_server_would_not_take_is_not_written(tmp_path: Path, after: str | None, operator: str) -> None:
    """One such key in its accounts, and the server starts no more."""
    place, key = ServerPlace(tmp_path), make_key(tmp_path / "host.key")
    with changing(tmp_path) as held:
        held[0] = held[0].with_invitation(Invitation("beta", "UTOKEN", 4e9))
    before = read_accounts(tmp_path)
    public = key.public[:-2] + "AA" if after is None else key.public + after
    with pytest.raises(Refused):
        admitted(place, "beta", request(key, public, operator))
    assert read_accounts(tmp_path) == before
    own = make_key(tmp_path / "operator.key").public
    assert admitted(place, "beta", request(key, key.public, own)).operator_key == own


@pytest.mark.parametrize(
    "said",
    [
        {"project": "shop\nExecStart=/bin/evil"}, {"project": ""}, {"project": "a.>"}, {"project": "x" * 41},
        {"server": ()}, {"server": ("127.0.0.1:1 -oProxyCommand=x",)}, {"server": ("a",) * 17}, {"server": ("a\n",)},
    ],
    ids=["a line", "no project", "wildcards", "long", "no server", "an option", "many", "a server's line"],
)  # fmt: skip
def test_a_token_of_a_hostile_hub_is_none(said: dict[str, object]) -> None:
    """Its project stands in a unit for systemd; where the server is, in a command line of ssh's."""
    assert decode_token(encode_token(GOOD)) == GOOD
    with pytest.raises(UsageError):
        decode_token(encode_token(msgspec.structs.replace(GOOD, **said)))


@pytest.mark.parametrize(
    "said",
    [b"", b"[]", b"[" * 100_000, b'{"x": ' + b"[" * 100_000, b'{"refused": 1}', b"\xff"],
    ids=["nothing", "a list", "deep", "deep beside", "a number", "no text"],
)
def test_a_hub_that_answers_with_anything_is_told_in_words(said: bytes) -> None:
    with pytest.raises(MailcoreError, match="no answer"):
        decode_answer(said, "alpha")


def ssh(place: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> SshPlace:
    """A program `ssh` that says what it likes."""
    program = place / "ssh"
    program.write_text(f"#!{sys.executable}\nimport os\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    return SshPlace("me@host")


@pytest.mark.parametrize(
    "script",
    ["while True: os.write(1, b'x' * 4096)", "while True: os.write(1, b'{' * 4096)",
     "os.write(1, b'{\"a\": ' * 100000 + b'}')", "os.write(1, b'{' + b'[' * 100000 + b'}')"],
    ids=["no end", "no end of an answer", "deep", "deeper"],
)  # fmt: skip
def test_what_ssh_says_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    place = ssh(tmp_path, script, monkeypatch)
    with pytest.raises(MailcoreError, match="no token from me@host"):
        token_over_ssh(place, "beta")


def test_the_token_is_found_after_what_was_asked_at_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    said = json.dumps({"token": encode_token(GOOD)})
    place = ssh(tmp_path, f"os.write(1, b'\\x1b]0;x\\x07passphrase: ' + {said.encode()!r})", monkeypatch)
    assert token_over_ssh(place, "beta") == GOOD
    told = capfd.readouterr().err
    assert "passphrase: " in told and "\x1b" not in told and "token" not in told
    assert len(said) < MOST_SAID


def test_a_fifo_in_the_place_of_a_file_of_the_server_is_not_waited_for(tmp_path: Path) -> None:
    place = ServerPlace(tmp_path)
    for path in (place.pid_file, tmp_path / LISTEN):
        os.mkfifo(path)
    end_left_over(place)
    with pytest.raises(OSError, match="no regular file"):
        listen_address(tmp_path)
