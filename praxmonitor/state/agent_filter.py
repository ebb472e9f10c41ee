"""What the operator typed to see only some agents: words, all of which must hold. Pure.

`text` is in its name, state, role or task; `@name` in its address; `state:failed` is its state, or the beginning of
it; `limit:` waits for a usage limit, `limit:work` for that of an account of such a name; `host:beta` lives on that host
of the link, or on one whose name begins so, `host:here` on this one, `host:` on another; `!` before a word: it does not
hold.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailcore.model.fleet import AgentFacts, State, Status
from praxmonitor.text.agents import task
from praxmonitor.text.hosts import HERE
from praxmonitor.text.lines import plain

STATES = tuple(state.value for state in State)


@dataclass(frozen=True, slots=True)
class Term:
    """One word."""

    kind: str
    """`text`, `name`, `state`, `limit` or `host`."""
    value: str
    """In lower case."""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class AgentFilter:
    """All words."""

    terms: tuple[Term, ...] = ()
    trouble: str = ""
    """Why a word cannot be understood, in words; then nothing is hidden by it. Empty: each can."""

    def shows(self, facts: AgentFacts, status: Status) -> bool:
        """Whether an agent is shown."""
        return all(_holds(term, facts, status) is not term.negated for term in self.terms)


def parse_filter(typed: str) -> AgentFilter:
    """What was typed; what cannot be understood of it is told, and left out."""
    terms, troubles = [], []
    for word in typed.casefold().split():
        negated = word.startswith("!")
        bare = word[1:] if negated else word
        key, colon, value = bare.partition(":")
        if colon and key == "state":
            value = value.replace("-", " ").replace("_", " ")
            if not any(state.startswith(value) for state in STATES) or not value:
                troubles.append(f"no state {plain(value)!r}: {', '.join(STATES)}" if value else _which())
                continue
            terms.append(Term("state", value, negated))
        elif colon and key in ("limit", "host"):
            terms.append(Term(key, value, negated))
        elif bare.startswith("@"):
            terms.append(Term("name", bare, negated))
        elif bare:
            terms.append(Term("text", bare, negated))
        else:
            troubles.append("! what? a word that must not be there follows it")
    return AgentFilter(tuple(terms), "; ".join(troubles))


def _which() -> str:
    return f"which state? {', '.join(STATES)}"


def _holds(term: Term, facts: AgentFacts, status: Status) -> bool:
    match term.kind:
        case "state":
            return status.state.value.startswith(term.value)
        case "limit":
            return status.state is State.LIMITED and (
                facts.run is None or term.value in facts.run.account_label.casefold()
            )
        case "host":
            host = facts.agent.host.casefold()
            return (bool(host) and host.startswith(term.value)) or (not host and term.value == HERE)
        case "name":
            return term.value in facts.address.casefold()
    return term.value in f"{facts.address} {status.state} {plain(facts.agent.role)} {task(facts)}".casefold()
