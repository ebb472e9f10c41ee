"""Which agents wait in `mailcore wait`, and of which messages they were notified there: nobody wakes them for those.

A wait that goes on is a file in `.waits/` of the agent's mail, which its process keeps locked: when the process dies
the wait is over, wherever its PID is seen. The messages of which the agent was notified are recorded by their names in
`.heard.jsonl`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.formats.json_codec import dumps_line
from mailcore.model.agent import Agent
from mailcore.model.message import parse_time
from mailcore.system import safe_open, self_ignore
from mailcore.system.locks import is_locked, locked
from mailcore.system.writing import make_directory, replace

WAITS, HEARD = ".waits", ".heard.jsonl"
STALE_AFTER = 60.0
"""A file that nobody keeps locked is removed when it is older than so many seconds."""
LARGE, KEPT = 200_000, 500
"""Bytes of `.heard.jsonl` from which on only so many of its newest lines are kept."""


@contextmanager
def register_wait(agent: Agent, names: Collection[str], want: str) -> Iterator[None]:
    """Let others know that this process waits at `agent` for the messages of those names; `want` is `any` for all mail.

    Where the disk refuses that, nobody knows, and the agent is woken besides.
    """
    directory = agent.mail_dir / WAITS
    path = directory / f"{os.getpid()}-{os.urandom(4).hex()}"
    with ExitStack() as stack:
        with suppress(OSError, MailcoreError):
            self_ignore.make_ignored(agent.mail_dir)
            make_directory(directory)
            _tidy(directory)
            descriptor = stack.enter_context(locked(path))
            stack.callback(_remove, path)
            os.write(descriptor, dumps_line({"want": want, "names": sorted(names)}))
        yield


def is_waiting_for(agent: Agent, names: Collection[str], wants: Collection[str]) -> bool:
    """True if somebody sits in a wait at `agent` that is for mail of one of those names, or for all mail.

    `wants`: for what the wait has to be, of `wait.WANTS`.
    """
    for path in _files(agent.mail_dir / WAITS):
        if not is_locked(path):
            continue
        try:
            wait = json.loads(safe_open.read_bytes(path))
            found = wait["want"] == "any" or (wait["want"] in wants and not set(names).isdisjoint(wait["names"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        if found:
            return True
    return False


def record_notified(agent: Agent, names: Collection[str]) -> None:
    """Note that an agent was notified of these messages in a wait. OSError where the disk refuses."""
    if not names:
        return
    path = agent.mail_dir / HEARD
    with suppress(OSError):
        if path.stat().st_size > LARGE:
            replace(path, b"".join(dumps_line(record) + b"\n" for record in journal.read_records(path)[-KEPT:]))
    journal.append_record(path, {"names": sorted(names)})


def notified_names(agent: Agent) -> dict[str, float]:
    """The names of the messages of which an agent was notified in a wait, each with when, seconds since the epoch."""
    try:
        records = journal.read_records(agent.mail_dir / HEARD)
    except OSError:
        return {}
    return {name: parse_time(record.get("at")) for record in records for name in _names(record.get("names"))}


def was_notified(notified: dict[str, float], names: object, since: float) -> bool:
    """True if one of these names is among what was `notified_names`, no earlier than `since`."""
    return any(name in notified and notified[name] >= since for name in _names(names))


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list | tuple | set) else []


def _files(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _tidy(directory: Path) -> None:
    """Remove what processes that were killed have left."""
    for path in _files(directory):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > STALE_AFTER and not is_locked(path):
                path.unlink()
