"""The terminal that this process was called at: is there one, who sits at it, and what is typed there unseen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mailcore.system.processes import environment, look, value_of

ANSWER_TIMEOUT = 2.0
"""Seconds that tmux has to answer."""


def interactive() -> bool:
    """True if the process has a controlling terminal, and reads from, writes to or complains on a terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return bool(_name())


def _name() -> str:
    """The terminal among standard input, output and error; empty if none of them is one."""
    for number in range(3):
        try:
            return os.ttyname(number)
        except OSError:
            continue
    return ""


def deserted(above: Sequence[int]) -> str:
    """Why nobody can sit at this terminal, in words; empty where somebody may.

    A session of tmux or screen to which no client is attached is looked at by nobody. `above`: the processes above this
    one, nearest first.
    """
    for below, pid in zip((os.getpid(), *above), above, strict=False):
        process = look(pid)
        if process is None:
            continue
        if process.name.startswith("tmux: server"):
            return _unattached(below)
        if process.name.lower() == "screen":
            return _detached(below)
        if process.name in SILENT:
            return f"{process.name} runs it, and does not say whether anybody is attached"
    return ""


SILENT = frozenset({"dtach", "abduco", "zellij"})
"""Servers of terminals that go on without anybody, and cannot be asked whether somebody is there."""


def _detached(window: int) -> str:
    """The same of GNU screen, of whose window `window` is a process."""
    session = value_of(environment(window) or [], "STY") or os.environ.get("STY", "")
    answer = _answer(["screen", "-ls", session]) if session else ""
    lines = [line.split() for line in answer.splitlines()]
    attached = any(line[0] == session and "(Detached)" not in line for line in lines if line)
    return "" if attached else "screen runs it, and nobody is attached to that session"


def _unattached(pane: int) -> str:
    """The same of the tmux server that started the process `pane`."""
    socket = value_of(environment(pane) or [], "TMUX").partition(",")[0] or os.environ.get("TMUX", "").partition(",")[0]
    words = ["tmux", *(("-S", socket) if socket else ()), "list-panes", "-a", "-F", "#{pane_tty} #{session_attached}"]
    answer = _answer(words)
    if not answer:
        return "tmux runs it, and does not say whether anybody is attached"
    panes = [line.split() for line in answer.splitlines()]
    if any(pane[0] == _name() and pane[1:] not in ([], ["0"]) for pane in panes if pane):
        return ""
    return "tmux runs it, and nobody is attached to that session"


def typed_at(device: str) -> float:
    """When something was typed at a terminal last, or it gained or lost the focus, in seconds since the epoch.

    The kernel notes it every 8 s at most. 0.0 where that is not known.
    """
    try:
        return Path(device).stat().st_atime
    except OSError:
        return 0.0


def focus_of_panes() -> dict[str, bool | None]:
    """The terminals of the user's own tmux → whether their panes have the focus; none where no tmux runs.

    False: another pane or window is in front, no client is attached, or its terminal lost the focus. None: its pane is
    in front, and tmux does not ask the terminal for its focus (`focus-events`). Other servers' sockets are not asked.
    """
    directory = Path(os.environ.get("TMUX_TMPDIR") or "/tmp") / f"tmux-{os.getuid()}"
    if not os.environ.get("TMUX") and not (directory / "default").is_socket():
        return {}
    panes = "p #{pane_tty} #{session_id} #{&&:#{pane_active},#{window_active}} #{focus-events}"
    clients = "c #{session_id} #{client_flags}"
    answer = _answer(["tmux", "list-panes", "-a", "-F", panes, ";", "list-clients", "-F", clients])
    rows = [row.split() for row in answer.splitlines()]
    watched = {row[1] for row in rows if row[0] == "c" and "focused" in row[2].split(",")}
    return {
        tty: (None if asks not in ("1", "on") else True) if front == "1" and session in watched else False
        for kind, tty, session, front, asks in (row for row in rows if len(row) == 5)
        if kind == "p"
    }


def _answer(words: list[str]) -> str:
    """What such a server says; nothing where it does not answer."""
    import subprocess

    try:
        return subprocess.run(
            words, capture_output=True, text=True, timeout=ANSWER_TIMEOUT, stdin=subprocess.DEVNULL
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def ask_hidden(prompt: str) -> str:
    """What a person types at the terminal, not shown. OSError if there is none."""
    import termios
    import tty

    number = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        before = termios.tcgetattr(number)
        quiet = termios.tcgetattr(number)
        quiet[tty.LFLAG] &= ~termios.ECHO
        try:
            termios.tcsetattr(number, termios.TCSAFLUSH, quiet)
            os.write(number, prompt.encode())
            typed = b""
            while not typed.endswith(b"\n") and (more := os.read(number, 1024)):
                typed += more
        finally:
            termios.tcsetattr(number, termios.TCSAFLUSH, before)
            os.write(number, b"\n")
    finally:
        os.close(number)
    return typed.decode("utf-8", "replace").rstrip("\n")
