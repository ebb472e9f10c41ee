"""Why an action cannot be asked for now, in words for a notification; empty if it can. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TypeAlias

from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.lock import Holder
from mailcore.model.message import Message
from mailcore.model.session import LiveSession


@dataclass(frozen=True, slots=True)
class Situation:
    """What is shown while a key is pressed."""

    fleet: Fleet
    selected: str = ""
    """An agent's address, empty for none."""
    played: bool = False
    """The fleet is a recording's."""
    needing: Collection[str] = ()
    """What needs the operator, by the keys of `praxmonitor.state.needs`."""
    section: str = ""
    """The section that is chosen in the view of one agent; empty in other views."""
    message: Message | None = None
    """The mail under the cursor, in a view that lists mail."""
    read_only: bool = False
    """Nothing may be asked for that changes anything."""
    sending: str = ""
    """When the mail that the operator wrote last is sent, in words; empty where none waits."""
    marked: tuple[str, ...] = ()
    """Addresses of the agents that acts take instead of the selected one."""
    run_id: str = ""
    """The run that the alarm under the cursor tells the end of; empty where none does."""
    at: float = 0.0
    """The moment that is shown, in seconds since the epoch."""
    message_open: bool = False
    """The text of the mail under the cursor is shown."""
    searched: bool = False
    """Something is searched for in the log in view."""

    @property
    def facts(self) -> AgentFacts | None:
        """What is known of the selected agent."""
        return self.fleet.find(self.selected)

    @property
    def earlier_run(self) -> str:
        """`run_id`, if it is not the selected agent's last run any more; else empty."""
        run = self.facts.run if self.facts is not None else None
        return self.run_id if run is not None and run.run_id != self.run_id else ""


Precondition: TypeAlias = Callable[[Situation, str], str]
"""(the situation, what the refusal calls the action) → why not, empty if it can be asked for."""


def always(_: Situation, _verb: str) -> str:
    """Nothing is in its way."""
    return ""


def played(now: Situation, _verb: str) -> str:
    """A recording is played."""
    return "" if now.played else "this is no recording"


def live(now: Situation, verb: str) -> str:
    """No recording is played, which has a clock of its own."""
    return f"a recording is played: its own keys {verb} it" if now.played else ""


def unrecorded(now: Situation, _verb: str) -> str:
    """No recording is played: it has no files."""
    return "a recording holds no logs: open the workspace itself" if now.played else ""


def logs_of_agent(now: Situation, verb: str) -> str:
    """An agent is selected whose logs can be read."""
    return unrecorded(now, verb) or agent(now, verb)


def linked(now: Situation, _verb: str) -> str:
    """The workspace belongs to a link."""
    return (
        "" if now.fleet.hosts else "no other host yet: mailcore link serve makes a link, mailcore link join joins one"
    )


def some_agent(now: Situation, _verb: str) -> str:
    """The workspace has an agent."""
    return "" if now.fleet.agents else "there is no agent in this workspace"


def some_run(now: Situation, _verb: str) -> str:
    """Something can be killed."""
    return "" if busy(now.fleet) else "nothing runs in this workspace"


def busy(fleet: Fleet) -> tuple[AgentFacts, ...]:
    """The agents of this host that have something to kill: a run, or the lock that a dead one left."""
    return tuple(facts for facts in fleet.agents if _runs(facts) and not facts.agent.is_remote)


def selected(now: Situation, verb: str) -> str:
    """An agent is selected."""
    return "" if now.facts is not None else f"no agent is selected to {verb}"


def fit_for(now: Situation, condition: Precondition, verb: str) -> tuple[str, ...]:
    """Of the marked agents those that an act can take; where none is marked, the selected one if it can."""
    marked = now.marked or ((now.selected,) if now.selected else ())
    return tuple(each for each in marked if not condition(replace(now, selected=each, marked=()), verb))


def _of_agent(condition: Callable[[AgentFacts, str], str], *, several: bool = False) -> Precondition:
    """An agent that is not the operator is selected, and `condition` says nothing against it. `several`: the act takes
    all that are marked, and there is one of these that it can take."""

    def checked(now: Situation, verb: str) -> str:
        if several and now.marked:
            found = fit_for(now, checked, verb)
            return "" if found else checked(replace(now, selected=now.marked[0], marked=()), verb)
        facts = now.facts
        if facts is None:
            return selected(now, verb)
        if facts.agent.is_session:
            return f"{facts.address} is no agent of this project: it is shown, and nothing of it is asked"
        return f"{OPERATOR} is you: nothing to {verb}" if facts.agent.is_operator else condition(facts, verb)

    return checked


def _runs(facts: AgentFacts) -> bool:
    return facts.lock is not None and facts.lock.holder is not Holder.UNKNOWN


def _at_work(facts: AgentFacts) -> bool:
    return facts.lock is not None and facts.lock.holder is not Holder.DEAD


def _startable(facts: AgentFacts) -> str:
    return f"{facts.held}: release (H) it first" if facts.held else ""


def _has_run(facts: AgentFacts, verb: str) -> str:
    return "" if facts.run is not None else f"{facts.address} has had no run to {verb}"


def _has_something_to_kill(facts: AgentFacts, _verb: str) -> str:
    return "" if _runs(facts) else f"nothing runs at {facts.address}"


def _can_start(facts: AgentFacts, _verb: str) -> str:
    return f"{facts.address} is at work" if _at_work(facts) else _startable(facts)


def _can_start_again(facts: AgentFacts, verb: str) -> str:
    if _at_work(facts) and facts.run is not None and facts.run.parked:
        return ""  # it is let go on
    if _at_work(facts):
        return f"{facts.address} is at work: kill its run first"
    return _startable(facts) or _has_run(facts, verb)


def background_job(facts: AgentFacts) -> LiveSession | None:
    """A session of an agent's own that goes on in the background, where its program joins it; None for none."""
    if facts.agent.is_remote or facts.agent.is_session or facts.lock is not None:
        return None
    return next((one for one in facts.sessions if one.job and one.session), None)


def _keeps_a_session(facts: AgentFacts, _verb: str) -> str:
    address, run = facts.address, facts.run
    if background_job(facts) is not None:
        return ""
    if _at_work(facts):
        return f"{address} is at work: two in one session would overwrite each other"
    if run is None or run.foreign:
        return f"{address} has had no run whose session could go on"
    if run.attempt is not None and run.attempt.ended_at and not run.attempt.session_id:
        return f"{address} is a {run.program} agent: its program keeps no session"
    return ""


agent = _of_agent(lambda _facts, _verb: "")
"""An agent is selected, not the operator."""
runs = _of_agent(_has_something_to_kill, several=True)
"""It has a run, or the lock that a dead one left."""
ran = _of_agent(_has_run)
"""It has had a run."""
startable = _of_agent(_can_start, several=True)
"""It is idle, and nobody holds it."""


def startable_again(now: Situation, verb: str) -> str:
    """So it is, and it has had a run. Of an alarm of an earlier run it is not said to kill the one at work."""
    told = _another_by_now(now)
    if told and now.facts is not None and _at_work(now.facts):
        return f"{told}, at work; {verb} this alarm's when that is over, or open it with Enter"
    return _of_agent(_can_start_again, several=True)(now, verb)


def movable(now: Situation, verb: str) -> str:
    """The same, of the one under the cursor alone, and of its last run alone."""
    told = _another_by_now(now)
    return f"{told}; open it with Enter" if told else _of_agent(_can_start_again)(now, verb)


def _another_by_now(now: Situation) -> str:
    """That the last run is another than the alarm's, in words; empty if it is not."""
    facts = now.facts
    if not now.earlier_run or facts is None or facts.run is None:
        return ""
    return f"{now.selected}'s last run is another by now: {facts.run.subject or facts.run.run_id}"


def _grows(facts: AgentFacts, _verb: str) -> str:
    if facts.agent.is_remote:
        return f"the logs of {facts.address} lie on {facts.agent.host}: cut them there"
    return "" if facts.log_growth else f"no log of {facts.address} grows"


log_grows = _of_agent(_grows)
"""A log of it grows."""
holdable = _of_agent(lambda _facts, _verb: "", several=True)
"""An agent, or one of those that are marked."""
_own_session = _of_agent(_keeps_a_session)


def session(now: Situation, verb: str) -> str:
    """It is idle, and its program can go on in its session; or it is a session itself that can be joined."""
    facts = now.facts
    if facts is None or not facts.agent.is_session:
        return _own_session(now, verb)
    open_at = next((one for one in facts.sessions if not one.job), None)
    if open_at is not None:
        where = open_at.terminal or f"process {open_at.pid}"
        return f"{facts.address} is open at {where}: go there; two in one session would overwrite each other"
    return "" if facts.agent.session else f"the session of {facts.address} is not known yet"


def unsent(now: Situation, _verb: str) -> str:
    """Mail of the operator's waits, and can be taken back."""
    return "" if now.sending else "no mail of yours waits to be sent"
