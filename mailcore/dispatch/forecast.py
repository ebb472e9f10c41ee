"""What would happen if a mail or a task were sent now: who is woken, who waits behind what, and what speaks against it.

Only looks. Between the look and the act something may change, and then the act itself says so.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailcore.accounts.account import require_account
from mailcore.accounts.limit_store import lifted_at, read_limits, standing_limit
from mailcore.config import Config
from mailcore.dispatch import control
from mailcore.dispatch.admission import hindrances
from mailcore.dispatch.aipass import switches
from mailcore.dispatch.process.environment import search_path
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.runs import resumable_session
from mailcore.dispatch.shared_task import TaskTerms
from mailcore.exceptions import MailcoreError
from mailcore.mail import reachable, route
from mailcore.model.agent import Agent
from mailcore.programs.choose import select
from mailcore.text.units import clock_time
from mailcore.workspace.find import Workspace
from mailcore.workspace.registry import normal_address

MOST_NAMED = 4
"""So many agents have a clause of their own; of the others only the number is said."""


class Outcome(StrEnum):
    """What a recipient would come to."""

    WAKES = "wakes"
    WAITS = "waits"
    """It gets the mail, and is started later."""
    MAIL = "mail"
    """It gets the mail, and is not started for it."""
    WRONG = "wrong"
    """It would refuse the mail to all."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What one recipient would come to."""

    address: str
    outcome: Outcome
    text: str = ""
    """Why, in words that name it; empty where nothing is to be said."""


def forecast(
    workspace: Workspace, config: Config, sender: str, to: Sequence[str], terms: TaskTerms, *, is_task: bool
) -> list[Prospect]:
    """What each recipient would come to; an address that is unknown is one, too. Never an error."""
    found: list[Prospect] = []
    author = workspace.agent(sender)
    for word in dict.fromkeys(map(normal_address, to)):
        try:
            for agent in route.resolve_addresses(workspace, author, [word]):
                if agent.address not in [one.address for one in found]:
                    found.append(_prospect(workspace, config, author, agent, terms, is_task))
        except MailcoreError as error:
            found.append(Prospect(word, Outcome.WRONG, str(error)))
    return found


def _prospect(
    workspace: Workspace, config: Config, author: Agent, agent: Agent, terms: TaskTerms, is_task: bool
) -> Prospect:
    name = agent.address
    try:
        if why := reachable.why_unreachable(agent):
            return Prospect(name, Outcome.WRONG, why)
        if is_task:
            found = control.check_target(workspace, config, author.address, name, terms.program, terms.account)
            resumable_session.check_request(config, *found, terms.model, terms.mode)
        elif terms.priority != "high" or agent.is_operator:
            return Prospect(name, Outcome.MAIL)
        program = select(agent, config, search_path(), terms.program).name
        outcome, why = _start(workspace, config, agent, program, terms)
    except MailcoreError as error:
        # Who cannot be started gets an urgent mail all the same.
        return Prospect(name, Outcome.WRONG if is_task else Outcome.MAIL, str(error))
    except OSError as error:
        return Prospect(name, Outcome.WRONG, f"{name}: {error.filename or ''}: {error.strerror}")
    if is_task and not terms.waits and outcome is Outcome.WAITS:
        return Prospect(name, Outcome.WRONG, f"{why}; and it is to begin now")
    return Prospect(name, outcome, why)


def _start(workspace: Workspace, config: Config, agent: Agent, program: str, terms: TaskTerms) -> tuple[Outcome, str]:
    name = agent.address
    if switches.why_never_started(workspace, agent):
        return Outcome.MAIL, f"{name} is never started: only mail"
    if hindrances.hold_reason(workspace, agent):
        return Outcome.WAITS, f"{name} is held: only mail, until it is released"
    waiting = len(queue.waiting_starts(agent))
    if hindrances.busy_hindrance(agent) is not None:
        return Outcome.WAITS, f"{name} is busy: queued behind {waiting + 1}"
    if waiting:
        return Outcome.WAITS, f"{name}: queued behind {waiting}"
    if (limit := hindrances.limit_hindrance(workspace, config, program)) is not None:
        return Outcome.WAITS, f"{name} waits for a free place: {limit.reason}"
    account = require_account(config, name, program, terms.account)
    standing = standing_limit(read_limits(account), time.time(), terms.model)
    if standing is not None:
        return Outcome.WAITS, f"{name} is limited until {clock_time(lifted_at(standing), seconds=False)}"
    return Outcome.WAKES, ""


def forecast_text(prospects: Sequence[Prospect]) -> str:
    """It in a sentence, what speaks against it first: `wakes 3; @beta is busy: queued behind 2`; empty for nobody."""
    wrong = [one.text for one in prospects if one.outcome is Outcome.WRONG]
    woken = [one.address for one in prospects if one.outcome is Outcome.WAKES]
    quiet = [one for one in prospects if one.outcome is Outcome.MAIL and not one.text]
    told = [one.text for one in prospects if one.text and one.outcome is not Outcome.WRONG]
    clauses = [*wrong]
    if woken:
        clauses.append(f"wakes {woken[0] if len(woken) == 1 else len(woken)}")
    if quiet:
        whom = quiet[0].address if len(quiet) == 1 else f"{len(quiet)}"
        clauses.append(f"mail to {whom}{'' if woken or told else '; wakes nobody'}")
    clauses += told[:MOST_NAMED]
    if len(told) > MOST_NAMED:
        clauses.append(f"{len(told) - MOST_NAMED} more wait")
    return "; ".join(clauses)
