"""A run's story on one page: task, attempts, exits, stderr, mail sent, files changed. Reads only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mailcore.dispatch.aipass import register
from mailcore.dispatch.aipass.monitor_runs import task_message
from mailcore.dispatch.runs.run_list import journal_records
from mailcore.dispatch.texts.end_mails import run_figures
from mailcore.exceptions import MailcoreError
from mailcore.mail import lookup
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.model.run import MAX_RESULT, Attempt, Run
from mailcore.model.usage import Usage
from mailcore.programs.base import exit_words, tail
from mailcore.text import line, plain
from mailcore.text.masks import masked, masked_all
from mailcore.text.units import clock_time
from mailcore.workspace.find import Workspace

STDERR_LINES = 20


@dataclass(frozen=True, slots=True)
class Story:
    """All of one run."""

    run: Run
    sent: tuple[Message, ...]
    """Mail that the agent wrote while it ran."""
    changed: tuple[str, ...]
    """Files of its branch that changed, relative."""
    stderr: tuple[str, ...]
    """The last lines of the last attempt's standard error."""
    progress: str
    text: str = ""
    """What the task's mail said, its beginning if it is long."""
    used: Usage | None = None
    """Tokens and money, as `mailcore usage --by task` says them; None: nothing says any."""

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values, secrets masked."""
        mails = [{"id": m.id, "to": m.recipient, "subject": m.subject} for m in self.sent]
        values = {
            "run": asdict(self.run), "sent": mails, "changed": list(self.changed), "stderr": list(self.stderr),
            "progress": self.progress, "text": self.text, "duration": round(self.run.duration, 3),
            "used": self.used.as_json() if self.used is not None else None,
        }  # fmt: skip
        return dict(masked_all(values))

    def as_markdown(self) -> str:
        """The same for an issue or a mail, and to be pasted: secrets masked, every line begun by us.

        A line begins with `#`, `|` or `~`: whoever pastes it into a shell by mistake, one without bracketed paste even,
        gets comments and syntax errors, never a command of an agent's.
        """
        run = self.run
        head = [
            f"Run `{run.run_id}` of {run.target}, from {run.sender}, program {run.program}: **{run.phase}**"
            + (f" by {run.by}" if run.by else "")
            + (f" ({run.reason})" if run.reason else ""),
            f"Task: {run.subject}",
            *([run_figures(run, self.used)] if run.phase.ended else []),
            *([f"Its sender has not heard of it: {run.undelivered}"] if run.undelivered else []),
            *([f"Its session is `{run.attempt.session_id}`."] if run.attempt and run.attempt.session_id else []),
        ]
        page = [f"# A run of {run.target}", "", *_table(*([cell] for cell in head))]
        page += ["", *_table(["attempt", "began", "seen", "ended", "how"], *map(_row, run.attempts))]
        for title, texts in (
            ("Task", self.text.splitlines()),
            ("Result", run.result.splitlines()),
            ("Standard error", self.stderr),
        ):
            if texts:
                page += ["", f"## {title}", "", *_fenced(texts)]
        for title, rows in (
            ("Mail sent", [f"{m.recipient}: {m.subject}" for m in self.sent]),
            ("Files changed", list(self.changed)),
        ):
            if rows:
                page += ["", *_table([title], *([row] for row in rows))]
        return masked("\n".join(page))


def read_story(workspace: Workspace, agent: Agent, run: Run) -> Story:
    """Read everything of a run, be it ours or AIPass's."""
    if run.foreign:
        return _foreign(agent, run)
    run_dir = agent.runs_dir / run.run_id
    found = journal_records(run_dir)
    ended: dict[str, Any] = next((r for r in reversed(found) if r.get("event") == "ended"), {})
    until = run.since if run.phase.ended else time.time()
    sent = []
    for _, raw in lookup.sent_records(agent):
        message = Message.from_json(raw)
        of_run = raw.get("dispatch_id") or raw.get("ended_run") or run.run_id  # AIPass's own command does not say
        if of_run == run.run_id and int(run.started_at) <= message.at <= until + 1:  # mail is stamped in whole seconds
            sent.append(message)
    changed = ended.get("changed")
    return Story(
        run,
        tuple(reversed(sent)),
        tuple(str(name) for name in changed) if isinstance(changed, list) else (),
        tuple(_stderr(run_dir, run)),
        str(ended.get("progress", "")),
        str(found[0].get("text") or "") if found else "",
        _used(workspace, agent, run),
    )


def _used(workspace: Workspace, agent: Agent, run: Run) -> Usage | None:
    from mailcore.accounts.account import accounts
    from mailcore.config import Config
    from mailcore.observe.usage_ledger import ledger
    from mailcore.programs.prices import Prices
    from mailcore.workspace import trust

    try:
        config = trust.trusted_config(workspace)[0]
    except (MailcoreError, OSError):
        config = Config()
    since, prices = int(run.created_at), Prices(config.prices)
    entries = ledger([agent], since, workspace.agents, accounts(config), prices).entries
    found = [one.usage for one in entries if one.run is not None and one.run.run_id == run.run_id]
    return sum(found, Usage()) if found else None


def _foreign(agent: Agent, run: Run) -> Story:
    """What AIPass left of a run of its own: the task's mail, the report, the mail that is stamped with its id."""
    task = task_message(agent, run)
    report = register.read_report(agent.root, run.run_id)
    sent = [Message.from_json(raw) for _, raw in lookup.sent_records(agent) if raw.get("dispatch_id") == run.run_id]
    names = {task.id, task.sent_id} - {""} if task is not None else set()
    answers = [mail.body for mail in sent if mail.recipient == run.sender and mail.in_reply_to in names]
    answer = answers[0] if answers else str(report.get("result_excerpt") or "")
    cost = report.get("total_cost_usd")
    shown_run = replace(
        run,
        result=run.result or masked(answer)[:MAX_RESULT],
        cost=float(cost) if isinstance(cost, int | float) else run.cost,
        replied=run.replied or bool(answers),
        memories_edited=report.get("memories_edited") is True,
        message_id=task.id if task is not None else run.message_id,
    )
    return Story(shown_run, tuple(reversed(sent)), (), (), "", masked(task.body) if task is not None else "")


def _table(*rows: Sequence[str]) -> list[str]:
    """The first row is its head; each untrusted cell is made one line."""
    above, *below = (f"| {' | '.join(line(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in rows)
    return [above, f"|{' --- |' * len(rows[0])}", *below]


def _fenced(texts: Sequence[str]) -> list[str]:
    """Untrusted lines as a block of text, which nothing in them can close: none begins a line."""
    return ["~~~", *(f"| {plain(text)}" for text in texts), "~~~"]


def _stderr(run_dir: Path, run: Run) -> list[str]:
    return tail(run_dir / f"attempt-{run.attempt.number}.stderr.log")[-STDERR_LINES:] if run.attempt else []


def _row(attempt: Attempt) -> list[str]:
    how = attempt.cause or (exit_words(attempt.exit_code) if attempt.exit_code is not None else "")
    moments = (attempt.started_at, attempt.running_at, attempt.ended_at)
    return [f"{attempt.number} ({attempt.mode})", *map(clock_time, moments), how]
