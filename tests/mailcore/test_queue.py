"""Starts that wait: seen, cancelled, in order, wakes merged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailcore.dispatch.lifecycle.after_run import start_wake
from mailcore.dispatch.queueing import queue
from mailcore.dispatch.queueing.branch_gate import gate
from mailcore.dispatch.queueing.queue import Wake
from mailcore.dispatch.queueing.queue_moves import move_start
from mailcore.formats import journal
from mailcore.model.run import Phase
from tests.mailcore.conftest import House, wait_until

GATED = "echo up; until [ -e go ]; do sleep 0.02; done"


def working(house: House) -> str:
    """@writer at work until `go` is there; the id of the run."""
    house.shell("writer", GATED)
    run_id = house.started("@operator", "@writer", "present")
    house.attempt_pid("@writer", run_id)
    return run_id


def finish(house: House, count: int) -> list[str]:
    """Let @writer go on; the subjects of all its runs once there are so many, and nothing waits."""
    (house.agent("@writer").branch / "go").touch()
    wait_until(lambda: sum(run.phase.ended for run in house.runs("@writer")) == count, 30, f"{count} runs are over")
    wait_until(lambda: not house.agent("@writer").dispatch_lock.exists(), what="@writer is idle")
    assert list(queue.all_waiting(house.workspace)) == []
    assert {run.phase for run in house.runs("@writer")} == {Phase.COMPLETED}
    return [run.subject for run in house.runs("@writer")]


def test_tasks_wait_in_order_and_each_has_its_own_run(house: House) -> None:
    working(house)
    for n in range(3):
        assert house.dispatch("@operator", "@writer", f"task {n}").queued
    rows = house.json("queue")
    assert [(row["agent"], row["subject"], row["sender"]) for row in rows] == [
        ("@writer", f"task {n}", "@operator") for n in range(3)
    ]
    assert all("busy on 'present'" in row["reason"] and row["since"] and row["id"] for row in rows)
    text = house.mailcore("queue").stdout.decode().splitlines()
    assert len(text) == 3 and rows[0]["id"] in text[0] and "task 0" in text[0]
    assert finish(house, 4) == ["present", "task 0", "task 1", "task 2"]
    assert house.mailcore("queue").stdout == b"nothing waits\n"


def test_wakes_become_one_run_after_the_tasks_before_them(house: House) -> None:
    working(house)
    for n in range(2):
        start_wake(house.workspace, house.config, house.agent("@writer"), Wake(f"Reason {n}.", "@lead", n + 1))
    house.dispatch("@operator", "@writer", "a task")
    start_wake(house.workspace, house.config, house.agent("@writer"), Wake("Reason 1.", "@lead"))
    assert finish(house, 3) == ["present", "Reason 0. Reason 1.", "a task"]
    merged = house.journal("@writer", house.runs("@writer")[1].run_id)[0]
    assert merged["depth"] == 0 and "Reason 0. Reason 1." in merged["prompt"]


def test_cancel_takes_one_out_and_leaves_its_mail(house: House) -> None:
    working(house)
    for n in range(2):
        house.dispatch("@operator", "@writer", f"task {n}")
    wanted = house.json("queue")[0]
    assert house.json("queue", "cancel", wanted["id"], "--from", "@operator") == {"cancelled": wanted["id"]}
    again = house.json("queue", "cancel", wanted["id"], "--from", "@operator", status=4)
    assert again["error"]["code"] == "no_entry"
    assert finish(house, 2) == ["present", "task 1"]
    assert "task 0" in [mail.subject for mail in house.inbox("@writer")]


def test_a_busy_agent_is_said_by_the_exit_code_unless_queueing_was_asked_for(house: House) -> None:
    working(house)
    said = house.json("dispatch", "@writer", "one", "b", "--from", "@operator", status=3)
    assert (said["run_id"], said["code"], said["queued"], said["delivered"]) == (None, "busy", True, True)
    said = house.json("dispatch", "@writer", "two", "b", "--queue", "--from", "@operator")
    assert (said["code"], said["queued"]) == ("busy", True)
    assert finish(house, 3) == ["present", "one", "two"]


def test_what_could_not_begin_is_next_again(house: House) -> None:
    working(house)
    for n in range(2):
        house.dispatch("@operator", "@writer", f"task {n}")
    writer = house.agent("@writer")
    with gate(house.workspace, writer):
        first, taken = queue.next_start(writer)
        assert first is not None and first["subject"] == "task 0"
        queue.remove_entries(house.workspace, writer, taken)
        queue.put_back_starts(house.workspace, writer, taken, "no program")
    before = next(queue.all_waiting(house.workspace))
    assert (before.subject, before.reason) == ("task 0", "no program")
    assert finish(house, 3) == ["present", "task 0", "task 1"]


def test_another_program_for_once(house: House) -> None:
    """`--with` takes what is named; a program that is not there is refused before a mail is written."""
    env = {"PATH": "/nonexistent"}
    done = house.mailcore("dispatch", "@writer", "s", "b", "--with", "codex", "--from", "@operator", env=env)
    assert done.returncode == 3 and b"codex" in done.stderr and house.inbox("@writer") == ()
    tools = house.root / "tools"
    tools.mkdir()
    (tools / "codex").write_text('#!/bin/sh\necho \'{"type":"turn.completed"}\'\n')
    (tools / "codex").chmod(0o755)
    env = {"PATH": f"{tools}:/usr/bin:/bin"}
    done = house.mailcore("dispatch", "@writer", "s", "b", "--with", "codex", "--from", "@operator", env=env)
    assert done.returncode == 0, done.stderr
    (run,) = house.runs("@writer")
    assert run.program == "codex" and house.over("@writer", run.run_id).phase is Phase.COMPLETED


def test_a_kill_drops_the_wakes_and_keeps_the_tasks(house: House) -> None:
    working(house)
    start_wake(house.workspace, house.config, house.agent("@writer"), Wake("A reason.", "@lead"))
    house.dispatch("@operator", "@writer", "a task")
    house.kill("@operator", "@writer")
    assert [entry.subject for entry in queue.all_waiting(house.workspace)] == ["a task"]
    assert len(house.runs("@writer")) == 1


def test_wakes_without_a_number_for_their_depth_and_a_word_for_their_id_become_one_run(house: House) -> None:
    writer = house.agent("@writer")
    with gate(house.workspace, writer):
        for depth in ("deep", None):
            queue.add_start(house.workspace, writer, {"subject": "s", "message_id": "", "depth": depth}, "busy")
        spoilt = [line | {"queue_id": [1]} for line in journal.read_records(writer.mail_dir / ".queue.jsonl")]
        (writer.mail_dir / ".queue.jsonl").write_text("".join(json.dumps(line) + "\n" for line in spoilt))
        first, taken = queue.next_start(writer)
        queue.remove_entries(house.workspace, writer, taken)
    assert first is not None and first["depth"] == 0 and not queue.is_any_waiting(writer)


def test_a_claim_follows_no_symlink(house: House, tmp_path: Path) -> None:
    (house.agent("@writer").mail_dir / ".queue.flock").symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="is a symlink"), queue.claim(house.agent("@writer")):
        pass
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("sender", ["@lead", "@operator"])
def test_a_cancelled_start_is_told_and_ends_a_wait(house: House, sender: str) -> None:
    """Else whoever gave the task waits for ever; who cancelled it himself has it in his archive alone."""
    house.json("hold", "@writer", "--from", "@operator")
    task = house.dispatch(sender, "@writer", "waits")
    (entry,) = house.json("queue", "--from", "@operator")
    house.json("queue", "cancel", entry["id"], "--from", "@operator")
    told = house.json("wait", task.message_id, "--timeout", "20", "--from", sender, status=4)
    assert told["settled"][0]["state"] == "killed"
    assert "@operator cancelled its start before it began" in told["settled"][0]["text"]
    expected = ["CANCELLED: Dispatch to @writer"] if sender == "@lead" else []
    assert [mail.subject for mail in house.inbox(sender)] == expected
    assert [mail.id for mail in house.inbox("@writer")] == [task.message_id], "its mail stays"


def test_news_that_only_a_waiting_wake_would_have_told_is_mailed_when_it_is_cancelled(house: House) -> None:
    house.json("hold", "@lead", "--from", "@operator")
    house.shell("writer", "echo up")
    house.over("@writer", house.started("@lead", "@writer"))  # a wake of @lead waits, with what it would say
    assert house.inbox("@lead") == ()
    (entry,) = house.json("queue", "--from", "@operator")
    house.json("queue", "cancel", entry["id"], "--from", "@operator")
    assert [mail.subject for mail in house.inbox("@lead")] == ["Done, no reply: a task"]


def waiting(house: House, count: int = 4) -> list[str]:
    """Tasks that wait for @writer, who is at work; their ids, the next first."""
    working(house)
    for n in range(count):
        house.dispatch("@operator", "@writer", f"task {n}")
    return [entry.id for entry in queue.waiting_starts(house.agent("@writer"))]


def order(house: House) -> str:
    """The numbers of the tasks that wait, the next first."""
    return "".join(entry.subject[-1] for entry in queue.waiting_starts(house.agent("@writer")))


def test_a_start_is_moved_and_the_place_that_it_had_moves_it_back(house: House) -> None:
    ids = waiting(house)
    for where, wanted in (("first", "3012"), ("4", "0123"), ("up", "0132"), ("down", "0123"), ("2", "0312")):
        place = order(house).index("3") + 1
        moved = move_start(house.workspace, "@operator", ids[3], where)
        assert order(house) == wanted
        assert (moved.before, moved.place, moved.count) == (place, wanted.index("3") + 1, 4)
    move_start(house.workspace, "@operator", ids[3], "4")
    for where in ("down", "last", "99"):
        assert move_start(house.workspace, "@operator", ids[3], where).place == 4
    assert order(house) == "0123"
    acts = [act for act in journal.read_records(house.root / ".praxmonitor/audit.jsonl") if act["verb"] == "move"]
    assert len(acts) == 6 and acts[0] | {"before": 4, "place": 1, "start": ids[3], "agent": "@writer"} == acts[0]
    move_start(house.workspace, "@operator", ids[2], "first")
    assert finish(house, 5) == ["present", "task 2", "task 0", "task 1", "task 3"]
    assert all("rank" not in house.journal("@writer", run.run_id)[0] for run in house.runs("@writer"))


def test_an_older_program_reads_a_queue_that_was_moved_about(house: House) -> None:
    """It knows no `rank`: every line is the first record of a run as it was, with the age that it had."""
    ids = waiting(house, 3)
    path = house.agent("@writer").mail_dir / ".queue.jsonl"
    before = {line["queue_id"]: line for line in journal.read_records(path)}
    move_start(house.workspace, "@operator", ids[2], "first")
    after = {line["queue_id"]: line for line in journal.read_records(path)}
    assert {key: {**line, "rank": 0} for key, line in after.items()} == {
        key: {**line, "rank": 0} for key, line in before.items()
    }
    for spoilt in ("first", True, float("nan"), None):
        path.write_text("".join(json.dumps({**line, "rank": spoilt}) + "\n" for line in before.values()))
        assert order(house) == "012"


def test_starts_of_one_moment_are_moved_past_each_other(house: House) -> None:
    writer = house.agent("@writer")
    with gate(house.workspace, writer):
        for n in range(3):
            first = {"at": "2026-11-29T10:00:00Z", "subject": f"task {n}", "message_id": f"m{n}"}
            queue.add_start(house.workspace, writer, first, "busy")
    ids = [entry.id for entry in queue.waiting_starts(writer)]
    move_start(house.workspace, "@operator", ids[2], "2")
    assert order(house) == "021"
    for _ in range(80):  # halved so often, nothing would be left between two numbers
        move_start(house.workspace, "@operator", queue.waiting_starts(writer)[2].id, "2")
    assert order(house) == "021"


def test_who_may_move_a_start(house: House) -> None:
    ids = waiting(house, 2)
    assert house.json("queue", "move", ids[1], "--from", "@operator", status=2)["error"]["code"] == "usage"
    assert house.json("queue", "move", ids[1], "sideways", "--from", "@operator", status=2)["error"]["code"] == "usage"
    gone = house.json("queue", "move", "0000abcd", "first", "--from", "@operator", status=4)
    assert gone["error"]["code"] == "no_entry"
    moved = house.json("queue", "move", ids[1], "first", "--from", "@operator")
    assert moved == {"moved": ids[1], "before": 2, "place": 1, "count": 2}
    said = house.mailcore("queue", "move", ids[1], "last", "--from", "@operator").stdout.decode()
    assert said == f"task 1: 2 of 2, was 1; back: mailcore queue move {ids[1]} 1\n"
    assert house.mailcore("queue", "move", ids[1], "first", "--from", "@lead").returncode == 3
    assert order(house) == "01"


def test_now_is_next_while_its_agent_works_and_begins_where_nothing_is_in_its_way(house: House) -> None:
    ids = waiting(house, 3)
    said = house.json("queue", "now", ids[2], "--from", "@operator", status=3)
    assert said["run_id"] is None and "busy on 'present'" in said["busy"]
    assert finish(house, 4) == ["present", "task 2", "task 0", "task 1"]
    with gate(house.workspace, house.agent("@writer")):
        first = house.journal("@writer", house.runs("@writer")[1].run_id)[0]
        again = {key: value for key, value in first.items() if key not in ("event", "at", "run_id", "queue_id")}
        queue_id = queue.add_start(house.workspace, house.agent("@writer"), again | {"subject": "task 9"}, "a test")
    begun = house.json("queue", "now", queue_id, "--from", "@operator")
    assert begun["run_id"] and house.over("@writer", begun["run_id"]).subject == "task 9"
