"""A task for an agent of another host: mailed from here, started there by that host's config, its end mailed back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailcore.dispatch import control, remote_start
from mailcore.dispatch.runs.run_list import read_run
from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.hosts import channel, directory
from mailcore.mail import post
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.model.link import HostRecord
from mailcore.model.message import Message
from mailcore.model.run import Run
from mailcore.workspace.find import Workspace
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.hosts.conftest import Linked, carry, linked, settle


@pytest.fixture
def houses(house: House, tmp_path: Path) -> Iterator[tuple[Linked, House, House]]:
    """The link, and both hosts with agents that do nothing; `house` sees to it that no process is left."""
    link = linked(tmp_path / "link")
    both = House(link.alpha), House(link.beta)
    for one, names in zip(both, (("writer", "lead"), ("editor", "lead")), strict=True):
        for name in names:
            one.commands[name] = ["true"]
        one.configure()
    yield link, *both
    for one in both:
        one.close()


def inbox(workspace: Workspace, name: str) -> tuple[Message, ...]:
    return read_mailbox(workspace.agent(name).inbox).messages


def runs(house: House, name: str) -> list[Run]:
    found = (read_run(path) for path in house.agent(name).runs_dir.glob("*"))
    return [run for run in found if run is not None]


def over(house: House, name: str) -> Run:
    return wait_until(lambda: [run for run in runs(house, name) if run.phase.ended], 30, f"a run of {name} is over")[0]


def test_it_is_started_there_and_its_answer_comes_back(houses: tuple[Linked, House, House]) -> None:
    link, alpha, beta = houses
    beta.python("editor", DOES)
    done = alpha.dispatch("@writer", "@editor")
    assert done.run_id is None
    assert done.queued
    assert done.busy == "it goes to beta, which starts it; beta was not heard of yet"
    settle(link)
    run = over(beta, "@editor")
    assert (run.sender, run.message_id, run.replied) == ("@writer.alpha", done.message_id, True)
    settle(link)
    (answer,) = inbox(link.alpha, "@writer")
    assert (answer.subject, answer.body, answer.sender) == ("DONE: a task", "written", "@editor.beta")
    woken = over(alpha, "@writer")  # a task of its own is answered: it is started to go on
    assert "@editor.beta says what became of a task" in woken.subject


DOES = """
import pathlib, re, subprocess, sys
task = re.search(r"message ([0-9a-f]{8})", sys.argv[1])[1]
subprocess.run([sys.executable, "-m", "mailcore.cli", "done", task, "written"], check=True)
"""


def test_who_ends_without_a_word_is_told_of(houses: tuple[Linked, House, House]) -> None:
    link, alpha, beta = houses
    done = alpha.dispatch("@writer", "@editor")
    settle(link)
    over(beta, "@editor")
    wait_until(lambda: channel.waiting(link.beta, "alpha").count, 20, "the end is told")
    settle(link)
    (notice,) = inbox(link.alpha, "@writer")
    assert notice.subject == "Done, no reply: a task"
    assert (notice.in_reply_to, notice.raw["run_ended"]) == (done.sent_id, "completed")
    over(alpha, "@writer")


def test_a_bounce_comes_back(houses: tuple[Linked, House, House]) -> None:
    link, alpha, beta = houses
    beta.command("editor", "sh", "-c", "exit 7")
    beta.limit(attempts=1)
    alpha.dispatch("@operator", "@editor")
    settle(link)
    over(beta, "@editor")
    wait_until(lambda: channel.waiting(link.beta, "alpha").count, 20, "the bounce is told")
    settle(link)
    (notice,) = read_mailbox(link.alpha.operator.inbox).messages
    assert notice.subject == "BOUNCE: Dispatch to @editor failed"
    assert notice.sender == "@editor.beta"


def test_it_is_started_once_however_often_it_comes(houses: tuple[Linked, House, House]) -> None:
    link, alpha, beta = houses
    alpha.dispatch("@writer", "@editor")
    envelopes = list(channel.unconfirmed(link.alpha, "beta"))
    settle(link)
    over(beta, "@editor")
    from mailcore.dispatch.remote_start import carry_out_mails

    carry_out_mails(link.beta, envelopes, True)
    assert len(runs(beta, "@editor")) == 1


def test_who_cannot_even_be_told_that_it_is_not_started_has_it_started_later(
    houses: tuple[Linked, House, House], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk neither the supervisor comes to be nor the word of that."""
    link, alpha, beta = houses
    alpha.dispatch("@writer", "@editor")
    with monkeypatch.context() as patch:

        def no_supervisor(*of: object, **how: object) -> str:
            raise MailcoreError("its supervisor ended before it stood", "not_started")

        def full(*of: object, **how: object) -> str:
            raise MailcoreError("no space") from OSError(28, "No space left on device")

        patch.setattr(remote_start, "begin_run", no_supervisor)
        patch.setattr(post, "send_mail", full)
        with pytest.raises(MailcoreError, match="no space"):
            carry(link.alpha, link.beta)
    assert channel.waiting(link.alpha, "beta").count == 1
    settle(link)
    over(beta, "@editor")
    assert len(runs(beta, "@editor")) == 1
    assert len(inbox(link.beta, "@editor")) == 1


@pytest.mark.parametrize("why", ["no_program", "depth", "terms"])
def test_what_cannot_be_started_there_is_refused_there(houses: tuple[Linked, House, House], why: str) -> None:
    link, alpha, beta = houses
    expected = {"no_program": "program", "depth": "would nest 1 deep", "terms": "no_such"}[why]
    if why == "no_program":
        del beta.commands["editor"]
        beta.extra = "[agents.editor]\nprogram = 'none'\n"
        beta.configure()
    elif why == "depth":
        beta.limit(wake_depth=0)
    program = "no_such" if why == "terms" else ""
    control.dispatch_task(link.alpha, alpha.config, "@operator", "@editor", "a task", "b", program=program)
    settle(link)
    assert inbox(link.beta, "@editor") == ()
    (notice,) = read_mailbox(link.alpha.operator.inbox).messages
    assert notice.subject == "NOT DELIVERED: a task"
    assert expected in notice.body
    assert runs(beta, "@editor") == []


def test_what_cannot_be_dispatched_from_here(houses: tuple[Linked, House, House]) -> None:
    link, alpha, _ = houses
    with pytest.raises(UsageError, match=r"@operator\.beta cannot be dispatched"):
        alpha.dispatch("@writer", "@operator.beta")
    with pytest.raises(UsageError, match="beta decides for which account"):
        control.dispatch_task(link.alpha, alpha.config, "@writer", "@editor", "s", "b", account="x")
    directory.write_host(link.alpha, HostRecord("beta", agents=("@editor",), revoked=True))
    with pytest.raises(Refused, match="belongs to the link no more"):
        alpha.dispatch("@writer", "@editor.beta")


def test_mail_of_high_priority_wakes_there(houses: tuple[Linked, House, House]) -> None:
    link, _, beta = houses
    sent = post.send_mail(link.alpha, "@writer", ["@editor"], "look", "b", priority="high")[0]
    assert not sent.urgent
    settle(link)
    assert "@writer.alpha sent mail of high priority" in over(beta, "@editor").subject
    post.send_mail(link.alpha, "@writer", ["@editor"], "later", "b")
    settle(link)
    assert len(runs(beta, "@editor")) == 1


def test_the_command_line_says_where_mail_and_task_are(houses: tuple[Linked, House, House]) -> None:
    link, alpha, _ = houses
    sent = alpha.mailcore("send", "@editor", "s", "b", "--from", "@operator")
    assert b"stored here as " in sent.stdout, (sent.stdout, sent.stderr)
    assert b"beta was not heard of yet; goes when it is there" in sent.stdout
    given = alpha.mailcore("dispatch", "@editor.beta", "s", "b", "--from", "@operator")
    assert given.returncode == 0
    assert b"it goes to beta, which starts it" in given.stdout
    name = sent.stdout.split(b"stored here as ")[1][:8].decode()
    row = alpha.json("trace", name, "--from", "@operator")
    assert (row["to"], row["rung"]) == ("@editor.beta", "waiting")
    settle(link)
    row = alpha.json("trace", name, "--from", "@operator")
    assert (row["to"], row["rung"]) == ("@editor.beta", "stored")
    everyone = alpha.json("send", "--everywhere", "@all", "s", "b", "--from", "@lead")
    assert [one["to"] for one in everyone] == ["@writer", "@editor.beta", "@lead.beta"]
    assert [one.get("host") for one in everyone] == [None, "beta", "beta"]


def test_waiting_for_an_answer_from_another_host(houses: tuple[Linked, House, House]) -> None:
    link, alpha, beta = houses
    beta.limit(wake_depth=0)
    refused = alpha.dispatch("@writer", "@editor")
    sent = post.send_mail(link.alpha, "@writer", ["@editor"], "s", "b")[0]
    names = (refused.message_id, sent.id)
    waits = alpha.json("wait", "--all", "--timeout", "0", *names, "--from", "@writer", status=5)
    assert [one["state"] for one in waits["settled"]] == ["", ""]
    settle(link)
    post.reply_to(link.beta, "@editor", sent.id, "the answer")
    settle(link)
    done = alpha.json("wait", "--all", "--timeout", "20", *names, "--from", "@writer", status=4)["settled"]
    assert [(one["state"], one["by"]) for one in done] == [("refused", "@editor.beta"), ("reply", "@editor.beta")]
    assert not (link.alpha.state_dir / "link" / "hosts" / "beta" / "agents").exists()
