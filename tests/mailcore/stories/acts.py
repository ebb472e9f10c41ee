"""What an agent of a story has: it calls verbs as a command, and notes each act, once it is done, in a list of its own.

Put in front of each agent's own lines (`Story.agent`), which know nothing else of mailcore.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

ME = os.environ.get("MAILCORE_AGENT", "")
HAPPENED = Path(os.environ.get("HAPPENED", "happened.jsonl"))


def note(what: str, **facts: Any) -> None:
    """Add one line to the list of what really happened."""
    with HAPPENED.open("a") as file:
        file.write(json.dumps({"by": ME, "what": what, **facts}) + "\n")


def look(*words: str, status: int = 0) -> Any:
    """What a verb says. Ends the agent where its exit status is another."""
    done = subprocess.run(["mailcore", *words, "--json"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != status:
        raise SystemExit(f"{words}: {done.returncode}: {done.stdout} {done.stderr}")
    return json.loads(done.stdout)


def act(verb: str, *words: str, status: int = 0) -> Any:
    """Do it, and note that it was done."""
    said = look(verb, *words, status=status)
    note(verb, words=words, said=said)
    return said


def task() -> dict[str, Any]:
    """The task that this run is about, read; empty of one that was woken for news."""
    run = look("run", ME)["run"]
    return dict(look("read", run["message_id"])[0]) if run["message_id"] else {}


def until(condition: Any, seconds: float = 30.0) -> None:
    """Wait for it; ends the agent where it does not come."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("what it waited for did not come")
        pause.wait(0.02)
