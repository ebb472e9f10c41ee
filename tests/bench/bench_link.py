"""Prints the figures of mail between hosts beside JetStream alone and beside `mailcore send` over ssh.

Run it as `python -m tests.bench.bench_link [--turns 100] [--sustained 5000] [--backlog 10000] …`. Two workspaces of
this machine are two hosts of a link, over loopback; server, links and files are the real ones, each mail is on disk at
either end before that is said. ssh takes part where sshd is installed, an own one on loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mailcore.hosts import channel
from mailcore.hosts.directory import read_hosts
from mailcore.hosts.link_status import read_link_status
from mailcore.mail import post
from mailcore.model.agent import Agent
from mailcore.workspace import create
from mailcore.workspace.find import Workspace, workspace_at
from tests.bench import link_rivals
from tests.bench.asked import ask
from tests.bench.process_figures import cpu, resident

BODY = "m" * 600
AMOUNTS = argparse.Namespace(turns=100, commands=10, sustained=5_000, writers=4, backlog=10_000, agents=20)
WITHIN = 120.0
PROGRAM = Path(sys.executable).with_name("mailcore")
SIZE_OF_ENVELOPE = 1_300
_COUNTER = re.compile(rb'"total_messages": (\d+)')


def wait(condition: Callable[[], object], why: str, within: float = WITHIN) -> None:
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(why)
        time.sleep(0.002)


class Pair:
    """Two hosts: alpha, the hub, and beta, with agents that get mail."""

    def __init__(self, directory: Path) -> None:
        names = [(f"a{number:02}", f"agents/a{number:02}") for number in range(AMOUNTS.agents)]
        self.alpha, self.beta = (create.create_workspace(directory / name, names) for name in ("alpha", "beta"))
        for workspace in (self.alpha, self.beta):
            workspace.config_file.write_text("[errors]\nwatch = false\n")
        self._log = (directory / "link.log").open("wb")
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def begin(self) -> None:
        """Link them."""
        self.processes["alpha"] = self._run(self.alpha, "serve", "--host", "alpha", "--listen", "127.0.0.1:0")
        self._wait_for_connection(self.alpha)
        token = json.loads(self.mailcore(self.alpha, "link", "invite", "beta", "--json"))["token"]
        self.mailcore(self.beta, "link", "join", token)
        self.start_beta()
        wait(lambda: any(record.agents for record in read_hosts(self.alpha)), "beta told who its agents are")

    def start_beta(self) -> None:
        self.processes["beta"] = self._run(self.beta, "run")
        self._wait_for_connection(self.beta)

    def stop_beta(self) -> None:
        self.processes["beta"].terminate()
        self.processes["beta"].wait(30)

    def end(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(30)
        self._log.close()

    def mailcore(self, workspace: Workspace, *words: str) -> bytes:
        line: list[str | Path] = [PROGRAM, "-C", str(workspace.root), *words, "--from", "@operator"]
        return subprocess.run(line, check=True, capture_output=True).stdout

    def arrived(self) -> int:
        """How much lies in all of beta's mailboxes."""
        return sum(count(agent) for agent in self.beta.agents)

    def settle(self) -> None:
        """Until nothing is on its way, receipts among it."""
        for one, other in ((self.alpha, "beta"), (self.beta, "alpha")):
            wait(lambda one=one, other=other: not channel.waiting(one, other).count, "nothing waits")  # type: ignore[misc]

    def each(self, figure: Callable[[int], float]) -> dict[str, float]:
        """A figure of each process of the link."""
        pids = {f"link of {name}": process.pid for name, process in self.processes.items()}
        status = read_link_status(self.alpha)
        if status is not None and status.report is not None:
            pids["server"] = status.report.server_pid
        return {name: figure(pid) for name, pid in pids.items()}

    def memory_text(self) -> str:
        """Megabytes of each process of the link."""
        return "; ".join(f"{name} {size:.0f} MB" for name, size in self.each(resident).items())

    def _run(self, workspace: Workspace, *words: str) -> subprocess.Popen[bytes]:
        line: list[str | Path] = [PROGRAM, "-C", str(workspace.root), "link", *words, "--from", "@operator"]
        return subprocess.Popen(line, stdout=self._log, stderr=self._log)

    def _wait_for_connection(self, workspace: Workspace) -> None:
        def connected() -> bool:
            status = read_link_status(workspace)
            return status is not None and status.is_connected

        wait(connected, "a connection to the server")


def count(agent: Agent) -> int:
    """Mails in a mailbox, by the counter at the head of its file: to read more would cost those who are measured."""
    try:
        with agent.inbox.open("rb") as file:
            found = _COUNTER.search(file.read(256))
    except FileNotFoundError:
        return 0
    assert found is not None, agent.inbox
    return int(found[1])


def send(workspace: Workspace, to: str, subject: str) -> None:
    (sent,) = post.send_mail(workspace, "@a00", [to], subject, BODY)
    assert not sent.error, sent.error


def figures(label: str, seconds: Sequence[float]) -> None:
    """Median and p95 in milliseconds."""
    ordered = sorted(seconds)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    print(f"{label:<74}median {statistics.median(ordered) * 1000:8.2f} ms   p95 {p95 * 1000:8.2f} ms", flush=True)


def one_by_one(pair: Pair) -> None:
    """Each mail when the one before is there."""
    there = pair.beta.agent("@a01")
    took, said = [], []
    for number in range(AMOUNTS.turns):
        before, began = there.inbox.stat().st_mtime_ns if there.inbox.exists() else 0, time.perf_counter()
        send(pair.alpha, "@a01.beta", f"one {number}")
        said.append(time.perf_counter() - began)
        wait(lambda before=before: there.inbox.exists() and there.inbox.stat().st_mtime_ns != before, "the mail")  # type: ignore[misc]
        took.append(time.perf_counter() - began)
    figures("link: send → on disk here, and said", said)
    figures("link: send → in the mailbox there (wanted: p95 60 ms)", took)
    pair.settle()


def by_command(pair: Pair, directory: Path) -> None:
    """`mailcore send` as a command: over the link until it is there, and over ssh."""
    there = pair.beta.agent("@a02")
    took: list[float] = []
    for number in range(AMOUNTS.commands):
        before, began = count(there), time.perf_counter()
        pair.mailcore(pair.alpha, "send", "@a02.beta", f"command {number}", BODY)
        wait(lambda before=before: count(there) > before, "the mail")  # type: ignore[misc]
        took.append(time.perf_counter() - began)
    figures("link: the command → in the mailbox there", took)
    try:
        with link_rivals.ssh_server(directory) as ssh:
            for label, words in (("", ssh), (", over a connection that is kept", link_rivals.shared(ssh, directory))):
                over = [
                    link_rivals.send_over_ssh(
                        words, PROGRAM, pair.beta.root, "@a00.beta", f"ssh {label} {number}", BODY
                    )
                    for number in range(AMOUNTS.commands)
                ]
                figures(f"ssh: the command → in the mailbox there{label}", over)
            link_rivals.close_shared(words)
    except FileNotFoundError as why:
        print(f"ssh takes no part: {why}", flush=True)


def writer(root: Path, amount: int, part: str) -> None:
    """A process that sends so many, over all agents, once it is told to on its input; says what CPU time that took."""
    workspace = workspace_at(root)
    send(workspace, "@a00.beta", f"{part}.first")
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.process_time()
    for number in range(1, amount):
        send(workspace, f"@a{number % AMOUNTS.agents:02}.beta", f"{part}.{number}")
    print(time.process_time() - began, flush=True)


class Writers:
    """Processes that are ready to send as fast as they can."""

    def __init__(self, pair: Pair, amount: int, label: str) -> None:
        line = [sys.executable, "-m", "tests.bench.bench_link", "writer", str(pair.alpha.root), str(AMOUNTS.agents)]
        each = str(amount // AMOUNTS.writers)
        self._running = [
            subprocess.Popen([*line, each, f"{label}{part}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for part in range(AMOUNTS.writers)
        ]
        assert all(process.stdout is not None and process.stdout.readline() for process in self._running)

    def send(self) -> float:
        """Send all; when that is on disk here, the seconds of CPU time that it took them together."""
        for process in self._running:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        said = [process.communicate(timeout=600)[0] for process in self._running]
        return sum(map(float, said))


def sustained(pair: Pair) -> None:
    """All at once, until the last is in its mailbox."""
    amount = AMOUNTS.sustained // AMOUNTS.writers * AMOUNTS.writers
    before, most = pair.arrived(), amount
    writers = Writers(pair, amount, "s")
    amount -= AMOUNTS.writers  # each sent one before it was ready
    wait(lambda: pair.arrived() - before >= AMOUNTS.writers, "the first arrived")
    pair.settle()
    used, began = pair.each(cpu), time.perf_counter()
    of_writers = writers.send()
    stored = time.perf_counter() - began
    wait(lambda: pair.arrived() - before >= most, f"all {most} arrived", 600)
    took = time.perf_counter() - began
    print(f"link: {amount:,} mails of {AMOUNTS.writers} processes: on disk here after {stored:.1f} s, all there after "
          f"{took:.1f} s: {amount / took:.0f} mails/s (wanted: 500)", flush=True)  # fmt: skip
    pair.settle()
    shares = {"writers": of_writers, **{name: now - used[name] for name, now in pair.each(cpu).items()}}
    shares["together"] = sum(shares.values())
    texts = (f"{name} {1000 * seconds / max(amount, 1):.2f}" for name, seconds in shares.items())
    print(f"link: CPU ms a mail: {'; '.join(texts)}", flush=True)


def backlog(pair: Pair) -> None:
    """What was sent while the other host was away."""
    amount = AMOUNTS.backlog // AMOUNTS.writers * AMOUNTS.writers
    pair.stop_beta()
    before = pair.arrived()
    Writers(pair, amount, "b").send()
    began = time.perf_counter()
    pair.start_beta()
    wait(lambda: pair.arrived() - before >= amount, f"all {amount} arrived", 600)
    took = time.perf_counter() - began
    print(f"link: a backlog of {amount:,} mails: all there {took:.1f} s after the host came back "
          "(wanted: 30 s)", flush=True)  # fmt: skip
    began = time.perf_counter()
    pair.settle()
    print(f"link: and {time.perf_counter() - began:.1f} s later their senders know it", flush=True)


def raw(directory: Path) -> None:
    """JetStream alone."""
    with link_rivals.nats_server(directory) as (url, pid):
        found = asyncio.run(link_rivals.measure_raw(url, AMOUNTS.turns, AMOUNTS.sustained, SIZE_OF_ENVELOPE))
        figures("JetStream: publish → acknowledged", found.acknowledged)
        figures("JetStream: publish → at the consumer", found.consumed)
        print(f"JetStream: {AMOUNTS.sustained:,} messages, 256 on their way: {found.rate:.0f} a second", flush=True)
        print(f"JetStream: server {resident(pid):.0f} MB", flush=True)


@contextlib.contextmanager
def pair_in(directory: Path) -> Iterator[Pair]:
    pair = Pair(directory)
    try:
        pair.begin()
        yield pair
    finally:
        pair.end()


def main() -> None:
    """Everything, each beside what it is compared with."""
    with tempfile.TemporaryDirectory(prefix="link-") as name:
        directory = Path(name)
        for part in ("raw", "ssh"):
            (directory / part).mkdir(mode=0o700)
        raw(directory / "raw")
        with pair_in(directory) as pair:
            one_by_one(pair)
            by_command(pair, directory / "ssh")
            print(pair.memory_text(), flush=True)
            sustained(pair)
            backlog(pair)
            print(f"{pair.memory_text()} (wanted: 60 MB)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["writer"]:
        AMOUNTS.agents = int(sys.argv[3])
        writer(Path(sys.argv[2]), int(sys.argv[4]), sys.argv[5])
    else:
        ask(AMOUNTS, __doc__)
        os.environ["PATH"] = f"{link_rivals.server_program().parent}:{os.environ['PATH']}"
        main()
