"""The daily caps hold with no screen open: a start is admitted or not by what today's session files say."""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from mailcore.dispatch.admission.daily_cap_holds import CAP_MARK
from mailcore.dispatch.queueing import queue
from mailcore.model.run import Phase
from mailcore.workspace.holds import hold_text
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.homes import Home


@pytest.fixture
def home(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """@writer asked its service three times today, in a directory below its own: some 3,400 tokens."""
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    found = Home(lambda _: time.time(), tmp_path / "codex")
    session = found.begin("claude", "@writer", house.agent("@writer").branch / "src")
    for _ in range(3):
        found.request(session)
    return found


def cap(house: House, text: str) -> None:
    house.extra = f"[usage]\n{text}"
    house.configure()


def idle(house: House) -> None:
    wait_until(lambda: not list(house.root.glob("agents/*/.ai_mail.local/.dispatch.lock")), 30, "all are idle")


def test_an_agent_at_its_cap_is_held_until_it_is_released_and_then_goes_on_that_day(house: House, home: Home) -> None:
    cap(house, "daily_tokens = 3000\nhold = true")
    done = house.dispatch("@lead", "@writer", "the task")
    assert (done.run_id, done.code, done.queued) == (None, "held", True)
    assert "daily cap reached: 3," in done.busy and "of 3,000" in done.busy, done.busy
    assert house.over("@editor", house.started("@lead", "@editor")).phase is Phase.COMPLETED, "no other is held"
    started = house.json("release", "@writer", "--from", "@operator")["started"]
    assert house.over("@writer", started[0]).phase is Phase.COMPLETED
    idle(house)
    home.request(home.sessions[0])
    again = house.started("@lead", "@writer", "one more")
    assert house.over("@writer", again).phase is Phase.COMPLETED, "once a day"
    idle(house)


def test_money_that_is_estimated_counts_and_the_text_says_so(house: House, home: Home) -> None:
    cap(house, "daily_cost = 0.06\nhold = true")  # three times some $0.0205
    done = house.dispatch("@lead", "@writer", "the task")
    assert done.code == "held" and "daily cap reached: ≈$0.06" in done.busy, done.busy
    assert "of $0.06" in done.busy


def test_a_price_of_ones_own_counts_for_the_cap(house: House, home: Home) -> None:
    cap(house, 'daily_cost = 0.06\nhold = true\n[prices."claude-opus-5-5"]\ninput = 0\noutput = 0')
    assert house.over("@writer", house.started("@lead", "@writer")).phase is Phase.COMPLETED
    idle(house)


def test_on_another_day_the_cap_holds_anew(house: House, home: Home) -> None:
    cap(house, "daily_tokens = 3000\nhold = true")
    (house.agent("@writer").mail_dir / CAP_MARK).write_text(f"{date.today() - timedelta(days=1)}")
    assert house.dispatch("@lead", "@writer").code == "held"
    assert (house.agent("@writer").mail_dir / CAP_MARK).read_text() == f"{date.today()}"


def test_the_fleet_has_a_cap_of_its_own(house: House, home: Home) -> None:
    cap(house, "fleet_daily_tokens = 3000\nhold = true")
    done = house.dispatch("@lead", "@editor", "the task")
    assert done.code == "held" and "daily cap of the fleet reached" in done.busy
    assert hold_text(house.workspace.state_dir, "every agent")
    assert house.dispatch("@editor", "@lead").code == "held"
    started = house.json("release", "--all", "--from", "@operator")["started"]
    assert len(started) == 2
    wait_until(lambda: not list(queue.all_waiting(house.workspace)), 30, "nothing waits")
    idle(house)


@pytest.mark.parametrize("text", ["", "daily_tokens = 3000", "daily_tokens = 4000\nhold = true", "hold = true"])
def test_without_a_cap_that_holds_or_below_it_everybody_starts(house: House, home: Home, text: str) -> None:
    cap(house, text)
    assert house.over("@writer", house.started("@lead", "@writer")).phase is Phase.COMPLETED
    idle(house)
    assert not (house.agent("@writer").mail_dir / CAP_MARK).exists()
