"""`.praxmonitor/audit.jsonl`: every act on a workspace, by whom, on disk when it is done; a chain of lines.

Agents run as the operator does, so each can edit this file. A line carries a digest of the one before it, and the lock
beside it keeps the digest of the last: what was changed, removed or put in by hand is reported (`broken_links`,
`mailcore doctor`), not prevented. Whoever computes the whole chain again is not found out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError
from mailcore.formats import journal
from mailcore.formats.digest import digest
from mailcore.system import safe_open, self_ignore, writing
from mailcore.system.locks import locked
from mailcore.workspace import registry
from mailcore.workspace.find import Workspace

FILE, LOCK = "audit.jsonl", ".audit.lock"
CHAIN_PATIENCE = 2.0
"""Seconds that a line waits for the lock; then it is written without its place in the chain, and says so."""
MAX_AUDIT_LINE = 1 << 20
"""Bytes of the longest line that is looked for."""
_TAIL = 1 << 12
"""Bytes of the first look for the last line; each further one takes four times as many."""

current_proof: ContextVar[str] = ContextVar("proof", default="")
"""What says who acts now: as `Identity.how`, or `screen`, `supervisor`. Mail and acts are stamped with it."""


def record(workspace: Workspace, by: str, verb: str, **facts: Any) -> None:
    """Add one act. `by` is an address; `facts` are plain JSON values, never secrets or bodies, save
    a task's result, masked.

    MailcoreError, naming the file, where the disk does not allow it: what was done before stays done.
    """
    record_all(workspace, by, verb, [facts])


def record_all(
    workspace: Workspace, by: str, verb: str, each: Sequence[Mapping[str, Any]], *, durable: bool = True
) -> None:
    """The same of several acts of one kind, by the facts of each, in order: one wait for the disk, and none where the
    caller will `flush_audit`."""
    stamp = {"proof": current_proof.get()} if current_proof.get() else {}
    try:
        registry.update_copy(workspace.registry)
        lines = [{"by": by, "verb": verb, **stamp, **facts} for facts in each]
        append_lines(workspace.state_dir, lines, durable=durable)
    except OSError as error:
        path = workspace.state_dir / FILE
        raise MailcoreError(f"{path}: {error.strerror}; {by}'s {verb} is not written there") from error


def flush_audit(workspace: Workspace) -> None:
    """Let the disk have what was recorded and is not on it yet. MailcoreError, naming the file, where it refuses."""
    path = workspace.state_dir / FILE
    try:
        writing.flush(path)
    except OSError as error:
        raise MailcoreError(f"{path}: {error.strerror}; a power cut may take its last lines") from error


def append_line(state: Path, act: dict[str, Any], *, durable: bool = True) -> None:
    """Add one line to the audit in the directory `state`. OSError of the disk.

    It is on disk when this returns, unless `durable` is false: then who writes many lines flushes once.
    """
    append_lines(state, [act], durable=durable)


def append_lines(state: Path, acts: Sequence[Mapping[str, Any]], *, durable: bool = True) -> None:
    """The same of several, in one write."""
    path = state / FILE
    self_ignore.make_ignored(state)
    with ExitStack() as stack:
        try:
            with locked(state / LOCK, CHAIN_PATIENCE) as head:
                number, size = stack.enter_context(writing.open_to_append(path))
                lines, chain = [], _expected(number, size, head)
                for act in acts:
                    lines.append(journal.encode({**act, "chain": chain}))
                    chain = digest(lines[-1])
                size = writing.append_to(number, size, b"\n".join(lines), path)
                os.pwrite(head, b"%-20d %s\n" % (size, chain.encode()), 0)
        except MailcoreError as error:  # rather lines out of the chain than none
            number, size = stack.enter_context(writing.open_to_append(path))
            lines = [journal.encode({**act, "chain": "", "unchained": str(error)}) for act in acts]
            writing.append_to(number, size, b"\n".join(lines), path)
        # After the lock is given back: who comes next need not wait for the disk, and the file's order is the chain's.
        if durable:
            writing.sync(number)


def _expected(number: int, end: int, head: int) -> str:
    """The digest that the next line carries: of the last one as it was written, whatever became of it since.

    `number` and `end`: the open audit and its size.
    """
    size, known = _head(head)
    if not end:
        return known or digest(b"")
    start = max(0, end - _TAIL)
    while True:
        data = os.pread(number, end - start, start).rstrip(b"\n")
        last = data.rpartition(b"\n")[2]
        if start == 0 or len(last) < len(data):
            break
        if end - start > MAX_AUDIT_LINE:  # no line of ours: somebody put something else there
            return known or digest(b"")
        start = max(0, end - 4 * (end - start))
    if not known or known == digest(last):
        return digest(last)
    # Whoever was killed before it wrote the head, or a power cut, left the head behind; its lines are chained.
    newer = os.pread(number, min(end - size, safe_open.MAX_WHOLE_FILE), size).splitlines() if size < end else []
    return _follow(newer, known)[0]


def _follow(newer: list[bytes], known: str) -> tuple[str, bool]:
    """The digest of the last line that follows from `known`, and whether there is at least one and all of them do."""
    for line in newer:
        if _chain_of(line) != known:
            return known, False
        known = digest(line)
    return known, bool(newer)


def _head(lock: int) -> tuple[int, str]:
    """Size of the file and digest of its last line when it was last written; (0, "") where that is not known."""
    words = os.pread(lock, 128, 0).split()
    try:
        return int(words[0]), words[1].decode()
    except (ValueError, IndexError):
        return 0, ""


def _chain_of(line: bytes) -> str | None:
    """What a line says of the one before it; None where it is no line of ours, or one from before there was a chain."""
    found = journal.parse_records([line])
    chain = found[0].get("chain") if found else None
    return chain if isinstance(chain, str) else None


def acts_called(workspace: Workspace, beginning: str) -> Iterator[dict[str, Any]]:
    """The acts whose verb begins so, in order, however long the audit is: it never ends, and is read a line at a time.

    None where there is no audit yet; OSError where it cannot be read.
    """
    marker = f'"verb":"{beginning}'.encode()
    try:
        number, _ = safe_open.descriptor(workspace.state_dir / FILE, os.O_RDONLY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return
    with os.fdopen(number, "rb") as file:
        for line in iter(partial(file.readline, MAX_AUDIT_LINE), b""):
            if marker in line:
                yield from journal.parse_records([line])


def broken_links(state: Path) -> Iterator[str]:
    """Where the chain does not hold, in words, the first first. OSError where the file cannot be read."""
    path = state / FILE
    data = safe_open.read_bytes(path, links=False) if path.exists() else b""
    lines = data.splitlines()
    before, chained = b"", False
    for number, line in enumerate(lines, 1):
        chain = _chain_of(line)
        if chain == "":
            yield f"line {number} could not be chained when it was written"
        elif chain is not None and chain != digest(before) and (chained or before or chain != digest(b"")):
            yield f"line {number} does not follow from the one before: something was changed by hand"
        elif chain is None and chained and journal.parse_records([line]):
            yield f"line {number} was put in by hand"
        chained, before = chained or chain is not None, line
    try:
        number, _ = safe_open.descriptor(state / LOCK)
    except FileNotFoundError:
        if chained:
            yield f"{LOCK}, which keeps the digest of the last line, is gone"
        return
    try:
        size, known = _head(number)
    finally:
        os.close(number)
    if known and known != digest(before) and not _follow(data[size:].splitlines(), known)[1]:
        yield f"after line {len(lines)} something was changed by hand, or lost in a power cut"
