"""Completion as a person has it: Tab pressed in a real bash, zsh and fish, on a terminal whose screen is read."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pyte
import pytest

from tests.mailcore.conftest import House

BIN = Path(sys.executable).parent
PROMPT = "prompt>"
HOSTILE = "%F{red}$(touch owned) `touch owned`;touch owned\n\x1b]0;owned\x07\r'\"\\ \tfiles ${(e):-x} \\x07 !! *"
"""What expands, ends a quote or steers a terminal in one shell or another."""


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell without its user's settings, and how it is given the script for now."""

    words: tuple[str, ...]
    take: str


SHELLS = {
    "bash": Shell(("bash", "--norc", "--noprofile", "-i"), 'eval "$({} completion bash)"'),
    "zsh": Shell(("zsh", "-f", "-i"), "autoload -U compinit; compinit -u -D; source <({} completion zsh)"),
    "fish": Shell(
        ("fish", "-N", "-P", "-i"), f"function fish_prompt; echo '{PROMPT} '; end; {{}} completion fish | source"
    ),
}


@pytest.fixture
def mailed(house: House) -> House:
    """A mail to the operator, and one whose subject and sender are hostile; a file whose name is."""
    house.json("send", "@operator", "Style: which?", "British.", "--from", "@editor")
    path = house.workspace.operator.inbox
    box = json.loads(path.read_text())
    for number, sender in ((2, "@lead"), (3, HOSTILE)):
        box["messages"].append({**box["messages"][0], "id": f"0a{number}", "seq": number, "from": sender})
        box["messages"][-1]["subject"] = HOSTILE
    path.write_text(json.dumps(box))
    (house.root / "notes $(touch owned) 'a' \"b\";.txt").write_text("the text of the file")
    return house


class Prompt:
    """A shell at its prompt, in which something is typed and whose screen is read."""

    def __init__(self, shell: Shell, at: Path, command: str) -> None:
        env = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "XDG_"))}
        env |= {"PATH": f"{BIN}:{env['PATH']}", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "INPUTRC": "/dev/null"}
        env |= {"PS1": f"{PROMPT} ", "HOME": str(at.parent)}
        self._screen = pyte.Screen(100, 40)
        self._stream = pyte.Stream(self._screen)
        self.written = ""
        self.process = pexpect.spawn(
            shell.words[0], [*shell.words[1:]], cwd=str(at), env=env, encoding="utf-8", dimensions=(40, 100)
        )
        self.types(f"{shell.take.format(command)}\r")
        self.begins()

    def types(self, text: str) -> None:
        self.process.send(text)

    def screen(self) -> str:
        """What stands on the terminal now."""
        with suppress(pexpect.TIMEOUT):
            read = self.process.read_nonblocking(65536, 0.05)
            self.written += read
            self._stream.feed(read)
        return "\n".join(row.rstrip() for row in self._screen.display)

    def until(self, *wanted: str) -> str:
        """The screen, once all of these stand on it."""
        return self._once(lambda screen: all(one in screen for one in wanted), str(wanted))

    def begins(self) -> None:
        """An empty line at a prompt: what stood on it is given up."""
        self.types("\x15clear\r")
        self._once(lambda screen: screen.strip() == PROMPT, PROMPT)

    def _once(self, reached: Callable[[str], bool], wanted: str) -> str:
        deadline = time.monotonic() + 30
        while not reached(screen := self.screen()):
            assert time.monotonic() < deadline, f"{wanted} in {screen.rstrip()}"
        return screen

    def asks(self, text: str) -> None:
        """Types it on an empty line."""
        self.begins()
        self.types(text)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed: its completion is not driven here")
    return name


@contextmanager
def prompt(shell: str, house: House, command: str = "mailcore") -> Iterator[Prompt]:
    """A prompt that is still one at the end, though whatever was offered; nothing of it was executed."""
    begun = Prompt(SHELLS[shell], house.root, command)
    try:
        yield begun
        begun.asks("echo al''ive\r")
        begun.until("\nalive")
    finally:
        begun.process.close(force=True)
    assert not list(house.root.rglob("owned")) and "\x1b]0;owned" not in begun.written


def test_verbs_are_offered_with_what_they_do(shell: str, mailed: House) -> None:
    with prompt(shell, mailed) as at:
        at.asks("mailcore re\t\t")
        rows = at.until("reopen", "release").splitlines()
        assert any(row.startswith("read ") and "read messages" in row for row in rows)


def test_messages_are_offered_with_their_subjects_and_nothing_of_them_runs(shell: str, mailed: House) -> None:
    with prompt(shell, mailed) as at:
        at.asks("mailcore read \t\t")
        rows = at.until("@editor: Style: which?", "@lead: ").splitlines()
        (mine,) = [row for row in rows if "Style" in row]
        (hostile,) = [row for row in rows if "@lead" in row]
        assert mine.startswith("1 ") and "%F{red}(touch owned) touch owned;touch owned" in hostile, "on its own row"
        at.types("\t\t\t\t")  # through all of them, where the shell does that
        at.asks("mailcore read '$(touch owned)' \"\\`\" \t\t")
        at.until("Style")


def test_an_agent_is_completed_and_the_line_then_runs(shell: str, mailed: House) -> None:
    with prompt(shell, mailed) as at:
        at.asks("mailcore whoami --from @edi\t")
        at.until("--from @editor")
        at.types("--json\r")
        at.until('"address": "@editor"')
        at.asks("mailcore search nowhere --agent=@edi\t")
        at.until("--agent=@editor")
        at.asks("mailcore --from @editor sen\t\t")
        assert "send" in at.until("send ", "sent ")


def test_a_file_is_completed_whatever_it_is_called(shell: str, mailed: House) -> None:
    with prompt(shell, mailed) as at:
        at.asks("mailcore send @writer subject --from @editor --file not\t")
        at.until(".txt")
        at.types("\r")
        at.until("delivered as")
    (mail,) = mailed.inbox("@writer")
    assert mail.body == "the text of the file"


def test_the_screens_words_too(shell: str, mailed: House) -> None:
    with prompt(shell, mailed, "praxmonitor") as at:
        at.asks("praxmonitor mut\t")
        at.until("praxmonitor mute")
        at.asks("praxmonitor --theme prax-\t\t")
        assert "prax-light" in at.until("prax-dark", "prax-light")
