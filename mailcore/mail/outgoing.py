"""Mail that waits in its sender's outbox before it is sent, so that it can be taken back.

Each is a file of its own, `.ai_mail.local/outbox/<when it is due>.<id>.jsonl`: its words, and after them, line by
line, what was begun of its sending. It is on disk before anybody is told that it waits. Any command and any screen
sends what is due: who holds the file's lock sends it, and whoever comes after one that was killed finds what that one
had done. The file goes when the mail has reached everybody. `.praxmonitor/outgoing/` has an empty file for each who
ever kept mail waiting, so that to look whether anything is due costs two listings.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from mailcore.exceptions import MailcoreError, Refused
from mailcore.formats import journal, json_codec
from mailcore.mail import resumable_act
from mailcore.model.agent import Agent
from mailcore.system import safe_open, self_ignore, writing
from mailcore.system.locks import try_lock
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace

SENDERS = "outgoing"
"""In `.praxmonitor`: one empty file for each who ever kept mail waiting, named as its address without the `@`."""
LONGEST_BODY = resumable_act.MAX_ACT_FILE // 8
"""Characters of a body that waits: as JSON one may have six bytes, and what becomes of it is noted after it."""
RETRY_AFTER = 20.0
"""Seconds until what could not be sent is tried again; each time twice as long as it took until then."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One mail that waits."""

    sender: str
    to: tuple[str, ...]
    subject: str
    body: str
    kind: str = "mail"
    """`mail`, `task`, or `reply`."""
    priority: str = "normal"
    terms: dict[str, str] = field(default_factory=dict)
    """Of a task: `expect`, `program`, `model`, `mode`; of a reply: `answers`, the mail that it answers."""
    proof: str = ""
    """What proved who sends it, as the mail will say."""
    id: str = ""
    due: float = 0.0
    """When it is sent, in seconds since the epoch."""
    failed: str = ""
    """Why it could not be sent yet, or not to all; empty if nothing went wrong."""
    has_it: tuple[str, ...] = ()
    """Addresses of those to whom it was delivered all the same."""

    @property
    def rest(self) -> tuple[str, ...]:
        """Addresses of those who have not got it."""
        return tuple(address for address in self.to if address not in self.has_it)


Send: TypeAlias = Callable[[Outgoing], tuple[Sequence[str], str]]
WRITTEN = frozenset(("sender", "to", "subject", "body", "kind", "priority", "terms", "proof"))
"""What of it is written down; the rest follows from the file's name, and from what became of it."""
KINDS = ("mail", "task", "reply")


def put(workspace: Workspace, mail: Outgoing, wait: float, now: float | None = None) -> Outgoing:
    """Let a mail wait for `wait` seconds; it is on disk before this returns, with its id and when it is due.

    MailcoreError, naming the file, where the disk does not allow it: then nothing waits.
    """
    author = workspace.agent(mail.sender)
    if len(mail.body) > LONGEST_BODY:
        raise Refused(f"a mail of more than {LONGEST_BODY:,} characters cannot wait: send it at once", "limit")
    known = replace(mail, id=os.urandom(4).hex(), due=(time.time() if now is None else now) + wait)
    path = _path(author, known.id, known.due)
    try:
        self_ignore.make_ignored(workspace.state_dir)
        writing.make_directory(workspace.state_dir / SENDERS)
        writing.link_new(workspace.state_dir / SENDERS / author.address[1:], b"")
        self_ignore.make_ignored(author.mail_dir, parents=author.is_operator)
        safe_open.inside(author.boundary, path.parent)
        writing.make_directory(path.parent)
        words = {key: value for key, value in asdict(known).items() if key in WRITTEN}
        writing.replace(path, json_codec.dumps_line(words) + b"\n", root=author.boundary)
        os.utime(path, (0, 0))  # whoever tries to send it notes that in it: its time tells a first try from another
    except OSError as error:
        raise MailcoreError(f"{error.filename or path}: {error.strerror}; nothing was sent") from error
    with suppress(MailcoreError):
        audit.record(workspace, author.address, "outgoing", to=" ".join(known.to), subject=known.subject, id=known.id)
    return known


def waiting(workspace: Workspace, sender: str = "") -> list[Outgoing]:
    """All mail that waits, or that of one sender, the next first. What cannot be read is left out."""
    found = []
    for author, path in _files(workspace):
        if sender in ("", author.address):
            with suppress(OSError, MailcoreError):
                found.append(_read(author, path, safe_open.read_bytes(path, links=False)))
    return sorted(found, key=lambda mail: mail.due)


def is_due(workspace: Workspace, now: float | None = None) -> bool:
    """Whether any mail is to be sent now. Two listings where nothing waits, one where nothing ever did."""
    return any(True for _ in _due(workspace, time.time() if now is None else now))


def take_back(
    workspace: Workspace, sender: str, mail_id: str = "", *, keep: Callable[[Outgoing], None] = lambda _: None
) -> Outgoing:
    """Take a mail out of its sender's outbox: that of this id, else the one that is due last.

    Refused (code `sent`) where none waits, or its sending has begun; one that failed may be taken back, and says who
    has it. `keep` is given it before it goes, so that at no moment it is nowhere.
    """
    author = workspace.agent(sender)
    mine = [path for agent, path in _files(workspace) if agent == author]
    for path in sorted(mine, key=lambda path: path.stat().st_ctime_ns if path.exists() else 0, reverse=True):
        if mail_id and _id(path) != mail_id:
            continue
        with _held(author, path) as (mail, descriptor):
            if mail is None:
                continue
            if descriptor is None or _has_begun(descriptor):
                if mail_id:
                    break
                continue
            keep(mail)
            writing.remove_file(path, author.boundary)
            with suppress(MailcoreError):
                audit.record(workspace, author.address, "unsend", id=mail.id, subject=mail.subject)
            return mail
    which = f"{mail_id} waits no more, or never did" if mail_id else f"no mail of {author.address} waits"
    raise Refused(f"{which}: what was sent cannot be taken back", "sent")


def send_due(workspace: Workspace, send: Send, now: float | None = None) -> tuple[list[Outgoing], list[Outgoing]]:
    """Send what is due: what was sent, and what could not be. Each mail by one of all who try, and once.

    `send` returns the addresses that have it, and why the others have not; MailcoreError where nothing was sent. What
    another sends at this moment is left to that one.
    """
    sent: list[Outgoing] = []
    failed: list[Outgoing] = []
    for author, path in list(_due(workspace, time.time() if now is None else now)):
        with suppress(OSError), _held(author, path) as (mail, descriptor):
            if mail is None or descriptor is None:
                continue
            became = _send(author, path, descriptor, mail, send)
            (failed if became.failed else sent).append(became)
            if not became.failed:
                writing.remove_file(path, author.boundary)
    return sent, failed


def _send(author: Agent, path: Path, descriptor: int, mail: Outgoing, send: Send) -> Outgoing:
    """What became of it, noted in its file, which is locked."""
    _note(descriptor, {"began": True})
    proof = audit.current_proof.set(mail.proof)
    try:
        with resumable_act.noted_in(author, path, descriptor):
            reached, why = send(mail)
        has_it = tuple(reached)
        if why:
            return _fail(descriptor, mail, why, has_it)
    except (MailcoreError, OSError) as error:
        return _fail(descriptor, mail, str(error), mail.has_it)
    finally:
        audit.current_proof.reset(proof)
    return replace(mail, failed="", has_it=has_it)


def _fail(descriptor: int, mail: Outgoing, why: str, has_it: tuple[str, ...]) -> Outgoing:
    with suppress(OSError):
        _note(descriptor, {"failed": why, "has_it": has_it})
    return replace(mail, failed=why, has_it=has_it)


def _note(descriptor: int, line: dict[str, Any]) -> None:
    os.lseek(descriptor, 0, os.SEEK_END)
    os.write(descriptor, b"\n" + json_codec.dumps_line(line) + b"\n")
    writing.sync(descriptor)


@contextmanager
def _held(author: Agent, path: Path) -> Iterator[tuple[Outgoing | None, int | None]]:
    """The mail of a file and its descriptor, locked; no descriptor where another has it, no mail where it is gone."""
    safe_open.inside(author.boundary, path.parent)
    if not os.path.lexists(path):
        yield None, None
        return
    descriptor = try_lock(path)
    if descriptor is None:
        yield _read(author, path, b""), None
        return
    try:
        data = os.pread(descriptor, resumable_act.MAX_ACT_FILE, 0)
        if not data:  # another sent it or took it back just now, and to lock it made it anew
            path.unlink(missing_ok=True)
        mail = None
        with suppress(MailcoreError):  # what is no mail keeps nobody's from being sent
            mail = _read(author, path, data) if data else None
        yield mail, descriptor if mail is not None else None
    finally:
        os.close(descriptor)


def _has_begun(descriptor: int) -> bool:
    """Whether its sending was begun, and not given up: some may have it."""
    lines = journal.parse_records(os.pread(descriptor, resumable_act.MAX_ACT_FILE, 0).splitlines())
    return any(key in lines[-1] for key in ("began", "step")) if lines else False


def _read(author: Agent, path: Path, data: bytes) -> Outgoing:
    """The mail of a file. Its sender is whose outbox it lies in, whatever it says. MailcoreError if it is none."""
    first, *others = journal.parse_records(data.splitlines()) or [{}]
    to, terms = first.get("to"), first.get("terms")
    texts = {key: str(first.get(key, "")) for key in ("subject", "body", "kind", "priority", "proof")}
    became: dict[str, Any] = next((line for line in reversed(others) if "failed" in line), {})
    if data and (not isinstance(to, list) or texts["kind"] not in KINDS):
        raise MailcoreError(f"{path}: is no mail that waits; look what it is, and remove it")
    return Outgoing(
        author.address,
        tuple(map(str, to or ())),
        **texts,
        terms={str(k): str(v) for k, v in terms.items()} if isinstance(terms, dict) else {},
        id=_id(path),
        due=_due_of(path.name),
        failed=str(became.get("failed", "")),
        has_it=tuple(map(str, became.get("has_it") or ())),
    )


def _files(workspace: Workspace) -> Iterator[tuple[Agent, Path]]:
    """Each file that waits in an outbox, with whose it is."""
    try:
        senders = os.listdir(workspace.state_dir / SENDERS)  # noqa: PTH208 (at each command)
    except OSError:
        return
    for name in senders:
        with suppress(OSError, MailcoreError):
            author = workspace.agent(f"@{name}")
            outbox = author.mail_dir / "outbox"
            for file in sorted(os.listdir(outbox)):  # noqa: PTH208
                if _due_of(file) and file.endswith(".jsonl"):
                    yield author, outbox / file


def _due(workspace: Workspace, now: float) -> Iterator[tuple[Agent, Path]]:
    for author, path in _files(workspace):
        due = _due_of(path.name)
        if due > now:
            continue
        with suppress(OSError):
            tried = path.stat().st_mtime
            if not tried or now - tried >= max(RETRY_AFTER, tried - due):
                yield author, path


def _path(author: Agent, mail_id: str, due: float) -> Path:
    return author.mail_dir / "outbox" / f"{int(due * 1000):013d}.{mail_id}.jsonl"


def _id(path: Path) -> str:
    return path.name.split(".")[1]


def _due_of(name: str) -> float:
    """When a file's mail is due, by its name; 0.0 of what is none."""
    first = name.partition(".")[0]
    return int(first) / 1000 if first.isdecimal() and len(first) == 13 and name.count(".") == 2 else 0.0
