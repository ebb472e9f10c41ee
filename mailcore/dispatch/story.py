"""A run's story on one page: task, attempts, exits, stderr, mail sent, files changed. Reads only."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mailcore.dispatch.notice import figures
from mailcore.dispatch.runs import records
from mailcore.mail import lookup
from mailcore.model.agent import Agent
from mailcore.model.message import Message
from mailcore.model.run import Attempt, Run
from mailcore.programs.base import exit_words, tail
from mailcore.text import line, plain
from mailcore.units import clock_time

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

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        mails = [{"id": m.id, "to": m.recipient, "subject": m.subject} for m in self.sent]
        return {
            "run": asdict(self.run), "sent": mails, "changed": list(self.changed), "stderr": list(self.stderr),
            "progress": self.progress, "duration": round(self.run.duration, 3),
        }  # fmt: skip

    def as_markdown(self) -> str:
        """The same for an issue or a mail."""
        run = self.run
        head = [
            f"# {line(run.subject)}",
            "",
            f"Run `{run.run_id}` of {run.target}, from {run.sender}, program {run.program}: **{run.phase}**"
            + (f" by {run.by}" if run.by else "")
            + (f" ({line(run.reason)})" if run.reason else ""),
            *(["", figures(run)] if run.phase.ended else []),
            *(["", f"Its sender has not heard of it: {line(run.undelivered)}"] if run.undelivered else []),
            "",
            "| attempt | began | seen | ended | how |",
            "| --- | --- | --- | --- | --- |",
            *(_row(attempt) for attempt in run.attempts),
        ]
        if run.attempt is not None and run.attempt.session_id:
            head += ["", f"Its session is `{line(run.attempt.session_id)}`."]
        parts = [
            ("Result", _fenced(run.result.splitlines())),
            ("Standard error", _fenced(self.stderr)),
            ("Mail sent", [f"- {m.recipient}: {line(m.subject)}" for m in self.sent]),
            ("Files changed", [f"- {line(name)}" for name in self.changed]),
        ]
        for title, lines in parts:
            if lines:
                head += ["", f"## {title}", "", *lines]
        return "\n".join(head)


def story(agent: Agent, run: Run) -> Story:
    """Read everything of a run."""
    run_dir = agent.runs_dir / run.run_id
    ended: dict[str, Any] = next((r for r in reversed(records(run_dir)) if r.get("event") == "ended"), {})
    until = run.since if run.phase.ended else time.time()
    sent = []
    for _, raw in lookup.sent(agent):
        message = Message.from_json(raw)
        if int(run.started_at) <= message.at <= until + 1:  # mail is stamped in whole seconds
            sent.append(message)
    changed = ended.get("changed")
    return Story(
        run,
        tuple(reversed(sent)),
        tuple(str(name) for name in changed) if isinstance(changed, list) else (),
        tuple(_stderr(run_dir, run)),
        str(ended.get("progress", "")),
    )


def _fenced(texts: Sequence[str]) -> list[str]:
    """Untrusted lines as a code block, which nothing in them can close."""
    lines = [plain(text) for text in texts]
    longest = max((len(run) for text in lines for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence, *lines, fence] if lines else []


def _stderr(run_dir: Path, run: Run) -> list[str]:
    return tail(run_dir / f"attempt-{run.attempt.number}.stderr.log")[-STDERR_LINES:] if run.attempt else []


def _row(attempt: Attempt) -> str:
    how = attempt.cause or (exit_words(attempt.exit_code) if attempt.exit_code is not None else "")
    moments = (attempt.started_at, attempt.running_at, attempt.ended_at)
    times = " | ".join(clock_time(at) for at in moments)
    return f"| {attempt.number} ({attempt.mode}) | {times} | {line(how)} |"
