"""The end of a task is accepted on the screen, and its agent works in a git worktree: what is asked, what is done."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from mailcore.mail import answer, post
from mailcore.model.agent import OPERATOR
from praxmonitor.app.app import PraxApp
from praxmonitor.dialogs.choose import ChooseScreen
from praxmonitor.feed.file_feed import FileFeed
from tests.mailcore.conftest import House, git
from tests.mailcore.test_landing import hub, project
from tests.praxmonitor.fake_feed import app_on, text_of, until

__all__ = ["hub", "project"]
pytestmark = pytest.mark.anyio


def told_done(house: House, name: str = "drafter") -> Path:
    """The agent did a task of the operator's; its directory."""
    post.send_mail(house.workspace, OPERATOR, [f"@{name}"], "Say two", "Please.", is_task=True)
    (task,) = house.inbox(name)
    answer.acknowledge(house.workspace, f"@{name}", task.id, "done", "it says two")
    return house.agent(name).branch


def on(house: House) -> PraxApp:
    return app_on(FileFeed(house.root, 0.5), house.workspace, clock=time.time, config=house.config)


async def ask_to_accept(app: PraxApp, pilot: Pilot[None], shown: str = "git is not touched") -> None:
    """`Y` on the mail that tells the end; the question is there."""
    await until(pilot, lambda: "drafter" in text_of(app), "the agents are shown", 30)
    await pilot.press("i")
    await until(pilot, lambda: "DONE: Say two" in text_of(app), "the end is told", 30)
    await pilot.press("Y")
    await until(pilot, lambda: isinstance(app.screen, ChooseScreen) and shown in text_of(app), "it is asked", 30)


def said(app: PraxApp) -> str:
    return " ".join(notice.message for notice in app._notifications)


def audited(house: House) -> list[str]:
    lines = (house.root / ".praxmonitor" / "audit.jsonl").read_text().splitlines()
    return [
        verb for line in lines if (verb := json.loads(line)["verb"]) in ("commit", "merge", "pull request", "accept")
    ]


async def test_the_checks_are_shown_and_nothing_is_done_by_looking(project: House) -> None:
    branch = told_done(project)
    (branch / "README").write_text("two\n")
    app, before = on(project), git(project.root, "rev-parse", "--all")
    async with app.run_test(size=(120, 36)) as pilot:
        await ask_to_accept(app, pilot)
        text = text_of(app)
        assert "✗ 1 file not committed: README" in text and "✓ no conflict with main" in text
        assert "drafter merged into main" in text and "pull request" in text
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, ChooseScreen), "left")
        assert git(project.root, "rev-parse", "--all") == before and project.inbox(OPERATOR) and not audited(project)


@pytest.mark.parametrize(
    ("steps", "verbs", "committed", "merged"),
    [
        (0, ["accept"], False, False),
        (1, ["commit", "accept"], True, False),
        (2, ["commit", "merge", "accept"], True, True),
    ],
    ids=["alone", "commit", "merge"],
)
async def test_the_work_is_taken_over_as_it_was_chosen(
    project: House, steps: int, verbs: list[str], committed: bool, merged: bool
) -> None:
    branch = told_done(project)
    (branch / "README").write_text("two\n")
    app = on(project)
    async with app.run_test(size=(120, 36)) as pilot:
        await ask_to_accept(app, pilot)
        await pilot.press(*["j"] * steps, "enter")
        await until(pilot, lambda: audited(project)[-1:] == ["accept"], "it is accepted", 30)
        assert audited(project) == verbs and not project.inbox(OPERATOR)
        assert (git(branch, "log", "-1", "--format=%s").strip() == "Say two") is committed
        assert ((project.root / "README").read_text() == "two\n") is merged


async def test_a_pull_request_is_opened_and_its_address_is_said(project: House, hub: Path) -> None:
    branch = told_done(project)
    (branch / "README").write_text("two\n")
    app = on(project)
    async with app.run_test(size=(120, 36)) as pilot:
        await ask_to_accept(app, pilot)
        await pilot.press("G", "enter")
        await until(pilot, lambda: "https://example.org/pull/7" in said(app), "where it is", 30)
        assert audited(project) == ["commit", "pull request", "accept"]
        assert git(hub / "hub.git", "log", "-1", "--format=%s", "drafter").strip() == "Say two"


async def test_nothing_is_done_over_a_conflict_and_it_is_said_why(project: House) -> None:
    branch = told_done(project)
    (branch / "README").write_text("two\n")
    git(branch, "commit", "-qam", "two")
    (branch / "more").write_text("more\n")
    (project.root / "README").write_text("three\n")
    git(project.root, "commit", "-qam", "three")
    app, before = on(project), git(project.root, "rev-parse", "--all")
    async with app.run_test(size=(120, 36)) as pilot:
        await ask_to_accept(app, pilot, "✗ not now: 1 file in conflict: README")
        assert "✗ 1 file in conflict: README" in text_of(app)
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: "1 file in conflict: README" in said(app), "why it is not done", 30)
        assert git(project.root, "rev-parse", "--all") == before and project.inbox(OPERATOR) and not audited(project)


async def test_what_is_refused_after_a_commit_says_that_it_is_committed(project: House) -> None:
    branch = told_done(project)
    (branch / "README").write_text("two\n")
    (project.root / "README").write_text("three\n")
    git(project.root, "commit", "-qam", "three")
    app = on(project)
    async with app.run_test(size=(120, 36)) as pilot:
        await ask_to_accept(app, pilot)
        await pilot.press("j", "j", "enter")
        await until(pilot, lambda: "committed, and no more than that: 1 file in conflict" in said(app), "said", 30)
        assert project.inbox(OPERATOR) and audited(project) == ["commit"]
        assert (project.root / "README").read_text() == "three\n"


async def test_where_nothing_is_to_be_taken_over_it_is_not_asked(project: House) -> None:
    told_done(project)
    app = on(project)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "drafter" in text_of(app), "the agents are shown", 30)
        await pilot.press("i")
        await until(pilot, lambda: "DONE: Say two" in text_of(app), "the end is told", 30)
        await pilot.press("Y")
        await until(pilot, lambda: audited(project), "it is accepted", 30)
        assert audited(project) == ["accept"] and not project.inbox(OPERATOR)
