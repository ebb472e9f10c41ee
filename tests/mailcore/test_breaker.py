"""Breakers and backoff: what must not be started again by itself, and what a person may do all the same."""

from __future__ import annotations

import time

from mailcore.dispatch import breaker, control
from mailcore.model.run import Phase
from tests.mailcore.conftest import House, wait_until

PROGRESS = "echo up; echo $MAILCORE_RUN_ID > made"


def idle(house: House, *names: str) -> None:
    wait_until(lambda: not any(house.agent(name).dispatch_lock.exists() for name in names), 30, f"{names} are idle")


def high(house: House, name: str = "@writer") -> str:
    """Send mail that wakes an idle agent by itself; what was said."""
    return house.mailcore("send", name, "now", "b", "--priority", "high", "--from", "@lead").stdout.decode()


def woken(house: House, count: int) -> None:
    wait_until(lambda: sum(r.phase.ended for r in house.runs("@writer")) == count, 30, f"{count} runs are over")
    idle(house, "writer")


def test_three_runs_without_progress_stop_automatic_starts_and_not_a_persons(house: House) -> None:
    house.shell("writer", "echo up")
    for n in range(3):
        assert "not woken" not in high(house)
        woken(house, n + 1)
    said = high(house)
    assert "not woken" in said and "without a message, a changed file or a commit" in said
    assert len(house.runs("@writer")) == 3 and len(house.inbox("@writer")) == 4
    house.shell("writer", PROGRESS)
    run_id = control.wake(house.workspace, house.config, "@operator", "@writer")
    house.over("@writer", run_id)
    assert house.json("run", run_id)["progress"] == "files"
    assert "not woken" not in high(house)  # it counts anew
    woken(house, 5)


def test_what_is_written_at_once_is_progress(house: House) -> None:
    """Before the supervisor comes to say that it began, and by a clock of the kernel's that is a tick behind."""
    house.command("writer", "touch", "made")
    for _ in range(3):
        run_id = house.started("@operator", "@writer")
        house.over("@writer", run_id)
        assert house.json("run", run_id)["changed"] == ["made"]


def test_mail_counts_as_progress_and_a_failure_does_not(house: House) -> None:
    house.limit(attempts=1, backoff=[])
    house.shell("writer", "mailcore send @editor told b > /dev/null; echo up")
    for _ in range(3):
        house.over("@writer", house.started("@operator", "@writer"))
    assert breaker.tripped(house.agent("@writer"), house.config.dispatch) == ""
    house.shell("writer", "exit 1")
    for _ in range(3):
        house.over("@writer", house.started("@operator", "@writer"))
    assert "3 runs in a row" in breaker.tripped(house.agent("@writer"), house.config.dispatch)


def test_a_ping_pong_of_mail_comes_to_its_end(house: House) -> None:
    house.limit(wake_depth=100, ping_pong=3)
    for name, to in (("writer", "editor"), ("editor", "writer")):
        house.shell(name, f"mailcore send @{to} ping b --priority high >> {house.root}/said 2>&1; echo up")
    high(house)

    def over() -> bool:
        said = house.root / "said"
        return said.exists() and "only wrote mail" in said.read_text()

    wait_until(over, 40, "the breaker trips")
    idle(house, "writer", "editor")
    assert 3 <= len(house.runs("@writer")) <= 4 and 3 <= len(house.runs("@editor")) <= 4
    assert house.over("@writer", control.wake(house.workspace, house.config, "@operator", "@writer"))
    idle(house, "writer", "editor")


def test_many_failures_in_the_fleet_stop_retries_everywhere(house: House) -> None:
    house.limit(fleet_failures=2)
    for name in ("writer", "editor"):
        house.shell(name, "exit 1")
    first = house.over("@writer", house.started("@operator", "@writer"))
    assert (first.phase, len(first.attempts)) == (Phase.BOUNCED, 2)
    assert "automatic retries are stopped" in first.reason and "exit 1" in first.reason
    second = house.over("@editor", house.started("@operator", "@editor"))
    assert (second.phase, len(second.attempts)) == (Phase.BOUNCED, 1)
    assert all("automatic retries are stopped" in mail.body for mail in house.inbox("@operator"))


def test_an_automatic_start_backs_off_and_a_kill_ends_that_wait(house: House) -> None:
    house.limit(attempts=1, backoff=[60, 600])
    house.shell("writer", "exit 1")
    house.over("@writer", house.started("@operator", "@writer"))
    high(house)
    run = wait_until(lambda: house.runs("@writer")[1:], what="the second run is there")[0]
    wait_until(lambda: house.run("@writer", run.run_id).phase is Phase.WAITING, what="it waits")
    run = house.run("@writer", run.run_id)
    assert "backing off" in run.reason and 50 < run.next_at - time.time() <= 60 and run.attempts == ()
    begun = time.monotonic()
    house.kill("@operator", "@writer")
    assert time.monotonic() - begun < 5
    run = house.run("@writer", run.run_id)
    assert (run.phase, run.by, run.attempts) == (Phase.KILLED, "@operator", ())
    # A person's own start does not wait.
    assert house.over("@writer", house.started("@operator", "@writer")).phase is Phase.BOUNCED


def test_the_wait_grows_with_each_failure_and_ends_with_a_success(house: House) -> None:
    house.limit(attempts=1, backoff=[1, 2, 3], no_progress=100)
    agent = house.agent("@writer")
    waits = []
    house.shell("writer", "exit 1")
    for _ in range(4):
        waits.append(breaker.backoff(agent, house.config.dispatch))
        house.over("@writer", house.started("@operator", "@writer"))
    waits.append(breaker.backoff(agent, house.config.dispatch))
    house.command("writer", "true")
    house.over("@writer", house.started("@operator", "@writer"))
    assert waits == [0, 1, 2, 3, 3] and breaker.backoff(agent, house.config.dispatch) == 0
