"""The screen on one host, over a real link: an agent of the other is seen, its log and mail are asked for, and its host
is said to be away when its link was killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailcore.hosts.directory import remote_agent
from mailcore.hosts.mirrored import read_mirror
from mailcore.mail import post
from mailcore.workspace.find import Workspace
from praxmonitor.feed.file_feed import FileFeed
from praxmonitor.state.agent_details import Section
from praxmonitor.state.remote_files import COPIED_LOGS, RemoteFiles
from tests.praxmonitor.fake_feed import PATIENT, agent_screen, app_on, text_of, until
from tests.praxmonitor.two_hosts import WITHIN, TwoHosts, two_hosts

pytest.importorskip("nats")
pytestmark = pytest.mark.anyio


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoHosts]:
    with two_hosts(tmp_path, monkeypatch) as both:
        yield both


def log_there(there: Workspace, line: str) -> None:
    """The writer there logs a line."""
    log = there.agents[0].logs_dir / "work.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("a") as file:
        file.write(f"{line}\n")


async def test_an_agent_of_another_host_is_looked_at_and_its_host_is_said_to_be_away(hosts: TwoHosts) -> None:
    here, there, runs = hosts
    log_there(there, "the first line of its log")
    post.send_mail(there, "@operator", ["@writer"], "About the lamp", "It wants oil before dusk.")
    app = app_on(FileFeed(here.root, 0.5), here, clock=time.time, config=PATIENT)
    async with app.run_test(size=(200, 50)) as pilot:
        await until(pilot, lambda: "writer.beta" in text_of(app) and "2 hosts" in text_of(app), "it is seen", WITHIN)
        app.navigation.show_section("@writer.beta", Section.LOG)
        await until(pilot, lambda: "log of @writer.beta: from beta, asked for" in text_of(app), "it is said", WITHIN)
        await until(pilot, lambda: "the first line of its log" in text_of(app), "its log was asked for", WITHIN)
        log_there(there, "and one that came while it was looked at")
        await until(pilot, lambda: "while it was looked at" in text_of(app), "its log goes on", WITHIN)
        app.navigation.show_section("@writer.beta", Section.MAILBOX)
        await until(pilot, lambda: "About the lamp" in text_of(app), "its mail was asked for", WITHIN)
        await pilot.press("enter")
        await until(pilot, lambda: "It wants oil before dusk." in text_of(app), "a mail is read", WITHIN)
        agent_screen(app).show_section(Section.PROCESSES)
        await until(pilot, lambda: "on beta are seen there alone" in text_of(app), "what is not seen here is said")
        app.navigation.show_log("@writer.beta")
        await until(pilot, lambda: "the first line of its log" in text_of(app), "its logs, full screen", WITHIN)
        app.navigation.show_mail("@writer.beta")
        await until(pilot, lambda: "About the lamp" in text_of(app), "its mail, full screen", WITHIN)
        app.navigation.show_view("fleet")
        runs["beta"].stop(kill=True)
        await until(pilot, lambda: "beta away since" in text_of(app), "beta is away", WITHIN)
        assert "⊘" in text_of(app)
        runs["beta"].start()
        await until(pilot, lambda: "2 hosts" in text_of(app) and "⊘" not in text_of(app), "beta is back", WITHIN)


async def test_what_is_not_answered_is_said(hosts: TwoHosts, monkeypatch: pytest.MonkeyPatch) -> None:
    here, _, runs = hosts
    app = app_on(FileFeed(here.root, 0.5), here, clock=time.time, config=PATIENT)
    async with app.run_test(size=(160, 48)) as pilot:
        await until(pilot, lambda: "writer.beta" in text_of(app), "it is seen", WITHIN)
        facts = app.snapshot.fleet.find("@writer.beta")
        assert facts is not None
        runs["alpha"].stop(kill=True)
        app.navigation.show_section("@writer.beta", Section.LOG)
        await until(pilot, lambda: "the link is not running here" in text_of(app), "why nothing came", WITHIN)
        assert not read_mirror(facts.agent).asked


def test_one_thing_is_asked_for_now_and_then_only(hosts: TwoHosts) -> None:
    here, there, _ = hosts
    log_there(there, "one")
    agent = remote_agent(here, "@writer", "beta")
    files = RemoteFiles(lambda: here)
    first = files.bring(agent, (COPIED_LOGS,))
    assert first.at and not first.trouble and not first.asking
    log_there(there, "two")
    assert files.bring(agent, (COPIED_LOGS,)) == first
    files._tried.clear()
    assert files.bring(agent, (COPIED_LOGS,)).at > first.at
    assert "two" in (agent.logs_dir / "work.log").read_text()
