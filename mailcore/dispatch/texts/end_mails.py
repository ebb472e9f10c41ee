"""What is said of a run's end: the mails to its sender, the reason by which a sender is woken. Pure but for stderr."""

from __future__ import annotations

from pathlib import Path

from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.run import Phase, Run
from mailcore.model.usage import Usage
from mailcore.programs.base import tail
from mailcore.text import money
from mailcore.text.frames import quoted
from mailcore.text.masks import masked
from mailcore.text.units import duration

MAX_WAKE_RESULT = 160
"""Characters of a result in a wake's reason: the prompt is not the place for a whole one."""


def run_figures(run: Run, used: Usage | None = None) -> str:
    """`It took 12 s, cost $0.0123; replied; memories edited.` `used`: what its session files say, if they were read."""
    replied = "replied" if run.replied else "no reply"
    memories = "memories edited" if run.memories_edited else "memories not edited"
    cost = money.cost(used) if used is not None else money.money(run.cost)
    return f"It took {duration(run.duration)}, cost {cost}; {replied}; {memories}."


def done_mail(agent: Agent, run: Run) -> tuple[str, str]:
    """Subject and body of the mail that a run is done, for one that gets no other answer."""
    subject = f"Done, no reply: {run.subject}" if not run.replied else f"Done: {run.subject}"
    how = "ended without a reply" if not run.replied else "has replied, and ended"
    return subject, f"{agent.address} {how}.\n\n{run.result}\n\n{run_figures(run)}"


def killed_mail(agent: Agent, run: Run) -> tuple[str, str]:
    """Subject and body of the mail that a run was killed."""
    text = f"{run.subject}: the run was killed by {run.by}. Dispatch it again if it is still wanted."
    return f"KILLED: Dispatch to {agent.address}", f"{text}\n\n{run_figures(run)}"


def bounce_mail(agent: Agent, run: Run, run_dir: Path) -> tuple[str, str]:
    """Subject and body of the mail that a task could not be done: attempts, causes, the end of stderr; no secrets."""
    count = len(run.attempts)
    attempts = [f"Attempt {a.number} ({a.mode}): {a.cause or 'unknown'}" for a in run.attempts]
    body = "\n".join(
        [
            f"{agent.address} could not do this task: {run.subject}",
            "",
            f"Reason: all {count} attempts failed; the last: {run.reason}" if count > 1 else f"Reason: {run.reason}",
            *attempts,
            run_figures(run),
            *([f"Result: {run.result}"] if run.result else []),
            "",
            "Stderr (last 20 lines):",
            *(last_stderr(run, run_dir) or ["(nothing)"]),
            "",
            f"The task is still message {run.message_id} in its mailbox. Dispatch again, or `mailcore retry "
            f"{agent.address}{f' --from {OPERATOR}' if run.sender == OPERATOR else ''}`.",
        ]
    )
    return f"BOUNCE: Dispatch to {agent.address} failed", masked(body)


def unwoken_mail(agent: Agent, run: Run, why: str) -> tuple[str, str]:
    """Subject and body of the mail that the sender of a run that ended is not started to go on."""
    return f"STOPPED: nobody goes on after {run.subject}", f"{wake_reason(agent, run)}\n\n{why}."


def lost_mail(agent: Agent, run: Run) -> tuple[str, str]:
    """Subject and body of the mail that a task went with its agent's directory."""
    return f"BOUNCE: Dispatch to {agent.address} failed", (
        f"{agent.address} could not do this task: {run.subject}\n\nReason: {run.reason}, and what lay there may have "
        "gone with it: mail, the run's journal, what waited.\n\nBring it back, or mend the registry; then dispatch "
        "again: by itself the task is not started any more."
    )


def wake_reason(agent: Agent, run: Run) -> str:
    """Why a sender is woken: how the run ended, its figures, the beginning of its result."""
    word = "finished" if run.phase is Phase.COMPLETED else f"did not finish ({run.phase})"
    result = quoted(masked(run.result), MAX_WAKE_RESULT) if run.result.strip() else ""
    return f"{agent.address} {word} {quoted(masked(run.subject))}. {run_figures(run)}" + (
        f" Result, in its words: {result}" if result else ""
    )


def last_stderr(run: Run, run_dir: Path) -> list[str]:
    """The last lines of the last attempt's standard error."""
    return tail(run_dir / f"attempt-{run.attempts[-1].number if run.attempts else 1}.stderr.log")[-20:]
