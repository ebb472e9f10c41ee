"""Hosts of the lab in one link, with agents that note their runs; clients that write down what they asked; the harvest.

What happened is one `History` of `link_history`, which judges it.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from mailcore.mail import receipts
from mailcore.mail.link_keys import BECAME
from tests.faults.link_history import NEVER, Asked, Effect, Kind, Look, Mail, Outcome, Told
from tests.faults.link_lab import Done, Host, Lab, Process

PORT = 4222
HUB = "alpha"
NAMES = (HUB, "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa")
FAILED = ("bounced", "not started")
"""What a mail says of the run of a task that came to nothing."""
REFUSED = 3
"""The exit status of a command that was refused."""

KEY = re.compile(r"k-[a-z]+-[0-9]-[0-9]+")
"""The subjects of what the clients send."""

PROGRAM = """
import json, os, re, sys, time
from pathlib import Path
print("up", flush=True)
task = re.search(r"message (\\w+)", sys.argv[1])
if task:
    box = json.loads(Path(".ai_mail.local/inbox.json").read_bytes())
    keys = [mail["subject"] for mail in box["messages"] if mail["id"] == task[1]]
    line = json.dumps({"key": keys[0] if keys else "?" + task[1], "agent": Path.cwd().name, "at": time.monotonic()})
    with open(os.environ["RUNS"], "a") as runs:
        runs.write(line + "\\n")
print("done", flush=True)
"""
"""What each agent is: it writes down which task it runs. Its clock is the machine's."""


def wait_for(condition: Callable[[], object], seconds: float, why: Callable[[], str]) -> None:
    """Return once the condition holds; AssertionError with `why` if that takes longer."""
    deadline, tick = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {why()}"
        tick.wait(0.05)


WAITING = """
from pathlib import Path
from mailcore.config import read_config_or_defaults
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.recovery import recover
from mailcore.hosts import channel
from mailcore.model.lock import Holder
from mailcore.workspace.find import find_workspace
from mailcore.workspace.lock_reader import read_lock
workspace = find_workspace(Path.cwd())
print(*(f"{n} for {to}" for to in channel.channels(workspace) if (n := channel.waiting(workspace, to).count)))
locks = {agent: read_lock(agent.dispatch_lock) for agent in workspace.agents}
dead = [agent for agent, lock in locks.items() if lock and lock.holder is Holder.DEAD]
print(*(f"{agent.address} at work" for agent, lock in locks.items() if lock))
print(*(f"{entry.agent.address} is to begin: {entry.reason}" for entry in queue.all_waiting(workspace)))
if dead:
    print(*recover(workspace, read_config_or_defaults(workspace.config_file)[0], dead))
"""
"""What a host still has to do. Whose supervisor died is seen by it, as by a screen or any command that shows agents."""


class World:
    """The link."""

    def __init__(self, lab: Lab, names: tuple[str, ...], agents: int, disks: dict[str, str] | None = None) -> None:
        self.lab = lab
        self.agents = tuple(f"a{number:02}" for number in range(agents))
        self.links: dict[str, Process] = {}
        for name in names:
            host = lab.add(name, (disks or {}).get(name, ""))
            self._make_team(host)
        hub = lab.hosts[HUB]
        self.start_link(hub)
        wait_for(lambda: self.status(hub).get("connected"), 120, self.told)
        for name in names[1:]:
            token = hub.well("link", "invite", name, "--from", "@operator", "--json").value["token"]
            lab.hosts[name].well("link", "join", token, "--from", "@operator")
            self.start_link(lab.hosts[name])

    def _make_team(self, host: Host) -> None:
        host.run("mkdir", "-p", str(host.root))
        words = [word for agent in self.agents for word in ("--agent", f"{agent}=agents/{agent}")]
        host.well("init", ".", *words)
        program = host.directory / "agent.py"
        host.outside(program).write_text(PROGRAM)
        config = f"""[agents]
program = "command"
command = ["env", "RUNS={noted(host)}", "python3", "{program}", "{{prompt}}"]
[errors]
watch = false
"""
        host.outside(host.root / ".praxmonitor").mkdir(exist_ok=True)
        host.outside(host.root / ".praxmonitor" / "config.toml").write_text(config)

    def start_link(self, host: Host) -> None:
        """Its part of the link, and on the hub the server."""
        words = ["run"]
        if host.name == HUB:
            words = ["serve", "--host", HUB, "--listen", f"{host.address}:{PORT}"]
        self.links[host.name] = host.start(["mailcore", "link", *words, "--from", "@operator"], "link.log")

    def status(self, host: Host) -> dict[str, Any]:
        """What its link says of itself; empty if it does not run."""
        try:
            value: dict[str, Any] = json.loads(host.outside(host.root / ".praxmonitor/link/status.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return value

    def knows(self) -> bool:
        """Whether each host knows the agents of all others."""
        hosts = self.lab.hosts.values()
        records = [host.outside(host.root / ".praxmonitor/link/hosts" / name / "record.json")
                   for host in hosts for name in self.lab.hosts if name != host.name]  # fmt: skip
        return all(path.exists() and json.loads(path.read_bytes()).get("agents") for path in records)

    def waiting(self) -> dict[str, str]:
        """What waits for others or is at work on each host, by host; empty where nothing is."""
        asked = {name: host.begin_program(WAITING) for name, host in self.lab.hosts.items()}
        done = {name: answer.result(180) for name, answer in asked.items()}
        return {name: words for name, said in done.items() if (words := (said.out + said.err).strip())}

    def told(self) -> str:
        """How it stands with every host, for whoever looks why something does not come about."""
        rows = [f"waiting: {self.waiting()}"]
        for name, host in self.lab.hosts.items():
            said = self.links[name].said()[-1500:] if name in self.links and host.is_on else ""
            rows.append(f"{name}: {self.status(host)}\n{said}")
        return "\n".join(rows)

    def mend(self) -> None:
        """Start what does not run."""
        for name, host in self.lab.hosts.items():
            if not host.is_on:
                self.lab.switch_on(host)
            if name not in self.links or self.links[name].ended.done():
                self.start_link(host)

    def left(self) -> dict[str, str]:
        """What is left to do, by host; empty once nothing moves any more: no envelope waits, no run is on."""
        away = {name: "away" for name, host in self.lab.hosts.items() if not self.status(host).get("connected")}
        return away | self.waiting()

    def settle(self, most: float, why: Callable[[], str]) -> None:
        """Wait until nothing is left; AssertionError with `why` if nothing changes for so many seconds.

        A machine that has other work is slow, and is no host that stands still.
        """
        before, since, tick = self.left(), time.monotonic(), threading.Event()
        while before:
            tick.wait(1.0)
            if (now := self.left()) != before:
                before, since = now, time.monotonic()
            assert time.monotonic() - since < most, f"nothing changes for {most:g} s: {before}; {why()}"


class Clients:
    """Agents of all hosts that write to agents of other hosts, each one thing after the other, and note it."""

    def __init__(self, world: World, seed: int, tasks: float = 0.1, pause: float = 0.1) -> None:
        """`tasks`: how many of what is sent are tasks, of 1. `pause`: seconds between two, of each, and for each host:
        of many hosts all together ask for no more than of few, which is what one machine can do."""
        self.asked: list[Asked] = []
        self._world, self._tasks, self._pause = world, tasks, pause * len(world.lab.hosts)
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(host, random.Random(f"{seed}.{name}.{part}"), part))
            for name, host in world.lab.hosts.items()
            for part in range(2)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask nothing more; returns when the last answer is there."""
        self._over.set()
        for thread in self._threads:
            thread.join(120)

    def _write(self, host: Host, chance: random.Random, part: int) -> None:
        others = [name for name in self._world.lab.hosts if name != host.name]
        ours = [agent for number, agent in enumerate(self._world.agents) if number % 2 == part]
        for number in count():
            if self._over.wait(chance.uniform(0, 2 * self._pause)):
                return
            sender, to = chance.choice(ours), chance.choice(self._world.agents[:8])
            kind = Kind.TASK if chance.random() < self._tasks else Kind.MAIL
            key = f"k-{host.name}-{part}-{number}"
            one = Asked(
                kind,
                key,
                f"@{sender}.{host.name}",
                f"@{to}.{chance.choice(others)}",
                f"text of {key}",
                time.monotonic(),
            )
            verb = "dispatch" if kind is Kind.TASK else "send"
            told = host.begin(verb, one.to, key, one.text, "--json", cwd=host.root / "agents" / sender)
            try:
                one = answered(one, told.result(120))
            except (CancelledError, TimeoutError):
                self._over.wait(0.5)
            self.asked.append(one)


def answered(one: Asked, done: Done) -> Asked:
    """The operation, as its command ended. A fault that is no refusal says nothing of what happened."""
    outcome = {0: Outcome.ACKNOWLEDGED, REFUSED: Outcome.REFUSED}.get(done.status, Outcome.UNKNOWN)
    ended = done.ended if outcome is not Outcome.UNKNOWN else NEVER
    return replace(one, ended=ended, outcome=outcome)


def look(world: World) -> Iterator[Look]:
    """What lies in the mailboxes of all hosts that are on."""
    for host in world.lab.hosts.values():
        for box in host.outside(host.root / "agents").glob("*/.ai_mail.local/inbox.json") if host.is_on else ():
            at = time.monotonic()
            mails = [
                Mail(raw["subject"], raw["from"], raw["message"])
                for raw in json.loads(box.read_bytes())["messages"]
                if KEY.fullmatch(raw["subject"])
            ]
            # The newest stands first, as AIPass keeps it.
            yield Look(f"@{box.parts[-3]}.{host.name}", at, tuple(reversed(mails)))


def noted(host: Host) -> Path:
    """Where the agents of a host note their runs: on no disk that the nemesis fills."""
    return host.directory.with_name(f"{host.name}.runs")


def effects(world: World) -> Iterator[Effect]:
    """The runs that began."""
    for host in world.lab.hosts.values():
        for line in noted(host).read_text().splitlines() if noted(host).exists() else ():
            run = json.loads(line)
            if KEY.fullmatch(run["key"]):  # not what woke an agent by itself, as word of a task's end
                yield Effect(run["key"], f"@{run['agent']}.{host.name}", run["at"])


def told(world: World) -> Iterator[Told]:
    """What the senders' own records say became of what they sent, and mails of the runs that came to nothing."""
    for host in world.lab.hosts.values():
        sent = {}
        for mail in _lying(host, "sent/*.json"):
            became = mail.get(BECAME, {})
            if KEY.fullmatch(mail["subject"]):
                sent[mail["id"]] = mail["subject"]
            if mail["id"] in sent and became:
                yield Told(mail["subject"], receipts.REFUSED not in became)
        for mail in [*_lying(host, "deleted/*.json"), *_lying(host, "inbox.json")]:
            if mail.get("run_ended") in FAILED and mail.get("in_reply_to") in sent:
                yield Told(sent[mail["in_reply_to"]], True, failed=True)


def _lying(host: Host, pattern: str) -> Iterator[dict[str, Any]]:
    """The mails in such files of all agents of a host."""
    for path in host.outside(host.root / "agents").glob(f"*/.ai_mail.local/{pattern}"):
        document = json.loads(path.read_bytes())
        yield from document.get("messages", [document])
