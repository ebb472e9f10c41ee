"""Mail for the real Codex, open in a terminal and idle: it is queued, arrives once, and the rollout proves it."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator

import pexpect
import pyte
import pytest

from tests.mailcore.conftest import wait_until
from tests.real.conftest import Lab
from tests.real.stub import Request, Step, Text
from tests.real.test_idle import arrives, given, quiet, send, sleeps

ANSWERS = {b"\x1b[6n": "\x1b[1;1R", b"\x1b[c": "\x1b[?62;c"}
"""What a terminal is asked, and says of itself."""


class CodexTerminal:
    """A person's terminal in which `codex` runs, and what it shows."""

    def __init__(self, lab: Lab) -> None:
        self._page = pyte.Screen(120, 50)
        self._stream = pyte.ByteStream(self._page)
        self._lock = threading.Lock()
        self._child: pexpect.spawn[bytes] = pexpect.spawn(
            "codex", ["--dangerously-bypass-hook-trust", "begin"], cwd=str(lab.branch),
            env=lab.environment | {"TERM": "xterm-256color"}, dimensions=(50, 120), timeout=60,
        )  # fmt: skip
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                piece = self._child.read_nonblocking(1 << 16, timeout=None)
            except (pexpect.EOF, OSError, ValueError):
                return
            for asked, answer in ANSWERS.items():
                if asked in piece:
                    self._child.send(answer)
            with self._lock:
                self._stream.feed(piece)

    @property
    def text(self) -> str:
        """All of it."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self._page.display)

    def close(self) -> None:
        """End it."""
        self._child.kill(signal.SIGKILL)
        self._thread.join(10)
        self._child.close(force=True)


@pytest.fixture
def shown(lab: Lab) -> Iterator[CodexTerminal]:
    """`codex` at work in @writer's directory, which it trusts, as it does our hooks; no run is begun for mail."""
    lab.init('program = "codex"')
    lab.shell("git init -q .")
    lab.mailcore("hooks install @writer")
    lab.mailcore("hold @writer")
    trusted = "".join(f'\n[projects."{place}"]\ntrust_level = "trusted"\n' for place in (lab.branch, lab.root))
    config = lab.home / ".codex/config.toml"
    config.write_text(config.read_text() + trusted)

    def step(request: Request) -> Step:
        titles = "format" in (request.get("text") or {})
        return Text(json.dumps({"title": "t"}) if titles else "a turn is over")

    lab.stub.plays(step)
    one = CodexTerminal(lab)
    yield one
    lab.mailcore("hooks remove @writer")
    one.close()


def test_mail_arrives_at_an_idle_session(lab: Lab, shown: CodexTerminal) -> None:
    wait_until(lambda: "a turn is over" in shown.text and sleeps(lab), 60, "it is idle")
    quiet(shown)
    # It looks into its queue every ten seconds; before that nothing of ours is in its file.
    arrives(lab, "Fire for Codex", send(lab, "Fire for Codex"), 5.0)
    assert given(lab, "Fire for Codex") == 1 and "Fire for Codex" in shown.text
