"""The daily cap: a warning in time, a hold where config says so, nothing of yesterday's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mailcore.config import Config, UsageCaps
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.usage import Spending
from mailcore.model.usage import Usage as Used
from mailcore.observe.usage_sum import local_date
from mailcore.workspace import create
from mailcore.workspace.holds import hold_text
from praxmonitor.alarms.alarm import Alarm, AlarmKind
from praxmonitor.alarms.hold_at_cap import hold_at_cap
from praxmonitor.alarms.rules.evaluate import AlarmRules

NOW = time.mktime((2027, 1, 15, 12, 0, 0, 0, 0, -1))
DAY = 86400.0


def raised(used: Used, allowed: UsageCaps, now: float = NOW) -> list[Alarm]:
    """The CAP alarms of an agent that used this much on the day of NOW."""
    facts = AgentFacts(Agent("@a", "A", Path("/a")), spending=Spending(local_date(NOW), used), last_active=NOW - 5)
    found = AlarmRules(replace(Config(), usage=allowed)).alarms(Fleet(Path("/"), (facts,)), now)
    return [alarm for alarm in found if alarm.kind is AlarmKind.CAP]


@pytest.mark.parametrize(
    ("used", "allowed", "said"),
    [
        (Used(cost=9.99), UsageCaps(daily_cost=10), ""),
        (Used(cost=10), UsageCaps(daily_cost=10), "$10.00 of $10.00"),
        (Used(cost=1234.5), UsageCaps(daily_cost=10), "$1,234.50 of $10.00"),
        (Used(input=600, output=399), UsageCaps(daily_tokens=1000), ""),
        (Used(input=600, cache_read=400), UsageCaps(daily_tokens=1000), "1,000 tokens"),
        (Used(input=10**9, cost=10**6), UsageCaps(), ""),
        (Used(), UsageCaps(daily_cost=1, daily_tokens=1), ""),
        (Used(5, estimated=10), UsageCaps(daily_cost=10), "≈$10.00 of $10.00"),
        (Used(5, cost=4, estimated=6, unpriced=(("m", 2),)), UsageCaps(daily_cost=10), "≈$10.00 + ? of $10.00"),
        (Used(5, unpriced=(("m", 5),)), UsageCaps(daily_cost=10), ""),
    ],
)
def test_a_cap_is_told_when_it_is_reached(used: Used, allowed: UsageCaps, said: str) -> None:
    alarms = raised(used, allowed)
    assert [said in alarm.text and alarm.address == "@a" for alarm in alarms] == ([True] if said else [])


def test_the_day_ends_at_midnight_and_its_alarm_with_it() -> None:
    used, allowed = Used(cost=11), UsageCaps(daily_cost=10)
    midnight = NOW + DAY / 2
    assert raised(used, allowed, midnight - 1) and not raised(used, allowed, midnight + 1)
    assert raised(used, allowed)[0].key == raised(used, allowed, NOW + 60)[0].key, "one episode a day"


def test_the_agent_is_held_once_and_a_hold_of_the_operators_stays(
    tmp_path: Path, wait_until: Callable[[Callable[[], object], float, str], None]
) -> None:
    workspace = create.create_workspace(tmp_path, [("a", "agents/a"), ("b", "agents/b")])
    trouble: list[str] = []
    cap = Alarm(AlarmKind.CAP, "@a", NOW, "daily cap reached: $11.00 of $10.00")
    hold_at_cap(tmp_path, replace(cap, kind=AlarmKind.LIMIT, address="@b"), trouble.append)
    hold_at_cap(tmp_path, cap, trouble.append)
    place = workspace.agent("@a").mail_dir
    wait_until(lambda: hold_text(place, "@a"), 10, "it is held")
    assert "$11.00 of $10.00" in hold_text(place, "@a")
    hold_at_cap(tmp_path, replace(cap, what="daily cap reached: $12.00"), trouble.append)
    wait_until(lambda: not [one for one in threading.enumerate() if one.name == "cap"], 10, "the second is through")
    assert "$11.00 of $10.00" in hold_text(place, "@a") and not hold_text(workspace.agent("@b").mail_dir, "@b")
    hold_at_cap(tmp_path, replace(cap, address="@nobody"), trouble.append)
    wait_until(lambda: trouble, 10, "what cannot be held is said")
    assert "@nobody could not be held" in trouble[0]


def test_a_warning_comes_before_the_cap_and_ends_with_it() -> None:
    def kinds(cost: float, allowed: UsageCaps) -> list[AlarmKind]:
        facts = AgentFacts(Agent("@a", "A", Path("/a")), spending=Spending(local_date(NOW), Used(cost=cost)))
        return [alarm.kind for alarm in AlarmRules(Config(usage=allowed)).alarms(Fleet(Path("/"), (facts,)), NOW)]

    allowed = UsageCaps(daily_cost=10)
    assert [kinds(cost, allowed) for cost in (7.99, 8, 9.99, 10)] == [
        [], [AlarmKind.CAP_NEAR], [AlarmKind.CAP_NEAR], [AlarmKind.CAP],
    ]  # fmt: skip
    assert kinds(9.99, UsageCaps(daily_cost=10, warn=0)) == [] and kinds(5, UsageCaps(daily_cost=10, warn=0.5)) != []


def test_that_it_is_held_is_said_only_while_it_is() -> None:
    def remedy(held: str) -> str:
        spending = Spending(local_date(NOW), Used(cost=11))
        facts = AgentFacts(Agent("@a", "A", Path("/a")), spending=spending, held=held)
        (alarm,) = AlarmRules(Config(usage=UsageCaps(daily_cost=10, hold=True))).alarms(Fleet(Path("/"), (facts,)), NOW)
        return alarm.remedy

    assert "it is held" in remedy("@a is held by @operator: daily cap reached")
    assert "held" not in remedy("").replace("hold", "")


def test_the_fleet_has_a_cap_and_what_it_used_is_the_sum(
    tmp_path: Path, wait_until: Callable[[Callable[[], object], float, str], None]
) -> None:
    def alarms(first: float, second: float, day: str = local_date(NOW)) -> list[Alarm]:
        spent = {"@a": Spending(local_date(NOW), Used(cost=first)), "@b": Spending(day, Used(cost=second))}
        agents = tuple(AgentFacts(Agent(name, name, Path(name)), spending=one) for name, one in spent.items())
        return list(AlarmRules(Config(usage=UsageCaps(fleet_daily_cost=20))).alarms(Fleet(Path("/"), agents), NOW))

    assert alarms(7, 8) == [] and [one.kind for one in alarms(8, 9)] == [AlarmKind.CAP_NEAR]
    assert alarms(12, 9, "2026-01-01") == [], "what another used another day counts for none"
    (reached,) = alarms(12, 9)
    assert (reached.kind, reached.address) == (AlarmKind.CAP, "") and "$21.00 of $20.00" in reached.what
    workspace = create.create_workspace(tmp_path, [("a", "agents/a")])
    hold_at_cap(tmp_path, reached, pytest.fail)
    wait_until(lambda: hold_text(workspace.state_dir, "every agent"), 10, "every agent is held")
