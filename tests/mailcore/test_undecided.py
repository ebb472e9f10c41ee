"""A request for approval that nobody has decided: it stops the hard limit's clock, and outlives the run that asked."""

from __future__ import annotations

import sys
import time

from mailcore.mail import approvals
from mailcore.model.message import Message
from mailcore.model.run import Phase
from tests.mailcore.conftest import House, wait_until

CLI = f"{sys.executable} -m mailcore.cli"
OPERATOR = ("--from", "@operator")
LIMIT = 1.5


def asked(house: House) -> Message:
    return wait_until(lambda: next(iter(house.inbox("@operator")), None), what="it asks") or house.inbox("@operator")[0]


def outlast(house: House, run_id: str) -> None:
    """Return when a run has gone on for twice its limit."""
    attempt = house.run("writer", run_id).attempt
    assert attempt is not None
    until = attempt.started_at + 2 * LIMIT
    wait_until(lambda: time.time() > until or house.run("writer", run_id).phase.ended, what="the limit is past")


def test_the_hard_limit_stands_still_while_an_approval_is_undecided(house: House) -> None:
    house.limit(hard_limit=LIMIT, attempts=1)
    ask = f'{CLI} ask @operator Deploy? now --json | sed -n \'s/.*"id": "\\(.*\\)".*/\\1/p\''
    house.shell("writer", f"echo up; {CLI} wait $({ask}) --for approval && touch deployed")
    run_id = house.started("@lead", "@writer")
    request = asked(house)
    outlast(house, run_id)
    assert not house.run("writer", run_id).phase.ended
    house.json("approve", request.id, "go", *OPERATOR)
    assert house.over("writer", run_id).phase is Phase.COMPLETED
    assert (house.agent("writer").branch / "deployed").exists()


def test_after_the_decision_the_clock_goes_on(house: House) -> None:
    house.limit(hard_limit=LIMIT, attempts=1)
    house.shell("writer", f"echo up; {CLI} ask @operator Deploy? now; exec sleep 1000")
    run_id = house.started("@lead", "@writer")
    request = asked(house)
    outlast(house, run_id)
    house.json("deny", request.id, "no", *OPERATOR)
    run = house.over("writer", run_id)
    assert (run.phase, run.reason) == (Phase.BOUNCED, f"still running after {LIMIT:g} s")
    assert run.duration > 2 * LIMIT


def test_what_was_pondered_is_counted_once(house: House) -> None:
    for number in range(2):
        approvals.request_approval(house.workspace, "@writer", "@operator", "@operator", f"s{number}", "b", 1, "r1")
    approvals.request_approval(house.workspace, "@writer", "@operator", "@operator", "another run's", "b", 1, "r2")
    operator, began = house.agent("@operator"), house.inbox("@operator")[-1].came_at
    since = time.time()
    assert 0 <= approvals.seconds_undecided([operator], "r1", since) <= time.time() - since
    for message in house.inbox("@operator")[1:]:
        approvals.decide(house.workspace, "@operator", message.id, "approved", "yes")
    total = approvals.seconds_undecided([operator], "r1", began - 60)
    assert 0 < total <= time.time() - began and approvals.seconds_undecided([operator], "r1", began - 60) == total


def test_a_request_outlives_its_run_and_deciding_it_starts_the_asker_again(house: House) -> None:
    house.shell("writer", f"echo up; test -e asked || {CLI} ask @operator Deploy? now; touch asked")
    run = house.over("writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.COMPLETED
    request = next(mail for mail in house.inbox("@operator") if "approval" in mail.raw)
    assert request.undecided
    told = house.json("approve", request.id, "until noon", *OPERATOR)
    again = house.over("writer", told["woken"])
    assert again.phase is Phase.COMPLETED and "approved what you asked for" in again.subject
    (decision,) = house.inbox("writer")[:1]
    assert (decision.subject, decision.body) == ("APPROVED: Deploy?", "until noon")


def test_what_a_run_asked_that_was_killed_lapses(house: House) -> None:
    house.shell("writer", f"echo up; {CLI} ask @operator Deploy? now; exec sleep 1000")
    run_id = house.started("@lead", "@writer")
    request = asked(house)
    house.kill("@operator", "@writer")
    house.over("writer", run_id)
    told = house.json("approve", request.id, "go", *OPERATOR, status=3)
    assert told["error"]["code"] == "lapsed" and "killed by @operator" in told["error"]["message"]
    assert not house.runs("writer")[1:]
