"""The real AIPass 2.8.28 on the same files: mail sent by each is read, answered and closed by the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mailcore.model.agent import OPERATOR, Agent
from tests.faults import aipass_lab
from tests.faults.aipass_lab import Lab
from tests.faults.conftest import archived_mail, open_mail


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return aipass_lab.build(aipass_lab.wanted(), tmp_path_factory.mktemp("lab"))


def mailcore(directory: Path, *words: str) -> Any:
    """Run `mailcore … --json` in an agent's directory."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("AIPASS_", "MAILCORE_"))}
    command = [sys.executable, "-m", "mailcore.cli", *words, "--json"]
    done = subprocess.run(command, cwd=directory, env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def found(agent: Agent, subject: str) -> dict[str, Any]:
    """The open message of that subject."""
    (mail,) = [mail for mail in open_mail(agent) if mail["subject"] == subject]
    return mail


def closed(agent: Agent, subject: str) -> dict[str, Any]:
    """The archived message of that subject, which is open no more."""
    assert subject not in {mail["subject"] for mail in open_mail(agent)}
    (mail,) = [mail for mail in archived_mail(agent) if mail["subject"] == subject]
    assert mail["status"] == "closed" and mail["archived_at"]
    return mail


@pytest.fixture(params=["the AIPass home", "another project"])
def pair(lab: Lab, request: pytest.FixtureRequest) -> tuple[Agent, Agent]:
    """Two agents: of AIPass's own registry, whom it reaches by address, or of another, whom it answers by path."""
    if request.param == "the AIPass home":
        return lab.home.agent("@alpha"), lab.home.agent("@beta")
    return lab.project.agent("@gamma"), lab.project.agent("@delta")


def test_mail_of_aipass_is_read_answered_and_closed_by_mailcore(lab: Lab, pair: tuple[Agent, Agent]) -> None:
    theirs, ours = pair
    lab.drone(theirs.branch, "send", ours.address, "From AIPass", "the body — ü")
    mail = found(ours, "From AIPass")
    assert [row["id"] for row in mailcore(ours.branch, "inbox")] == [mail["id"]]
    (read,) = mailcore(ours.branch, "read", mail["id"])
    assert read["message"].startswith("the body — ü") and read["status"] == "opened"
    number = found(ours, "From AIPass")["seq"]
    answer = mailcore(ours.branch, "reply", str(number), "the answer — ä")
    original = closed(ours, "From AIPass")
    assert mail.items() - original.items() == {("status", "new")}, "a key that AIPass wrote was changed or lost"

    reply = found(theirs, "RE: From AIPass")
    assert (reply["id"], reply["in_reply_to"]) == (answer["id"], mail["sent_id"])
    assert "the answer — ä" in lab.drone(theirs.branch, "view", reply["id"])
    assert found(theirs, "RE: From AIPass")["status"] == "opened"
    lab.drone(theirs.branch, "close", reply["id"])
    # Our keys survived AIPass's rewriting.
    kept = closed(theirs, "RE: From AIPass")
    assert {key: kept[key] for key in ("seq", "thread_id", "in_reply_to", "stored_at")} == {
        key: reply[key] for key in ("seq", "thread_id", "in_reply_to", "stored_at")
    }


def test_mail_of_mailcore_is_read_answered_and_closed_by_aipass(lab: Lab, pair: tuple[Agent, Agent]) -> None:
    theirs, ours = pair
    sent = mailcore(ours.branch, "send", theirs.address, "From mailcore", "the body — ü")
    assert found(theirs, "From mailcore")["id"] == sent["id"]
    waiting = subprocess.Popen(
        [sys.executable, "-m", "mailcore.cli", "wait", sent["id"], "--for", "reply", "--timeout", "60"],
        cwd=ours.branch,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "From mailcore" in lab.drone(theirs.branch, "inbox")
    assert "the body — ü" in lab.drone(theirs.branch, "view", sent["id"])
    assert found(theirs, "From mailcore")["status"] == "opened"
    lab.drone(theirs.branch, "reply", sent["id"], "the answer — ä")
    assert closed(theirs, "From mailcore")["seq"] == sent["seq"]

    waiting.communicate(timeout=60)
    assert waiting.returncode == 0, "whoever waits for the answer gets AIPass's"
    reply = found(ours, "RE: From mailcore")
    (read,) = mailcore(ours.branch, "read", reply["id"])
    assert (read["from"], read["message"]) == (theirs.address, "the answer — ä")
    mailcore(ours.branch, "close", reply["id"])
    assert closed(ours, "RE: From mailcore")["message"] == "the answer — ä"


def test_aipass_answers_the_operator(lab: Lab) -> None:
    """@operator is in no registry: the answer comes by reply_path, into a mailbox that has to be there."""
    alpha = lab.home.agent("@alpha")
    sent = mailcore(lab.home.root, "send", "@alpha", "A question", "well?", "--from", OPERATOR)
    lab.drone(alpha.branch, "reply", sent["id"], "well")
    assert found(lab.home.operator, "RE: A question")["message"] == "well"
    (read,) = mailcore(lab.home.root, "read", found(lab.home.operator, "RE: A question")["id"], "--from", OPERATOR)
    assert read["from"] == "@alpha"
    assert closed(alpha, "A question")["from"] == OPERATOR


def test_both_send_to_one_agent_at_once(lab: Lab, rounds: Callable[[int, int], int]) -> None:
    each = rounds(5, 30)
    alpha, beta = lab.home.agent("@alpha"), lab.home.agent("@beta")
    subjects = {by: [f"{by} at once {n}" for n in range(each)] for by in ("drone", "mailcore")}

    def drone() -> None:
        for subject in subjects["drone"]:
            lab.drone(alpha.branch, "send", "@beta", subject, "body")

    def ours() -> None:
        for subject in subjects["mailcore"]:
            mailcore(alpha.branch, "send", "@beta", subject, "body")

    with ThreadPoolExecutor() as pool:
        for work in [pool.submit(drone), pool.submit(ours)]:
            work.result()
    arrived = [mail["subject"] for mail in reversed(open_mail(beta)) if "at once" in mail["subject"]]
    assert [subject for subject in arrived if subject.startswith("drone")] == subjects["drone"]
    assert [subject for subject in arrived if subject.startswith("mailcore")] == subjects["mailcore"]


CHANNEL = """
import json, sys
from aipass.devpulse.apps.handlers.feedback import compose, storage
(entry,) = [m for m in storage.load_inbox()["messages"] if m["subject"] == "It breaks"]
print("SAID" + json.dumps([entry["from"], entry["body"], entry["read"], compose.reply_to(entry["id"], "thanks — ä")]))
"""
"""AIPass's own reading of its feedback channel, and its answer."""


def test_feedback_is_read_and_answered_in_aipass_s_own_channel(lab: Lab) -> None:
    gamma = lab.project.agent("@gamma")
    told = mailcore(gamma.branch, "feedback", str(lab.home.root), "It breaks", "the log — ü")
    assert told["to"] == "@devpulse"
    reader = lab.python(lab.home.agent("@devpulse").branch, CHANNEL)
    said, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0 and json.loads(said[said.index("SAID") + 4 :].splitlines()[0]) == [
        "gamma",
        "the log — ü",
        False,
        True,
    ]
    assert found(gamma, "Re: It breaks")["message"] == "thanks — ä"
    (row,) = [row for row in mailcore(gamma.branch, "sent") if row["id"] == told["id"] or row["sent_id"] == told["id"]]
    assert row["subject"] == "FEEDBACK: It breaks"


def test_our_mail_is_in_aipass_s_feed_and_counters(lab: Lab) -> None:
    alpha, beta = lab.home.agent("@alpha"), lab.home.agent("@beta")
    sent = mailcore(alpha.branch, "send", "@beta", "To be told", "the body")
    feed = [json.loads(line) for line in (lab.home.aipass_dir / "notifications.jsonl").read_text().splitlines()]
    ours = next(line for line in feed if line.get("mail_id") == sent["id"])
    lab.drone(alpha.branch, "send", "@beta", "To be told too", "the body")
    theirs = json.loads((lab.home.aipass_dir / "notifications.jsonl").read_text().splitlines()[-1])
    same = ("kind", "title", "source", "recipient", "project")
    assert ours.keys() == theirs.keys() and [ours[key] for key in same] == [theirs[key] for key in same]
    central = lab.home.root / ".ai_central" / "AI_MAIL.central.json"
    counted = json.loads(central.read_bytes())
    mailcore(beta.branch, "close", sent["id"])
    after = json.loads(central.read_bytes())
    assert after["system_totals"]["total_messages"] == counted["system_totals"]["total_messages"] - 1
    assert after.keys() == counted.keys() and after["branch_stats"].keys() == counted["branch_stats"].keys()
