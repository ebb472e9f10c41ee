"""Breakers and backoff: what must not be started again by itself, and what a person may do all the same."""

from __future__ import annotations

import time

from mailcore.dispatch import control
from mailcore.dispatch.admission import breakers
from mailcore.dispatch.lifecycle import after_run
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
    run_id = control.wake_agent(house.workspace, house.config, "@operator", "@writer")
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
    for n in range(3):
        house.over("@writer", house.started("@lead", "@writer", f"task {n}"))
    assert breakers.why_tripped(house.agent("@writer"), house.config.dispatch) == ""
    house.shell("writer", "exit 1")
    for n in range(3):
        house.over("@writer", house.started("@lead", "@writer", f"failing task {n}"))
    assert "3 runs in a row" in breakers.why_tripped(house.agent("@writer"), house.config.dispatch)


def test_an_agent_that_only_rewrites_its_memories_makes_little_progress(house: House) -> None:
    """Every run is told to update them; and one that leads others keeps its plan there."""
    house.limit(no_progress=2, ping_pong=3)
    house.shell("writer", "echo up; mkdir -p .trinity; date +%N > .trinity/local.json")
    for _ in range(3):
        run = house.over("@writer", house.started("@lead", "@writer"))
        assert run.memories_edited
        assert house.json("run", run.run_id)["changed"] == [".trinity/local.json"]
    tripped = breakers.why_tripped(house.agent("@writer"), house.config.dispatch)
    assert tripped.startswith("3 runs in a row that only wrote mail or memories ([dispatch] ping_pong)")
    assert "`mailcore wake @writer`" in tripped
    house.shell("writer", "echo up; date +%N > .trinity/local.json; date > made")
    house.over("@writer", house.started("@lead", "@writer"))
    assert breakers.why_tripped(house.agent("@writer"), house.config.dispatch) == ""


def test_runs_whose_supervisor_dies_again_and_again_trip_it(house: House) -> None:
    house.limit(backoff=[])
    house.shell("writer", "echo up; exec sleep 100")
    writer = house.agent("@writer")
    for _ in range(3):
        assert breakers.why_tripped(writer, house.config.dispatch) == ""
        house.attempt_pid("@writer", house.started("@lead", "@writer"))
        house.orphan("@writer")
        after_run.clean_up(house.workspace, house.config, writer)
    assert "3 runs in a row without" in breakers.why_tripped(writer, house.config.dispatch)


def test_a_sender_that_is_woken_and_never_hears_is_woken_no_more(house: House) -> None:
    """Each end wakes it, and it does nothing: the fourth is in its mail, and the run says that nobody was woken."""
    house.shell("writer", PROGRESS)
    house.shell("lead", "echo up")
    for n in range(3):
        run = house.over("@writer", house.started("@lead", "@writer"))
        assert run.undelivered == ""
        wait_until(lambda: sum(r.phase.ended for r in house.runs("@lead")) == n + 1, 30, "@lead was woken")  # noqa: B023
        idle(house, "lead")
    run = house.over("@writer", house.started("@lead", "@writer"))
    assert "3 runs in a row without" in run.undelivered and "@lead" in run.undelivered
    assert len(house.runs("@lead")) == 3
    assert [mail.subject for mail in house.inbox("@lead")] == ["Done, no reply: a task"]
    assert "It took" in house.inbox("@lead")[0].body


def test_a_ping_pong_of_tasks_and_wake_backs_comes_to_its_end(house: House) -> None:
    """@lead gives the same task again whenever it hears that it is done: each of its runs only writes mail."""
    house.shell("writer", "echo up")
    house.shell("lead", "mailcore dispatch @writer again b > /dev/null; echo up")
    house.over("@writer", house.started("@lead", "@writer"))

    def given_up() -> bool:
        assert len(house.runs("@writer")) <= 6, "the breaker has not tripped"
        return any(run.undelivered for run in house.runs("@writer"))

    wait_until(given_up, 60, "the breaker trips", progress=lambda: house.journals("@writer", "@lead"))
    idle(house, "writer", "lead")
    last = house.runs("@writer")[-1]
    assert "2 runs in a row that only gave tasks given before" in last.undelivered
    assert len(house.runs("@lead")) == 3 and len(house.runs("@writer")) == 4


def test_a_ping_pong_of_mail_comes_to_its_end(house: House) -> None:
    house.limit(wake_depth=100, ping_pong=3)
    for name, to in (("writer", "editor"), ("editor", "writer")):
        house.shell(name, f"mailcore send @{to} ping b --priority high >> {house.root}/said 2>&1; echo up")
    high(house)

    def over() -> bool:
        assert len(house.runs("@writer")) <= 6, "the breaker has not tripped"
        said = house.root / "said"
        return said.exists() and "only wrote mail" in said.read_text()

    wait_until(over, 40, "the breaker trips", progress=lambda: house.journals("@writer", "@editor"))
    idle(house, "writer", "editor")
    assert 3 <= len(house.runs("@writer")) <= 4 and 3 <= len(house.runs("@editor")) <= 4
    assert house.over("@writer", control.wake_agent(house.workspace, house.config, "@operator", "@writer"))
    idle(house, "writer", "editor")


def test_many_failures_in_the_fleet_stop_retries_everywhere(house: House) -> None:
    house.limit(fleet_failures=2)
    for name in ("writer", "editor"):
        house.shell(name, "exit 1")
    first = house.over("@writer", house.started("@operator", "@writer"))
    assert (first.phase, len(first.attempts)) == (Phase.BOUNCED, 2)
    assert "none is repeated by itself ([dispatch] fleet_failures)" in first.reason and "exit 1" in first.reason
    second = house.over("@editor", house.started("@operator", "@editor"))
    assert (second.phase, len(second.attempts)) == (Phase.BOUNCED, 1)
    assert all(
        "none is repeated by itself ([dispatch] fleet_failures)" in mail.body for mail in house.inbox("@operator")
    )


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
        waits.append(breakers.backoff_delay(agent, house.config.dispatch))
        house.over("@writer", house.started("@operator", "@writer"))
    waits.append(breakers.backoff_delay(agent, house.config.dispatch))
    house.command("writer", "true")
    house.over("@writer", house.started("@operator", "@writer"))
    assert waits == [0, 1, 2, 3, 3] and breakers.backoff_delay(agent, house.config.dispatch) == 0
