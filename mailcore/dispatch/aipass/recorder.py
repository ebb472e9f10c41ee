"""What AIPass sent and ran, recorded in the audit once it is seen: its own files keep it only for so long.

Its mail is known by what it lacks: our `thread_id`. Whoever looks at a workspace in which mailcore is used (`history`,
`prune`, a screen or guard) looks here too; a look at what has not changed is a few stat.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from mailcore.dispatch.aipass import register
from mailcore.exceptions import MailcoreError
from mailcore.formats import journal, json_codec
from mailcore.formats.timestamps import utc_time
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.model.message import as_text, parse_time
from mailcore.model.run import MAX_RESULT, RUN_ID
from mailcore.system import safe_open, writing
from mailcore.system.locks import locked
from mailcore.text.masks import masked
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace
from mailcore.workspace.registry import normal_address

AUDIT_HOW = "aipass"
"""What the audit says of such an act under `how`: it was seen, and not reported by whoever did it."""
FILE, LOCK = ".seen.json", ".seen.flock"
LOCK_PATIENCE = 5.0
"""Seconds to wait for another that records; then it is left to that one."""
MANY_FILES = 200
"""Files of mail that are read in a look which is not to be done again at the next start of whoever looks."""
CLOCK_SPARE_NS = 2_000_000_000
"""Nanoseconds by which a file may be older than the last look and is read all the same: clocks are coarse."""

AuditAct = dict[str, Any]


def record_acts(workspace: Workspace, *, keep: bool = False, marks: dict[str, int] | None = None) -> list[AuditAct]:
    """Record what was not seen before; the acts that could not be recorded, oldest first, for whoever shows them.

    Nothing is written where mailcore is not used yet, and nothing where nothing is new, unless `keep`, or it was much
    work: then how far was looked is kept, for the next. Who looks again and again hands over its own `marks`, empty at
    first.
    """
    state = workspace.state_dir
    if not state.is_dir():
        return sorted(_Look(workspace, {}).acts(), key=_time)
    unwritten: list[AuditAct] = []
    try:
        with locked(state / LOCK, LOCK_PATIENCE):
            look = _Look(workspace, marks or _marks(state))
            found = sorted(look.acts(), key=_time)
            unwritten = found
            known = _known(state) if found else set()
            for act in found:
                if not known.intersection(_names(act)):
                    audit.append_line(state, act, durable=False)
            if found:
                writing.flush(state / audit.FILE)
            unwritten = []
            if marks is not None:
                marks |= look.marks
            if found or ((keep or look.files > MANY_FILES) and look.marks != look.former):
                writing.replace(state / FILE, json.dumps(look.marks).encode(), durable=False)
    except (MailcoreError, OSError):
        return unwritten
    return []


def recorded_runs(workspace: Workspace) -> list[AuditAct]:
    """The rows of AIPass's register as they were recorded, with the `result` of what ended."""
    found = []
    for act in journal.read_records(workspace.state_dir / audit.FILE):
        if act.get("how") == AUDIT_HOW and isinstance(act.get("run"), str):
            row = {"dispatch_id": act["run"], "ts": act.get("at"), "target": act.get("agent")}
            row |= {key: act.get(key, "") for key in ("sender", "subject", "status", "result")}
            found.append(row)
    return found


class _Look:
    """One look at what changed since the marks of the last one."""

    def __init__(self, workspace: Workspace, earlier: dict[str, int]) -> None:
        self._workspace, self.former = workspace, earlier
        self.marks: dict[str, int] = {}
        self.files = 0
        """How many files of mail were read."""

    def acts(self) -> Iterator[AuditAct]:
        everyone = (*self._workspace.agents, self._workspace.operator, *self._workspace.former_agents())
        taken: set[str] = set()
        for agent in everyone:
            for raw in self._received(agent):
                act = _sent(raw, agent.address)
                taken.update(_names(act))
                yield act
        for agent in everyone:
            for raw in self._files(agent.sent_dir):
                act = _sent(raw, normal_address(as_text(raw, "to") or "?"))
                if not taken.intersection(_names(act)):
                    yield act
        yield from self._dispatches()

    def _received(self, agent: Agent) -> Iterator[AuditAct]:
        if self._changed(agent.inbox) is not None:
            for message in read_mailbox(agent.inbox).messages:
                if _foreign(message.raw):
                    yield dict(message.raw)
        yield from self._files(agent.archive_dir)

    def _files(self, directory: Path) -> Iterator[AuditAct]:
        since = self._changed(directory)
        if since is None:
            return
        with suppress(OSError), os.scandir(directory) as entries:
            for entry in entries:
                with suppress(OSError, ValueError, RecursionError):
                    if (
                        entry.name.endswith(".json")
                        and entry.stat(follow_symlinks=False).st_mtime_ns > since - CLOCK_SPARE_NS
                    ):
                        self.files += 1
                        raw = json_codec.loads(safe_open.read_bytes(Path(entry.path), links=False))
                        if isinstance(raw, dict) and _foreign(raw):
                            yield raw

    def _changed(self, path: Path) -> int | None:
        """When it was looked at last, 0 for never; None where it has not changed since, or is not there."""
        try:
            at = path.stat().st_mtime_ns
        except OSError:
            return None
        earlier = self.former.get(str(path), 0)
        # One that changed a moment ago may change again within the same tick of the clock: it is looked at once more.
        self.marks[str(path)] = at if time.time_ns() - at > CLOCK_SPARE_NS else at - 1
        return None if earlier == at else earlier

    def _dispatches(self) -> Iterator[AuditAct]:
        path = self._workspace.aipass_dir / register.REGISTER
        if self._changed(path) is None or not self._has_new_row(path):
            return
        started: dict[str, AuditAct] = {}
        for row in register.register_rows(self._workspace):
            run_id, status = as_text(row, "dispatch_id"), as_text(row, "status")
            if not run_id or RUN_ID.fullmatch(run_id):
                continue
            at = utc_time(parse_time(row.get("ts")))
            head = started.get(run_id)
            if head is None:
                if not (target := as_text(row, "target")):
                    continue
                named = {
                    "agent": normal_address(target),
                    "sender": as_text(row, "sender"),
                    "subject": as_text(row, "subject"),
                }
                head = started[run_id] = {**named, "run": run_id, "how": AUDIT_HOW}
                by = named["sender"] or named["agent"]
                yield {"at": at, "by": by, "verb": "run queued", **head, "status": "outstanding"}
            if status not in ("", "outstanding"):
                report = register.read_report(self._workspace.root, run_id)
                excerpt = masked(str(report.get("result_excerpt") or ""))[:MAX_RESULT]
                result = {"result": excerpt} if excerpt else {}
                yield {"at": at, "by": head["agent"], "verb": "run ended", **head, "status": status, **result}

    def _has_new_row(self, path: Path) -> bool:
        """Of what was added to the register since the last look, is a row AIPass's own? All of it is read only then:
        it grows with each run of ours, and parsed it takes ten times its size in memory.
        """
        inode, offset = f"{path} inode", f"{path} offset"
        try:
            with safe_open.open_regular(path) as file:
                found = os.fstat(file.fileno())
                self.marks[inode] = found.st_ino
                start = self.former.get(offset, 0)
                if self.former.get(inode) != found.st_ino or start > found.st_size:
                    start = 0
                if found.st_size - start > safe_open.MAX_WHOLE_FILE:
                    return True  # which whoever reads all of it refuses
                file.seek(start)
                added = file.read(found.st_size - start)
        except OSError:
            return True
        whole = added.rpartition(b"\n")[0]
        self.marks[offset] = start + len(whole) + bool(whole)
        rows = (as_text(row, "dispatch_id") for row in journal.parse_records(added.splitlines()))
        return any(run_id and not RUN_ID.fullmatch(run_id) for run_id in rows)


def _foreign(raw: Any) -> bool:
    return "thread_id" not in raw and bool(raw.get("id") or raw.get("sent_id"))


def _sent(raw: AuditAct, to: str) -> AuditAct:
    """The act that a mail or a record of one reports."""
    in_sent = "to" in raw and "sent_id" not in raw
    refused = raw.get("status") == "refused"
    names = (
        {"id": "", "sent_id": as_text(raw, "id")} if in_sent else {key: as_text(raw, key) for key in ("id", "sent_id")}
    )
    return {
        "at": utc_time(parse_time(raw.get("timestamp"))),
        "by": normal_address(as_text(raw, "from") or "?"),
        "verb": "undelivered" if refused else "send",
        "to": to,
        **names,
        "subject": as_text(raw, "subject")[:1000],
        **({"reason": as_text(raw, "refused_reason")[:1000]} if refused else {}),
        **({"task": True} if raw.get("auto_execute") is True else {}),
        **{key: as_text(raw, key) for key in ("dispatch_id", "in_reply_to") if raw.get(key)},
        "how": AUDIT_HOW,
    }


def _names(act: AuditAct) -> set[str]:
    """By what an act is known again: a mail by recipient and either name of it, a run by its status."""
    if "run" in act:
        return {f"{act['run']} {act.get('status', '')}"}
    return {f"{act.get('to')} {name}" for name in (act.get("sent_id"), act.get("id")) if name}


def _known(state: Path) -> set[str]:
    found = journal.read_records(state / audit.FILE)
    return {name for act in found if act.get("how") == AUDIT_HOW for name in _names(act)}


def _marks(state: Path) -> dict[str, int]:
    try:
        found = json.loads(safe_open.read_bytes(state / FILE, links=False))
    except (OSError, ValueError, RecursionError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, int)} if isinstance(found, dict) else {}


def _time(act: AuditAct) -> str:
    return str(act["at"])
