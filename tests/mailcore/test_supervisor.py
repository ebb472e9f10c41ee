"""One run, from the dispatch to its end: attempts, signs of life, retries, bounces. Real supervisors, real programs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mailcore.dispatch.runs.run_list import read_run
from mailcore.model.run import Phase, Run
from mailcore.system.processes import alive
from mailcore.workspace.lock_reader import read_lock
from tests.mailcore.conftest import House, wait_until

pytestmark = pytest.mark.backends

REPLY = f"""
import os, subprocess, sys
print("at work", flush=True)
prompt = sys.argv[1]
mail = prompt.split("message ")[1].split(":")[0]
for words in (["read", mail], ["reply", mail, "all is done"]):
    subprocess.run([{sys.executable!r}, "-m", "mailcore.cli", *words], check=True, stdout=subprocess.DEVNULL)
print("the result")
"""


def register(house: House) -> list[dict[str, Any]]:
    path = house.root / ".aipass" / "dispatch_register.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def causes(run: Run) -> list[str]:
    return [attempt.cause for attempt in run.attempts]


@pytest.mark.elsewhere
def test_a_task_is_done_and_answered(house: House) -> None:
    house.python("writer", REPLY)
    run_id = house.started("@operator", "@writer")
    run = house.over("@writer", run_id)
    assert (run.phase, run.result, run.replied, len(run.attempts)) == (Phase.COMPLETED, "all is done", True, 1)
    (answer,) = house.inbox("@operator")
    assert (answer.sender, answer.subject, answer.body) == ("@writer", "RE: a task", "all is done")
    assert house.inbox("@writer") == ()
    assert [p.name.split("_", 3)[3] for p in house.agent("@writer").archive_dir.iterdir()] == ["a task.json"]
    rows = [row for row in register(house) if row["dispatch_id"] == run_id]
    assert (rows[0]["status"], rows[-1]["status"]) == ("outstanding", "completed")
    report = json.loads(Path(rows[-1]["report_path"]).read_text())
    assert (report["sender"], report["target"], report["exit_code"]) == ("@operator", "@writer", 0)
    assert not (house.agent("@writer").runs_dir / run_id / "supervisor.log").read_text()


@pytest.mark.elsewhere
def test_a_success_without_an_answer_is_told_to_the_operator(house: House) -> None:
    """Even where a reply was tried and failed: it is not an answer."""
    command = f"{sys.executable} -m mailcore.cli reply nosuchid x || true; echo my result"
    house.shell("writer", command)
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.COMPLETED and not run.replied
    (told,) = house.inbox("@operator")
    assert "no reply" in told.subject and "my result" in told.body


@pytest.mark.elsewhere
def test_what_the_program_is_given(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDECODE", "1")
    monkeypatch.setenv("CLAUDE_CODE_ENTRYPOINT", "cli")
    monkeypatch.setenv("AIPASS_CALLER_BRANCH", "LEAD")
    house.python("writer", "import json, os, sys; print(json.dumps([sys.argv, os.getcwd(), dict(os.environ)]))")
    run_id = house.started("@operator", "@writer", "with {prompt} in it; $(x) 'quotes'\nand lines")
    house.over("@writer", run_id)
    writer = house.agent("@writer")
    argv, cwd, env = json.loads((writer.runs_dir / run_id / "attempt-1.stdout.log").read_text())
    assert Path(cwd) == writer.branch
    assert argv[1] == env["MAILCORE_PROMPT"] and "with {prompt} in it; $(x) 'quotes' and lines" in argv[1]
    assert (env["MAILCORE_RUN_ID"], env["MAILCORE_AGENT"], env["MAILCORE_ATTEMPT"]) == (run_id, "@writer", "1")
    assert env["MAILCORE_NONCE"] and env["AIPASS_BRANCH_NAME"] == "WRITER"
    assert not {"CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "AIPASS_CALLER_BRANCH", "MAILCORE_SUPERVISES"} & set(env)


@pytest.mark.elsewhere
def test_three_crashes_bounce_with_attempts_codes_and_stderr(house: House) -> None:
    house.shell("writer", "echo started; echo boom $MAILCORE_ATTEMPT $MAILCORE_MODE >&2; exit 7")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert (run.phase, len(run.attempts)) == (Phase.BOUNCED, 3)
    assert [(a.mode, a.exit_code) for a in run.attempts] == [("start", 7), ("resume", 7), ("fresh", 7)]
    (bounce,) = house.inbox("@operator")
    assert bounce.subject == "BOUNCE: Dispatch to @writer failed"
    for said in ("Attempt 1 (start): exit 7", "Attempt 3 (fresh): exit 7", "boom 3 fresh", "all 3 attempts failed"):
        assert said in bounce.body
    (task,) = house.inbox("@writer")  # still there: the task is not lost
    assert task.unread and task.is_task
    assert register(house)[-1]["status"] == "FAILED (exit 7)"


def test_the_reason_of_a_failure_is_the_last_word_of_its_stderr(house: House) -> None:
    house.limit(attempts=1)
    house.shell("writer", "echo up; printf 'Traceback:\\n  boom:\\033[31m cannot\\tfoo %0300d\\n\\n' 0 >&2; exit 1")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.reason.startswith("exit 1: boom:\N{REPLACEMENT CHARACTER}[31m cannot foo 000")
    assert len(run.reason) < 140 and run.reason.endswith("…")
    (bounce,) = house.inbox("@operator")
    assert f": {run.reason}\n" in bounce.body and register(house)[-1]["status"] == "FAILED (exit 1)"


def test_a_success_says_nothing_of_its_stderr(house: House) -> None:
    house.shell("writer", "echo up; echo warned >&2")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.COMPLETED and causes(run) == ["exit 0"]


def test_a_start_that_hangs_is_ended_and_retried(house: House) -> None:
    house.limit(startup_timeout=0.5)
    house.shell("writer", "test $MAILCORE_ATTEMPT = 1 && exec sleep 100; echo up")
    run_id = house.started("@operator", "@writer")
    run = house.over("@writer", run_id)
    assert (run.phase, len(run.attempts)) == (Phase.COMPLETED, 2)
    assert causes(run)[0] == "no sign of life in 0.5 s" and run.attempts[0].running_at == 0.0
    assert 0.4 < run.attempts[0].ended_at - run.attempts[0].started_at < 5
    assert not alive(run.attempts[0].pid)


def test_a_mailcore_command_is_a_sign_of_life(house: House) -> None:
    house.limit(startup_timeout=8)
    house.shell("writer", f"{sys.executable} -m mailcore.cli whoami > /dev/null 2>&1; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    assert house.run("@writer", run_id).last_act > 0


def test_the_hard_limit_ends_what_goes_on_for_ever(house: House) -> None:
    house.limit(hard_limit=0.6, attempts=1)
    house.shell("writer", "echo up; exec sleep 100")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert (run.phase, causes(run)) == (Phase.BOUNCED, ["still running after 0.6 s"])


def test_the_second_attempt_may_succeed(house: House) -> None:
    house.shell("writer", 'echo up; test "$MAILCORE_ATTEMPT" = 2')
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert (run.phase, causes(run)) == (Phase.COMPLETED, ["exit 1", "exit 0"])


def test_a_program_that_cannot_be_started_bounces_in_words(house: House) -> None:
    tool = house.agent("@writer").branch / "tool"
    tool.write_text("#!/bin/sh\n")
    house.command("writer", "./tool")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.BOUNCED
    assert all("Permission denied" in cause and "tool" in cause for cause in causes(run)) and len(run.attempts) == 3
    assert "Permission denied" in house.inbox("@operator")[0].body


def test_exit_0_with_work_going_on_in_the_background_is_no_success(house: House, tmp_path: Path) -> None:
    house.limit(attempts=1)
    house.shell("writer", f"echo up; setsid sleep 100 & echo $! > {tmp_path}/left; exit 0")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.BOUNCED and "still at work" in causes(run)[0]
    assert not alive(int(house.says(tmp_path / "left")))


def answering(then: str) -> str:
    """A program that does its task, answers it, and then something else."""
    mailcore = f"{sys.executable} -m mailcore.cli"
    number = "$(echo $MAILCORE_PROMPT | sed 's/.*message \\([0-9a-f]*\\).*/\\1/')"
    return f"echo up; echo push >> pushed; {mailcore} done {number} pushed > /dev/null; {then}"


@pytest.mark.parametrize(
    "left",
    [
        "setsid sleep 100 &",
        "sleep 100 &",
        pytest.param("env -i setsid -f sleep 100", marks=pytest.mark.linux_only("what clears its environment is lost")),
    ],
)
def test_what_an_answered_run_leaves_is_ended_and_named(house: House, left: str) -> None:
    house.shell("writer", answering(left))
    run_id = house.started("@operator", "@writer")
    run = house.over("@writer", run_id)
    assert (run.phase, causes(run)) == (Phase.COMPLETED, ["exit 0"])
    (end,) = [one for one in house.journal("@writer", run_id) if one["event"] == "attempt_ended"]
    assert len(end["left"]) == 1 and end["left"][0].startswith("sleep (PID ")
    assert not alive(int(end["left"][0].split("PID ")[1].rstrip(")")))
    assert (house.agent("@writer").branch / "pushed").read_text() == "push\n"


@pytest.mark.parametrize(("then", "cause"), [("exit 3", "exit 3"), ("kill -9 $$", "ended by SIGKILL")])
def test_an_answered_task_is_not_done_again(house: House, then: str, cause: str) -> None:
    house.shell("writer", answering(then))
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert (run.phase, causes(run)) == (Phase.COMPLETED, [f"{cause}, after it had answered"])
    assert (house.agent("@writer").branch / "pushed").read_text() == "push\n"
    assert [mail.subject for mail in house.inbox("@operator")] == ["DONE: a task"]


def test_who_only_wrote_to_the_sender_has_not_answered(house: House) -> None:
    mailcore = f"{sys.executable} -m mailcore.cli"
    house.limit(attempts=2)
    house.shell("writer", f"echo up; {mailcore} send @operator note b > /dev/null; exit 3")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert (run.phase, len(run.attempts)) == (Phase.BOUNCED, 2)


def test_a_keeper_of_passwords_is_no_work_cut_off(house: House) -> None:
    house.limit(attempts=1)
    agent = house.agent("@writer").branch / "ssh-agent"
    agent.write_text("#!/bin/sh\nwhile :; do sleep 0.1; done\n")
    agent.chmod(0o755)
    house.shell("writer", "echo up; setsid ./ssh-agent & exit 0")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.BOUNCED and "still at work" in causes(run)[0], "its sleep is no helper"
    agent.write_text(f"#!{sys.executable}\nimport signal\nsignal.pause()\n")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert (run.phase, causes(run)) == (Phase.COMPLETED, ["exit 0"])


SERVER = """
import os, socket, sys
if os.fork() == 0:
    os.setsid()
    at = socket.socket(socket.AF_UNIX if sys.argv[1] == "unix" else socket.AF_INET)
    at.bind("shared" if sys.argv[1] == "unix" else ("127.0.0.1", 0))
    at.listen()
    if sys.argv[1] == "worker":
        os.fork()
    open("up", "w").close()
    at.accept()
    os._exit(0)
"""


UNIX = pytest.param("unix", marks=pytest.mark.linux_only("psutil tells of no Unix socket whether it listens"))


@pytest.mark.parametrize("kind", [UNIX, "tcp", "worker", "a shell around it"])
def test_a_server_that_a_tool_left_is_no_work_cut_off(house: House, kind: str) -> None:
    """The shared connection of ssh, a build's daemon, a development server: the agent had ended its task."""
    house.limit(attempts=1)
    branch = house.agent("@writer").branch
    (branch / "serve.py").write_text(SERVER)
    serve = f"{sys.executable} serve.py {kind.partition(' ')[0]}"
    around = f"sh -c '{serve.replace('serve.py', 'front.py')}; :' &" if "shell" in kind else f"{serve};"
    (branch / "front.py").write_text(SERVER.replace("if os.fork() == 0:", "if True:"))
    house.shell("writer", f"echo up; {around} until [ -e up ]; do sleep 0.02; done; exit 0")
    run_id = house.started("@operator", "@writer")
    run = house.over("@writer", run_id)
    (end,) = [one for one in house.journal("@writer", run_id) if one["event"] == "attempt_ended"]
    assert (run.phase, causes(run)) == (Phase.COMPLETED, ["exit 0"])
    assert len(end["left"]) == (2 if kind in ("worker", "a shell around it") else 1)
    (branch / "up").unlink()
    (branch / "shared").unlink(missing_ok=True)
    house.shell("writer", f"echo up; {serve}; until [ -e up ]; do sleep 0.02; done; sleep 100 & exit 0")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.BOUNCED and "1 process still at work" in causes(run)[0], "another beside it is"


@pytest.mark.parametrize(("does", "cut"), [("gc --auto", False), ("push origin", True)])
def test_gits_housekeeping_is_no_work_cut_off(house: House, does: str, cut: bool) -> None:
    """After a fetch or commit git goes on packing in the background."""
    house.limit(attempts=1)
    git = house.agent("@writer").branch / "git"
    shutil.copy(os.path.realpath("/bin/sh"), git)
    first, second = does.split()
    (house.agent("@writer").branch / first).write_text("exec 3<>fifo; read line <&3")
    house.shell("writer", f"echo up; mkfifo fifo; setsid ./git {first} {second} & sleep 0.1; exit 0")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert (run.phase is Phase.BOUNCED) == cut, causes(run)


def test_one_warning_is_no_sign_of_life(house: House) -> None:
    house.limit(startup_timeout=2, attempts=1)
    house.shell("writer", "echo warning >&2; exec sleep 100")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert (run.phase, causes(run)) == (Phase.BOUNCED, ["no sign of life in 2 s"])


def test_who_logs_to_standard_error_alone_lives(house: House) -> None:
    house.limit(startup_timeout=6, attempts=1)
    house.shell("writer", "for n in 1 2 3 4; do echo $n >&2; sleep 0.7; done; until [ -e go ]; do sleep 0.1; done")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    (house.agent("@writer").branch / "go").touch()
    assert house.over("@writer", run_id).phase is Phase.COMPLETED


@pytest.mark.parametrize("said", [None, "", "0"])
def test_an_agents_python_is_unbuffered_unless_the_user_says_otherwise(
    house: House, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    if said is not None:
        monkeypatch.setenv("PYTHONUNBUFFERED", said)
    house.python("writer", "import os; print(repr(os.environ.get('PYTHONUNBUFFERED')))")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.result == repr("1" if said is None else said)


def test_what_ends_by_itself_a_moment_later_is_no_failure(house: House) -> None:
    """A helper process that sees its pipe closed, like multiprocessing's resource tracker."""
    house.limit(attempts=1)
    house.shell("writer", "echo up; (sleep 0.3) & exit 0")
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert (run.phase, causes(run)) == (Phase.COMPLETED, ["exit 0"])


def test_a_flood_of_output_is_taken(house: House) -> None:
    house.shell("writer", "head -c 8000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero >&2; echo; echo end")
    run_id = house.started("@operator", "@writer")
    run = house.over("@writer", run_id)
    assert (run.phase, run.result) == (Phase.COMPLETED, "end")
    assert (house.agent("@writer").runs_dir / run_id / "attempt-1.stdout.log").stat().st_size > 8_000_000


def test_a_branch_that_vanished_is_refused_and_not_made_again(house: House) -> None:
    branch = house.agent("@writer").branch
    branch.rename(branch.with_name("elsewhere"))
    with pytest.raises(Exception, match="writer") as error:
        house.dispatch("@operator", "@writer")
    assert str(branch) in str(error.value)
    assert not branch.exists()


def test_a_branch_that_vanishes_in_mid_run_leaves_no_process(house: House) -> None:
    writer = house.agent("@writer")
    house.shell("writer", "echo up; sleep 100 & wait; sleep 100")
    run_id = house.started("@operator", "@writer")
    pid = house.attempt_pid("@writer", run_id)
    supervisor = house.run("@writer", run_id).supervisor_pid
    away = writer.branch.rename(house.root.with_name("elsewhere"))
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(supervisor), what="the supervisor is over")
    try:
        # Its journal is away; AIPass's register keeps how it ended.
        assert [(run["run_id"], run["phase"]) for run in house.json("runs")] == [(run_id, "bounced")]
    finally:
        away.rename(writer.branch)
    # Whatever it could still say, no process of the run is left: the fixture looks.
    assert not alive(pid)


def test_a_branch_that_vanishes_at_the_start_leaves_no_process(house: House) -> None:
    house.limit(startup_timeout=1)
    writer = house.agent("@writer")
    house.shell("writer", "exec sleep 100")
    run_id = house.started("@operator", "@writer")
    attempt = wait_until(lambda: house.run("@writer", run_id).attempt, what="an attempt is begun")
    supervisor = house.run("@writer", run_id).supervisor_pid
    away = writer.branch.rename(house.root.with_name("elsewhere"))
    try:
        wait_until(lambda: not alive(supervisor), what="the supervisor is over")
        assert attempt is not None and not alive(attempt.pid)
    finally:
        away.rename(writer.branch)


@pytest.mark.parametrize("what", ["removed", "emptied", "cut", "a directory", "a FIFO", "a link", "another's"])
def test_a_run_whose_journal_is_spoilt_is_told_and_the_next_begins(house: House, what: str, tmp_path: Path) -> None:
    house.limit(attempts=1)
    writer = house.agent("@writer")
    house.shell("writer", "echo up; until [ -e go ]; do sleep 0.05; done; exit 7")
    run_id = house.started("@operator", "@writer")
    house.attempt_pid("@writer", run_id)
    path = writer.runs_dir / run_id / "run.jsonl"
    whole = path.read_bytes()
    if what in ("emptied", "cut"):
        os.truncate(path, 0 if what == "emptied" else len(whole) * 2 // 3)
    else:
        path.unlink()
    if what == "a directory":
        path.mkdir()
        (path / "x").touch()
    elif what == "a FIFO":
        os.mkfifo(path)
    elif what == "a link":
        (tmp_path / "target").write_text("mine")
        path.symlink_to(tmp_path / "target")
    elif what == "another's":
        path.write_text('{"event":"queued","run_id":"x","sender":"@lead","nonce":"y"}\n')
    wait_until(lambda: read_run(path.parent) is not None and not path.is_symlink(), what="it is mended")
    (writer.branch / "go").touch()
    run = house.over("@writer", run_id)
    assert (run.phase, run.reason, run.sender, len(run.attempts)) == (Phase.BOUNCED, "exit 7", "@operator", 1)
    assert [mail.subject for mail in house.inbox("@operator")] == ["BOUNCE: Dispatch to @writer failed"]
    assert what != "a link" or (tmp_path / "target").read_text() == "mine"
    again = house.over("@writer", house.started("@operator", "@writer", "again"))
    assert again.phase is Phase.BOUNCED


def test_a_supervisor_told_to_end_takes_its_run_with_it(house: House) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    run_id = house.started("@operator", "@writer")
    pid = house.attempt_pid("@writer", run_id)
    os.kill(house.run("@writer", run_id).supervisor_pid, signal.SIGTERM)
    run = house.over("@writer", run_id)
    assert (run.phase, run.by) == (Phase.KILLED, "a signal")
    assert not alive(pid)


def test_the_supervisor_holds_the_lock_and_outlives_its_starter(house: House) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    done = house.json("dispatch", "@writer", "a task", "body", "--from", "@operator")
    house.attempt_pid("@writer", done["run_id"])
    lock = read_lock(house.agent("@writer").dispatch_lock)
    assert lock is not None and lock.run_id == done["run_id"]
    assert lock.pid == house.run("@writer", done["run_id"]).supervisor_pid
    assert os.getsid(lock.pid) == lock.pid != os.getsid(0)


NO_INOTIFY = """
import os, resource, subprocess, sys
from pathlib import Path
from mailcore.dispatch.supervision.supervisor_events import SupervisorEvents
signs = SupervisorEvents()
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) - 1, 64))
signs.watch_paths(path)
print("looking", flush=True)
waits = 0
while not (path / "sign").exists() and waits < 200:
    signs.wait(30)
    waits += 1
print("seen", flush=True)
signs.unwatch()
"""


def test_without_inotify_a_sign_of_life_is_still_seen(tmp_path: Path) -> None:
    """128 instances a user, and watches have their limit too: a supervisor manages without."""
    child = subprocess.Popen([sys.executable, "-c", NO_INOTIFY, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "looking\n"
    (tmp_path / "sign").write_text("x")
    assert child.stdout.readline() == "seen\n"
    assert child.wait(10) == 0
    child.stdout.close()


@pytest.mark.parametrize("what", ["moved", "removed"])
def test_a_sender_that_moved_or_left_in_mid_run_is_told_where_it_is_now_or_that_is_an_alarm(
    house: House, tmp_path: Path, what: str
) -> None:
    house.limit(attempts=1)
    house.shell("writer", f"echo up; until [ -e {tmp_path}/go ]; do sleep 0.02; done; exit 3")
    run_id = house.started("@lead", "@writer")
    house.attempt_pid("@writer", run_id)
    registry = json.loads(house.workspace.registry.read_text())
    if what == "moved":
        house.agent("@lead").branch.rename(house.root / "boss")
        for row in registry["branches"]:
            row["path"] = "boss" if row["path"].endswith("lead") else row["path"]
        house.workspace.registry.write_text(json.dumps(registry))
    else:
        assert house.mailcore("agent", "remove", "@lead", "--from", "@operator").returncode == 0
    (tmp_path / "go").touch()
    run = house.over("@writer", run_id)
    assert run.phase is Phase.BOUNCED
    if what == "moved":
        found = json.loads((house.root / "boss/.ai_mail.local/inbox.json").read_text())["messages"]
        assert [mail["subject"] for mail in found] == ["BOUNCE: Dispatch to @writer failed"] and not run.undelivered
        assert not (house.root / "agents/lead").exists()
    else:
        assert "no agent @lead" in run.undelivered
