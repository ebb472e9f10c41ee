"""Every call that writes, of every act of several steps: it fails, kills, or is the first of a full disk.

Exit 0 says that the act stands, and nothing else does; no message says that nothing was done when something was; and
the same words said again do the rest: nothing is lost, nothing doubled.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mailcore.dispatch.runs import branch_lock
from mailcore.dispatch.runs.run_list import read_run, run_ids
from mailcore.mail import answer, approvals, conflicts, lookup, post
from mailcore.system.processes import snapshot
from mailcore.workspace.find import Workspace, find_workspace
from tests.faults.conftest import ROOT, archived_mail, make_team, open_mail

FULL = os.strerror(errno.ENOSPC)
FAIL, KILL, FILL = 1, 2, 3
KINDS = {FAIL: "one call fails", KILL: "killed there", FILL: "full from there on"}
Facts = Counter[str]


def nothing(team: Workspace) -> None:
    """The workspace as it is made."""


@dataclass(frozen=True)
class Act:
    """One command, in a workspace where it can be said."""

    name: str
    caller: str
    words: tuple[str, ...]
    prepare: Callable[[Workspace], object] = nothing
    stands: str = ""
    """What shows that it stands, though the rest may be missing, which is told then; else all of it."""


def mailed(team: Workspace, count: int = 1, sender: str = "@alpha") -> None:
    for n in range(1, count + 1):
        post.send_mail(team, sender, ["@target"], f"mail {n}", "body")


def answered(team: Workspace) -> None:
    mailed(team)
    answer.acknowledge(team, "@target", "1", "done", "result")


def with_program(team: Workspace) -> None:
    script = "echo started >> started"
    team.config_file.write_text(
        "[dispatch]\nretry_wait = 0.1\nattempts = 1\n[errors]\nwatch = false\n"
        + "".join(
            f'[agents.{name}]\nprogram = "command"\ncommand = ["sh", "-c", {json.dumps(script)}]\n'
            for name in ("beta", "target")
        )
    )


def dispatched_again(team: Workspace) -> None:
    with_program(team)
    post.send_mail(team, "@operator", ["@target"], "mail 1", "body", is_task=True)
    answer.acknowledge(team, "@target", "1", "done", "result")


def asked(team: Workspace) -> None:
    approvals.request_approval(team, "@alpha", "@operator", "@operator", "launch", "now?", 1)


def old_mail(team: Workspace) -> None:
    mailed(team, 3)
    post.close_messages(team, "@target", ["1", "2", "3"])
    for path in team.agent("@target").archive_dir.iterdir():
        os.utime(path, (0, 0))


def two_tasks(team: Workspace) -> None:
    with_program(team)
    for sender in ("@alpha", "@beta"):
        post.send_mail(team, sender, ["@target"], f"task of {sender}", "body", is_task=True)


def conflicting(team: Workspace) -> None:
    two_tasks(team)
    conflicts.escalate_conflict(team, "@target", "@operator", ["1", "2"], "which?", 2)


ACTS = [
    Act("send", "@alpha", ("send", "@beta", "@target", "news", "body")),
    Act("send --key", "@alpha", ("send", "@beta", "news", "body", "--key", "k"),
        lambda team: post.send_mail(team, "@alpha", ["@beta"], "old news", "body", key="k")),
    Act("reply", "@target", ("reply", "1", "the answer"), mailed),
    Act("forward", "@target", ("forward", "1", "@beta", "look"), mailed),
    Act("close", "@target", ("close", "1", "2"), lambda team: mailed(team, 3)),
    Act("done", "@target", ("done", "1", "result"), mailed),
    Act("blocked", "@target", ("blocked", "1", "need more"), mailed),
    Act("escalate", "@target", ("escalate", "1", "too much"), mailed),
    Act("accept", "@alpha", ("accept", "1"), answered),
    Act("ask", "@alpha", ("ask", "@operator", "launch", "now?", "--tier", "2")),
    Act("approve", "@operator", ("approve", "1", "yes", "--from", "@operator"), asked, "'approved'"),
    Act("deny", "@operator", ("deny", "1", "no", "--from", "@operator"), asked, "'denied'"),
    Act("restore", "@target", ("archive", "restore", "2"), old_mail),
    Act("prune", "@target", ("prune", "--older", "1d"), old_mail),
    Act("dispatch", "@operator", ("dispatch", "@target", "task", "body", "--from", "@operator"), with_program),
    Act("declined", "@target", ("declined", "1", "no"), mailed),
    Act("close --all", "@target", ("close", "--all"), lambda team: mailed(team, 3)),
    Act("send @all", "@alpha", ("send", "@all", "news", "body")),
    Act("send --reply-to", "@target", ("send", "@alpha", "re", "body", "--reply-to", "1"), mailed),
    Act("escalate two", "@target", ("escalate", "1", "2", "which?"), two_tasks, "@operator open 'CONFLICT"),
    Act("approve --choose, dispatches", "@operator",
        ("approve", "3", "that", "--choose", "1", "--from", "@operator"), conflicting, "'approved'"),
    Act("send high, dispatches", "@alpha", ("send", "@target", "now", "body", "--priority", "high"), with_program,
        "@target open 'now'"),
    Act("wake, dispatches", "@operator", ("wake", "@target", "look", "--from", "@operator"), with_program),
    Act("dispatch two", "@alpha", ("dispatch", "@target", "@beta", "task", "body"), with_program),
    Act("reopen", "@operator", ("reopen", "1", "again", "--from", "@operator"), dispatched_again),
]  # fmt: skip


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shim of shim.c, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler for the shim that makes calls fail")
    built = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).with_name("shim.c")
    done = subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", str(source), "-o", str(built), "-ldl"], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"the shim that makes calls fail cannot be compiled here: {done.stderr[:300]}")
    return built


@pytest.fixture(scope="session")
def nursery(shim: Path) -> Iterator[Callable[..., dict[str, Any]]]:
    """`nursery(cwd, words, at, kind)`: one command whose call `at` is spoilt, as nursery.py answers."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAILCORE_", "AIPASS_", "CLAUDE"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.nursery", str(shim)],
        cwd=ROOT, env={**env, "LD_PRELOAD": str(shim)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip

    def ask(cwd: Path, words: tuple[str, ...], at: int = 0, kind: int = FAIL) -> dict[str, Any]:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps({"cwd": str(cwd), "words": words, "at": at, "kind": kind}) + "\n")
        process.stdin.flush()
        said: dict[str, Any] = json.loads(process.stdout.readline())
        return said

    yield ask
    process.communicate(timeout=60)


def facts(team: Workspace) -> Facts:
    """What lies where, each as often as it does; every file is read strictly on the way."""
    found: Facts = Counter()
    for agent in (*team.agents, team.operator):
        if agent.inbox.exists():
            waiting = open_mail(agent)
            found.update(f"{agent.address} open {told(mail)}" for mail in waiting)
            # A writer that was killed between archiving and removing left both: it is open.
            ids = {mail["id"] for mail in waiting}
            found.update(
                f"{agent.address} closed {told(mail)}" for mail in archived_mail(agent) if mail["id"] not in ids
            )
        for _, raw in lookup.sent_records(agent):
            found[f"{agent.address} sent {raw['subject']!r} to {raw['to']}"] += 1
        started = agent.branch / "started"
        if started.exists():
            found[f"{agent.address} started"] = started.read_text().count("\n")
    return found


def told(mail: dict[str, Any]) -> str:
    more = [
        mail.get("updates", ""),
        (mail.get("ack") or {}).get("state", ""),
        *("escalated" in mail, "accepted" in mail),
    ]
    return f"{mail['subject']!r} {more}"


def mails(found: Facts) -> Facts:
    """The mails alone, wherever they lie, without what became of them: none of them may ever be lost or doubled."""
    only: Facts = Counter()
    for fact, times in found.items():
        if match := re.match(r"(@\w+) (?:open|closed) (.*) \[", fact):
            only[f"{match[1]} {match[2]}"] += times
    return only


def settled(team: Workspace, wait_until: Callable[..., None]) -> None:
    """Wait until no run goes on and none is about to begin."""

    def over() -> bool:
        found = (read_run(agent.runs_dir / run_id) for agent in team.agents for run_id in run_ids(agent))
        runs = [run for run in found if run is not None]
        return not any(branch_lock.is_supervisor_of(pid, run.run_id) for run in runs for pid in snapshot())

    wait_until(over, 60, "every run is over")


@pytest.mark.linux_only("the shim stands before glibc")
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_every_call(
    act: Act,
    nursery: Callable[..., dict[str, Any]],
    tmp_path: Path,
    rounds: Callable[[int, int], int],
    wait_until: Callable[..., None],
) -> None:
    team = make_team(tmp_path / "team")
    act.prepare(team)
    kept = shutil.copytree(team.root, tmp_path / "kept", symlinks=True)
    before = facts(team)
    cwd = team.root if act.caller == "@operator" else team.agent(act.caller).branch
    runs = any(word in act.name for word in ("dispatch", "reopen"))

    def say(at: int = 0, kind: int = FAIL) -> tuple[dict[str, Any], Facts]:
        said = nursery(cwd, act.words, at, kind)
        if runs:
            settled(team, wait_until)
        return said, facts(find_workspace(team.root))

    clean, after = say()
    assert clean["status"] == 0, clean
    calls = clean["calls"]
    assert calls > 3, "the shim sees nothing"
    tried = Counter[str]()
    wrong: list[str] = []
    step = max(1, calls // rounds(3 if runs else 6, calls))
    for kind in KINDS:
        for at in range(1 + (kind * 7) % step, calls + 1, step):
            shutil.rmtree(team.root)
            shutil.copytree(kept, team.root, symlinks=True)
            said, then = say(at, kind)
            where = f"{act.name}, call {at} of {calls}, {KINDS[kind]}: exit {said['status']} {said['err'].strip()!r}"
            partly = any(act.stands in fact for fact in then) if act.stands else False
            for trouble in troubles(said, before, then, after, kind, partly):
                wrong.append(f"{where}: {trouble}")
            tried[KINDS[kind]] += 1
            tried["exit 0"] += said["status"] == 0
            if said["status"] != 0 or then != after:
                again, last = say()
                tried["said again"] += 1
                if again["status"] != 0:
                    wrong.append(f"{where}: said again it exits {again['status']}: {again['err']}")
                if last != after:
                    wrong.append(f"{where}: said again there is {difference(last, after)}")
    print(f"{act.name}: {calls} calls that write; {dict(tried)}; {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.linux_only("the shim stands before glibc")
def test_a_chosen_task_whose_start_failed_is_started_by_the_same_words(
    nursery: Callable[..., dict[str, Any]], tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    """The decision wakes the same agent: that run was taken for the one that had failed, and nothing else started."""
    act = next(one for one in ACTS if one.name == "approve --choose, dispatches")
    team = make_team(tmp_path / "team")
    act.prepare(team)
    kept = shutil.copytree(team.root, tmp_path / "kept", symlinks=True)
    clean = nursery(team.root, act.words, 0, FAIL)
    settled(team, wait_until)
    after = facts(find_workspace(team.root))
    failed = 0
    for at in range(clean["calls"] // 2, clean["calls"] * 3 // 4, 8):
        shutil.rmtree(team.root)
        shutil.copytree(kept, team.root, symlinks=True)
        said = nursery(team.root, act.words, at, FAIL)
        settled(team, wait_until)
        if "is not started" not in said["err"]:
            continue
        failed += 1
        again = nursery(team.root, act.words, 0, FAIL)
        settled(team, wait_until)
        assert (again["status"], facts(find_workspace(team.root))) == (0, after), f"call {at}: {said['err']}"
    assert failed, "no call of the start was spoilt"


def troubles(said: dict[str, Any], before: Facts, then: Facts, after: Facts, kind: int, partly: bool) -> Iterator[str]:
    """What is wrong with the state `then`, after the call that was spoilt."""
    if kind == KILL and said["status"] not in (-signal.SIGKILL, 0):
        yield "not killed"
    if said["status"] == 0 and then != after and not (partly and "say the same again" in said["err"]):
        yield f"done, and there is {difference(then, after)}"
    if said["status"] > 0:
        if then == after or partly:
            yield "it stands, and is called failed"
        if FULL not in said["err"]:
            yield "the cause is not said"
        if then != before and re.search("nothing was (written|sent;|begun)", said["err"]):
            yield f"nothing was written, it says; there is {difference(then, before)}"
        gained = mails(then) - mails(before)
        if gained and not re.search("delivered|dispatched|message [0-9a-f]{8}, run", said["err"]):
            yield f"it does not say that {dict(gained)} is delivered"
    if said["status"] not in (0, 2, 3, 4, -signal.SIGKILL):
        yield "no such exit status"
    lost = (mails(before) & mails(after)) - mails(then)
    doubled = mails(then) - (mails(before) | mails(after))
    if lost:
        yield f"lost {dict(lost)}"
    if doubled:
        yield f"doubled {dict(doubled)}"


def difference(found: Facts, wanted: Facts) -> str:
    return f"more: {dict(found - wanted)}, less: {dict(wanted - found)}"
