"""How fast logs grow: counted by what was read, through every rotation, and reported seldom."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from mailcore.model.agent import Agent
from mailcore.observe.agent_reader import AgentReader
from mailcore.observe.facts import LogsGrew
from mailcore.observe.log_growth import GrowthMeter
from mailcore.system.open_files import OpenFiles


def test_a_rate_is_of_the_last_minute_and_steady_only_after_a_while() -> None:
    meter = GrowthMeter()
    told = []
    for second in range(1000, 1070, 5):
        meter.count("a", 60_000, second)
        if (report := meter.report(second)) is not None:
            told.append((second, [(one.rate, one.steady) for one in report]))
    assert told[0] == (1000, [(1000.0, False)])
    assert [second for second, _ in told] == [1000, 1010, 1020, 1030, 1040, 1050, 1060]
    assert [steady for _, [(_, steady)] in told] == [False, False, False, True, True, True, True]
    assert told[-1][1][0][0] == pytest.approx(11_000, rel=0.1)
    assert meter.report(1070) is not None and meter.report(1100) is None, "nothing grew since"
    meter.count("b", 60_000, 1150)
    [grown] = meter.report(1150) or ()
    assert (grown.path, grown.since, grown.steady) == ("b", 1150, False), "what pauses for a minute is told no more"


def test_slow_logs_are_not_reported() -> None:
    meter = GrowthMeter()
    meter.count("a", 500, 1000)
    meter.count("b", 50_000, 1000)
    assert [one.path for one in meter.report(1000) or ()] == ["b"]


@pytest.mark.parametrize("way", ["rename", "copy"])
def test_what_is_read_of_a_log_counts_and_rotation_resets_nothing(tmp_path: Path, way: str) -> None:
    agent = Agent("@writer", "WRITER", tmp_path / "writer", root=tmp_path)
    agent.logs_dir.mkdir(parents=True)
    path = agent.logs_dir / "app.log"
    path.write_text("old\n" * 100_000)
    with closing(OpenFiles()) as open_files:
        reader = AgentReader(agent, open_files)

        def grown() -> float:
            reader.distrust()
            reader._logs._growth._due = 0.0
            told = [fact for fact in reader.refresh() if isinstance(fact, LogsGrew)]
            return sum(log.rate * 60 for fact in told for log in fact.logs)

        assert grown() == 0, "what was there before did not come now"
        with path.open("a") as file:
            file.write("x" * 99_999 + "\n")
        assert grown() == pytest.approx(100_000)
        if way == "rename":
            path.rename(path.with_name("app.log.1"))
        else:
            path.with_name("app.log.1").write_bytes(path.read_bytes())
            os.truncate(path, 0)
        path.write_text("y" * 49_999 + "\n")
        assert grown() == pytest.approx(150_000)
