"""Runs that another program started, as AIPass's dispatch register reports them (contract section 4). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mailcore.model.message import parse_time
from mailcore.model.run import Phase, Run
from mailcore.workspace.registry import normal_address

KILLED_STATUS = "killed"
"""The status with which a killed run's row is closed; ` by @who` may follow."""


def runs_by_id(records: Iterable[Mapping[str, Any]], known: Iterable[Run] = ()) -> dict[str, Run]:
    """Every run by its id, ours among them. Records are folded in order: the last of an id says where it stands.

    `known`: what the records before these reported.
    """
    runs = {run.run_id: run for run in known}
    for record in records:
        run_id = record.get("dispatch_id")
        if not isinstance(run_id, str) or not run_id:
            continue
        run = runs.get(run_id) or _begun(run_id, record)
        if run is not None:
            runs[run_id] = _advanced(run, record)
    return runs


def newest_runs(runs: Iterable[Run]) -> dict[str, Run]:
    """The newest run of each target."""
    newest: dict[str, Run] = {}
    for run in runs:
        if run.target not in newest or run.created_at >= newest[run.target].created_at:
            newest[run.target] = run
    return newest


def _begun(run_id: str, record: Mapping[str, Any]) -> Run | None:
    """A run begins with a record that names its target; what only closes an unknown run says nothing."""
    target = record.get("target")
    if not isinstance(target, str) or not target.strip():
        return None
    at = parse_time(record.get("ts"))
    return Run(
        run_id=run_id,
        target=normal_address(target),
        sender=_text(record, "sender"),
        subject=_text(record, "subject"),
        message_id="",
        program=_text(record, "provider"),
        created_at=at,
        phase=Phase.RUNNING,
        since=at,
        foreign=True,
    )


def _advanced(run: Run, record: Mapping[str, Any]) -> Run:
    monitor = record.get("monitor_pid")
    if isinstance(monitor, int):
        run = replace(run, supervisor_pid=monitor)
    status = _text(record, "status")
    if status in ("", "outstanding"):
        return run
    run = replace(run, since=parse_time(record.get("ts")) or run.since, replied=run.replied or "(replied)" in status)
    word, _, by = status.partition(" by ")
    if word == KILLED_STATUS:
        return replace(run, phase=Phase.KILLED, by=by, reason="")
    if status.startswith("completed"):
        return replace(run, phase=Phase.COMPLETED, reason="")
    # AIPass says it so where the bounce found no mailbox (contract section 4).
    undelivered = status.partition("bounce NOT delivered to ")[2]
    lost = f"the bounce to {undelivered or 'nobody'} could not be delivered" if "bounce NOT delivered" in status else ""
    return replace(run, phase=Phase.BOUNCED, reason=status, undelivered=lost)


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""
