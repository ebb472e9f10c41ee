"""The lab does what it says: hosts hear each other, a pulled cable is silence, the power goes, clocks differ."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import ROOT
from tests.faults.link_lab import BOOT, Host, Lab, lab, possible

Wait = Callable[[Callable[[], object], float, str], None]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Lab]:
    """Two hosts that hear each other, with clocks that can be moved; @writer on each."""
    with lab(tmp_path) as made:
        made.with_clocks()
        for name, disk in (("alpha", ""), ("beta", "16m")):
            host = made.add(name, disk)
            host.run("mkdir", str(host.root))
            host.well("init", ".", "--agent", "writer=agents/writer")
        yield made


def hears(host: Host, other: Host) -> bool:
    asked = f"import socket; socket.create_connection(('{other.address}', 4222), 0.5)"
    return host.run(sys.executable, "-c", asked).returncode == 0


def test_the_lab(two: Lab, wait_until: Wait) -> None:
    alpha, beta = two.hosts["alpha"], two.hosts["beta"]

    # Commands run there, as whoever is in the directory.
    sent = alpha.well("send", "@operator", "subject", "body", "--json", cwd=alpha.root / "agents" / "writer")
    assert sent.value["delivered"], sent.out
    assert sent.began < sent.ended < time.monotonic()

    # The network is their own, and goes and comes with the cable.
    listen = "import socket; s = socket.create_server(('', 4222))\nwhile True: s.accept()"
    server = beta.start([sys.executable, "-c", listen], "server.log")
    wait_until(lambda: hears(alpha, beta), 20, "alpha hears beta")
    two.cut("beta")
    assert not hears(alpha, beta)
    two.mend()
    wait_until(lambda: hears(alpha, beta), 20, "alpha hears beta again")
    assert subprocess.run(["ip", "route", "get", beta.address], capture_output=True, text=True).stdout.count("to-") == 0

    # A process there can be killed, and its end is told.
    server.kill()
    assert server.ended.result(20)["status"] == -signal.SIGKILL
    assert not hears(alpha, beta)

    # Clocks are each host's own.
    alpha.move_clock(600)
    clock = [sys.executable, "-c", "import time; print(time.time())"]
    told = alpha.start(clock, "clock.log")
    told.ended.result(20)
    assert 590 < float(told.said()) - time.time() < 610

    # A disk of its own can be full, and only it is.
    full = beta.run("sh", "-c", f"head -c 32M /dev/zero > {beta.directory}/filler")
    assert "No space" in full.stderr
    refused = beta.mailcore("send", "@operator", "subject", "body", cwd=beta.root / "agents" / "writer")
    assert refused.status != 0
    alpha.well("send", "@operator", "other subject", "body", cwd=alpha.root / "agents" / "writer")

    # The power goes: what ran has ended, what is asked is never answered, the disk is there.
    boot, card = alpha.run("cat", BOOT).stdout, alpha.run("ip", "-br", "link", "show", "eth0").stdout.split()[2]
    sleeper = alpha.start(["sleep", "1000"], "sleep.log")
    asked = alpha.begin("watch")
    two.switch_off(alpha)
    wait_until(lambda: asked.cancelled() and sleeper.ended.cancelled(), 20, "the host is off")
    two.switch_on(alpha)
    assert "sleep" not in alpha.run("ps", "ax").stdout
    boots = {host.run("cat", BOOT).stdout for host in (alpha, beta)} | {Path(BOOT).read_text(), boot}
    assert len(boots) == 4
    assert card in alpha.run("ip", "-br", "link", "show", "eth0").stdout, "the others know it by its network card"
    shown = alpha.well("inbox", "@operator", "--json", "--from", "@operator")
    assert len(shown.value) == 2, shown.out


def test_nothing_remains_of_a_lab_that_was_killed(tmp_path: Path, wait_until: Wait) -> None:
    if why := possible():
        pytest.skip(why)
    mark = f"4321.{tmp_path.stat().st_ino}"
    program = f"""
import signal, sys
from pathlib import Path
from tests.faults.link_lab import Lab
host = Lab(Path({str(tmp_path)!r})).add("alpha", "16m")
print(host.start(["sleep", {mark!r}], "sleep.log", host.directory).pid, flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE) as made:
        try:
            assert made.stdout is not None and made.stdout.readline()
            wait_until(lambda: marked(mark), 20, "it runs in the host")
        finally:
            made.kill()
    wait_until(lambda: not marked(mark), 20, "everything in the host ended")
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


def marked(mark: str) -> list[str]:
    """Processes with that word."""
    found = subprocess.run(["pgrep", "-f", f"^sleep {mark}"], capture_output=True, text=True)
    return found.stdout.split()


def test_a_host_goes_on_when_the_thread_that_switched_it_on_has_ended(tmp_path: Path) -> None:
    with lab(tmp_path) as made:
        alpha = made.add("alpha")
        made.switch_off(alpha)
        thread = threading.Thread(target=made.switch_on, args=(alpha,))
        thread.start()
        thread.join(60)
        assert alpha.mailcore("--version", cwd=alpha.directory).status == 0
