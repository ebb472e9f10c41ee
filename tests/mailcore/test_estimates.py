"""Money that is reported later takes the place of what was estimated, once, in whatever order it is read."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Sequence
from math import isclose
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailcore.config import Price
from mailcore.model.fleet import Fleet
from mailcore.model.run import Attempt, Phase, Run
from mailcore.model.usage import Spent, Usage
from mailcore.observe.estimates import Estimates
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.usage_ledger import ledger
from mailcore.observe.usage_sum import local_midnight
from mailcore.programs.claude.places import ACCOUNT_HOME, directory
from mailcore.programs.prices import Prices
from tests.mailcore.conftest import House
from tests.mailcore.session_lines import money, said, text

PRICES = Prices({"known": Price(input=1_000_000, output=0)})
"""A dollar a token."""


def used(at: float, tokens: int, model: str = "known", session: str = "s") -> Spent:
    return Spent(at, "@a", Usage(tokens), session, model)


def total(at: float, dollars: float, session: str = "s", begun: float = 0.0) -> Spent:
    return Spent(at, "@a", Usage(cost=dollars), session, begun=begun)


def run(began: float, ended: float, dollars: float, session: str = "s", number: int = 1) -> Run:
    attempt = Attempt(number, "start", began, ended_at=ended, session_id=session, cost=dollars)
    return Run(f"r{began}", "@a", "@b", "", "m", "p", began, phase=Phase.COMPLETED, since=ended, attempts=(attempt,))


def summed(*facts: Spent | Run) -> Usage:
    estimates, found = Estimates("@a", PRICES), Usage()
    for fact in facts:
        more = estimates.reported_by(fact) if isinstance(fact, Run) else list(estimates.priced([fact]))
        found = sum((one.usage for one in more), found)
    return found


def money_of(one: Usage) -> tuple[float | None, bool, tuple[tuple[str, int], ...]]:
    return None if one.dollars is None else round(one.dollars, 6), one.is_estimated, one.unpriced


def test_a_total_stands_for_what_was_estimated_until_then() -> None:
    before = used(1, 10), used(2, 30)
    assert money_of(summed(*before)) == (40, True, ())
    assert money_of(summed(*before, total(2, 8))) == (8, False, ())
    assert money_of(summed(*before, total(2, 8), used(3, 5))) == (13, True, ())
    assert money_of(summed(*before, total(2, 8), used(3, 5), total(3, 4))) == (12, False, ())
    assert money_of(summed(*before, total(2, 8, "another"))) == (48, True, ()), "of that session alone"
    assert money_of(summed(*before, total(2, 8, begun=2))) == (18, True, ()), "what its process did not do, it left out"


def test_each_message_gets_its_share_at_its_own_time() -> None:
    estimates = Estimates("@a", PRICES)
    list(estimates.priced([used(1, 10), used(2, 30)]))
    shares = list(estimates.priced([total(9, 8)]))
    assert [(one.at, one.usage.cost, one.usage.estimated) for one in shares] == [(1, 2, -10), (2, 6, -30)]


def test_a_total_is_of_tokens_without_a_price_too() -> None:
    assert money_of(summed(used(1, 10, "new"))) == (None, False, (("new", 10),))
    assert money_of(summed(used(1, 10, "new"), total(1, 8))) == (8, False, ())


def test_a_runs_journal_stands_for_what_was_estimated_of_its_attempts() -> None:
    lines = used(10, 7), used(20, 9), used(90, 2)
    assert money_of(summed(*lines, run(10, 20, 5.0))) == (7, True, ())
    assert money_of(summed(run(10, 20, 5.0), *lines)) == (7, True, ()), "whichever is read first"
    assert money_of(summed(*lines, run(10, 20, 5.0, session=""))) == (7, True, ())
    assert money_of(summed(run(10, 20, 5.0, session=""), *lines)) == (7, True, ())
    assert money_of(summed(*lines, run(10, 20, 5.0), run(10, 20, 5.0))) == (7, True, ()), "once"
    assert money_of(summed(*lines, run(10, 20, 0.0))) == (18, True, ()), "what it does not report is estimated"
    two = run(10, 20, 5.0), run(90, 91, 1.0)
    assert money_of(summed(*lines, *two)) == (6, False, ())


def test_a_session_and_a_journal_that_report_the_same_count_once() -> None:
    lines = used(10, 7), used(20, 9)
    for facts in (
        (*lines, total(20, 5), run(9, 21, 5)),
        (*lines, run(9, 21, 5), total(20, 5)),
        (run(9, 21, 5), total(20, 5), *lines),
    ):
        assert money_of(summed(*facts)) == (5, False, ())


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Spent | Run], list[Spent | Run]]:
    """What happened in some sessions, in order and in another: each process tells its money in two ways at most."""
    facts: list[Spent | Run] = []
    at = 1000.0
    for session in draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=6)):
        began = at = at + 10
        for model in draw(st.lists(st.sampled_from(["known", "new", "newer"]), max_size=4)):
            at += 3
            facts.append(used(at, draw(st.integers(1, 50)), model, session))
        dollars = float(draw(st.integers(1, 9)))
        ways = draw(st.sampled_from(["", "session", "journal", "both"]))
        if ways in ("session", "both") and at > began:
            facts.append(total(at, dollars, session, began))
        if ways in ("journal", "both"):
            facts.append(run(began, at, dollars, session))
    return facts, draw(st.permutations(facts))


@settings(max_examples=400)
@given(histories())
def test_the_order_of_lines_makes_no_difference(history: tuple[Sequence[Spent | Run], Sequence[Spent | Run]]) -> None:
    in_order, shuffled = (summed(*facts) for facts in history)
    assert money_of(in_order) == money_of(shuffled)
    assert in_order.tokens == shuffled.tokens
    totals = {one.begun: one.usage.cost for one in history[0] if isinstance(one, Spent)}
    journals = {one.created_at: one.attempts[0].cost for one in history[0] if isinstance(one, Run)}
    assert isclose(in_order.cost, sum((totals | journals).values())), "each is counted once"


class Look:
    """What a screen says of @writer's money today."""

    def __init__(self, house: House) -> None:
        self.loader = WorkspaceReader(house.workspace)
        self.fleet = apply(Fleet(house.root), self.loader.initial(), time.time())

    def today(self) -> Usage:
        for _ in range(100):
            self.fleet = apply(self.fleet, self.loader.sweep(), time.time())
            facts = self.fleet.find("@writer")
            assert facts is not None
            if not facts.spending.unfinished:
                return facts.spending.today
        raise AssertionError("it is never finished")


@pytest.mark.parametrize("lines", [2, 400])
def test_live_and_usage_say_the_same_before_and_after_a_session_reports_its_money(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    """Of a long file the screen follows the end, and counts the rest later: its estimates are taken back as well."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    began = max(local_midnight(time.time()), time.time() - 3000)
    path = directory(house.agent("@writer").branch, ACCOUNT_HOME.usual()) / "one.jsonl"
    path.parent.mkdir(parents=True)
    cwd = str(house.agent("@writer").branch)
    told = [said(min(began + n, time.time()), f"m{n}", text("x" * 400), cwd=cwd) for n in range(lines)]
    path.write_bytes(b"\n".join(told) + b"\n")
    early = Look(house)

    def agree(dollars: float, is_estimated: bool, *looks: Look) -> None:
        entries = ledger(house.workspace.agents, local_midnight(time.time())).entries
        for found in (sum((one.usage for one in entries), Usage()), *(look.today() for look in looks)):
            assert found.dollars == pytest.approx(dollars) and found.is_estimated is is_estimated

    agree(lines * 0.001054, True, early, Look(house))
    with path.open("ab") as file:
        file.write(money(1.5) + b"\n")
    agree(1.5, False, early, Look(house))
    with path.open("ab") as file:
        file.write(said(time.time(), "last", text("more"), cwd=cwd) + b"\n")
    agree(1.501054, True, early, Look(house))


def test_a_price_that_is_set_while_a_screen_is_open_counts_from_the_next_message_on(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    path = directory(house.agent("@writer").branch, ACCOUNT_HOME.usual()) / "one.jsonl"
    path.parent.mkdir(parents=True)
    cwd = str(house.agent("@writer").branch)

    def says(name: str) -> bytes:
        return said(time.time(), name, cwd=cwd).replace(b"claude-opus-5-5", b"nobodys-model") + b"\n"

    path.write_bytes(says("m1"))
    look = Look(house)
    assert money_of(look.today()) == (None, False, (("nobodys-model", 160),))
    house.workspace.config_file.write_text('[prices."nobodys-model"]\ninput = 1\noutput = 2\n')
    look.today()
    with path.open("ab") as file:
        file.write(says("m2"))
    assert money_of(look.today()) == (0.00019, True, (("nobodys-model", 160),))


def test_a_total_that_leaves_models_out_is_none(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    path = directory(house.agent("@writer").branch, ACCOUNT_HOME.usual()) / "one.jsonl"
    path.parent.mkdir(parents=True)
    cwd: dict[str, Any] = {"cwd": str(house.agent("@writer").branch)}
    lines = [said(time.time(), "m", **cwd), money(0.001)[:-1] + b',"hasUnknownModelCost":true}']
    path.write_bytes(b"\n".join(lines) + b"\n")
    (entry,) = ledger(house.workspace.agents, local_midnight(time.time())).entries
    assert money_of(entry.usage) == (0.001054, True, ())


def test_the_messages_of_a_long_day_take_little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three times as many as may still be reported: the newest are kept, in less than 40 bytes each."""
    monkeypatch.setattr("mailcore.observe.estimates.MAX_OPEN_MESSAGES", most := 4000)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    estimates = Estimates("@a", PRICES)
    for number in range(3 * most):
        for _ in estimates.priced([used(1000.0 + number, 1 + number % 7, session=f"s{number // 1000}")]):
            pass
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert size < 40 * most + 40_000
    reported = list(estimates.priced([total(2000.0 + 3 * most, 10.0, f"s{3 * most // 1000 - 1}")]))
    assert len(reported) == 1000 and isclose(sum(one.usage.cost for one in reported), 10.0)
    assert len(list(estimates.priced([total(2000.0 + 3 * most, 10.0, "s0")]))) == 1, "of the oldest the estimate stands"
