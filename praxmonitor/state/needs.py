"""What needs the operator, in the one order in which `n` and `N` walk through it. Pure, but for where a walk stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter
from typing import Protocol

from mailcore.hosts.names import split_address
from mailcore.model.agent import OPERATOR
from mailcore.model.fleet import AgentFacts, State
from mailcore.model.message import FINAL, Message
from mailcore.model.run import Phase
from praxmonitor.state.snapshot import Snapshot
from praxmonitor.text.agents import NEEDS_ME, task
from praxmonitor.text.lines import plain, sender

UNREAD = "unread"
"""The kind of the alarm that is about all ordinary mail to the operator, and names none."""


class RaisedAlarm(Protocol):
    """An alarm that wants the operator (`praxmonitor.alarms.alarm`)."""

    @property
    def kind(self) -> str:
        """What sort of condition it is."""

    @property
    def address(self) -> str:
        """Of the agent; empty: the workspace as a whole."""

    @property
    def id(self) -> str:
        """Of one about a mail it begins with the mail's."""

    @property
    def key(self) -> str:
        """Names it."""

    @property
    def summary(self) -> str:
        """Who and what; untrusted."""


@dataclass(frozen=True, slots=True)
class Need:
    """One place to go to, because something there waits for the operator. One of the three last fields is set."""

    words: str
    """Who needs what, in a line that may be drawn."""
    message_id: str = ""
    """Of a mail to the operator."""
    address: str = ""
    """Of an agent."""
    alarm_key: str = ""
    """Of an alarm that is about no agent alone."""
    asker: str = ""
    """Address of the agent that asks for approval, where it is that."""

    @property
    def key(self) -> str:
        """Tells it from the others: where it leads."""
        return self.message_id or self.address or self.alarm_key


def needs_of(snapshot: Snapshot, alarms: Iterable[RaisedAlarm]) -> tuple[Need, ...]:
    """Everything that needs the operator, each place once: what the unanswered `alarms` are about, in their order, the
    most urgent first; requests for approval that can be decided still and whose alarm is answered, agents in a state
    that wants him, tasks that were done without a reply, his unread mail, sessions of nobody's that wait for him.

    Those without an alarm stand in an order that hangs on nothing that changes while a need stands: mail by its age,
    agents by their state and as in the registry. An alarm whose agent or mail is in the list already adds no place to
    go to.
    """
    mails = tuple(mail for mail in snapshot.fleet.operator_mails if mail.status != "closed")
    mails = tuple(sorted(mails, key=attrgetter("came_at", "id")))
    found: dict[str, Need] = {}
    for need in (
        *_of_alarms(snapshot, mails, alarms),
        *(_of_approval(mail) for mail in mails if mail.awaits_decision(snapshot.now)),
        *_of_agents(snapshot),
        *(_of_mail(mail) for mail in mails if is_news(mail)),
        *_of_sessions(snapshot),
    ):
        found.setdefault(need.key, need)
    return tuple(found.values())


def is_news(mail: Message) -> bool:
    """Whether nobody has opened it, and it is no request: that wants a decision, or it is too late for one."""
    return mail.unread and not mail.undecided and not mail.lapsed


def _mail_id(mail: Message) -> str:
    return mail.id or mail.sent_id


def _of_approval(mail: Message) -> Need:
    words = f"{sender(mail.sender)} asks for your approval: {plain(mail.subject) or 'no subject'}"
    if mail.recipient != OPERATOR and split_address(mail.recipient)[0] == OPERATOR:  # it lies on another host
        return Need(words, address=mail.sender, asker=mail.sender)
    return Need(words, message_id=_mail_id(mail), asker=mail.sender)


def needing_agents(needs: Iterable[Need]) -> tuple[str, ...]:
    """Addresses of the agents that need the operator, each once, as the `needs` have them."""
    return tuple(dict.fromkeys(address for need in needs if (address := need.address or need.asker)))


def _of_mail(mail: Message) -> Need:
    return Need(f"mail from {sender(mail.sender)}: {plain(mail.subject) or 'no subject'}", message_id=_mail_id(mail))


def _of_alarms(snapshot: Snapshot, mails: Sequence[Message], alarms: Iterable[RaisedAlarm]) -> Iterator[Need]:
    """In their order. Several of one agent are one need."""
    known = {facts.address for facts in snapshot.fleet.agents}
    needs = [_of_alarm(alarm, mails, known=alarm.address in known) for alarm in alarms]
    number = Counter(need.key for need in needs)
    for need in needs:  # of several the first is taken
        more = number[need.key] - 1
        yield replace(need, words=f"{need.words} (+{more})") if more and need.address else need


def _of_alarm(alarm: RaisedAlarm, mails: Sequence[Message], *, known: bool) -> Need:
    words = plain(alarm.summary)
    if known:
        return Need(words, address=alarm.address)
    if alarm.address == OPERATOR:
        unread = [mail for mail in mails if is_news(mail)] if alarm.kind == UNREAD else []
        name = alarm.id.partition(" ")[0]
        named = [mail for mail in mails if name and name in (mail.id, mail.sent_id)]
        for mail in (*named, *unread):
            return _of_approval(mail) if mail.undecided else Need(words, message_id=_mail_id(mail))
    return Need(words, alarm_key=alarm.key)


def _of_agents(snapshot: Snapshot) -> Iterator[Need]:
    """First those whose state wants the operator, by that, then those that left their task without an answer."""
    unanswered: list[Need] = []
    found: list[tuple[int, Need]] = []
    wanting = set(snapshot.needs_me())
    for facts in snapshot.heard_agents:
        if facts.address in wanting:
            status = snapshot.status(facts.address)
            # Who waits for a decision is in the list by its request.
            if status.state is not State.WAITING or not facts.requests or facts.prompts or facts.permissions:
                need = Need(f"{facts.address} {status.state}: {plain(status.reason)}", address=facts.address)
                found.append((NEEDS_ME.index(status.state), need))
        elif _left_unanswered(facts):
            unanswered.append(Need(f"{facts.address} done without a reply: {task(facts)}", address=facts.address))
    yield from (need for _, need in sorted(found, key=itemgetter(0)))
    yield from unanswered


def _of_sessions(snapshot: Snapshot) -> Iterator[Need]:
    """Those in the project that are no agent's, last of all and in no alarm: whoever began one may sit before it. One
    whose process is not seen may be long gone, and before one whose terminal has the focus its person sits."""
    for facts in snapshot.fleet.elsewhere:
        status = snapshot.status(facts.address)
        sits = any(session.focused for session in facts.sessions)
        if status.state is State.WAITING and facts.sessions and not sits:
            yield Need(f"{facts.address} {status.state}: {plain(status.reason)}", address=facts.address)


def _left_unanswered(facts: AgentFacts) -> bool:
    """Its newest run ended well, and its task's mail lies open there, answered by nobody."""
    run = facts.run
    if run is None or run.phase is not Phase.COMPLETED or run.foreign or run.replied or run.delegated:
        return False
    tasks = (mail for mail in facts.mailbox.messages if mail.id == run.message_id != "" and mail.status != "closed")
    return any(mail.ack is None or mail.ack.state not in FINAL for mail in tasks)


class NeedWalk:
    """Where the operator stands in the list of needs: it remembers the list that he saw, so that what is dealt with and
    goes takes nobody's turn away."""

    def __init__(self) -> None:
        self._seen: tuple[str, ...] = ()
        self._at = ""

    def step(self, needs: Sequence[Need], way: int) -> int:
        """Go on by one, 1 forward or -1 back, from the last to the first: the place among `needs`, which are some.

        Forward it goes to what came since the last step, if that stands before the next one: it is more urgent.
        """
        keys = [need.key for need in needs]
        place = self._next(keys, way)
        self._seen, self._at = tuple(keys), keys[place]
        return place

    def _next(self, keys: Sequence[str], way: int) -> int:
        place = self._gone_on(keys, way)
        if way > 0 and self._at:
            return next((at for at, key in enumerate(keys[:place]) if key not in self._seen), place)
        return place

    def _gone_on(self, keys: Sequence[str], way: int) -> int:
        if self._at in keys:
            return (keys.index(self._at) + way) % len(keys)
        if self._at:
            # It is dealt with: on to the nearest that stood behind it (or before it, going back) and stands still.
            start = self._seen.index(self._at)
            rest = self._seen[start + 1 :] if way > 0 else self._seen[:start][::-1]
            for key in rest:
                if key in keys:
                    return keys.index(key)
        return 0 if way > 0 else len(keys) - 1
