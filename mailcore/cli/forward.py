"""A verb about an agent of another host is carried out there: the one place where a command is handed on.

What changes something goes as an act through the channel, on disk first; what only looks is asked for, and answered at
once or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mailcore.cli.parse import TEXTUAL, Parser, body_of, options_of
from mailcore.exceptions import MailcoreError, Refused, UsageError, caveat
from mailcore.hosts import act_rules
from mailcore.hosts.acts import KEEP, OUTCOME_TIMEOUT, ActOutcome, RemoteAct
from mailcore.hosts.ask_socket import look_there
from mailcore.hosts.asked_acts import ask_act, sign_act
from mailcore.hosts.directory import read_host, read_hosts
from mailcore.hosts.membership import Membership, member, read_membership
from mailcore.hosts.names import joined, split_address
from mailcore.model.link import HostRecord
from mailcore.text import line
from mailcore.text.progress import step
from mailcore.text.units import clock_time, seconds_in

if TYPE_CHECKING:
    from mailcore.cli.call import Call
    from mailcore.text.listing import Listing

UNANSWERED = 5
_OURS = {"--json", "-C", "--from", "--proof-fd", "--host", "--wait", "--keep"}
"""Options that are for this host."""


def forwarded(call: Call, parser: Parser, words: list[str]) -> tuple[Any, str | Listing, int] | None:
    """What a verb came to on the host that it names; None if it is about this one.

    Refused if it names several, or one that is not known; with what that host refuses, in its words.
    """
    membership = read_membership(call.workspace)
    if membership is None:
        if call.arguments.host:
            member(call.workspace)  # which says what to do
        return None
    rule = act_rules.RULES[call.verb]
    options, texts = _separated(parser, words)
    host = _host(call, membership, texts[rule.places])
    if host is None:
        return None
    places = range(len(texts))[rule.places]
    texts = [split_address(text)[0] if at in places and split_address(text)[1] == host.name else text
             for at, text in enumerate(texts)]  # fmt: skip
    if call.verb == "dispatch":  # which looks for its agents on all hosts
        texts = [*(joined(split_address(text)[0], host.name) for text in texts[:-2]), *texts[-2:]]
    if call.verb in TEXTUAL:
        texts = [body_of(text) for text in texts]
    argv = [call.verb, *options, act_rules.END_OF_OPTIONS, *texts]
    call.require(outlived=call.verb != "kill", prove=not rule.shows)
    keep = KEEP if call.arguments.keep is None else seconds_in(call.arguments.keep)
    if keep is None:
        raise UsageError(f"--keep {call.arguments.keep}: a length of time, like 10m or 2h")
    act = sign_act(call.workspace, host.name, argv, keep)
    step(f"waiting for {host.name}")
    if rule.shows:
        return _told(call, look_there(call.workspace, act))
    ask_act(call.workspace, act)
    outcome = _answer(call, act, host)
    return _queued(call, act, host) if outcome is None else _told(call, outcome)


def _separated(parser: Parser, words: list[str]) -> tuple[list[str], list[str]]:
    """The options that are the verb's, one word each, and the other words."""
    before = options_of(words)
    options, texts, waiting = [], [], ""
    for word in before:
        takes = None if waiting else parser.takes_value(word)
        if waiting:
            options.append(f"{waiting}={word}")
            waiting = ""
        elif takes:
            waiting = word
        elif takes is not None:
            options.append(word)
        elif word[:1] == "-" and word[:2] != "--" and parser.takes_value(word[:2]) is not None:
            options.append(f"{word[:2]}={word[2:]}")  # -n50
        else:
            texts.append(word)
    kept = [option for option in options if option.partition("=")[0] not in _OURS]
    return kept, [*texts, *words[len(before) + 1 :]]


def _host(call: Call, membership: Membership, places: Sequence[str]) -> HostRecord | None:
    """The other host that the command is about; None if it is about this one."""
    named = {split_address(place)[1]: place for place in places}
    if call.arguments.host:
        named |= {call.arguments.host: f"--host {call.arguments.host}"}
        named.pop("", None)
    if not set(named) - {"", membership.host}:
        return None
    if len(named) > 1:
        raise Refused(f"one host at a time: {' and '.join(named.values())}", "hosts")
    name, said = next(iter(named.items()))
    known = {host.name: host for host in read_hosts(call.workspace)}
    if name not in known:
        raise Refused(f"{said}: no host {name} in the link; known: {' '.join(known) or 'none'}", "unknown_host")
    if known[name].revoked:
        raise Refused(f"{said}: {name} belongs to the link no more", "revoked")
    return known[name]


def _answer(call: Call, act: RemoteAct, host: HostRecord) -> ActOutcome | None:
    """What becomes of an act, waited for; None if that is not known in time. A host that is away is not waited for."""
    from mailcore.hosts.asked_wait import wait_for_outcome

    wait = call.arguments.wait
    if wait is None:
        wait = 0.0 if host.away_since else OUTCOME_TIMEOUT
    cancellation = call.served.cancellation if call.served is not None else None
    return wait_for_outcome(call.workspace, act, wait, cancellation)


def _told(call: Call, outcome: ActOutcome) -> tuple[Any, str, int]:
    """What it came to there, as if it had been done here."""
    for note in outcome.notes:
        caveat(line(note))
    outcome.raise_failure()
    if call.as_json and outcome.value is None and outcome.text:
        raise MailcoreError(f"{call.verb}: what {call.arguments.host or 'that host'} says is too long: ask for less",
                            "too_large")  # fmt: skip
    return outcome.value, outcome.text, outcome.status


def _queued(call: Call, act: RemoteAct, host: HostRecord) -> tuple[Any, str, int]:
    """That it waits, and for what."""
    host = read_host(call.workspace, host.name) or host
    away = f"{host.name} is away since {clock_time(host.away_since)}: " if host.away_since else ""
    text = (
        f"{away}{act.words} is queued for {host.name} until {clock_time(act.until)}; mailcore link acts, or mailcore "
        f"link acts cancel {act.id[:8]}"
    )
    value = {"act": act.id, "host": host.name, "queued_until": act.until, "away_since": host.away_since or None}
    return value, text, 0 if call.arguments.wait == 0 else UNANSWERED
