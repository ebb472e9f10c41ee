"""What happened while the operator was away: what was done, failed, asked and spent, and where it stands. Reads only.

One reader, for `mailcore away --back` and for the screen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from mailcore.dispatch.runs.run_list import read_run, run_ids
from mailcore.errors.store import read_groups
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import RUN_JOURNAL
from mailcore.model.error_group import ErrorGroup, GroupState
from mailcore.model.message import Message
from mailcore.model.run import Phase, Run
from mailcore.text import counted, line
from mailcore.text.masks import masked
from mailcore.text.money import money
from mailcore.text.names import safe_sender
from mailcore.text.units import clock_time, duration
from mailcore.workspace.find import Workspace

MAX_RUNS_BACK = 200
"""Runs of one agent that are looked at, the newest."""
MAX_TOLD = 20
"""Of each sort of thing, so much is told one by one, the newest."""
MAX_SUBJECT = 60


@dataclass(frozen=True, slots=True)
class AwaySummary:
    """What a stretch of time brought; each sort of thing oldest first."""

    since: float
    """Seconds since the epoch."""
    failed: tuple[Run, ...] = ()
    """Bounced, or killed."""
    unanswered: tuple[Run, ...] = ()
    """Done, and their task is not answered: no mail tells of them."""
    done: tuple[Run, ...] = ()
    going_on: tuple[Run, ...] = ()
    """Begun in that time or before, and not over."""
    requests: tuple[Message, ...] = ()
    """Requests for approval to the operator that came and are not decided."""
    mails: tuple[Message, ...] = ()
    """Other mail to the operator that came and nobody has opened."""
    errors: tuple[ErrorGroup, ...] = ()
    """Errors that came back after they were resolved, or that are new."""

    @property
    def cost(self) -> float:
        """US dollars that the runs report which ended, 0.0 unknown."""
        return sum(run.cost for run in (*self.failed, *self.unanswered, *self.done))

    def __bool__(self) -> bool:
        return any((self.failed, self.unanswered, self.done, self.requests, self.mails, self.errors))


@dataclass(frozen=True, slots=True)
class SummaryLine:
    """One thing that happened, and where it leads: to an agent, to a mail of the operator's, to an error."""

    text: str
    """Harmless."""
    address: str = ""
    message_id: str = ""
    fingerprint: str = ""


def summarize(workspace: Workspace, since: float) -> AwaySummary:
    """What happened since then (seconds since the epoch)."""
    runs = sorted((run for agent in workspace.agents for run in _runs(workspace, agent.address, since)), key=_since)
    completed = [run for run in runs if run.phase is Phase.COMPLETED]
    unanswered = tuple(run for run in completed if run.message_id and not (run.replied or run.delegated))
    came = [mail for mail in read_mailbox(workspace.operator.inbox).messages if mail.came_at >= since]
    came = sorted((mail for mail in came if mail.status != "closed"), key=lambda mail: mail.came_at)
    return AwaySummary(
        since,
        tuple(run for run in runs if run.phase in (Phase.BOUNCED, Phase.KILLED)),
        unanswered,
        tuple(run for run in completed if run not in unanswered),
        tuple(run for run in runs if not run.phase.ended),
        tuple(mail for mail in came if mail.undecided),
        tuple(mail for mail in came if mail.unread and not mail.undecided),
        tuple(sorted((group for group in read_groups(workspace) if _is_news(group, since)), key=_last_at)),
    )


def _is_news(group: ErrorGroup, since: float) -> bool:
    """It came since then, or came back."""
    back = group.state is GroupState.BACK and group.last_at >= since
    return back or (group.state is GroupState.NEW and group.first_at >= since)


def _last_at(group: ErrorGroup) -> float:
    return group.last_at


def _since(run: Run) -> float:
    return run.since


def _runs(workspace: Workspace, address: str, since: float) -> Iterator[Run]:
    """The agent's runs that ended since then, or go on."""
    agent = workspace.agent(address)
    for run_id in reversed(run_ids(agent)[-MAX_RUNS_BACK:]):
        try:
            written = (agent.runs_dir / run_id / RUN_JOURNAL).stat().st_mtime
        except OSError:
            continue
        run = read_run(agent.runs_dir / run_id) if written >= since else None
        if run is not None and (run.since >= since or not run.phase.ended):
            yield run


def headline(found: AwaySummary, now: float) -> str:
    """All of it in one line: `since 13:05 (42 min): 5 done, 1 failed, 2 without a reply, 1 asks you; $ 1.20`."""
    counts = (
        (len(found.failed), "failed"), (len(found.unanswered), "done without a reply"), (len(found.done), "done"),
        (len(found.going_on), "at work"),
    )  # fmt: skip
    told = [f"{number} {word}" for number, word in counts if number]
    told += [counted(len(found.requests), "request")] if found.requests else []
    told += [counted(len(found.mails), "unread mail")] if found.mails else []
    back = sum(group.state is GroupState.BACK for group in found.errors)
    told += [f"{counted(back, 'error')} back again"] if back else []
    told += [counted(len(found.errors) - back, "new error")] if len(found.errors) > back else []
    spent = f"; {money(found.cost)} spent" if found.cost else ""
    when = f"since {clock_time(found.since, seconds=False)} ({duration(max(0.0, now - found.since))})"
    return f"{when}: {', '.join(told) or 'nothing happened'}{spent}"


def summary_lines(found: AwaySummary) -> list[SummaryLine]:
    """What wants the operator first, then what each agent did, the newest of it, then where it stands."""
    lines = [
        SummaryLine(f"? {_at(mail.came_at)} {safe_sender(mail.sender)} asks: {_subject(mail.subject)}", "", _id(mail))
        for mail in found.requests[-MAX_TOLD:]
    ]
    news = sorted(found.errors, key=lambda group: (group.state is GroupState.BACK, group.last_at))[-MAX_TOLD:]
    lines += [SummaryLine(_of_error(group), fingerprint=group.fingerprint) for group in reversed(news)]
    for runs, sign, words in ((found.failed, "✗", ""), (found.unanswered, "!", " (no reply)")):
        lines += [SummaryLine(_of_run(run, sign, words), run.target) for run in runs[-MAX_TOLD:]]
        if len(runs) > MAX_TOLD:
            lines.append(SummaryLine(f"{sign} and {len(runs) - MAX_TOLD} before"))
    done = Counter(run.target for run in found.done)
    last = {run.target: run for run in found.done}
    for address, run in list(last.items())[-MAX_TOLD:]:
        more = f" (and {done[address] - 1} more)" if done[address] > 1 else ""
        lines.append(SummaryLine(_of_run(run, "✓", more), address))
    lines += [SummaryLine(_of_run(run, "▸", ""), run.target) for run in found.going_on[-MAX_TOLD:]]
    lines += [
        SummaryLine(f"✉ {_at(mail.came_at)} {safe_sender(mail.sender)}: {_subject(mail.subject)}", "", _id(mail))
        for mail in found.mails[-MAX_TOLD:]
    ]
    return lines


def _of_error(group: ErrorGroup) -> str:
    what = "back again" if group.state is GroupState.BACK else "new"
    who = line(group.reporters[0], 30) if group.reporters else "somebody"
    return f"! {_at(group.last_at)} {who} error {what}, {group.count:,}×: {_subject(masked(group.title))}"


def _of_run(run: Run, sign: str, words: str) -> str:
    why = f": {line(run.reason, MAX_SUBJECT)}" if run.reason and run.phase is not Phase.COMPLETED else ""
    killed = f", killed by {line(run.by, 30) or 'unknown'}" if run.phase is Phase.KILLED else ""
    return f"{sign} {_at(run.since)} {run.target} {_subject(run.subject)}{killed}{words}{why}"


def _at(at: float) -> str:
    return clock_time(at, seconds=False)


def _id(mail: Message) -> str:
    return mail.id or mail.sent_id


def _subject(text: str) -> str:
    return line(text, MAX_SUBJECT) or "no subject"
