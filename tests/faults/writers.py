"""Programs that write mail: `python -m tests.faults.writers (loop ROOT AGENT COUNT | nursery ROOT KILLS SEED)`.

Each says on standard output what was acknowledged, after the call returned: `sent SUBJECT ID`, `closed ID`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

from mailcore.exceptions import MailcoreError
from mailcore.mail import mailbox, post
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.workspace.find import Workspace, find_workspace

BODY = "m" * 600


def say(*words: str) -> None:
    # Below PIPE_BUF, so a kill tears no line and writers do not mix.
    os.write(1, (" ".join(words) + "\n").encode())


def send(workspace: Workspace, author: str, times: int) -> None:
    """The whole way: number, sender's record, delivery, audit."""
    life = uuid.uuid4().hex[:8]
    for n in range(times) if times else count():
        subject = f"{author[1:]}-{life}-{n}"
        (sent,) = post.send_mail(workspace, author, ["@target"], subject, BODY)
        assert sent.delivered, sent.error
        say("sent", subject, sent.id)


def deliver(workspace: Workspace, author: str) -> None:
    """The delivery alone, of a message without a number."""
    target = workspace.agent("@target")
    life = uuid.uuid4().hex[:8]
    for n in count():
        subject = f"bare-{life}-{n}"
        raw = {"from": author, "subject": subject, "message": BODY, "status": "new"}
        say("sent", subject, mailbox.deliver(target, raw))


def close(workspace: Workspace) -> None:
    """Close the oldest half of the target's mail, again and again."""
    target = workspace.agent("@target")
    while True:
        messages = read_mailbox(target.inbox).messages
        for message in messages[len(messages) // 2 :]:
            # A closer that was killed in between, or this one's predecessor, may have had it.
            with suppress(MailcoreError):
                post.close_messages(workspace, "@target", [message.id])
                say("closed", message.id)


def nursery(root: Path, kills: int, seed: int) -> None:
    """Keep four writers and a closer at it; kill -9 one at a random moment, look at the mailbox, start another."""
    workspace = find_workspace(root)
    inbox = workspace.agent("@target").inbox
    chance = random.Random(seed)
    works: list[Callable[[], None]] = [
        lambda: send(workspace, "@alpha", 0),
        lambda: send(workspace, "@beta", 0),
        lambda: deliver(workspace, "@alpha"),
        lambda: deliver(workspace, "@beta"),
        lambda: close(workspace),
    ]
    living = [start(work) for work in works]
    pause = threading.Event()
    for _ in range(kills):
        pause.wait(chance.uniform(0, 0.03))
        victim = chance.randrange(len(works))
        kill(living[victim])
        try:
            json.loads(inbox.read_bytes())
        except ValueError as error:
            say("torn", str(error))
        living[victim] = start(works[victim])
    for process in living:
        kill(process)


def start(work: Callable[[], None]) -> int:
    """Fork: an import for each of a thousand would take minutes."""
    process = os.fork()
    if not process:
        try:
            work()
        finally:
            os._exit(1)
    return process


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if not os.WIFSIGNALED(status):
        say("ended", str(status))


if __name__ == "__main__":
    verb, directory, *rest = sys.argv[1:]
    if verb == "nursery":
        nursery(Path(directory), int(rest[0]), int(rest[1]))
    else:
        send(find_workspace(Path(directory)), rest[0], int(rest[1]))
