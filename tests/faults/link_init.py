"""What runs in each host of the lab beside its first process: `python -m tests.faults.link_init`.

Reads one JSON object a line from standard input, does what it says, and answers with one a line, in the order in which
things end:

- `words`: `mailcore` in a fork of itself, which has everything imported; answers `status` (negative: a signal), `out`,
  `err`, `began`, `ended`.
- `program`: the same of a program in Python, for whose start another process would have to import all that.
- `argv`: a process of its own, its output in the file `log`; answers its `pid` at once, and `status` when it ends.

`n` names a request in its answers; `cwd` and `environment` are of both. Times are of the clock of the machine
(CLOCK_MONOTONIC), which is the same in all hosts, whatever their own clocks say.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import time
from typing import Any, NamedTuple

from mailcore.system import pid1
from tests.faults.nursery import import_everything


class Child(NamedTuple):
    """One that is awaited."""

    n: int
    began: float
    files: tuple[int, int] | None
    """Of its output, where that is answered."""


def main() -> None:
    """Serve until standard input ends; with this the first process ends, and with that all of the host."""
    pid1.stay("NOBODY_HAS_THIS_VARIABLE")
    import_everything(without="mailcore.mcp")  # half of the time it takes, and no command of the lab's
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waiting = selectors.DefaultSelector()
    waiting.register(0, selectors.EVENT_READ)
    waiting.register(woken, selectors.EVENT_READ)
    children: dict[int, Child] = {}
    answer({"n": 0, "pid": os.getpid()})
    left = b""
    while True:
        for key, _ in waiting.select():
            if key.fd == woken:
                os.read(woken, 4096)
                continue
            read = os.read(0, 65536)
            if not read:
                return
            *lines, left = (left + read).split(b"\n")
            for line in lines:
                asked = json.loads(line)
                pid, child = begin(asked)
                children[pid] = child
                if child.files is None:
                    answer({"n": child.n, "pid": pid})
        reap(children)


def begin(asked: dict[str, Any]) -> tuple[int, Child]:
    files = None
    if "log" not in asked:
        files = (os.memfd_create("out"), os.memfd_create("err"))
    began = time.monotonic()
    pid = os.fork()
    if pid:
        return pid, Child(asked["n"], began, files)
    status = 99
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        os.chdir(asked["cwd"])
        os.environ.update(asked["environment"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        out, err = files or (os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),) * 2
        os.dup2(out, 1)
        os.dup2(err, 2)
        if files is None:
            os.execvp(asked["argv"][0], asked["argv"])
        if "program" in asked:
            exec(asked["program"], {})
            status = 0
        else:
            from mailcore.cli import main as mailcore

            status = mailcore(asked["words"])
        sys.stdout.flush()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        import traceback

        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def reap(children: dict[int, Child]) -> None:
    while children:
        pid, ended = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        child = children.pop(pid, None)
        if child is None:
            continue
        said: dict[str, Any] = {"n": child.n, "status": os.waitstatus_to_exitcode(ended)}
        if child.files is not None:
            said |= {"began": child.began, "ended": time.monotonic()}
            for name, file in zip(("out", "err"), child.files, strict=True):
                os.lseek(file, 0, os.SEEK_SET)
                with os.fdopen(file, "rb") as whole:
                    said[name] = whole.read().decode("utf-8", "replace")
        answer(said)


def answer(said: dict[str, Any]) -> None:
    whole = json.dumps(said).encode() + b"\n"
    while whole:
        whole = whole[os.write(1, whole) :]


if __name__ == "__main__":
    main()
