"""Stories of hosts of a link that are not heard for a while, and of what is known of their agents meanwhile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.link import HostRecord
from mailcore.observe.facts import HostsRead, Roster
from tests.stories.made import heard, story
from tests.stories.play import Heard, Restart, Step, Story
from tests.stories.words import START, Life, agent

BETA = replace(agent("b.beta"), host="beta", branch=Path("/house/.praxmonitor/link/hosts/beta/agents/b"))
GAMMA = replace(agent("c.gamma"), host="gamma", branch=Path("/house/.praxmonitor/link/hosts/gamma/agents/c"))


def away(second: float, *names: str) -> tuple[float, tuple[Step, ...]]:
    """From now on these hosts are not heard, and were heard last so many seconds after the beginning."""
    hosts = tuple(
        HostRecord(name, seen_at=START + second, away_since=START + second if name in names else 0.0)
        for name in ("beta", "gamma")
    )
    return second + 15, (HostsRead(hosts),)


def linked(
    name: str, seconds: float, *lives: Life, steps: tuple[tuple[float, tuple[Step, ...]], ...],
    expected: tuple[Heard, ...] = (),
) -> Story:  # fmt: skip
    """A story of @writer here, and of one agent on each of two other hosts."""
    operator = Agent(OPERATOR, "OPERATOR", Path("/house/op"))
    everyone: tuple[float, tuple[Step, ...]] = (0.0, (Roster((agent("writer"), BETA, GAMMA, operator)),))
    made = story(name, seconds, *lives, steps=(away(-15), *steps), expected=expected)
    return replace(made, steps=(everyone, *made.steps[1:]))


LINKED_HOSTS = (
    linked(
        "a host that is away is one alarm, and its agents are as they were: none is silent", 2000,
        Life("b.beta").starts(10).steady(20, 80), steps=(away(85, "beta"),), expected=(heard(105, "host_away", ""),),
    ),
    linked(
        "what an agent of it wanted before is hidden in it, and up again when it is back", 600,
        Life("b.beta").starts(10).steady(20, 40).ends(50, "bounced", reason="exit 1"),
        steps=(away(85, "beta"), away(300)),
        expected=(
            heard(50, "bounced", "@b.beta"), heard(105, "host_away", ""), heard(315 + 20, "over host_away", ""),
            heard(335, "bounced", "@b.beta"),
        ),
    ),
    linked(
        "what an agent of another host wants meanwhile is heard", 400,
        Life("b.beta").starts(10).steady(20, 80),
        Life("c.gamma").starts(10).steady(20, 140).ends(150, "bounced", reason="exit 1"),
        steps=(away(85, "beta"),), expected=(heard(105, "host_away", ""), heard(150, "bounced", "@c.gamma")),
    ),
    linked(
        "a host that is back within moments is no alarm", 300, steps=(away(85, "beta"), away(87)),
    ),
    linked(
        "two hosts away are two alarms of one kind", 300, steps=(away(85, "beta"), away(120, "beta", "gamma")),
        expected=(heard(105, "host_away", ""), heard(140, "host_away", "")),
    ),
    linked(
        "a screen that opens while a host is away does not tell it again", 400,
        steps=(away(85, "beta"), (200, (Restart(),))), expected=(heard(105, "host_away", ""),),
    ),
    linked(
        "an agent of another host that gives no sign is silent, whatever the processes here do", 400,
        Life("b.beta").starts(10).steady(20, 80), steps=(), expected=(heard(320, "silence", "@b.beta"),),
    ),
)  # fmt: skip
