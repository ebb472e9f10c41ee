"""The hosts of a link in words and signs: on which one an agent lives, and whether that is heard. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Status
from mailcore.model.link import HostRecord
from mailcore.text.units import clock_time, date, date_and_time, duration, since
from praxmonitor.text.lines import Line, Span, cut, pad, plain

AWAY = "⊘"
"""The sign of what is on a host that is not heard."""
HERE = "here"
"""What this host is called among the others."""
LEAST_SKEW = 1.0
"""Seconds by which a clock must differ to be told."""


def host_words(agent: Agent) -> str:
    """The name of its host, to be drawn."""
    return plain(agent.host) or HERE


def split_name(address: str, hosts: Collection[str]) -> tuple[str, str]:
    """The name of an address, and `.host` if that is one of these hosts; both to be drawn."""
    name, dot, host = plain(address.removeprefix("@")).rpartition(".")
    return (name, f".{host}") if dot and host in hosts else (plain(address.removeprefix("@")), "")


def cut_name(name: str, host: str, width: int) -> tuple[str, str]:
    """A name and the `.host` behind it in at most `width` cells: the host is what tells two of one name apart, so it
    has at least half of them."""
    if not host:
        return cut(name, width), ""
    host = cut(host, max(width // 2, width - cell_len(name)))
    return cut(name, width - cell_len(host)), host


def name_spans(address: str, hosts: Collection[str], width: int, role: str, paler: str = "muted") -> Line:
    """The name in that role, its host behind it in the `paler` one."""
    name, host = cut_name(*split_name(address, hosts), width)
    return ((name, role), (host, paler)) if host else ((name, role),)


def name_column(address: str, hosts: Collection[str], width: int, role: str, paler: str = "muted") -> Line:
    """The same in exactly `width` cells."""
    *before, (last, last_role) = name_spans(address, hosts, width, role, paler)
    return (*before, (pad(last, width - sum(cell_len(text) for text, _ in before)), last_role))


def greyed(line: Iterable[Span]) -> Line:
    """The same, all of it pale: it is what was known last."""
    return tuple((text, "faint") for text, _ in line)


def away_words(at: float, now: float) -> str:
    """`away 12m`; of a host that never was heard `not heard yet`."""
    return f"away {since(at, now)}" if at else "not heard yet"


def away_since_words(at: float, now: float) -> str:
    """`away since 12:04`, with its date where that is not that of `now`; of a host that never was heard `not heard
    yet`."""
    if not at:
        return "not heard yet"
    same_day = date(at) == date(now)
    return f"away since {clock_time(at, seconds=False) if same_day else date_and_time(at, seconds=False)}"


def hosts_spans(hosts: Sequence[HostRecord], now: float, *, words: bool) -> Line:
    """How many hosts there are, this one among them, and which are away: for the header. Empty without a link."""
    if not hosts:
        return ()
    linked = [host for host in hosts if not host.revoked]
    away = [host for host in linked if host.away_since]
    if not away:
        return ((f"{len(linked) + 1} hosts", "faint"),) if words else ()
    if not words:
        return ((f"{AWAY}{len(away)}/{len(linked) + 1}", "warn"),)
    first = min(away, key=lambda host: host.away_since)
    who = plain(first.name) if len(away) == 1 else f"{len(away)}"
    return ((f"{len(linked) + 1} hosts, {who} {away_since_words(first.away_since, now)}", "warn"),)


class HostSaid(NamedTuple):
    """What is said of the host that an agent lives on; nothing of this one."""

    lines: tuple[Line, ...] = ()
    away: float | None = None
    """Since when it is not heard; None: it is."""


NOTHING_SAID = HostSaid()


def host_said(facts: AgentFacts, hosts: Iterable[HostRecord], away: Mapping[str, float], now: float) -> HostSaid:
    """Where an agent of another host lives, when that was heard, how far its clock goes wrong."""
    if not facts.agent.host:
        return NOTHING_SAID
    return HostSaid(tuple(_host_lines(facts, hosts, now)), away.get(facts.agent.host))


def state_words(status: Status, away: float | None, now: float) -> Line:
    """` 3s`, how long it is in its state; of an agent whose host is not heard ` ⊘ away 12m`."""
    if away is None:
        return ((f" {since(status.since, now)}", "faint"),)
    return ((f" {AWAY} {away_words(away, now)}", "warn"),)


def _host_lines(facts: AgentFacts, hosts: Iterable[HostRecord], now: float) -> Iterator[Line]:
    name = plain(facts.agent.host)
    host = next((each for each in hosts if each.name == facts.agent.host), None)
    if host is None:
        yield ((name, ""), (", of which nothing is known here", "warn"))
    elif host.revoked:
        yield ((name, ""), (", belongs to the link no more", "warn"))
    elif not host.seen_at:
        yield ((name, ""), (", not heard yet", "warn"))
    elif host.away_since:
        yield ((name, ""), (f", {away_since_words(host.away_since, now)}", "warn"))
        yield (("what is shown was known then", "muted"),)
    else:
        yield ((name, ""), (skew_words(host.skew), "muted"))


def skew_words(skew: float | None) -> str:
    """`, its clock is 3 min ahead`; empty where it goes right, or nobody knows."""
    if skew is None or abs(skew) < LEAST_SKEW:
        return ""
    return f", its clock is {duration(abs(skew))} {'ahead' if skew > 0 else 'behind'}"
