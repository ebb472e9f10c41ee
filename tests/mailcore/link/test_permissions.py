"""Who may do what: the server lets a host write as itself alone; what still says it is another's is not believed."""

from __future__ import annotations

import asyncio
import datetime
import os
import signal
import socket
import struct
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mailcore.config import Link
from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.hosts.directory import read_host
from mailcore.hosts.keys import HOST_KEY, Key, load_key, make_key
from mailcore.hosts.link_status import link_runs
from mailcore.hosts.membership import Membership, link_directory, member
from mailcore.link import joining
from mailcore.link.accounts import Accounts, HostAccount, Invitation, read_accounts
from mailcore.link.connection import connected
from mailcore.link.founding import advertised, found_link, listening, machine_name, reached_here
from mailcore.link.hub import Hub
from mailcore.link.inviting import invite, revoke, wait_until_applied
from mailcore.link.join import join
from mailcore.link.joining import JoinRequest, Token, decode_token, encode_token, signed_part
from mailcore.link.parcels import parcels
from mailcore.link.process import LinkProcess
from mailcore.link.server import is_applied, server_accounts, server_place, write_accounts
from mailcore.link.subjects import JOIN_INBOX, Subjects, inbox_of, project_token
from mailcore.model.link import Envelope, EnvelopeKind
from mailcore.workspace.create import create_workspace
from tests.mailcore.link.conftest import Net


@pytest.mark.anyio
async def test_a_host_writes_as_itself_and_reads_its_own_alone(pair: Net) -> None:
    await pair.add("gamma")
    names = pair.names
    refused: list[str] = []
    async with pair.client("gamma") as client:

        async def note(error: Exception) -> None:
            refused.append(str(error).lower())

        client._error_cb = note
        others = [
            names.to("beta", "alpha"), names.confirmed("alpha", "beta"), names.sight("beta"), names.beat("beta"),
            names.about("beta"), names.ask("beta", "alpha"), names.hosts, names.join("delta"),
            f"$JS.API.CONSUMER.MSG.NEXT.{names.mail_stream}.beta", f"$JS.API.STREAM.DELETE.{names.mail_stream}",
            f"$JS.API.STREAM.PURGE.{names.mail_stream}", f"$JS.API.STREAM.INFO.{names.mail_stream}",
            f"$JS.API.STREAM.MSG.GET.{names.mail_stream}", f"$JS.API.CONSUMER.CREATE.{names.mail_stream}.x",
            f"$JS.API.CONSUMER.DURABLE.CREATE.{names.mail_stream}.x", f"$JS.ACK.{names.mail_stream}.beta.1.1.1.1.1",
            f"$JS.API.DIRECT.GET.{names.mail_stream}.{names.to('beta', 'alpha')}", f"{inbox_of('beta')}.x",
            "$SYS.REQ.SERVER.PING", "anything",
        ]  # fmt: skip
        for subject in others:
            await client.publish(subject, b"x")
        places = (f"{inbox_of('beta')}.>", names.to("beta", "*"), ">", names.ask("beta", "*"), f"{JOIN_INBOX}.>")
        for place in places:
            await client.subscribe(place)
        await client.flush()
        await pair.until(lambda: len(refused) >= len(others) + len(places), f"{refused}")
    told = "\n".join(refused)
    assert all(f'to publish to "{each.lower()}"' in told or f'publish to "{each.lower()}"' in told for each in others)


@pytest.mark.anyio
async def test_an_envelope_that_says_it_is_anothers_is_not_taken(pair: Net) -> None:
    workspace = pair.workspaces["beta"]
    key = load_key(link_directory(workspace) / HOST_KEY)

    def envelope(**changes: Any) -> Envelope:
        first = Envelope(EnvelopeKind.MAIL, "a" * 32, "beta", "alpha", "e" * 16, 1, 1, time.time(), {"subject": "x"})
        changed = msgspec.structs.replace(first, **changes)
        return msgspec.structs.replace(changed, signature=key.sign(msgspec.json.encode(changed)))

    good = envelope()
    forged = [
        envelope(sender="alpha"),
        envelope(to="beta"),
        msgspec.structs.replace(good, body={"subject": "another"}),
        msgspec.structs.replace(good, signature=""),
    ]
    async with pair.client("beta") as client:
        for one in forged:
            await client.jetstream().publish(pair.names.to("alpha", "beta"), next(parcels([one])).data)
        await client.jetstream().publish(pair.names.to("alpha", "beta"), b"\xff no envelope")
    await pair.until(lambda: len([words for words in pair.said if "beta" in words]) >= 3, "told")
    assert pair.carried("alpha") == []
    pair.put("beta", "alpha")
    await pair.until(lambda: len(pair.carried("alpha")) == 1, "what it sends as itself still comes")


@pytest.mark.anyio
async def test_who_is_thrown_out_is_cut_off_and_what_waited_for_it_is_gone(pair: Net) -> None:
    await pair.stop("beta")
    pair.put("alpha", "beta", 3)
    assert await asyncio.to_thread(revoke, pair.workspaces["alpha"], "beta")
    alpha = pair.workspaces["alpha"]
    await pair.until(lambda: (record := read_host(alpha, "beta")) is not None and record.revoked, "told to all")
    await thrown_out(pair, "beta")
    assert not await asyncio.to_thread(revoke, alpha, "beta"), "it is out already"


async def thrown_out(net: Net, name: str) -> None:
    """Wait until the server does not take that host's key any more."""

    async def is_out() -> bool:
        try:
            async with net.client(name):
                return False
        except Refused as error:
            return "does not take this host's key" in str(error)

    await net.until(is_out, f"{name} is thrown out")


@pytest.mark.anyio
async def test_a_revocation_that_the_server_did_not_follow_is_tried_again_and_not_said_to_be_applied(pair: Net) -> None:
    alpha, configuration = pair.workspaces["alpha"], pair.files.configuration
    before = configuration.read_text()
    configuration.write_text(f"{before}\nno such thing {{")
    assert await asyncio.to_thread(revoke, alpha, "beta")

    def refusals() -> int:
        return sum("does not follow its accounts" in words for words in pair.said)

    await pair.until(lambda: refusals() >= 3, "tried again and again")
    text = server_accounts(pair.files, member(alpha).project, read_accounts(pair.files.directory))
    assert not is_applied(pair.files, text)
    async with pair.client("beta"):
        pass
    configuration.write_text(before)
    await pair.until(lambda: is_applied(pair.files, text), "it follows")
    await thrown_out(pair, "beta")


@pytest.mark.anyio
async def test_on_a_server_of_ones_own_what_was_revoked_while_the_link_was_down_is_thrown_out(pair: Net) -> None:
    alpha = pair.workspaces["alpha"]
    await pair.stop("hub")
    await pair.stop("alpha")
    assert await asyncio.to_thread(revoke, alpha, "beta")
    config = Link(server=member(alpha).server)
    pair.start("link", LinkProcess(alpha, config, pair.said.append).run(asyncio.Event()))
    await pair.until(lambda: link_runs(alpha))
    assert await asyncio.to_thread(wait_until_applied, alpha)
    await thrown_out(pair, "beta")


@pytest.mark.anyio
async def test_what_the_server_followed_once_is_not_what_it_is_known_to_follow(pair: Net) -> None:
    """What the server followed once is not what it follows: it may have read others since by itself."""
    alpha = pair.workspaces["alpha"]
    assert await asyncio.to_thread(revoke, alpha, "beta")
    await thrown_out(pair, "beta")
    await pair.until(lambda: is_applied(pair.files, pair.files.accounts.read_text()))
    await pair.stop("hub")
    before = pair.files.accounts.read_text()
    write_accounts(pair.files, before + "\n# others, that the server reads when it is started")
    assert pair.server is not None
    os.kill(pair.server.pid, signal.SIGHUP)
    write_accounts(pair.files, before)
    assert not is_applied(pair.files, before)
    pair.start("hub", Hub(pair.files, member(alpha), pair.said.append).run())
    await pair.until(lambda: is_applied(pair.files, before), "it was told to read them again")


@pytest.mark.anyio
async def test_a_token_lets_one_key_in_under_one_name(pair: Net) -> None:
    alpha = pair.workspaces["alpha"]
    word, token = await asyncio.to_thread(invite, alpha, Link(), "gamma")
    assert decode_token(word) == token and token.seed not in (pair.files.accounts.read_text())
    refused: list[str] = []
    server = member(alpha).server

    async def let_in() -> bool:
        try:
            async with connected(server, Key(token.seed.encode()), f"{JOIN_INBOX}.gamma") as (client, _):

                async def note(error: Exception) -> None:
                    refused.append(str(error))

                client._error_cb = note
                for subject in (pair.names.join("delta"), pair.names.to("alpha", "gamma"), pair.names.sight("gamma")):
                    await client.publish(subject, b"x")
                await client.subscribe(pair.names.sight("*"))
                await client.flush()
                await pair.until(lambda: len(refused) == 4)
                unsigned = JoinRequest(make_key(pair.place / "other.key").public)
                answer = await client.request(pair.names.join("gamma"), msgspec.json.encode(unsigned), timeout=10)
                assert b"did not sign" in answer.data
            return True
        except Refused:
            return False

    await pair.until(let_in, "the server follows the accounts")
    await pair.joined(pair.make("gamma"), token)
    await pair.until(lambda: read_accounts(pair.files.directory).invitation("gamma") is None)
    with pytest.raises(Refused, match="it was used"):
        await asyncio.to_thread(join, pair.make("delta"), token)


def test_a_token_that_is_over_or_broken_is_told_apart() -> None:
    token = Token("shop", "beta", "alpha", ("nats://127.0.0.1:4222",), "SU", time.time() + 10)
    word = encode_token(token)
    assert decode_token(f" {word[:40]}\n{word[40:]} ") == token
    for wrong in ("", "hello", word[:-10], joining.MARK):
        with pytest.raises(UsageError):
            decode_token(wrong)
    with pytest.raises(Refused, match="has expired"):
        decode_token(encode_token(msgspec.structs.replace(token, until=time.time() - 1)))


def test_admission_is_once_and_by_the_key_that_signs(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "alpha", [("writer", "agents/writer")])
    found_link(workspace, Link(), host="alpha")
    place = server_place(workspace)
    key, other = make_key(tmp_path / "one.key"), make_key(tmp_path / "two.key")

    def request(key: Key) -> JoinRequest:
        return JoinRequest(key.public, "", key.sign(signed_part("beta", key.public, "")))

    with pytest.raises(Refused, match="was used, withdrawn, or has expired"):
        joining.admitted(place, "beta", request(key))
    invite(workspace, Link(), "beta")
    joining.admitted(place, "beta", request(key))
    assert joining.admitted(place, "beta", request(key)).key == key.public, "asked again: the answer was lost"
    with pytest.raises(Refused, match="was used"):
        joining.admitted(place, "beta", request(other))
    with pytest.raises(Refused, match="there is a host beta"):
        invite(workspace, Link(), "beta")


def test_accounts_forget_tokens_that_are_over() -> None:
    past, future = time.time() - 1, time.time() + 100
    made = Accounts().with_invitation(Invitation("beta", "U1", past)).with_invitation(Invitation("gamma", "U2", future))
    assert made.invitation("beta") is None and made.invitation("gamma") is not None
    made = made.with_host(HostAccount("beta", "U3")).with_revoked("beta")
    assert made.host("beta") == HostAccount("beta", "U3", revoked=True)
    assert [one.host for one in made.without_invitation("gamma").invitations] == []


def test_a_link_is_founded_once_and_listens_where_it_did(tmp_path: Path) -> None:
    workspace = create_workspace(tmp_path / "My Shop", [("writer", "agents/writer")])
    made = found_link(workspace, Link(), host="alpha")
    assert made.project == "my-shop" and made.server[0].startswith("nats://127.0.0.1:")
    assert found_link(workspace, Link()) == made
    place = server_place(workspace)
    open_ = found_link(workspace, Link(listen="0.0.0.0:4333"))
    assert open_.server == ("nats://127.0.0.1:4333",) and listening(place, Link()).address == "0.0.0.0:4333"
    assert (
        advertised(place, Link(), open_)[0].endswith(":4333") and "0.0.0.0" not in advertised(place, Link(), open_)[0]
    )
    assert advertised(place, Link(advertise=("hub:1",)), open_) == ("nats://hub:1",)
    with pytest.raises(Refused, match="is alpha in its link"):
        found_link(workspace, Link(), host="omega")
    with pytest.raises(UsageError, match="belong together"):
        listening(place, Link(certificate=__file__))
    assert machine_name() and reached_here("[::1]:5") == "nats://[::1]:5" and project_token("Ä") == "project"
    assert Subjects("a-b").mail_stream == "PX_A_B_TO"
    assert Membership("x", "y").role == "member"


@pytest.mark.anyio
async def test_with_a_certificate_all_is_encrypted_and_another_server_is_not_believed(net: Net) -> None:
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def certificate(name: str) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=2)).sign(key, hashes.SHA256())
        )  # fmt: skip
        paths = net.place / f"{name}.pem", net.place / f"{name}.key"
        paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return str(paths[0]), str(paths[1])

    pem, key = certificate("hub")
    net.config = Link(certificate=pem, certificate_key=key)
    net.found()
    await net.start_server()
    await net.add("beta")
    net.carry("alpha")
    net.carry("beta")
    await net.until_connected("alpha", "beta")
    net.put("beta", "alpha")
    await net.until(lambda: len(net.carried("alpha")) == 1)
    assert member(net.workspaces["beta"]).certificate.endswith("server.pem")
    server, own = member(net.workspaces["beta"]).server, load_key(link_directory(net.workspaces["beta"]) / HOST_KEY)
    with pytest.raises(MailcoreError, match=r"(?i)certificate"):
        async with connected(server, own, inbox_of("beta"), certificate=certificate("another")[0]):
            pass


@pytest.mark.anyio
@pytest.mark.parametrize(("resets", "raised"), [(0, Refused), (2, Refused), (9, MailcoreError)])
async def test_what_a_server_says_of_a_key_is_heard_though_it_resets_the_connection(
    tmp_path: Path, resets: int, raised: type[MailcoreError]
) -> None:
    """A server that closes while something of the client's is unread resets: its last word may be lost with that."""
    came = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal came
        came += 1
        writer.write(b'INFO {"server_id":"x","version":"2.10.0","nonce":"abc","max_payload":1048576}\r\n')
        await reader.readline()
        if came <= resets:
            opened = writer.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            writer.write(b"-ERR 'Authorization Violation'\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(MailcoreError) as caught:
            async with connected([f"nats://127.0.0.1:{port}"], make_key(tmp_path / "key"), "_INBOX.x"):
                pass
    assert type(caught.value) is raised and came == min(resets + 1, 4)
