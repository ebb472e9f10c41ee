"""Hosts on this machine: each with its own network, processes, mounts, home and clock; a cable that can be pulled.

A host is a first process in namespaces of its own. Its end is that of everything in it, as if the power had gone: no
name, mount, network device or process remains, also where the tests themselves are killed. The cables meet in a bridge
in a network namespace that belongs to nobody else, so nothing of this machine's own network is touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import ROOT
from tests.mailcore.conftest import wait_until

NET = "10.77.0"
NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
SHIM = ROOT / "tests" / "mailcore" / "moved_clock.c"
PR_SET_PDEATHSIG = 1
BOOT = "/proc/sys/kernel/random/boot_id"
_STARTER = ThreadPoolExecutor(1, thread_name_prefix="power")
"""Starts the first processes: each ends with the thread that started it, and this one goes on until we end."""
Futures = dict[int, Future[dict[str, Any]]]
"""Answers that are awaited, by the number of what was asked."""


@dataclass(frozen=True)
class Done:
    """How a command of `mailcore` ended, with times of the machine's clock."""

    status: int
    out: str
    err: str
    began: float
    ended: float

    @property
    def value(self) -> Any:
        """What it said with `--json`."""
        return json.loads(self.out)


class Host:
    """One machine of the lab; off until `power_on`."""

    def __init__(self, name: str, number: int, directory: Path, disk: str = "") -> None:
        self.name = name
        self.address = f"{NET}.{number}"
        self.card = f"02:00:00:00:00:{number:02x}"
        self.directory = directory
        self.root = directory / "team"
        self._disk = disk
        self._moved = directory.with_name(f"{name}.moved")
        self._init: subprocess.Popen[bytes] | None = None
        self._waiting: Futures = {}
        self._ends: Futures = {}
        self._lock = threading.Lock()
        self._asked = 0
        self.pid = 0
        """Of its first process, in our numbers."""

    def power_on(self, shim: Path | None) -> None:
        """Its first process, which then waits for commands; its files are those of before."""
        self.directory.mkdir(exist_ok=True)
        home = self.directory / "home"
        tmp = self.directory / "tmp"
        environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home)}
        environment |= {"TMPDIR": str(tmp), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        if shim is not None:
            environment |= {"LD_PRELOAD": str(shim), "CLOCK_MOVED": str(self._moved)}
        mount = f"mount -t tmpfs -o size={self._disk} none {self.directory} && " if self._disk else ""
        # Each start is another boot, so that what the one before left behind is known to be dead.
        boot = f"cat /proc/sys/kernel/random/uuid > {tmp}/boot && mount --bind {tmp}/boot {BOOT}"
        line = f"{mount}mkdir -p {home} {tmp} && {boot} && exec {sys.executable} -m tests.faults.link_init"
        with self.directory.with_name(f"{self.name}.errors").open("ab") as errors:
            init = _STARTER.submit(
                subprocess.Popen,
                [*NAMESPACES, "sh", "-c", line],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                preexec_fn=_end_with_parent,
            ).result()
        ready: Future[dict[str, Any]] = Future()
        # Those of this life: the thread of the one before may still be at its end.
        waiting: Futures = {0: ready}
        ends: Futures = {}
        threading.Thread(target=self._listen, args=(init, waiting, ends), daemon=True).start()
        ready.result(120)
        self.pid = int(Path(f"/proc/{init.pid}/task/{init.pid}/children").read_text().split()[0])
        with self._lock:
            self._waiting, self._ends, self._init = waiting, ends, init

    def power_off(self) -> None:
        """Everything on it ends at once; its disk keeps what was written, save where it is one of its own."""
        with self._lock:
            init, self._init = self._init, None
        if init is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        init.wait(30)
        for pipe in (init.stdin, init.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()

    @property
    def has_own_disk(self) -> bool:
        return bool(self._disk)

    @property
    def is_on(self) -> bool:
        return self._init is not None

    def outside(self, path: Path) -> Path:
        """That file of the host, as we can open it: its disk may be one that only it sees."""
        return Path(f"/proc/{self.pid}/root{path}") if self._disk and self.is_on else path

    def begin(self, *words: str, cwd: Path | None = None, **environment: str) -> Future[Done]:
        """`mailcore WORDS` there, in its workspace or in `cwd`. Cancelled where the host goes off meanwhile."""
        return self._begin({"words": words, "cwd": str(cwd or self.root), "environment": environment})

    def begin_program(self, program: str) -> Future[Done]:
        """A program in Python there, in its workspace, without the start of an interpreter."""
        return self._begin({"program": program, "cwd": str(self.root), "environment": {}})

    def _begin(self, request: dict[str, Any]) -> Future[Done]:
        told: Future[Done] = Future()
        raw = self._ask(request)

        def tell(ended: Future[dict[str, Any]]) -> None:
            if ended.cancelled():
                told.cancel()
            else:
                said = ended.result()
                told.set_result(Done(*(said[name] for name in ("status", "out", "err", "began", "ended"))))

        raw.add_done_callback(tell)
        return told

    def mailcore(self, *words: str, cwd: Path | None = None, timeout: float = 180, **environment: str) -> Done:
        """`begin`, awaited."""
        return self.begin(*words, cwd=cwd, **environment).result(timeout)

    def well(self, *words: str, cwd: Path | None = None, timeout: float = 180) -> Done:
        """`mailcore`, which has to succeed."""
        done = self.mailcore(*words, cwd=cwd, timeout=timeout)
        assert done.status == 0, f"{self.name}: mailcore {' '.join(words)}: {done.status}\n{done.out}{done.err}"
        return done

    def start(self, argv: Sequence[str], log: str, cwd: Path | None = None) -> Process:
        """A process that goes on there; what it prints is in the file `log` of the host's directory."""
        request = {"argv": list(argv), "cwd": str(cwd or self.root), "environment": {}}
        ended: Future[dict[str, Any]] = Future()
        raw = self._ask(request | {"log": str(self.directory / log)}, ended)
        return Process(self, int(raw.result(120)["pid"]), self.directory / log, ended)

    def run(self, *argv: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Any command in its namespaces, as root."""
        inside = ["nsenter", "--net", "--mount", "--pid", "-t", str(self.pid), *argv]
        return subprocess.run(inside, capture_output=True, text=True, timeout=timeout)

    def signal(self, pid: int, number: int) -> None:
        """To a process of its own, by its number there."""
        self.run("kill", f"-{number}", str(pid))

    def move_clock(self, seconds: int) -> None:
        """From now on its clock is so much ahead."""
        self._moved.write_text(str(seconds))

    def _ask(self, request: dict[str, Any], ended: Future[dict[str, Any]] | None = None) -> Future[dict[str, Any]]:
        future: Future[dict[str, Any]] = Future()
        with self._lock:
            init = self._init
            if init is None:
                future.cancel()
                return future
            self._asked += 1
            self._waiting[self._asked] = future
            if ended is not None:
                self._ends[self._asked] = ended
            assert init.stdin is not None
            try:
                init.stdin.write(json.dumps(request | {"n": self._asked}).encode() + b"\n")
                init.stdin.flush()
            except (OSError, ValueError):
                self._waiting.pop(self._asked, None)
                future.cancel()
        return future

    def _listen(self, init: subprocess.Popen[bytes], waiting: Futures, ends: Futures) -> None:
        assert init.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in init.stdout:
                said = json.loads(line)
                ended = ends.pop(said["n"], None) if "status" in said else None
                (ended or waiting.pop(said["n"])).set_result(said)
        with self._lock:
            for future in [*waiting.values(), *ends.values()]:
                future.cancel()
            waiting.clear()
            ends.clear()


@dataclass(frozen=True)
class Process:
    """What was started on a host."""

    host: Host
    pid: int
    """There."""
    log: Path
    ended: Future[dict[str, Any]]

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.host.signal(self.pid, number)

    def said(self) -> str:
        """What it printed until now."""
        return self.host.outside(self.log).read_text(errors="replace")


class Lab:
    """Hosts, and the cables between them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.hosts: dict[str, Host] = {}
        self._shim: Path | None = None
        self._switch = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], preexec_fn=_end_with_parent)
        _wait_for_namespace(self._switch.pid)
        self._ip("link", "add", "switch", "type", "bridge")
        self._ip("link", "set", "switch", "up")

    def add(self, name: str, disk: str = "") -> Host:
        """One more host, switched on and wired; with `disk`, its directory is a file system of that size."""
        host = Host(name, len(self.hosts) + 1, self.directory / name, disk)
        self.hosts[name] = host
        self.switch_on(host)
        return host

    def switch_on(self, host: Host) -> None:
        host.power_on(self._shim)
        # The card stays that of the host: by another one the rest would not reach it, until they forget the first.
        peer = ("name", "eth0", "address", host.card, "netns", str(host.pid))
        self._ip("link", "add", f"to-{host.name}", "type", "veth", "peer", *peer)
        self._ip("link", "set", f"to-{host.name}", "master", "switch", "up")
        for words in ("link set lo up", f"addr add {host.address}/24 dev eth0", "link set eth0 up"):
            done = host.run("ip", *words.split())
            assert done.returncode == 0, done.stderr

    def switch_off(self, host: Host) -> None:
        """As if the power had gone."""
        host.power_off()
        self._ip("link", "del", f"to-{host.name}", check=False)

    def cut(self, *names: str) -> None:
        """Pull the cables of these hosts: nobody hears them, nor they anybody, and no connection is told so.

        One that has no power has no cable either.
        """
        self._plug(names, "down")

    def mend(self, *names: str) -> None:
        self._plug(names or tuple(self.hosts), "up")

    def _plug(self, names: tuple[str, ...], state: str) -> None:
        line = "; ".join(f"ip link set to-{name} {state}" for name in names)
        subprocess.run(["nsenter", "--net", "-t", str(self._switch.pid), "sh", "-c", line], capture_output=True)

    def with_clocks(self) -> None:
        """Hosts that are added from now on have clocks that can be moved; skips the test without a compiler."""
        shim = self.directory / "moved_clock.so"
        build = ["cc", "-shared", "-fPIC", "-o", str(shim), str(SHIM), "-ldl"]
        try:
            subprocess.run(build, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no compiler for the shim before the clock: {error}")
        self._shim = shim

    def keep_disks(self) -> None:
        """Copy what lies on the hosts' own disks, which go with them: `NAME.disk`."""
        for host in self.hosts.values():
            if host.has_own_disk and host.is_on:
                host.run("cp", "-a", str(host.directory), str(host.directory.with_name(f"{host.name}.disk")))

    def end(self) -> None:
        for host in self.hosts.values():
            host.power_off()
        self._switch.kill()
        self._switch.wait(10)

    def _ip(self, *words: str, check: bool = True) -> None:
        inside = ["nsenter", "--net", "-t", str(self._switch.pid), "ip", *words]
        done = subprocess.run(inside, capture_output=True, text=True)
        if check and done.returncode:
            raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def possible() -> str:
    """Why there can be no lab here; empty if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        probe = "ip link add name probe type bridge && ip link add left type veth peer name right"
        tried = subprocess.run([*NAMESPACES, "sh", "-c", probe], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"no namespaces here: {error}"
    return f"no namespaces here: {tried.stderr.strip()}" if tried.returncode else ""


@contextlib.contextmanager
def lab(directory: Path) -> Iterator[Lab]:
    """A lab that is gone afterwards; skips the test, saying why, where there can be none."""
    if why := possible():
        pytest.skip(why)
    made = Lab(directory)
    try:
        yield made
    finally:
        made.end()


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _wait_for_namespace(pid: int) -> None:
    """Until that process has left our network."""
    ours = Path("/proc/self/ns/net").stat().st_ino
    wait_until(lambda: Path(f"/proc/{pid}/ns/net").stat().st_ino != ours, 10, "a network namespace of its own")
