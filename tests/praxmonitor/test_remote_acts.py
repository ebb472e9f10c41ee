"""The keys of the screen on an agent of another host, over a real link: hold, release, kill, approve."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailcore.config import Config
from mailcore.dispatch import control
from mailcore.mail import approvals
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import Agent
from mailcore.workspace.find import Workspace
from mailcore.workspace.lock_reader import read_lock
from mailcore.workspace.trust import trusted_config
from praxmonitor.feed.file_feed import FileFeed
from tests.praxmonitor.fake_feed import PATIENT, app_on, text_of, until
from tests.praxmonitor.two_hosts import WITHIN, TwoHosts, two_hosts

pytest.importorskip("nats")
pytestmark = pytest.mark.anyio
CONFIG = """[dispatch]
stop_grace = 0.3
[agents.writer]
program = "command"
command = ["sh", "-c", "echo up; exec sleep 600"]
"""


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoHosts]:
    with two_hosts(tmp_path, monkeypatch, CONFIG) as both:
        yield both


async def test_the_same_keys_act_on_an_agent_of_another_host(hosts: TwoHosts) -> None:
    here, there, _ = hosts
    writer = there.agent("@writer")
    app = app_on(FileFeed(here.root, 0.5), here, clock=time.time, config=PATIENT)
    async with app.run_test(size=(200, 50)) as pilot:
        await until(pilot, lambda: "writer.beta" in text_of(app), "it is seen", WITHIN)
        await pilot.press("l")
        assert app.screen.selected == "@writer.beta"  # type: ignore[attr-defined]
        await pilot.press("H")
        await until(pilot, lambda: (writer.mail_dir / ".hold").exists(), "it is held there", WITHIN)
        await until(pilot, lambda: "held" in text_of(app), "and that is seen here", WITHIN)
        await pilot.press("H")
        await until(pilot, lambda: not (writer.mail_dir / ".hold").exists(), "it is released there", WITHIN)
        control.dispatch_task(there, control_config(there), "@operator", "@writer", "a task", "the body")
        await until(pilot, lambda: "a task" in text_of(app), "its run is seen here", WITHIN)
        await pilot.press("D")
        await until(pilot, lambda: "Kill the run of @writer.beta?" in text_of(app), "it is asked", WITHIN)
        await pilot.press("y")
        await until(pilot, lambda: read_lock(writer.dispatch_lock) is None, "it is ended there", WITHIN)
        approvals.request_approval(there, "@writer", "@operator", "@operator", "May I", "light the lamp", 1, "", 0.0)
        app.navigation.show_view("alarms")
        await until(pilot, lambda: "May I" in text_of(app), "its request is listed", WITHIN)
        await pilot.press("Y")
        await until(pilot, lambda: "APPROVED: May I" in text_of(app), "the form", WITHIN)
        await pilot.press(*"go on", "ctrl+s")
        await until(pilot, lambda: "APPROVED: May I" in subjects(writer), "it is granted there", WITHIN)
    acts = [json.loads(line) for line in (there.state_dir / "audit.jsonl").read_text().splitlines()]
    done = [row["words"].split()[0] for row in acts if row["verb"] == "act"]
    assert done == ["hold", "release", "kill", "approve"]


def subjects(agent: Agent) -> list[str]:
    return [mail.subject for mail in read_mailbox(agent.inbox).messages]


def control_config(workspace: Workspace) -> Config:
    return trusted_config(workspace)[0]
