"""The demo: real programs, a real supervisor, and nothing left of it afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pexpect
import pytest

from mailcore.mail import approvals, post
from mailcore.mail.lookup import sent_records
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.agent import OPERATOR
from praxmonitor.demo import operator, workspace_files
from praxmonitor.demo.session import demo_session

Wait = Callable[[Callable[[], object], float, str], None]

WANTED = {"starting", "working", "retrying", "failed", "silent", "waiting", "done"}


def demo(tmp_path: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "praxmonitor", "demo", *words],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left_of(tmp_path: Path) -> list[str]:
    """Command lines of the processes that carry this test's TMPDIR: all that the demo has started."""
    mark, left = f"TMPDIR={tmp_path}".encode(), []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                left.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return left


def test_a_headless_run_shows_every_story_and_leaves_nothing(tmp_path: Path) -> None:
    process = demo(tmp_path, "--headless", "--seconds", "30", "--json")
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    status = json.loads(output)
    assert len(status["agents"]) == 12
    assert status["seen"].keys() >= WANTED, status["seen"]
    assert {agent["mailbox"] for agent in status["agents"]} == {"ok"}
    assert left_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == [], "the temporary workspace is still there"


def test_ended_by_a_signal_it_leaves_nothing_too(tmp_path: Path, wait_until: Wait) -> None:
    process = demo(tmp_path, "--headless", "--seconds", "300")
    try:
        wait_until(lambda: len(left_of(tmp_path)) > 6, 30, "agents are at work")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 128 + signal.SIGTERM
    assert left_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def story_of(directory: Path) -> int:
    """The PID of the story's process that plays in that directory."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            if b"praxmonitor.demo.operator" in words and (entry / "cwd").resolve() == directory:
                return int(entry.name)
    return 0


def test_a_story_that_was_killed_begins_anew_and_says_so(tmp_path: Path, wait_until: Wait) -> None:
    with demo_session(tmp_path / "demo", seed=1) as (workspace, story):
        wait_until(lambda: story_of(workspace.root), 30, "the story began")
        first = story_of(workspace.root)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: story.trouble, 30, "it is said")
        assert "begins again" in story.trouble
        wait_until(lambda: story_of(workspace.root) not in (0, first), 30, "it began anew")
    assert story_of(workspace.root) == 0


@pytest.mark.parametrize("broken", ["no JSON", '{"agents": "none"}', ""])
def test_the_story_outlives_answers_that_it_did_not_expect(tmp_path: Path, wait_until: Wait, broken: str) -> None:
    with demo_session(tmp_path / "demo", seed=1) as (workspace, story):
        wait_until(lambda: story_of(workspace.root), 30, "the story began")
        first, registry = story_of(workspace.root), workspace.registry.read_bytes()
        workspace.registry.write_text(broken)
        wait_until(lambda: "mailcore" in story.trouble, 30, "it is said")
        workspace.registry.write_bytes(registry)
        lead = workspace.agent("editor").runs_dir
        wait_until(lambda: lead.is_dir() and any(lead.iterdir()), 30, "tasks are given out")
        assert story_of(workspace.root) == first


def test_the_screen_says_what_is_wrong_with_the_story(tmp_path: Path, wait_until: Wait) -> None:
    directory = tmp_path / "demo"
    words = ["-m", "praxmonitor", "demo", "--mute", "--dir", str(directory)]
    child = pexpect.spawn(sys.executable, words, dimensions=(60, 200), timeout=30)
    try:
        child.expect(b"indexer")
        wait_until(lambda: story_of(directory), 30, "the story began")
        os.kill(story_of(directory), signal.SIGKILL)
        child.expect(b"the demo's operator")
        child.send(b"q")
        child.expect(pexpect.EOF)
    finally:
        child.close(force=True)


def test_a_directory_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("my life's work")
    process = demo(tmp_path, "--dir", str(tmp_path), "--headless", "--seconds", "1")
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "holds something else" in errors
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("kept", [False, True])
def test_on_the_screen_leaving_says_that_the_demo_ends_and_how_to_come_back(tmp_path: Path, kept: bool) -> None:
    directory = tmp_path / "my demo"
    words = ["-m", "praxmonitor", "demo", "--mute", *(("--dir", str(directory)) if kept else ())]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    child = pexpect.spawn(sys.executable, words, dimensions=(60, 200), timeout=30, env=environment)
    try:
        child.expect(b"indexer")
        child.send(b"?")
        child.expect(b"Quitting ends the demo")
        child.send(b"?")
        child.send(b"q")
        child.expect(b"its workspace is kept: `praxmonitor demo --dir" if kept else b"`praxmonitor demo --dir PATH`")
        child.expect(pexpect.EOF)
        assert not kept or f" '{directory}'`".encode() in (child.before or b"")
    finally:
        child.close(force=True)
    assert child.exitstatus == 0
    assert left_of(tmp_path) == []
    assert directory.is_dir() == kept


def test_a_demo_workspace_of_its_own_can_be_opened_again(tmp_path: Path) -> None:
    first = workspace_files.make_workspace(tmp_path / "demo", seed=1)
    again = workspace_files.make_workspace(tmp_path / "demo", seed=2)
    assert [agent.address for agent in again.agents] == [agent.address for agent in first.agents]
    assert len(again.agents) == 12


@pytest.mark.parametrize("part", workspace_files.DEMO_AGENTS, ids=lambda part: part.name)
def test_every_part_has_a_passport_that_says_who_it_is(tmp_path: Path, part: workspace_files.DemoAgent) -> None:
    workspace = workspace_files.make_workspace(tmp_path / "demo", seed=1)
    identity = json.loads(workspace.agent(part.name).passport.read_text())["identity"]
    assert (identity["role"], identity["traits"]) == (part.role, [part.trait] if part.trait else [])


def test_of_several_plans_at_once_each_phase_is_given_out_once(tmp_path: Path) -> None:
    """Each plan that began made the planner forget the others: it began them again at each wake, for ever."""
    workspace = workspace_files.make_workspace(tmp_path / "demo", 5)
    programs = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def run(*words: str, cwd: Path = workspace.root) -> str:
        done = subprocess.run(words, cwd=cwd, env=programs, capture_output=True, text=True, timeout=60)
        assert done.returncode in (0, 3), done.stderr
        return done.stdout

    run("mailcore", "hold", "--all", "a test", "--from", "@operator")
    for number in (1, 2, 3):
        run("mailcore", "dispatch", "@planner", f"Plan: dark mode #{number}", "go", "--from", "@operator")
    for _ in range(2):
        run(sys.executable, "-m", "praxmonitor.demo.agent", "--seed", "5", cwd=workspace.agent("@planner").branch)
    inbox = json.loads(run("mailcore", "inbox", "@builder", "--json", "--from", "@operator"))
    assert sorted(mail["subject"] for mail in inbox) == [
        f"Phase 1/3, design: Plan: dark mode #{number}" for number in (1, 2, 3)
    ]


@pytest.mark.parametrize("decision", ["approve", "deny", "lapse"])
def test_what_asks_first_does_what_the_operator_decides(
    tmp_path: Path, wait_until: Wait, monkeypatch: pytest.MonkeyPatch, decision: str
) -> None:
    """And where nobody decides it waits no longer than can be decided."""
    monkeypatch.setattr(workspace_files, "DECISION_TIME", 3.0 if decision == "lapse" else 240.0)
    workspace = workspace_files.make_workspace(tmp_path / "demo", 1)
    programs = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def mailcore(*words: str) -> Any:
        command = ["mailcore", *words, "--json", "--from", "@operator"]
        done = subprocess.run(command, cwd=workspace.root, env=programs, capture_output=True, text=True, timeout=60)
        assert done.returncode in (0, 3), done.stderr
        return json.loads(done.stdout)

    mailcore("hold", "--all", "a test")
    mailcore("dispatch", "@release", "Ship the beta #1", "go")
    release = subprocess.Popen(
        [sys.executable, "-m", "praxmonitor.demo.agent", "--seed", "5", "Ship the beta #1"],
        cwd=workspace.agent("@release").branch,
        env=programs,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: [mail for mail in mailcore("inbox") if "approval" in mail], 30, "it asks")
        request = next(mail for mail in mailcore("inbox") if "approval" in mail)
        if decision != "lapse":
            mailcore(decision, request["id"], "so be it")
        assert release.wait(timeout=60) == 0
    finally:
        release.kill()
    answer = next(mail for mail in mailcore("inbox") if mail["from"] == "@release" and "approval" not in mail)
    assert ("Done: Ship the beta #1" in answer["message"]) is (decision == "approve")
    assert ("Not done: it was denied" in answer["message"]) is (decision == "deny")
    assert ("Not done: nobody decided within" in answer["message"]) is (decision == "lapse")
    assert mailcore("inbox", "@release") == []


@pytest.mark.parametrize(("expires", "left"), [(0.001, []), (600.0, [True])])
def test_a_request_that_nobody_decides_is_closed_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expires: float, left: list[bool]
) -> None:
    """Else the operator's mailbox of a demo that nobody looks at would grow for ever."""
    workspace = workspace_files.make_workspace(tmp_path / "demo", 1)
    asks = ("@release", OPERATOR, OPERATOR, "May I go on?", "It is ready.", 2, "", expires)
    approvals.request_approval(workspace, *asks)
    monkeypatch.chdir(workspace.root)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    operator.tidy()
    assert [mail.undecided for mail in read_mailbox(workspace.operator.inbox).messages] == left
    told = [mail.subject for mail in read_mailbox(workspace.agent("@release").inbox).messages]
    assert told == ([] if left else ["LAPSED: May I go on?"])


def test_between_its_upsets_the_demo_raises_no_alarm_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Thirty seconds of rounds 2: nothing goes wrong in them, so nothing wants the operator."""
    workspace = workspace_files.make_workspace(tmp_path / "demo", 1)
    for name in operator.TASKS:
        post.send_mail(workspace, "@operator", [f"@{name}"], "The last one #1", "done long ago")
        post.close_all(workspace, f"@{name}")
    follower = subprocess.Popen(
        [sys.executable, "-m", "praxmonitor", "alarms", "--follow", "--json", str(workspace.root)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        process = demo(tmp_path, "--headless", "--seconds", "30", "--json", "--dir", str(workspace.root))
        output, errors = process.communicate(timeout=120)
    finally:
        follower.terminate()
    raised = [json.loads(line) for line in follower.communicate(timeout=30)[0].splitlines()]
    assert process.returncode == 0, errors
    seen = json.loads(output)["seen"]
    assert seen["working"] >= 5 and seen["done"] >= 5, seen
    assert not {"failed", "silent", "waiting"} & seen.keys(), seen
    assert raised == []
    given = {raw["subject"] for _, raw in sent_records(workspace.operator) if raw["subject"] != "The last one #1"}
    assert given and all(subject.endswith((" #2", " #3")) for subject in given), given
