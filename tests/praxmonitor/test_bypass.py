"""An agent that config lets work without asking for permissions is seen to be one, wherever it is shown."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from mailcore.config import AgentConfig
from tests.praxmonitor.fake_feed import CONFIG, FakeFeed, app_on, lighthouse, many, text_of, until, workspace

BYPASS = AgentConfig(permission_mode="bypassPermissions")
FREE = replace(CONFIG, agents=MappingProxyType({"writer": BYPASS}))


@pytest.mark.anyio
@pytest.mark.parametrize("count", [8, 20])
async def test_the_badge_is_on_the_card_or_row_the_detail_and_the_agents_own_screen(count: int) -> None:
    fleet = lighthouse() if count == 8 else many(count)
    app = app_on(FakeFeed(fleet), workspace(fleet), config=FREE)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, lambda: text_of(app).count("BYPASS") == 2, "the writer's card or row, and the detail")
        await pilot.press("l" if count == 8 else "j")
        await until(pilot, lambda: text_of(app).count("BYPASS") == 1, "another agent's detail has none")
        await pilot.press("h" if count == 8 else "k", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 2 and "BYPASS" in text_of(app), "the agent's own screen")
        assert "writer" in text_of(app)


@pytest.mark.anyio
async def test_what_config_lets_every_agent_do_is_seen_on_all_but_those_of_whom_it_says_otherwise() -> None:
    fleet = lighthouse()
    config = replace(CONFIG, default_agent=BYPASS, agents=MappingProxyType({"writer": AgentConfig()}))
    app = app_on(FakeFeed(fleet), workspace(fleet), config=config)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, lambda: text_of(app).count("BYPASS") == 7, "seven cards, and not the writer's detail")
        assert "chapter two" in text_of(app)


@pytest.mark.anyio
async def test_where_nobody_bypasses_there_is_no_badge() -> None:
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, lambda: "chapter two" in text_of(app), "the fleet is drawn")
        assert "BYPASS" not in text_of(app)
