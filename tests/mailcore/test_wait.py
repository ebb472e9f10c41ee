"""`wait` blocks without work until messages are settled; `watch` streams what happens. Real processes."""

from __future__ import annotations

import array
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailcore.cli.wait import event_line
from mailcore.mail import answer, approvals, mailbox, post
from mailcore.mail.outbox import Sent
from mailcore.model.message import DECISIONS
from tests.mailcore.conftest import House, wait_until

pytestmark = pytest.mark.backends

COMMAND = [sys.executable, "-m", "mailcore.cli"]


class Started:
    """A running `mailcore` command."""

    def __init__(self, house: House, *words: str, cwd: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *words], cwd=cwd or house.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def sleeps(self) -> None:
        """Return once it holds an inotify watch and sleeps in the kernel."""

        def waiting() -> bool:
            assert self.process.poll() is None, self.process.communicate()
            directory = Path(f"/proc/{self.process.pid}")
            try:
                names = [str(fd.readlink()) for fd in (directory / "fd").iterdir()]
                channel = (directory / "wchan").read_text()
            except OSError:
                return False
            return "anon_inode:inotify" in names and ("poll" in channel or self.state() == "S")

        wait_until(waiting, what="the command waits")

    def state(self) -> str:
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def ticks(self) -> int:
        """CPU that it has used: user and system, in hundredths of a second."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def result(self, status: int = 0) -> Any:
        out, err = self.process.communicate(timeout=30)
        assert self.process.returncode == status, (self.process.returncode, out, err)
        return json.loads(out)


@pytest.fixture
def start(house: House) -> Iterator[Any]:
    running: list[Started] = []

    def begin(*words: str, cwd: Path | None = None) -> Started:
        running.append(Started(house, *words, cwd=cwd))
        return running[-1]

    yield begin
    for one in running:
        one.process.kill()
        one.process.communicate()


def send(house: House, subject: str = "s", to: str = "@writer") -> Sent:
    return post.send_mail(house.workspace, "@lead", [to], subject, "b")[0]


def waiting(house: House, start: Any, *words: str) -> Started:
    one: Started = start("wait", *words, "--json", cwd=house.agent("@lead").branch)
    one.sleeps()
    return one


def states(result: Any) -> list[str]:
    return [one["state"] for one in result["settled"]]


@pytest.mark.elsewhere
@pytest.mark.linux_only("watchfiles looks at times")
def test_a_reply_ends_it_and_until_then_it_uses_no_cpu(house: House, start: Any) -> None:
    sent = send(house)
    one = waiting(house, start, f"#{sent.seq}")
    status = Path(f"/proc/{one.process.pid}/status")

    def work() -> tuple[int, str]:
        """Its CPU so far, and how often it woke."""
        return one.ticks(), next(text for text in status.read_text().splitlines() if text.startswith("voluntary_ctxt"))

    def still() -> bool:
        before = work()
        return not threading.Event().wait(0.1) and work() == before

    wait_until(still, what="it has looked")
    quiet = work()
    with pytest.raises(subprocess.TimeoutExpired):
        one.process.wait(1.0)
    assert work() == quiet  # asleep all the time: nothing polls
    post.reply_to(house.workspace, "@writer", sent.id, "the answer")
    (settled,) = one.result()["settled"]
    assert settled == {"id": f"#{sent.seq}", "state": "reply", "by": "@writer", "text": "the answer"}


def test_the_first_of_several_or_all(house: House, start: Any) -> None:
    mails = [send(house, f"s{n}") for n in range(2)]
    names = [m.id for m in mails]
    first, every = waiting(house, start, *names), waiting(house, start, *names, "--all")
    answer.acknowledge(house.workspace, "@writer", names[1], "done", "ready")
    result = first.result()
    assert (states(result), result["timed_out"]) == (["", "done"], False)
    assert every.process.poll() is None
    post.reply_to(house.workspace, "@writer", names[0], "yes")
    assert states(every.result()) == ["reply", "done"]


@pytest.mark.parametrize("words", [[], ["--all"]])
def test_at_the_limit_it_says_what_is_known_and_exits_five(house: House, start: Any, words: list[str]) -> None:
    mails = [send(house, f"s{n}") for n in range(2)]
    if words:
        post.reply_to(house.workspace, "@writer", mails[0].id, "yes")
    one = start("wait", *(m.id for m in mails), *words, "--timeout", "0.2", "--json", cwd=house.agent("@lead").branch)
    result = one.result(5)
    assert (states(result), result["timed_out"]) == ((["reply", ""] if words else ["", ""]), True)


def test_taking_a_task_on_is_no_answer_and_a_reply_is_no_done(house: House, start: Any) -> None:
    sent = send(house)
    reply, done = waiting(house, start, sent.id), waiting(house, start, sent.id, "--for", "done")
    answer.acknowledge(house.workspace, "@writer", sent.id, "acknowledged", "")
    post.send_mail(house.workspace, "@editor", ["@lead"], "RE: s", "I was not asked")
    post.send_mail(house.workspace, "@editor", ["@lead"], "RE: s", "nor now", extra={"in_reply_to": sent.sent_id})
    with pytest.raises(subprocess.TimeoutExpired):
        reply.process.wait(0.5)
    answer.acknowledge(house.workspace, "@writer", sent.id, "blocked", "need X")
    assert states(reply.result(4)) == states(done.result(4)) == ["blocked"]


def test_a_mere_reply_does_not_end_a_wait_for_done(house: House, start: Any) -> None:
    sent = send(house)
    one = waiting(house, start, sent.id, "--for", "done", "--timeout", "0.4")
    post.reply_to(house.workspace, "@writer", sent.id, "working on it")
    assert states(one.result(5)) == [""]


def test_an_answer_as_aipass_writes_it_counts(house: House, start: Any) -> None:
    """Its registry lane carries no in_reply_to: RE:, the parties, and not older than the question."""
    old = {"from": "@writer", "subject": "RE: s", "message": "of long ago", "timestamp": "2020-01-01 00:00:00"}
    mailbox.deliver(house.agent("@lead"), old | {"status": "new"})
    sent = send(house)
    one = waiting(house, start, sent.id)
    path = house.agent("@lead").inbox
    document = json.loads(path.read_bytes())
    document["messages"].insert(0, {"id": "0a0a0a0a", "from": "@writer", "subject": "RE: s", "message": "here",
                                    "timestamp": "2099-01-01 00:00:00", "status": "new"})  # fmt: skip
    path.write_text(json.dumps(document))  # in place, as AIPass does
    assert one.result()["settled"][0]["text"] == "here"


@pytest.mark.parametrize("decision", DECISIONS)
def test_an_approval_unblocks(house: House, start: Any, decision: str) -> None:
    request = approvals.request_approval(house.workspace, "@lead", "@operator", "@operator", "spend", "b", 1)
    one = waiting(house, start, request.id, "--for", "approval")
    post.send_mail(
        house.workspace, "@operator", ["@lead"], "RE: spend", "approved", extra={"in_reply_to": request.sent_id}
    )
    with pytest.raises(subprocess.TimeoutExpired):
        one.process.wait(0.3)
    approvals.decide(house.workspace, "@operator", request.id, decision, "because")
    assert one.result(0 if decision == "approved" else 4)["settled"][0] | {"id": ""} == {
        "id": "",
        "state": decision,
        "by": "@operator",
        "text": "because",
    }


@pytest.mark.parametrize(("want", "script", "state"), [
    ("reply", "echo up; exit 0", "completed"),
    ("done", "echo up; exit 0", "completed"),
    ("reply", "exit 3", "bounced"),
    ("done", "exit 3", "bounced"),
])  # fmt: skip
@pytest.mark.elsewhere
def test_the_end_of_a_run_that_gave_no_answer_ends_it(
    house: House, start: Any, want: str, script: str, state: str
) -> None:
    """Else an orchestrator would wait for ever: an agent's run that ends well sends an agent no mail."""
    house.limit(attempts=1)
    house.shell("writer", f"until [ -e {house.root}/go ]; do sleep 0.02; done; {script}")
    done = house.dispatch("@lead", "@writer")
    one = waiting(house, start, done.message_id, "--for", want)
    (house.root / "go").touch()
    assert states(one.result(0 if state == "completed" else 4)) == [state]


def test_what_a_kill_ends_is_no_success_and_has_no_empty_tail(house: House, start: Any) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    done = house.dispatch("@lead", "@writer")
    house.attempt_pid("@writer", done.run_id or "")
    plain = start("wait", done.message_id, "--from", "@operator")
    plain.sleeps()
    house.kill("@operator", "@writer")
    out, _ = plain.process.communicate(timeout=30)
    assert plain.process.returncode == 4
    assert out.decode().startswith(f"{done.message_id}: killed by @") and not out.decode().rstrip("\n").endswith(
        (":", ": ")
    )


def test_one_bad_end_among_several_fails_them_all_and_without_all_only_if_it_is_known(house: House, start: Any) -> None:
    names = [send(house, f"s{n}").id for n in range(3)]
    answer.acknowledge(house.workspace, "@writer", names[0], "done", "ready")
    lead = house.agent("@lead").branch
    assert states(start("wait", *names, "--json", cwd=lead).result()) == ["done", "", ""]
    answer.acknowledge(house.workspace, "@writer", names[1], "declined", "no")
    assert states(start("wait", *names, "--json", cwd=lead).result(4)) == ["done", "declined", ""]
    assert states(start("wait", *names, "--json", "--all", "--timeout", "0", cwd=lead).result(5))[2] == ""


@pytest.mark.parametrize("words", [("wait", "1"), ("watch",)])
def test_ctrl_c_ends_it_quietly_with_130(house: House, start: Any, words: tuple[str, ...]) -> None:
    send(house)
    one = start(*words, "--from", "@operator")
    one.sleeps()
    one.process.send_signal(signal.SIGINT)
    out, err = one.process.communicate(timeout=10)
    assert (one.process.returncode, out) == (130, b"") and b"Traceback" not in err
    assert err == (b"" if words[0] == "wait" else f"mailcore watch: all mail of {house.root}, until Ctrl-C\n".encode())


def test_ctrl_c_while_it_reads_standard_input_sends_nothing(house: House) -> None:
    command = subprocess.Popen(
        [*COMMAND, "send", "@writer", "s", "-", "--from", "@operator"], cwd=house.root,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
    )  # fmt: skip
    assert command.stdin is not None
    pipe = command.stdin.fileno()
    command.stdin.write(b"half a body")

    def taken() -> bool:
        left = array.array("i", [0])
        fcntl.ioctl(pipe, termios.FIONREAD, left)
        return left[0] == 0

    wait_until(taken, what="it reads")
    command.send_signal(signal.SIGINT)
    command.wait(10)  # its input is open still: only the signal ends it
    assert (command.returncode, *command.communicate(timeout=10)) == (130, b"", b"")
    assert house.inbox("@writer") == ()


def test_it_may_come_too_late_and_still_knows(house: House, start: Any) -> None:
    sent = send(house)
    answer.acknowledge(house.workspace, "@writer", sent.id, "declined", "no time")
    assert states(start("wait", sent.id, "--json", cwd=house.agent("@lead").branch).result(4)) == ["declined"]


def test_the_operator_may_wait_for_anybody_and_an_agent_only_for_what_it_sent(house: House, start: Any) -> None:
    sent = send(house)
    one = start("wait", sent.id, "--json", "--from", "@operator")
    one.sleeps()
    assert house.json("wait", sent.id, cwd=house.agent("@editor").branch, status=3)["error"]["code"] == "visibility"
    post.reply_to(house.workspace, "@writer", sent.id, "for the lead")
    assert one.result()["settled"][0]["text"] == "for the lead"


@pytest.mark.parametrize("limit", ["nan", "-1", "soon"])
def test_a_limit_that_is_none_is_refused(house: House, limit: str) -> None:
    sent = send(house)
    told = house.json("wait", sent.id, f"--timeout={limit}", cwd=house.agent("@lead").branch, status=2)
    assert "timeout" in told["error"]["message"]


@pytest.mark.parametrize("limit", ["inf", "1e12"])
def test_a_limit_beyond_the_kernels_is_one(house: House, start: Any, limit: str) -> None:
    sent = send(house)
    one = waiting(house, start, sent.id, "--timeout", limit)
    post.reply_to(house.workspace, "@writer", sent.id, "b")
    assert states(one.result()) == ["reply"]


def test_a_message_that_nobody_knows(house: House) -> None:
    told = house.json("wait", "4711", cwd=house.agent("@lead").branch, status=4)
    assert told["error"]["code"] == "no_message"


class Stream(Started):
    def event(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        event: dict[str, Any] = json.loads(self.process.stdout.readline())
        return event


def test_watch_streams_own_and_foreign_deliveries_each_once(house: House) -> None:
    stream = Stream(house, "watch", "--jsonl")
    try:
        stream.sleeps()
        sent = send(house, "ours")
        event = stream.event()
        assert (event["verb"], event["by"], event["to"], event["id"], event["seq"]) == (
            "send", "@lead", "@writer", sent.id, sent.seq,
        )  # fmt: skip
        path = house.agent("@writer").inbox
        document = json.loads(path.read_bytes())
        foreign = {"id": "f0f0f0f0", "from": "@beta", "subject": "theirs\x1b[31m", "status": "new",
                   "timestamp": "2026-11-22 01:00:00"}  # fmt: skip
        document["messages"].insert(0, foreign)
        path.write_text(json.dumps(document))
        event = stream.event()
        assert (event["verb"], event["by"], event["to"], event["id"]) == ("send", "@beta", "@writer", "f0f0f0f0")
        post.read_messages(house.workspace, "@writer", ["f0f0f0f0"])
        assert stream.event()["verb"] == "read"
        for n in range(20):
            send(house, f"m{n}")
        assert [stream.event()["subject"] for _ in range(20)] == [f"m{n}" for n in range(20)]
        stream.process.send_signal(signal.SIGINT)
        assert stream.process.communicate(timeout=10)[0] == b"" and stream.process.returncode == 130
    finally:
        stream.process.kill()
        stream.process.communicate()


@pytest.mark.parametrize("way", ["renamed", "cut", "copied and cut", "removed"])
def test_watch_goes_on_when_the_audit_is_rotated(house: House, way: str) -> None:
    send(house, "before")
    stream = Stream(house, "watch", "--jsonl")
    try:
        stream.sleeps()
        send(house, "first")
        assert stream.event()["subject"] == "first"
        audit = house.root / ".praxmonitor" / "audit.jsonl"
        if way == "renamed":
            audit.rename(f"{audit}.1")
        elif way == "removed":
            audit.unlink()
        else:
            if way == "copied and cut":
                shutil.copy(audit, f"{audit}.1")
            os.truncate(audit, 0)
        for number in range(3):
            send(house, f"after {number}")
        assert [stream.event()["subject"] for _ in range(3)] == ["after 0", "after 1", "after 2"]
    finally:
        stream.process.kill()
        stream.process.communicate()


def test_watch_follows_an_agent_that_is_enrolled_meanwhile(house: House) -> None:
    stream = Stream(house, "watch", "--jsonl")
    try:
        stream.sleeps()
        house.json("agent", "add", "newcomer=agents/newcomer")
        assert stream.event()["verb"] == "agent add"
        stream.sleeps()
        foreign = {"id": "f0f0f0f0", "from": "@beta", "subject": "welcome", "status": "new"}
        inbox = house.root / "agents/newcomer/.ai_mail.local/inbox.json"
        inbox.write_text(json.dumps({"mailbox": "inbox", "messages": [foreign]}))
        event = stream.event()
        assert (event["to"], event["id"]) == ("@newcomer", "f0f0f0f0")
    finally:
        stream.process.kill()
        stream.process.communicate()


def test_an_agent_watches_its_own_mail_alone_and_text_stays_on_its_line(house: House) -> None:
    stream = Stream(house, "watch", cwd=house.agent("@editor").branch)
    try:
        stream.sleeps()
        send(house, "not yours")
        send(house, "two\nlines\x1b[2J", "@editor")
        assert stream.process.stdout is not None
        text = stream.process.stdout.readline().decode()
        assert "two lines" in text and "\x1b" not in text and "not yours" not in text
        assert stream.process.stderr is not None
        assert stream.process.stderr.readline().decode().startswith("mailcore watch: @editor's mail of ")
    finally:
        stream.process.kill()
        stream.process.communicate()


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            {"verb": "send", "declared": True, "to": "@worker", "id": "64c1d947", "sent_id": "46f066af", "seq": 20,
             "subject": "rec me"},
            '@operator → @worker  sent #20 "rec me"',
        ),
        ({"verb": "read", "ids": ["64c1d947", "ab"]}, "@operator  read 64c1d947 ab"),
        ({"verb": "done", "id": "64c1d947", "sent_id": "46f066af", "seq": 20}, "@operator  done #20"),
        ({"verb": "kill", "agent": "@worker", "run": "r1", "pid": 7}, "@operator → @worker  killed"),
        ({"verb": "hold", "agent": "all", "why": "lunch"}, '@operator → all  held "lunch"'),
        ({"verb": "undelivered", "to": "@worker", "sent_id": "46", "reason": "it is gone"},
         "@operator → @worker  could not be delivered 46 it is gone"),
        ({"verb": "hooks install", "agent": "@worker"}, "@operator → @worker  hooks install"),
        ({"verb": "away", "until": "Monday"}, '@operator  is away "Monday"'),
    ],
)  # fmt: skip
def test_a_line_of_watch_is_for_people(event: dict[str, Any], said: str) -> None:
    at = "2026-11-22T14:03:22"
    assert event_line({"at": at, "by": "@operator", **event}) == f"14:03:22 {said}"
    assert event_line({"by": "@operator", **event}) == f"--:--:-- {said}"
