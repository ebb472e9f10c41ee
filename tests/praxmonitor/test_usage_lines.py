"""What an agent used and what goes on inside it, as the detail panel says it."""

from __future__ import annotations

from pathlib import Path

from mailcore.config import AgentConfig, Config
from mailcore.model.activity import Activity, Kind
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet
from mailcore.model.usage import Spending, Usage
from praxmonitor.actions.program import why_no_cost
from praxmonitor.text.lines import Line
from praxmonitor.text.usage import amount, cost_cell, cost_lines, inside_lines, usage_lines

NOW = 1_800_000_000.0


def text(lines: list[Line]) -> list[str]:
    return ["".join(part for part, _ in line) for line in lines]


def test_money_is_known_estimated_or_unknown() -> None:
    assert amount(Usage()) == ""
    assert amount(Usage(input=20_000)) == "20 k tokens, $?"
    assert amount(Usage(input=20_000, cost=1234.5)) == "20 k tokens, $1,234.50"
    assert amount(Usage(input=20_000, estimated=0.25)) == "20 k tokens, ≈$0.25"
    assert amount(Usage(cost=0.25)) == "$0.25"


def test_a_model_without_a_price_is_named() -> None:
    today = Usage(20_000, estimated=0.25, unpriced=(("gpt-\x1b[1m9", 12_000),))
    assert text(list(usage_lines(Spending(today=today), 60))) == [
        "today  20 k tokens, ≈$0.25 + ?",
        "no price is known of gpt-�[1m9 (12 k tokens)",
    ]


def test_model_context_task_and_day() -> None:
    spending = Spending("2027-01-15", Usage(9, 1, cost=2.5), "r1", Usage(4, 1), "opus\x1b[31m", 170_000, 200_000)
    lines = list(usage_lines(spending, 60))
    assert text(lines) == [
        "opus�[31m   context 170 k of 200 k, 85%",
        "task   5 tokens, $?",
        "today  10 tokens, $2.50",
    ]
    assert lines[0][-1][1] == "warn", "it is nearly full"
    assert text(list(usage_lines(Spending(model="gpt-5", context=3000), 60))) == ["gpt-5   context 3000"]
    assert text(list(usage_lines(Spending(), 60))) == []


def test_subagents_compaction_and_lost_lines() -> None:
    def begun(kind: Kind, about: str, n: int = 0) -> Activity:
        return Activity(NOW - 60, "@a", kind, about, "hooks", subagent=str(n))

    facts = AgentFacts(
        Agent("@a", "A", Path("/a")),
        open=(*(begun(Kind.SUBAGENT, f"search {n}", n) for n in range(6)), begun(Kind.COMPACT, "compacting")),
        lost=3,
    )
    assert text(list(inside_lines(facts, NOW, 40))) == [
        *(f"⋔ search {n}  1m" for n in range(4)),
        "  and 2 more",
        "≡ compacting its context  1m",
        "3 lines could not be read",
    ]
    assert text(list(inside_lines(AgentFacts(Agent("@a", "A", Path("/a"))), NOW, 40))) == []


def test_no_figure_is_shown_that_is_too_small() -> None:
    spending = Spending("2027-01-15", Usage(9, 1), "r1", Usage(4, 1), unfinished=True)
    assert text(list(usage_lines(spending, 60))) == ["task   counting…", "today  counting…"]
    assert text(list(usage_lines(Spending(unfinished=True), 60))) == []


def test_the_cost_of_today_is_told_of_each_agent_and_in_sum_and_what_is_unknown_is_said() -> None:
    today = {
        "@known": Spending("2027-01-15", Usage(9, 1, cost=2.5)),
        "@estimated": Spending("2027-01-15", Usage(2000, estimated=0.5)),
        "@unpriced": Spending("2027-01-15", Usage(300)),
        "@silent": Spending(),
        "@yesterday": Spending("2027-01-14", Usage(9, cost=7.0)),
    }
    agents = tuple(AgentFacts(Agent(address, "A", Path("/a")), spending=one) for address, one in today.items())
    rows = [line.split() for line in text(list(cost_lines(Fleet(Path("/"), agents), NOW, 80, lambda who: f"of {who}")))]
    assert rows[:5] == [
        ["@known", "$2.50", "known", "10", "tokens"],
        ["@estimated", "≈$0.50", "estimated", "2000", "tokens"],
        ["@unpriced", "$?", "not", "told", "300", "tokens"],
        ["@silent", "not", "told:", "of", "@silent"],
        ["@yesterday", "not", "told:", "of", "@yesterday"],
    ]
    assert rows[6][:2] == ["sum", "≈$3.00"] and rows[7][:5] == ["not", "in", "it:", "2", "of"]
    assert [cost_cell(one, NOW) for one in today.values()] == ["$2.50", "≈$0.50", "$?", "?", "?"]


def test_of_whom_nothing_is_told_it_says_why() -> None:
    config = Config(agents={"own": AgentConfig(program="command", command=("true",)), "any": AgentConfig()})
    assert why_no_cost(config, "@own") == "its program (command) writes no session files"
    assert why_no_cost(config, "@any") == "no session of today"
