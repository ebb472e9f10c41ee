from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mailcore.config import Alarms
from mailcore.formats import journal
from mailcore.model.activity import Kind
from mailcore.model.agent import Agent
from mailcore.model.fleet import AgentFacts, Fleet, State
from mailcore.model.lock import Holder
from mailcore.model.message import MailboxStatus
from mailcore.model.run import Phase, Run
from mailcore.observe.aipass_runs import newest_runs, runs_by_id
from mailcore.observe.facts import RunRead
from mailcore.observe.fold import apply
from mailcore.observe.log_reader import FIRST_LINES
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.state import state
from mailcore.workspace import find
from tests.mailcore.conftest import House, wait_until


class Look:
    """A loader and the fleet that its facts make."""

    def __init__(self, root: Path) -> None:
        self.loader = WorkspaceReader(find.find_workspace(root))
        self.fleet = apply(Fleet(self.loader.workspace.root), self.loader.initial(), time.time())

    def sweep(self) -> None:
        self.fleet = apply(self.fleet, self.loader.sweep(), time.time())

    def changed(self, *paths: Path) -> None:
        self.fleet = apply(self.fleet, self.loader.changed(paths), time.time())

    def the(self, address: str) -> AgentFacts:
        facts = self.fleet.find(address)
        assert facts is not None
        return facts

    def agent(self, address: str) -> Agent:
        return self.the(address).agent

    def state(self, address: str) -> State:
        return state(self.the(address), time.time(), Alarms()).state


def append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)


def write_mail(inbox: Path, *ids: str) -> None:
    inbox.parent.mkdir(parents=True, exist_ok=True)
    inbox.write_text(json.dumps({"messages": [{"id": n, "from": "@x", "subject": n, "status": "new"} for n in ids]}))


@pytest.fixture
def look(aipass_workspace: Path) -> Look:
    return Look(aipass_workspace)


def lock(agent: Agent, pid: int, **fields: str) -> None:
    stamp = f"{datetime.now():%Y-%m-%dT%H:%M:%S}"
    agent.dispatch_lock.write_text(json.dumps({"pid": pid, "timestamp": stamp, "branch": "b", **fields}))


def begin(agent: Agent, run_id: str = "20990101T000000_000000-aaaaaaaa", **first: Any) -> Path:
    path = agent.runs_dir / run_id / "run.jsonl"
    path.parent.mkdir(parents=True)
    queued = {"event": "queued", "run_id": run_id, "target": agent.address, "sender": "@b", "subject": "Report"}
    journal.append_record(path, {**queued, **first})
    return path


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted(root.rglob("*"))
    }


def test_the_workspace_that_aipass_wrote_reads_as_what_happened(look: Look) -> None:
    assert [facts.address for facts in look.fleet.agents] == ["@alpha", "@beta", "@gamma", "@ai_mail"]
    states = {facts.address: look.state(facts.address) for facts in look.fleet.agents}
    assert states == {"@alpha": State.DONE, "@beta": State.DONE, "@gamma": State.FAILED, "@ai_mail": State.IDLE}
    gamma, beta = look.the("@gamma").run, look.the("@beta").run
    assert gamma is not None
    assert beta is not None
    assert (gamma.subject, gamma.sender, gamma.reason, gamma.foreign) == (
        "Demo fail",
        "@alpha",
        "FAILED (code 1)",
        True,
    )
    assert (beta.replied, beta.supervisor_pid) == (True, 28414)
    assert look.the("@alpha").mailbox.unread == 2
    kinds = {activity.kind for activity in look.fleet.stream}
    assert {Kind.MAIL, Kind.DONE, Kind.FAILED, Kind.LOG} <= kinds


def test_looking_writes_nothing(aipass_workspace: Path) -> None:
    before = tree(aipass_workspace)
    look = Look(aipass_workspace)
    look.changed(aipass_workspace / ".aipass", look.agent("@beta").inbox)
    look.sweep()
    look.loader.watch_paths()
    assert tree(aipass_workspace) == before


def test_a_look_at_what_did_not_move_changes_nothing(look: Look) -> None:
    look.sweep()
    fleet = look.fleet
    look.sweep()
    look.changed(look.agent("@beta").inbox)
    assert look.fleet is fleet


@pytest.mark.parametrize("way", ["changed", "sweep"])
def test_a_written_mailbox_shows(look: Look, way: str) -> None:
    inbox = look.agent("@beta").inbox
    inbox.write_text(json.dumps({"messages": [{"id": "1", "from": "@alpha", "subject": "hi", "status": "new"}]}))
    look.changed(inbox) if way == "changed" else look.sweep()
    assert look.the("@beta").mailbox.unread == 1
    assert look.fleet.stream[-1].text == "@alpha: hi"
    inbox.unlink()
    look.changed(inbox) if way == "changed" else look.sweep()
    assert look.the("@beta").mailbox.status is MailboxStatus.MISSING


def test_a_broken_mailbox_shows_as_broken_and_is_read_again_when_mended(look: Look) -> None:
    inbox = look.agent("@alpha").inbox
    whole = inbox.read_bytes()
    inbox.write_bytes(whole[:-40])
    look.sweep()
    assert look.state("@alpha") is State.UNREADABLE
    assert str(inbox) in look.the("@alpha").mailbox.reason
    inbox.write_bytes(whole)
    look.sweep()
    assert look.state("@alpha") is State.DONE


def test_two_changes_within_one_tick_of_the_clock_both_show(look: Look) -> None:
    inbox = look.agent("@beta").inbox
    for name in "abc":
        inbox.write_text(json.dumps({"messages": [{"id": name, "status": "new"}]}))  # the same size each time
        stamp = inbox.stat()
        os.utime(inbox, ns=(stamp.st_atime_ns, time.time_ns() // 4_000_000 * 4_000_000))
        look.sweep()
        assert [message.id for message in look.the("@beta").mailbox.messages] == [name]


def test_a_foreign_lock_is_followed_through_its_holders_life(look: Look) -> None:
    beta = look.agent("@beta")
    holder = subprocess.Popen(["sleep", "60"])
    try:
        lock(beta, holder.pid, subject="manual wake")
        os.utime(beta.dispatch_lock, (1, 1))  # not so young that it is read again for that
        look.changed(beta.dispatch_lock)
        assert look.state("@beta") is State.WORKING
        assert str(holder.pid) in state(look.the("@beta"), time.time(), Alarms()).reason
    finally:
        holder.kill()
        holder.wait()
    look.sweep()
    assert look.state("@beta") is State.ORPHANED, "no file changed: only its holder died"
    beta.dispatch_lock.unlink()
    look.changed(beta.dispatch_lock)
    assert look.state("@beta") is State.DONE


def test_a_run_of_ours_is_followed_from_its_queueing_to_its_end(look: Look) -> None:
    beta = look.agent("@beta")
    path = begin(beta)
    look.changed(path.parent)
    assert look.the("@beta").run is not None
    assert str(path.parent) in look.loader.watch_paths(), "its directory is watched while it goes on"
    lock(beta, os.getpid(), run_id=path.parent.name)
    journal.append_record(path, {"event": "attempt", "n": 1, "pid": os.getpid()})
    look.changed(path)
    assert look.state("@beta") is State.STARTING
    journal.append_record(path, {"event": "running"})
    (path.parent / "attempt-1.stdout.log").write_text("thinking\n")
    (path.parent / "attempt-1.stderr.log").write_text("a warning\n")
    look.changed(path)
    assert look.state("@beta") is State.WORKING
    assert {"thinking", "a warning"} <= {activity.text for activity in look.the("@beta").activities}
    assert time.time() - look.the("@beta").last_active < 5
    with (path.parent / "attempt-1.stdout.log").open("a") as file:
        file.write("the last words\n")
    journal.append_record(path, {"event": "ended", "outcome": "completed"})
    beta.dispatch_lock.unlink()
    look.changed(path)
    assert look.state("@beta") is State.DONE
    assert "the last words" in {activity.text for activity in look.the("@beta").activities}
    assert str(path.parent) not in look.loader.watch_paths()


def test_the_run_that_the_lock_names_comes_before_a_newer_one(look: Look) -> None:
    beta = look.agent("@beta")
    older = begin(beta, "20990101T000000_000000-aaaaaaaa", subject="older")
    begin(beta, "20990101T000001_000000-bbbbbbbb", subject="newer")
    lock(beta, os.getpid(), run_id=older.parent.name)
    look.sweep()
    run = look.the("@beta").run
    assert run is not None
    assert run.subject == "older"
    beta.dispatch_lock.unlink()
    look.sweep()
    run = look.the("@beta").run
    assert run is not None
    assert run.subject == "newer"


def test_a_lock_cannot_lead_the_reader_out_of_the_branch(look: Look, tmp_path: Path) -> None:
    begin(Agent("@beta", "BETA", tmp_path / "evil"), "r")
    beta = look.agent("@beta")
    beta.runs_dir.mkdir()
    outside = os.path.relpath(tmp_path / "evil" / ".ai_mail.local" / "runs" / "r", beta.runs_dir)
    lock(beta, os.getpid(), run_id=outside)
    look.sweep()
    run = look.the("@beta").run
    assert run is not None
    assert run.foreign


def test_a_torn_journal_tells_what_is_whole_and_later_the_rest(look: Look) -> None:
    beta = look.agent("@beta")
    path = begin(beta)
    whole = path.read_bytes()
    path.write_bytes(whole[:30])
    look.sweep()
    run = look.the("@beta").run
    assert run is not None
    assert run.foreign
    path.write_bytes(whole)
    look.sweep()
    run = look.the("@beta").run
    assert run is not None
    assert (run.phase, run.foreign) == (Phase.QUEUED, False)


def test_hooks_and_logs_are_followed_new_files_too(look: Look, hook_lines: list[bytes]) -> None:
    beta = look.agent("@beta")
    beta.hooks_log.write_bytes(b"\n".join(hook_lines[:3]) + b"\n")
    look.changed(beta.hooks_log)
    tool = look.the("@beta").tool
    assert tool is not None
    assert tool.text == "Bash: List files"
    assert look.state("@beta") is State.IN_TOOL
    with beta.hooks_log.open("ab") as file:
        file.write(b"\n".join(hook_lines[3:]) + b"\n")
    (beta.logs_dir / "new.log").write_text("2026-11-22 01:00:00 - captured_x - ERROR - disk full\n")
    look.sweep()
    assert look.the("@beta").tool is None
    assert look.state("@beta") is State.IDLE, "a session of the operator's own makes the old run old news"
    assert any(a.kind is Kind.ERROR and a.text == "disk full" for a in look.the("@beta").activities)


def test_of_a_file_seen_first_only_the_end_is_told(aipass_workspace: Path) -> None:
    log = aipass_workspace / "agents" / "beta" / "logs" / "big.log"
    log.write_text("".join(f"line {n}\n" for n in range(100_000)))
    texts = [a.text for a in Look(aipass_workspace).fleet.stream if a.text.startswith("line")]
    assert texts == [f"line {n}" for n in range(100_000 - FIRST_LINES, 100_000)]


def test_an_outstanding_row_counts_only_beside_its_lock(look: Look) -> None:
    beta = look.agent("@beta")
    register = look.fleet.root / ".aipass" / "dispatch_register.jsonl"
    ts = datetime.now().astimezone().isoformat()
    row = {"dispatch_id": "x", "ts": ts, "sender": "@alpha", "target": "@beta", "subject": "More"}
    with register.open("a") as file:
        file.write(json.dumps({**row, "status": "outstanding"}) + "\n")
    look.changed(register)
    assert look.state("@beta") is State.IDLE
    lock(beta, os.getpid(), subject="manual wake")
    look.changed(beta.dispatch_lock)
    run = look.the("@beta").run
    assert run is not None
    assert (run.subject, run.phase) == ("More", Phase.RUNNING)
    assert look.state("@beta") is State.WORKING
    with register.open("a") as file:
        file.write(json.dumps({"dispatch_id": "x", "ts": ts, "status": "MAX TURNS HIT (5s)"}) + "\n")
    beta.dispatch_lock.unlink()
    look.changed(register)
    assert look.state("@beta") is State.FAILED


def test_our_own_run_in_the_register_is_told_by_its_journal(look: Look) -> None:
    path = begin(look.agent("@beta"))
    journal.append_record(path, {"event": "ended", "outcome": "killed", "by": "@operator"})
    row = {"dispatch_id": path.parent.name, "ts": journal.now(), "target": "@beta", "status": "outstanding"}
    with (look.fleet.root / ".aipass" / "dispatch_register.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n" + json.dumps({**row, "status": "FAILED (killed)"}) + "\n")
    look.sweep()
    assert look.state("@beta") is State.KILLED


def test_the_register_is_folded_whatever_stands_in_it() -> None:
    odd: list[dict[str, Any]] = [{}, {"dispatch_id": 5}, {"dispatch_id": "a"}, {"dispatch_id": "b", "target": " "}]
    odd += [{"dispatch_id": "c", "target": "@X", "ts": 7, "monitor_pid": "no", "status": None}]
    assert {address: run.phase for address, run in newest_runs(runs_by_id(odd).values()).items()} == {
        "@x": Phase.RUNNING
    }


def test_a_new_agent_and_its_files_show_and_a_removed_one_goes(look: Look) -> None:
    registry = look.loader.workspace.registry
    document = json.loads(registry.read_bytes())
    beta = next(row for row in document["branches"] if row["name"] == "BETA")
    document["branches"] = [row for row in document["branches"] if row["name"] != "GAMMA"]
    document["branches"].append({**beta, "name": "DELTA", "email": "@delta", "path": "agents/delta"})
    shutil.copytree(look.agent("@alpha").branch, look.fleet.root / "agents" / "delta")
    registry.write_text(json.dumps(document))
    look.changed(registry)
    assert [facts.address for facts in look.fleet.agents] == ["@alpha", "@beta", "@ai_mail", "@delta"]
    assert look.the("@delta").mailbox.unread == 2
    assert str(look.agent("@delta").mail_dir) in look.loader.watch_paths()


def test_a_registry_that_cannot_be_read_keeps_the_agents_and_says_so(look: Look) -> None:
    registry = look.loader.workspace.registry
    whole = registry.read_bytes()
    for broken in (whole[:50], None):
        registry.unlink()
        if broken is not None:
            registry.write_bytes(broken)
        look.sweep()
        assert len(look.fleet.agents) == 4
        assert any(str(registry) in note for note in look.fleet.notes)
    registry.write_bytes(whole)
    look.sweep()
    assert look.fleet.notes == ()


def test_a_missing_directory_is_waited_for_at_the_nearest_above(look: Look) -> None:
    branch = look.agent("@ai_mail").branch
    watched = look.loader.watch_paths()
    assert str(branch) in watched, "it has no logs directory"
    shutil.rmtree(look.agent("@beta").branch)
    look.sweep()
    assert str(look.fleet.root / "agents") in look.loader.watch_paths()
    assert look.the("@beta").mailbox.status is MailboxStatus.MISSING


@contextmanager
def no_descriptors() -> Iterator[None]:
    """This process can open nothing more."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_moment_without_descriptors_tells_nothing_twice_and_loses_nothing(look: Look) -> None:
    logs = look.the("@beta").agent.logs_dir
    log = logs / "work.log"
    log.write_text("old 1\nold 2\n")
    look.sweep()
    known = len(look.fleet.stream)
    (logs / "other.log").write_text("")
    append(log, "new 1\n")
    with no_descriptors():
        look.sweep()
    append(log, "new 2\n")
    look.sweep()
    append(log, "new 3\n")
    look.changed(log)
    assert [activity.text for activity in look.fleet.stream[known:]] == ["new 1", "new 2", "new 3"]


def test_what_a_look_that_failed_had_found_is_not_lost(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """The note stands while it fails; then everything is told, and nothing twice."""
    beta = look.the("@beta").agent
    log = beta.logs_dir / "work.log"
    append(log, "before\n")
    look.sweep()
    known = Counter(activity.text for activity in look.fleet.stream)
    write_mail(beta.inbox, "a")
    append(log, "meanwhile\n")

    def fails(*_: object) -> None:
        raise MemoryError("too large")

    with monkeypatch.context() as patch:
        # Only what the machine does to us is made up: memory runs out.
        patch.setattr("mailcore.observe.agent_reader.hold_text", fails)
        for n in range(2):
            for path in (beta.inbox, log, beta.mail_dir):  # not so young that it would be looked at again anyhow
                os.utime(path, (time.time() - 60 + n,) * 2)
            look.sweep()
            assert look.fleet.notes == ("@beta cannot be read: MemoryError: too large",)
    look.sweep()
    assert look.fleet.notes == ()
    assert look.the("@beta").mailbox.unread == 1
    assert Counter(activity.text for activity in look.fleet.stream) - known == {"meanwhile": 1, "@x: a": 1}


def test_a_mailbox_without_end_is_named_and_not_read(look: Look) -> None:
    inbox = look.the("@beta").agent.inbox
    inbox.parent.mkdir(parents=True, exist_ok=True)
    inbox.touch()
    os.truncate(inbox, 1 << 40)
    for _ in range(2):
        look.sweep()
        mailbox = look.the("@beta").mailbox
        assert mailbox.status is MailboxStatus.UNREADABLE
        assert "1,099,511,627,776 bytes" in mailbox.reason and str(inbox) in mailbox.reason
    assert look.fleet.notes == ()


def test_a_half_written_lock_holds_for_a_while(look: Look) -> None:
    beta = look.agent("@beta")
    beta.dispatch_lock.write_text("")
    look.sweep()
    held = look.the("@beta").lock
    assert held is not None
    assert held.holder is Holder.UNKNOWN
    assert look.state("@beta") is State.STARTING
    lock(beta, os.getpid())
    look.sweep()
    assert look.state("@beta") is State.WORKING


def test_what_is_written_after_the_end_is_read_while_the_lock_is_there(house: House) -> None:
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.02; done; exit 3")
    house.limit(attempts=1)
    run_id = house.started("@lead", "@writer")
    house.attempt_pid("@writer", run_id)
    lead = house.agent("@lead")
    lead.inbox.unlink(missing_ok=True)
    lead.inbox.mkdir()
    loader = WorkspaceReader(house.workspace)
    loader.initial()
    seen: list[Run] = []
    (house.agent("@writer").branch / "go").touch()

    def look() -> bool:
        seen.extend(f.run for f in loader.sweep() if isinstance(f, RunRead) and f.address == "@writer" and f.run)
        return house.run("@writer", run_id).phase.ended and not house.agent("@writer").dispatch_lock.exists()

    wait_until(look)
    look()
    assert seen[-1].undelivered, seen[-1]
