"""What a tier of approvals needs, by config: a proposal, an approver, a proof, a time; and everybody shows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mailcore.dispatch.recovery import recover
from mailcore.exceptions import Refused
from mailcore.formats import journal
from mailcore.mail import approvals
from mailcore.model.fleet import State
from praxmonitor.widgets.detail import mail_line
from praxmonitor.widgets.mail_lines import request_lines
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.identity.test_proof import PHRASE, home, said  # noqa: F401 (a fixture)
from tests.mailcore.test_awaited import status

CLI = f"{sys.executable} -m mailcore.cli"
OPERATOR = ("--from", "@operator")
TIERS = """
[approval.tiers.2]
approver = "@lead"
[approval.tiers.3]
expires = 0.5
[approval.tiers.4]
proof = "passphrase"
proposal = false
"""


@pytest.fixture
def tiers(house: House) -> House:
    house.extra = TIERS
    house.configure()
    return house


def ask(house: House, tier: str, body: str = "to production", to: str = "@operator", status: int = 0) -> dict[str, Any]:
    told: dict[str, Any] = house.json(
        "ask", to, "Deploy?", body, "--tier", tier, cwd=house.agent("@writer").branch, status=status
    )
    return told


@pytest.mark.parametrize("tier", ["-3", "0", "5", "99"])
def test_a_tier_that_there_is_not_is_refused_and_those_that_exist_are_said(tiers: House, tier: str) -> None:
    error = ask(tiers, tier, status=3)["error"]
    assert error == {
        "code": "tier",
        "message": f"there is no tier {tier}; there are 1, 2, 3, 4 ([approval.tiers.N] of config.toml)",
    }
    assert tiers.inbox("@operator") == ()


def test_an_empty_proposal_is_refused_where_one_is_needed(tiers: House) -> None:
    assert ask(tiers, "1", " \n", status=3)["error"]["code"] == "proposal"
    assert ask(tiers, "4", "")["delivered"] is True


def test_only_the_approver_of_the_tier_decides(tiers: House) -> None:
    assert ask(tiers, "2", to="@operator", status=3)["error"]["code"] == "approver"
    request = ask(tiers, "2", to="@lead")
    assert tiers.over("lead", request["woken"])  # an approver that is an agent is started for it
    told = tiers.json("approve", request["id"], "yes", *OPERATOR, status=3)
    assert told["error"]["code"] == "identity" and "only @lead can do this" in told["error"]["message"]
    assert [mail.undecided for mail in tiers.inbox("lead")] == [True]
    tiers.shell("lead", f"echo up; {CLI} approve {request['id']} yes")
    tiers.over("lead", tiers.json("wake", "@lead", *OPERATOR)["run_id"])
    assert wait_until(lambda: tiers.inbox("writer"), what="it is told")[0].subject == "APPROVED: Deploy?"
    assert tiers.json("wait", request["id"], "--for", "approval", cwd=tiers.agent("@writer").branch)["settled"][0][
        "by"
    ] == "@lead"  # fmt: skip


def test_an_agent_approver_decides_nothing_of_another_tier(tiers: House) -> None:
    request = ask(tiers, "1")
    tiers.shell("lead", f"echo up; {CLI} approve {request['id']} yes; echo $? > status")
    tiers.over("lead", tiers.json("wake", "@lead", *OPERATOR)["run_id"])
    assert (tiers.agent("lead").branch / "status").read_text() == "3\n"
    assert tiers.inbox("@operator")[0].undecided


def test_a_tier_that_wants_the_passphrase_asks_for_it(tiers: House, home: Path) -> None:  # noqa: F811
    request = ask(tiers, "4")
    without = said(tiers, "approve", request["id"], "yes")
    assert without.returncode == 3 and b"no passphrase is set" in without.stderr
    assert said(tiers, "operator", "passphrase", phrases=(PHRASE,)).returncode == 0
    assert said(tiers, "approve", request["id"], "yes", phrases=("wrong",)).returncode == 3
    assert tiers.inbox("@operator")[0].undecided
    assert said(tiers, "approve", request["id"], "yes", phrases=(PHRASE,)).returncode == 0
    assert tiers.inbox("writer")[0].subject == "APPROVED: Deploy?"


def past(request: dict[str, Any], house: House) -> None:
    message = next(mail for mail in house.inbox("@operator") if mail.id == request["id"])
    assert message.expires_at > message.came_at
    wait_until(lambda: time.time() > message.expires_at, what="it is past its time")


def test_a_request_past_its_time_lapses_and_the_asker_is_told_once_and_started(tiers: House) -> None:
    request = ask(tiers, "3")
    past(request, tiers)
    told = tiers.json("approve", request["id"], "yes", *OPERATOR, status=3)
    assert told["error"]["code"] == "lapsed"
    for _ in range(2):
        tiers.json("inbox", *OPERATOR)
    (mail,) = tiers.inbox("writer")
    assert (mail.subject, mail.priority) == ("LAPSED: Deploy?", "high") and "nobody decided within" in mail.body
    assert mail.proof == "supervisor", "the person wrote no word of it, and whoever looked is not the person"
    acts = [
        act
        for act in journal.read_records(tiers.workspace.state_dir / "audit.jsonl")
        if act["verb"] in ("lapsed", "start")
    ]
    assert [(act["verb"], act["by"], act["proof"]) for act in acts] == [
        ("lapsed", "@operator", "supervisor"), ("start", "@operator", "supervisor"),
    ]  # fmt: skip
    (run,) = tiers.runs("writer")
    assert "did not decide in time" in tiers.over("writer", run.run_id).subject
    (asked,) = tiers.inbox("@operator")
    assert asked.lapsed.startswith("nobody decided within") and not asked.undecided
    assert not (tiers.root / ".praxmonitor" / "expiring").exists()


def test_what_is_past_its_time_is_not_decided_whoever_has_looked(tiers: House) -> None:
    request = ask(tiers, "3")
    past(request, tiers)
    with pytest.raises(Refused, match="past its time"):
        approvals.decide(tiers.workspace, "@operator", request["id"], "approved", "yes")
    assert tiers.inbox("@operator")[0].undecided and tiers.inbox("writer") == ()


def test_the_screen_shows_the_tier(tiers: House) -> None:
    ask(tiers, "4")
    (message,) = tiers.inbox("@operator")
    assert "[tier 4] Deploy?" in "".join(text for text, _ in mail_line(message, time.time(), 80))
    drawn = "".join(text for line in request_lines(message, time.time(), 80, own=True) for text, _ in line)
    assert "asks for your approval: tier 4" in drawn and "Y approves, N denies" in drawn


def test_who_waits_hears_that_it_lapsed(tiers: House) -> None:
    request = ask(tiers, "3")
    told = tiers.json("wait", request["id"], "--for", "approval", cwd=tiers.agent("@writer").branch, status=4)
    assert told["settled"][0]["state"] == "lapsed"
    assert tiers.runs("writer") == []


def test_a_screen_or_guard_lets_it_lapse(tiers: House) -> None:
    from praxmonitor.alarms import recovery

    request = ask(tiers, "3")
    past(request, tiers)
    assert recovery.recover_runs(tiers.root, ()) == ""
    assert tiers.inbox("writer")[0].subject == "LAPSED: Deploy?"
    tiers.over("writer", tiers.runs("writer")[0].run_id)
    assert recover(tiers.workspace, tiers.config, ()) == []


def test_what_was_decided_in_time_does_not_lapse(tiers: House) -> None:
    tiers.extra = TIERS.replace("0.5", "5")
    tiers.configure()
    request = ask(tiers, "3")
    tiers.over("writer", tiers.json("approve", request["id"], "yes", *OPERATOR)["woken"])
    (noted,) = (tiers.root / ".praxmonitor" / "expiring").iterdir()
    noted.write_text(json.dumps({**json.loads(noted.read_text()), "expires_at": 1}))
    tiers.json("inbox", *OPERATOR)
    assert [mail.subject for mail in tiers.inbox("writer")] == ["APPROVED: Deploy?"] and not noted.exists()


def test_lists_and_the_agents_state_show_the_tier(tiers: House) -> None:
    tiers.extra = TIERS.replace("0.5", '"2h"')
    tiers.configure()
    tiers.shell("writer", f"echo up; {CLI} ask @operator Deploy? now --tier 3; exec sleep 1000")
    tiers.started("@lead", "@writer")
    (request,) = wait_until(lambda: tiers.inbox("@operator"), what="it asks")
    for words in (["inbox"], ["read", request.id]):
        assert b"approval, tier 3, until 20" in tiers.mailcore(*words, *OPERATOR).stdout
    task = next(one for one in tiers.json("tasks", *OPERATOR) if one["kind"] == "task")
    assert task["note"].startswith("waits for @operator's approval, tier 3, until 20")
    wait_until(lambda: status(tiers).state is State.WAITING, what="it asks")
    assert status(tiers).reason == "asks for your approval (tier 3): Deploy?"


def test_a_config_from_elsewhere_names_no_approver(tiers: House) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tiers.root, check=True)
    subprocess.run(["git", "add", "-f", ".praxmonitor/config.toml"], cwd=tiers.root, check=True)
    shown = tiers.mailcore("trust", "--show", *OPERATOR, env={**os.environ}).stdout
    assert b"approval.tiers.2.approver" in shown
    assert ask(tiers, "2", to="@lead", status=3)["error"]["code"] == "approver"


def test_a_request_that_a_run_made_of_another_approver_lapses_with_it(tiers: House) -> None:
    approvals.request_approval(tiers.workspace, "@writer", "@lead", "@lead", "s", "b", 2, "r1")
    for approver in approvals.approvers(tiers.workspace, tiers.config):
        approvals.lapse_requests(approver, "r1", "over")
    assert tiers.inbox("lead")[0].lapsed == "over"
