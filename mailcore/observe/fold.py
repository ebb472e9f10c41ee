"""Facts into the fleet: `apply(fleet, facts, at)`. Pure, and the one place where what is known of an agent changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from operator import attrgetter, is_not

from msgspec.structs import replace

from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.message import Mailbox, MailboxStatus, Message
from mailcore.model.run import Phase, Run
from mailcore.observe import open_work, permission_prompts, told
from mailcore.observe.activities import neutral
from mailcore.observe.facts import (
    AgentFact,
    AgentTold,
    ErrorsRead,
    Fact,
    HoldRead,
    HooksRead,
    HostsRead,
    LimitsRead,
    LockRead,
    LogsGrew,
    Lost,
    MailboxRead,
    PermissionsRead,
    Roster,
    RunRead,
    Seen,
    SessionsLive,
    Stated,
    Used,
)
from mailcore.observe.file_writes import with_writes
from mailcore.observe.permission_requests import as_prompt, prompt_of
from mailcore.observe.usage_sum import add_spent, for_run
from mailcore.text.names import safe_sender

MAX_ACTIVITIES = 30
"""Activities kept of each agent."""
MAX_STREAM = 500
"""Activities kept of the whole fleet."""
FIRST_MAIL = 5
"""Of a mailbox seen for the first time, this many newest messages are reported."""


def apply(fleet: Fleet, facts: Iterable[Fact], at: float) -> Fleet:
    """The fleet after `facts`, read at `at` (seconds since the epoch). Same object if they change nothing.

    Agents that nothing changed keep their identity. Facts of an address that no roster named are dropped.
    """
    notes, limits, errors, hosts = fleet.notes, fleet.limits, fleet.errors, fleet.hosts
    agents, operator = list(fleet.agents), fleet.operator
    elsewhere = {one.address: one for one in fleet.elsewhere}
    places = fleet.places or {one.address: place for place, one in enumerate(agents)}
    happened: list[Activity] = []
    changed = enrolled = False
    for fact in facts:
        if isinstance(fact, Roster):
            known = {one.address: one for one in (*agents, *filter(None, (operator,)))}
            everyone = [_enrolled(known.get(agent.address), agent) for agent in fact.agents]
            agents = [one for one in everyone if not one.agent.is_operator]
            operator = next((one for one in everyone if one.agent.is_operator), None)
            places = {one.address: place for place, one in enumerate(agents)}
            elsewhere = {agent.address: _enrolled(elsewhere.get(agent.address), agent) for agent in fact.elsewhere}
            notes, enrolled = fact.notes, True
        elif isinstance(fact, LimitsRead):
            limits = fact.accounts
        elif isinstance(fact, ErrorsRead):
            errors = fact.errors
        elif isinstance(fact, HostsRead):
            hosts = fact.hosts
        elif operator is not None and fact.address == operator.address:
            operator, activities = _learn(operator, fact, at)
            happened += activities
        elif (place := places.get(fact.address)) is not None:
            old = agents[place]
            agents[place], activities = _learn(old, fact, at)
            changed = changed or agents[place] is not old
            happened += activities
        elif (stray := elsewhere.get(fact.address)) is not None:
            elsewhere[fact.address], activities = _learn(stray, fact, at)
            happened += activities
    before = fleet.operator.mailbox if fleet.operator is not None else None
    if operator is not None and (enrolled or operator.mailbox is not before):
        agents = _with_requests(agents, operator.mailbox)
        changed = True
    if changed or enrolled:  # only then may it differ; a thousand are not compared for each line of one of them
        changed = len(agents) != len(fleet.agents) or any(map(is_not, agents, fleet.agents))
    same = not changed and operator is fleet.operator and notes == fleet.notes and limits == fleet.limits
    strays = tuple(elsewhere.values())
    if len(strays) == len(fleet.elsewhere) and not any(map(is_not, strays, fleet.elsewhere)):
        strays = fleet.elsewhere
    same = same and strays is fleet.elsewhere
    if same and not happened and errors is fleet.errors and hosts == fleet.hosts:
        return fleet
    return replace(
        fleet,
        agents=tuple(agents) if changed else fleet.agents,
        places=places,
        operator=operator,
        stream=_merged(fleet.stream, sorted(happened, key=attrgetter("at")), MAX_STREAM),
        notes=notes,
        at=at,
        limits=limits,
        errors=errors,
        hosts=hosts,
        elsewhere=strays,
    )


def _with_requests(agents: Sequence[AgentFacts], operators: Mailbox) -> list[AgentFacts]:
    """Each agent with what it asks the operator for."""
    asked: dict[str, list[Message]] = {}
    for message in operators.messages:
        if message.undecided:
            asked.setdefault(message.sender, []).append(message)
    found = []
    for facts in agents:
        requests = tuple(sorted((*facts.remote_requests, *asked.get(facts.address, ())), key=attrgetter("came_at")))
        found.append(facts if facts.requests == requests else replace(facts, requests=requests))
    return found


def _enrolled(old: AgentFacts | None, agent: Agent) -> AgentFacts:
    if old is None:
        return AgentFacts(agent)
    return old if old.agent == agent else replace(old, agent=agent)


def _learn(old: AgentFacts, fact: AgentFact, at: float) -> tuple[AgentFacts, Sequence[Activity]]:
    match fact:
        case MailboxRead(mailbox=mailbox):
            return _mail(old, mailbox, at)
        case LockRead(lock=lock):
            return (old if lock == old.lock else replace(old, lock=lock)), ()
        case HoldRead(held=held):
            return (old if held == old.held else replace(old, held=held)), ()
        case RunRead(run=run):
            return _run(old, run)
        case Seen(activities=activities, spent=spent):
            spending = add_spent(old, spent) if spent else old.spending
            kept = _merged(old.activities, activities, MAX_ACTIVITIES)
            new = open_work.with_activities(old, activities, _floor(old.run), kept, spending)
            writes = with_writes(old.agent, old.writes, activities)
            return new if writes is old.writes else replace(new, writes=writes), activities
        case Used(spent=spent, unfinished=unfinished):
            spending = add_spent(old, spent) if spent else old.spending
            if unfinished is not None and unfinished != spending.unfinished:
                spending = replace(spending, unfinished=unfinished)
            return replace(old, spending=spending) if spending is not old.spending else old, ()
        case Stated():
            return _stated(old, fact, at), ()
        case HooksRead(stopped=stopped):
            return (old if stopped == old.hooks_stopped else replace(old, hooks_stopped=stopped)), ()
        case PermissionsRead():
            return _asked(old, fact, at), ()
        case LogsGrew(logs=logs):
            return (old if logs == old.log_growth else replace(old, log_growth=logs)), ()
        case SessionsLive(sessions=sessions):
            return (old if sessions == old.sessions else replace(old, sessions=sessions)), ()
        case Lost(lines=lines):
            return (old if lines == old.lost else replace(old, lost=lines)), ()
        case AgentTold():
            return _told(old, fact)


def _told(old: AgentFacts, fact: AgentTold) -> tuple[AgentFacts, Sequence[Activity]]:
    changes = told.changes(old, fact)
    new = told.new_activities(old, fact)
    if new or (fact.whole and fact.past):
        kept = () if fact.whole and fact.past else old.activities
        changes["activities"] = _merged(kept, new, MAX_ACTIVITIES)
    return (replace(old, **changes) if changes else old), () if fact.past else new


def _stated(old: AgentFacts, fact: Stated, at: float) -> AgentFacts:
    if fact.waits:
        text = f"asks for the operator: {fact.wants or 'no reason given'}"
        asks = Activity(fact.at, old.address, Kind.WAITING, neutral(text), "status", session=fact.session)
        asking, granted = permission_prompts.after_confirmation(old.prompts, old.granted, asks)
    else:
        asking, granted = permission_prompts.after_end_of_wait(old.prompts, old.granted, fact.session, fact.at)
    if asking is old.prompts and granted is old.granted:
        return old
    # A call that was granted begins now, and so does its time.
    return replace(old, prompts=asking, granted=granted, last_active=max(old.last_active, min(fact.at, at)))


def _asked(old: AgentFacts, fact: PermissionsRead, at: float) -> AgentFacts:
    """A request is a prompt too: it stands after the request's time is over, for the program goes on to ask itself."""
    prompts, granted, known = old.prompts, old.granted, {one.id for one in old.permissions}
    last_active = old.last_active
    for request in old.permissions:
        if request.id in fact.decided:
            last_active = max(last_active, at)  # its call begins now, and so does its time
            if (over := prompt_of(prompts, request)) is not None:
                prompts = tuple(one for one in prompts if one is not over)
            if (over := prompt_of(granted, request)) is not None:
                granted = tuple(one for one in granted if one is not over)
    for request in fact.requests:
        if request.id not in known and prompt_of(prompts, request) is None:
            prompts = permission_prompts.after_request(prompts, as_prompt(request, at), old.open)
    return replace(old, permissions=fact.requests, prompts=prompts, granted=granted, last_active=last_active)


def _mail(old: AgentFacts, mailbox: Mailbox, at: float) -> tuple[AgentFacts, Sequence[Activity]]:
    if _same(mailbox, old.mailbox):
        return old, ()
    if mailbox.status is MailboxStatus.UNREADABLE:
        # The last known messages stay: when it is mended, only what is new is reported again.
        return replace(old, mailbox=dataclasses.replace(mailbox, messages=old.mailbox.messages)), ()
    if old.mailbox.status is MailboxStatus.MISSING:
        first = [message for message in mailbox.messages if message.status != "closed"][:FIRST_MAIL]
        arrived = [_arrival(old.address, message, min(message.at or at, at)) for message in reversed(first)]
    else:
        before = {_key(message) for message in old.mailbox.messages}
        new = [message for message in mailbox.messages if _key(message) not in before]
        arrived = [_arrival(old.address, message, at) for message in reversed(new)]
    decided = (m.came_at for m in mailbox.messages if str(m.raw.get("upsert_key", "")).startswith("approval:"))
    answered = max(old.answered, *decided, 0.0)
    kept = _merged(old.activities, arrived, MAX_ACTIVITIES)
    return replace(old, mailbox=mailbox, answered=answered, activities=kept), arrived


def _same(one: Mailbox, other: Mailbox) -> bool:
    """Equality that also sees a change of the keys that only `raw` holds."""
    return one == other and all(a.raw == b.raw for a, b in zip(one.messages, other.messages, strict=True))


def _key(message: Message) -> tuple[object, ...]:
    return (message.id,) if message.id else (message.sent_id, message.at, message.sender, message.subject)


def _arrival(address: str, message: Message, at: float) -> Activity:
    return Activity(at, address, Kind.MAIL, neutral(f"{safe_sender(message.sender)}: {message.subject}"), "mail")


def _run(old: AgentFacts, run: Run | None) -> tuple[AgentFacts, Sequence[Activity]]:
    if run == old.run:
        return old, ()
    if run is None:
        return replace(old, run=None), ()
    known_events = set(run_events(old.run)) if old.run is not None and old.run.run_id == run.run_id else set()
    happened = [event for event in run_events(run) if event not in known_events]
    # What a former attempt or a run that is over left open is open no more.
    floor = _floor(run)
    new = replace(
        old,
        run=run,
        activities=_merged(old.activities, happened, MAX_ACTIVITIES),
        open=open_work.begun_since(old.open, floor),
        prompts=open_work.begun_since(old.prompts, floor),
        granted=open_work.begun_since(old.granted, floor),
        turn_open=old.turn_open and any(a.at >= floor and a.kind in open_work.TURNS for a in old.activities),
        last_active=max(old.last_active, run.last_act),
        spending=for_run(old.spending, run),
    )
    return new, happened


def _floor(run: Run | None) -> float:
    """Before this moment nothing that an agent began can still go on."""
    if run is None:
        return 0.0
    if run.phase.ended or run.phase is Phase.WAITING:
        return run.since
    # Whole seconds: a hook script may stamp with `date +%s`.
    return float(int(run.attempt.started_at if run.attempt is not None else run.created_at))


def run_events(run: Run) -> list[Activity]:
    """What a run reports to the stream, oldest first. An event never changes once it is reported."""

    def event(at: float, kind: Kind, text: str) -> Activity:
        return Activity(at, run.target, kind, neutral(text), "run")

    found = []
    subject = run.subject or "a task"
    for attempt in run.attempts:
        count = f"attempt {run.place(attempt)}/{run.attempts_allowed}"
        found.append(event(attempt.started_at, Kind.STARTED, f"{subject} ({count})"))
        if attempt.ended_at and (attempt is not run.attempt or run.phase is Phase.WAITING):
            found.append(event(attempt.ended_at, Kind.RETRYING, f"{subject} ({count}): {attempt.cause}"))
    if run.foreign:
        found.append(event(run.created_at, Kind.STARTED, f"{subject} (by another program)"))
    if run.awaits is not None:
        found.append(event(run.awaits.at, Kind.LOG, f"waits for {run.awaits.on}: {run.awaits.subject}"))
    count = f"attempt {run.place(run.attempt)}/{run.attempts_allowed}" if run.attempt is not None else "no attempt"
    why = f": {run.reason}" if run.reason else ""
    match run.phase:
        case Phase.COMPLETED:
            found.append(event(run.since, Kind.DONE, subject))
        case Phase.BOUNCED:
            found.append(
                event(run.since, Kind.FAILED, f"{subject}{why}" if run.foreign else f"{subject} ({count}){why}")
            )
        case Phase.KILLED:
            found.append(event(run.since, Kind.KILLED, f"{subject}, by {run.by or 'unknown'}{why}"))
    return found


def _merged(old: tuple[Activity, ...], new: Sequence[Activity], limit: int) -> tuple[Activity, ...]:
    """Both in order of time, the newest `limit` of them; `new` is in that order."""
    if not new:
        return old
    if not old or old[-1].at <= new[0].at:
        return (*old[max(0, len(old) + len(new) - limit) :], *new[-limit:])
    return tuple(sorted((*old, *new), key=attrgetter("at"))[-limit:])
