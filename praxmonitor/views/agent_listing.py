"""Which agents the fleet lists, in which order, and what is marked of them: what the view remembers beside its cursor.

No agent changes its place under the eye: while the operator moves the cursor none does, and where the order follows
values that change all the time it is looked at anew every `RESORT` seconds only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from mailcore.model.fleet import AgentFacts, Fleet
from praxmonitor.actions.open_workspace import OpenWorkspace
from praxmonitor.preferences.arrangement import ATTENTION_FIRST, Arrangement
from praxmonitor.state.agent_filter import AgentFilter, parse_filter
from praxmonitor.state.agent_order import SortKey, arranged, group_of, sort_key
from praxmonitor.state.needs import Need, needing_agents
from praxmonitor.state.pulse import Pulse, follow_pulses, pulse_text
from praxmonitor.state.snapshot import Snapshot
from praxmonitor.text.hosts import AWAY
from praxmonitor.text.lines import Line, plain
from praxmonitor.widgets.grid import Listing

RESORT = 10.0
"""Seconds between two looks at values that change all the time."""
STEADY = ("registry", ATTENTION_FIRST, "name")
"""Sorts in which an agent changes its place seldom: it does at once."""


class AgentListing:
    """The list of the agents, as the operator wants it now."""

    def __init__(self) -> None:
        self.marks: frozenset[str] = frozenset()
        """Addresses of the marked agents, those that the filter hides among them."""
        self._stretch: tuple[str, str, frozenset[str], frozenset[str]] = ("", "", frozenset(), frozenset())
        """Where the range began that was marked last, where it ends, what was marked before it, and with it."""
        self._filter, self._typed = AgentFilter(), ""
        self._keys: Mapping[str, SortKey] = {}
        self._keyed: tuple[Arrangement | None, float] = (None, 0.0)
        """By what and when the keys were taken."""
        self._pulses: Mapping[str, Pulse] = {}
        self._followed: Fleet | None = None

    def follow(self, snapshot: Snapshot) -> None:
        """Count what the agents did, also while another view is in front."""
        self._pulses = follow_pulses(self._pulses, self._followed, snapshot.fleet, snapshot.now)
        self._followed = snapshot.fleet

    def narrow(self, typed: str) -> None:
        """Show only the agents for which what is typed holds."""
        self._filter, self._typed = parse_filter(typed), typed.strip()

    def toggle(self, addresses: Collection[str]) -> None:
        """Mark these; where all of them are marked, none of them."""
        wanted = frozenset(addresses)
        self.marks = self.marks - wanted if wanted <= self.marks else self.marks | wanted

    def stretch(self, shown: Sequence[str], start: str, end: str) -> None:
        """Mark those that are `shown` from `start` to `end`; where a range ended at `start`, that one ends here now."""
        first, last, before, marks = self._stretch
        if (last, marks) != (start, self.marks):
            first, before = start, self.marks
        if not {first, end} <= set(shown):
            return
        one, other = sorted((shown.index(first), shown.index(end)))
        self.marks = before | frozenset(shown[one : other + 1])
        self._stretch = first, end, before, self.marks

    def listed(
        self,
        snapshot: Snapshot,
        arrangement: Arrangement,
        opened: OpenWorkspace,
        resting: bool,
        needs: Sequence[Need] = (),
    ) -> tuple[tuple[AgentFacts, ...], Listing]:
        """The agents in their order, and how they are drawn. `resting`: the cursor is not being moved.
        `needs`: what needs the operator."""
        if self.marks:  # who left the registry is marked no more
            self.marks &= {facts.address for facts in snapshot.fleet.shown}
        self._take_keys(snapshot, arrangement, resting, needs)
        agents = arranged(snapshot.fleet.shown, arrangement, self._keys)
        if self._filter.terms:
            agents = tuple(facts for facts in agents if self._filter.shows(facts, snapshot.status(facts.address)))
        nobody = "no agents yet · mailcore agent add NAME=PATH"
        if self._typed:
            nobody = f"no agent matches {plain(self._typed)} · Esc"

        def group(facts: AgentFacts) -> str:
            said = group_of(facts, snapshot.status(facts.address), arrangement.group)
            return f"{said} {AWAY}" if arrangement.group == "host" and facts.agent.host in snapshot.away else said

        foot = self._foot(agents, len(snapshot.fleet.shown), arrangement)
        return agents, Listing(
            table=arrangement.table,
            columns=arrangement.columns,
            bypass=opened.bypass,
            marked=self.marks,
            pulse=lambda address: pulse_text(self._pulses.get(address, Pulse(known=snapshot.now)), snapshot.now),
            group=group if arrangement.group else None,
            timer=lambda address: opened.config.agent(address).wake_every,
            nobody=nobody,
            foot=foot,
            away=snapshot.away,
            linked=bool(snapshot.fleet.hosts),
        )

    def _take_keys(self, snapshot: Snapshot, arrangement: Arrangement, resting: bool, needs: Sequence[Need]) -> None:
        if arrangement.usual:
            return
        of, at = self._keyed
        steady = arrangement.sort in STEADY
        if of is arrangement and not (resting and (steady or not 0 <= snapshot.now - at < RESORT)):
            return
        self._keyed = arrangement, snapshot.now
        needing = {address: place for place, address in enumerate(needing_agents(needs))}
        self._keys = {
            facts.address: sort_key(facts, snapshot.status(facts.address), arrangement, snapshot.now, needing)
            for facts in snapshot.fleet.shown
        }

    def _foot(self, shown: Sequence[AgentFacts], count: int, arrangement: Arrangement) -> Line:
        """Marks, filter and order in words; empty where nothing is as unusual."""
        parts: list[tuple[str, str]] = []
        if self.marks:
            hidden = len(self.marks) - sum(facts.address in self.marks for facts in shown)
            more = f", {hidden} of them hidden and left alone" if hidden else ""
            parts.append((f"{len(self.marks)} marked{more}", "accent strong"))
        if self._filter.trouble:
            parts.append((self._filter.trouble, "warn"))
        elif self._filter.terms:
            parts.append((f"{len(shown)} of {count} shown", "muted"))
        if words := arrangement.words:
            parts.append((words, "muted"))
        line = [span for part in parts for span in (("  ·  ", "faint"), part)]
        return tuple(line[1:])
