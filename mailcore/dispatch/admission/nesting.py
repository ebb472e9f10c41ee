"""How deep dispatches nest, and in which chain: it stands in the journals and in the mail.

A chain begins with what nobody's run asked for, a person's dispatch or a timer's, and each run of it names the first,
its `root`. Which run a caller is in is not its environment's alone to say, which it may have lost: a run that goes on
at its agent is the caller's, else the tasks that lie open there tell, else the run that ended a moment ago.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mailcore.dispatch.runs.branch_lock import current_lock, names_own_run
from mailcore.dispatch.runs.progress import changed_files
from mailcore.dispatch.runs.run_list import first_record_of_run, journal_records, last_run, read_run, run_ids
from mailcore.formats import journal
from mailcore.formats.digest import digest
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import RUN_JOURNAL, Agent
from mailcore.model.lock import Holder
from mailcore.model.message import FINAL
from mailcore.model.run import RUN_ID
from mailcore.workspace.find import Workspace

RECENT_RUN = 600.0
"""Seconds after a run's end in which what its agent dispatches, from no run, is believed to come of it."""
GAVE, LOOP = "gave", "loop"
"""Events of a run's journal: a task that it gave, or was kept from giving again; `task`, its mark, and `to`."""


@dataclass(frozen=True, slots=True)
class ChainPlace:
    """Where in a chain a caller stands."""

    depth: int = -1
    """Of the caller's run; -1 of a person."""
    root: str = ""
    """The id of the chain's first run; empty of a person."""
    agent: Agent | None = None
    """Whose run it is, if it goes on."""
    run_id: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """What a run or a mail that comes of it is to hold."""
        return {"depth": self.depth + 1, **({"root": self.root} if self.root else {})}


def chain_place(workspace: Workspace, sender: Agent, run_id: str = "") -> ChainPlace:
    """Where `sender` stands, that was proved to be in the run `run_id`, if it was."""
    if run_id:
        for agent in workspace.agents:  # whoever's it is: its agent may have called under another name
            if first := first_record_of_run(agent.runs_dir / run_id):
                return _of_run(agent, run_id, first)
    if sender.is_reserved:
        return ChainPlace()
    lock = current_lock(sender)
    if lock is not None and lock.holder is not Holder.DEAD and names_own_run(sender, lock):
        return _of_run(sender, lock.run_id, first_record_of_run(sender.runs_dir / lock.run_id))
    return _of_mail(sender) or _of_the_last_run(sender) or ChainPlace()


def _of_run(agent: Agent, run_id: str, first: Mapping[str, Any]) -> ChainPlace:
    return ChainPlace(_number(first.get("depth")), _root(first) or run_id, agent, run_id)


def _of_mail(agent: Agent) -> ChainPlace | None:
    """The deepest of the tasks that an agent has from another and has not answered."""
    found = [
        ChainPlace(_number(mail.raw.get("depth")), _root(mail.raw))
        for mail in read_mailbox(agent.inbox).messages
        if mail.is_task and "root" in mail.raw and (mail.ack is None or mail.ack.state not in FINAL)
    ]
    return max(found, key=lambda one: one.depth, default=None)


def _of_the_last_run(agent: Agent) -> ChainPlace | None:
    run = last_run(agent)
    if run is None or not run.phase.ended or abs(time.time() - run.since) > RECENT_RUN:
        return None
    first = first_record_of_run(agent.runs_dir / run.run_id)
    # What a person began, a person may go on with: only of what came of another run it is likely that this does too.
    return ChainPlace(_number(first.get("depth")), _root(first)) if _root(first) else None


def _root(record: Mapping[str, Any]) -> str:
    root = record.get("root")
    return root if isinstance(root, str) and RUN_ID.fullmatch(root) else ""


def task_mark(target: Agent, subject: str, body: str) -> str:
    """The mark of a task: the same for the same words to the same agent."""
    words = "\0".join((target.address, " ".join(subject.split()), " ".join(body.split())))
    return digest(words.encode("utf-8", "replace"), 8)


def why_loop(place: ChainPlace, sender: Agent, target: Agent, task: str, limit: int) -> str:
    """Why `sender` must not give this task once more, in words; empty where it may. The refusal stands in its run.

    In this chain it gave the very same to `target` before, and neither of them has changed a file since; and that for
    the `limit`-th time, or `target` gives tasks to it in turn.
    """
    if not place.root:
        return ""
    before = [run_id for run_id, _ in _given(target, sender.address, place.root, task)]
    in_turn = next(_given(sender, target.address, place.root), None) is not None
    if not before or (len(before) <= limit and not in_turn):
        return ""
    if any(_changed(agent, run_id) for agent in (sender, target) for run_id in run_ids(agent) if run_id >= before[0]):
        return ""
    if place.agent is not None:
        record = {"event": LOOP, "task": task, "to": target.address}
        journal.append_record(place.agent.runs_dir / place.run_id / RUN_JOURNAL, record)
    how_often = "once" if len(before) == 1 else f"{len(before)} times"
    return (
        f"{sender.address} gave {target.address} this very task {how_often} in this chain of dispatches, and no file "
        "changed since ([dispatch] same_tasks). Answer who waits for you, or give another task"
    )


def _given(target: Agent, sender: str, root: str, task: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The runs of `target` that `sender` asked for in a chain, newest first, with their first records."""
    for run_id in reversed(run_ids(target)):
        if run_id < root:
            return  # ids sort by time: before the chain began
        first = first_record_of_run(target.runs_dir / run_id)
        asked = bool(first.get("message_id")) and (first.get("sender"), _root(first)) == (sender, root)
        if asked and task in ("", first.get("task")):
            yield run_id, first


def _changed(agent: Agent, run_id: str) -> bool:
    """True if a run changed files of its branch, so far as it has come."""
    run = read_run(agent.runs_dir / run_id)
    if run is None or run.phase.ended:
        ends = [one for one in journal_records(agent.runs_dir / run_id) if one.get("event") == "ended"]
        return bool(ends) and ends[-1].get("progress") == "files"
    return bool(changed_files(agent.branch, run.started_at))


def record_given(parent: ChainPlace, task: str, target: str) -> None:
    """Write into the caller's run that it gave a task."""
    if parent.agent is not None:
        journal.append_record(
            parent.agent.runs_dir / parent.run_id / RUN_JOURNAL, {"event": GAVE, "task": task, "to": target}
        )


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
