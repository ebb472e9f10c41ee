"""Mail that waits in an outbox: sent once by whoever comes when it is due, or taken back; never lost, never doubled."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailcore.dispatch.due_mail import send_due_mail
from mailcore.exceptions import Refused
from mailcore.formats import journal
from mailcore.mail import outgoing, post
from mailcore.mail.outgoing import Outgoing
from mailcore.model.agent import OPERATOR
from tests.mailcore.conftest import House

LATER = 3600.0


def put(house: House, subject: str = "s", to: Sequence[str] = ("@writer",), wait: float = 10.0, **more: object) -> str:
    mail = Outgoing(OPERATOR, tuple(to), subject, "b", proof="screen", **more)  # type: ignore[arg-type]
    return outgoing.put(house.workspace, mail, wait).id


def files(house: House) -> list[Path]:
    box = house.workspace.operator.mail_dir / "outbox"
    return sorted(box.iterdir()) if box.is_dir() else []


def subjects(house: House, name: str = "@writer") -> list[str]:
    return [message.subject for message in house.inbox(name)]


def test_it_waits_on_disk_and_goes_once_when_it_is_due(house: House) -> None:
    mail_id = put(house, to=("@writer", "@editor"))
    (file,) = files(house)
    assert json.loads(file.read_bytes())["body"] == "b" and subjects(house) == []
    assert send_due_mail(house.workspace) == ([], []) and not outgoing.is_due(house.workspace)
    (waits,) = outgoing.waiting(house.workspace)
    assert (waits.id, waits.to, waits.sender) == (mail_id, ("@writer", "@editor"), OPERATOR)
    sent, failed = send_due_mail(house.workspace, time.time() + 11)
    assert [mail.id for mail in sent] == [mail_id] and failed == [] and files(house) == []
    assert subjects(house) == subjects(house, "@editor") == ["s"]
    assert house.inbox("@writer")[0].raw["sender_proof"] == "screen"
    assert send_due_mail(house.workspace, time.time() + LATER) == ([], []) and subjects(house) == ["s"]
    with pytest.raises(Refused, match="cannot be taken back"):
        outgoing.take_back(house.workspace, OPERATOR, mail_id)


def test_what_is_taken_back_is_sent_to_nobody(house: House) -> None:
    put(house, "first")
    second = put(house, "second", wait=11)
    assert outgoing.take_back(house.workspace, OPERATOR).id == second, "the last one"
    assert outgoing.take_back(house.workspace, OPERATOR).subject == "first"
    with pytest.raises(Refused, match=f"no mail of {OPERATOR} waits"):
        outgoing.take_back(house.workspace, OPERATOR)
    assert send_due_mail(house.workspace, time.time() + LATER) == ([], []) and subjects(house) == []
    verbs = [act["verb"] for act in journal.read_records(house.workspace.state_dir / "audit.jsonl")]
    assert verbs.count("outgoing") == verbs.count("unsend") == 2


def test_a_task_that_waited_starts_its_agent(house: House) -> None:
    house.shell("writer", "echo up")
    put(house, kind="task", terms={"expect": "a file"})
    sent, failed = send_due_mail(house.workspace, time.time() + 11)
    assert len(sent) == 1 and failed == []
    (run,) = house.runs("@writer")
    assert house.over("@writer", run.run_id).subject == "s" and house.inbox("@writer")[0].raw["expect"] == "a file"


def test_a_task_of_an_agent_is_not_sent_from_its_outbox(house: House) -> None:
    """An agent can write there: it would dispatch without being asked how deep it stands."""
    outgoing.put(house.workspace, Outgoing("@lead", ("@writer",), "s", "b", kind="task"), 0.0)
    sent, (failed,) = send_due_mail(house.workspace, time.time() + 1)
    assert sent == [] and "dispatch it" in failed.failed and subjects(house) == []


def test_an_answer_that_waited_closes_what_it_answers(house: House) -> None:
    asked = post.send_mail(house.workspace, "@writer", [OPERATOR], "May I?", "b")[0]
    put(house, "RE: May I?", kind="reply", terms={"answers": asked.id})
    assert len(house.inbox(OPERATOR)) == 1
    send_due_mail(house.workspace, time.time() + 11)
    assert house.inbox(OPERATOR) == () and subjects(house) == ["RE: May I?"]


def test_what_fails_says_who_has_it_and_is_tried_again_for_the_rest(house: House) -> None:
    lock = house.agent("@writer").inbox.with_name(".inbox.lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()
    put(house, to=("@editor", "@writer"))
    now = time.time()
    sent, (failed,) = send_due_mail(house.workspace, now + 11)
    assert sent == [] and failed.has_it == ("@editor",) and failed.rest == ("@writer",)
    assert ".inbox.lock" in failed.failed
    (waits,) = outgoing.waiting(house.workspace)
    assert (waits.failed, waits.has_it) == (failed.failed, ("@editor",))
    assert send_due_mail(house.workspace, now + 12) == ([], []), "not at each command"
    lock.rmdir()
    sent, failures = send_due_mail(house.workspace, now + LATER)
    assert len(sent) == 1 and failures == [] and subjects(house) == subjects(house, "@editor") == ["s"]


def test_what_failed_can_be_taken_back_and_says_who_has_it(house: House) -> None:
    lock = house.agent("@writer").inbox.with_name(".inbox.lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()
    put(house, to=("@editor", "@writer"), wait=0.0)
    send_due_mail(house.workspace, time.time() + 1)
    back = outgoing.take_back(house.workspace, OPERATOR)
    assert back.rest == ("@writer",) and files(house) == []


def test_what_another_sends_at_this_moment_cannot_be_taken_back(house: House) -> None:
    put(house, wait=0.0)
    inside, go_on = threading.Event(), threading.Event()

    def slow(mail: Outgoing) -> tuple[Sequence[str], str]:
        inside.set()
        assert go_on.wait(30)
        return mail.to, ""

    sender = threading.Thread(target=outgoing.send_due, args=(house.workspace, slow, time.time() + 1))
    sender.start()
    assert inside.wait(30)
    with pytest.raises(Refused):
        outgoing.take_back(house.workspace, OPERATOR)
    assert send_due_mail(house.workspace, time.time() + LATER) == ([], []), "nor sent a second time"
    go_on.set()
    sender.join(30)
    assert files(house) == []


def test_what_is_no_mail_in_an_outbox_keeps_nobodys_from_being_sent(house: House) -> None:
    put(house, wait=0.0)
    (file,) = files(house)
    for name, data in (("0000000000001.aaaa.jsonl", b"nonsense"), ("0000000000002.bbbb.jsonl", b'{"to": 3}')):
        file.with_name(name).write_bytes(data)
    file.with_name("0000000000003.cccc.jsonl").symlink_to("/etc/hostname")
    sent, failed = send_due_mail(house.workspace, time.time() + LATER)
    assert [mail.subject for mail in sent] == ["s"] and failed == [] and subjects(house) == ["s"]
    assert outgoing.waiting(house.workspace) == []
    put(house, "two")
    assert outgoing.take_back(house.workspace, OPERATOR).subject == "two"
    with pytest.raises(Refused, match="cannot wait"):
        outgoing.put(house.workspace, Outgoing(OPERATOR, ("@writer",), "s", "b" * (outgoing.LONGEST_BODY + 1)), 1.0)


def test_any_command_sends_what_is_due(house: House) -> None:
    put(house, wait=0.0)
    house.json("inbox", "@writer", "--from", OPERATOR)
    assert subjects(house) == ["s"] and files(house) == []
    put(house, "two", wait=0.0)
    house.json("send", "@editor", "other", "b", "--from", "@lead")
    assert subjects(house) == ["two", "s"]


def test_send_undo_for_waits_and_unsend_takes_it_back(house: House) -> None:
    told = house.json("send", "@writer", "@editor", "s", "the body", "--undo-for", "1h", "--from", "@lead")
    assert told["delivered"] is False and subjects(house) == []
    assert [row["id"] for row in house.json("unsend", "--list", "--from", "@lead")] == [told["id"]]
    assert house.json("unsend", "--list", "--from", "@editor") == []
    house.json("unsend", told["id"], "--from", "@editor", status=3)
    back = house.json("unsend", told["id"], "--from", "@lead")
    assert (back["to"], back["body"]) == (["@writer", "@editor"], "the body")
    house.json("unsend", "--from", "@lead", status=3)
    for words in (("--priority", "high"), ("--undo-for", "soon"), ("--key", "k")):
        house.json("send", "@writer", "s", "b", "--undo-for", "10s", *words, "--from", "@lead", status=2)
    wrong = house.json("send", "@wrtier", "@editor", "s", "b", "--undo-for", "10s", "--from", "@lead", status=3)
    assert "did you mean @writer?" in wrong["error"]["message"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["put", "back", "one", "two", "both", "cut"]), min_size=1, max_size=8))
def test_whatever_the_order_each_mail_goes_once_or_is_taken_back(house: House, acts: list[str]) -> None:
    """`one` and `two` empty it in turn, `both` at once; `cut`: one that dies after the mail is delivered."""
    began, taken, told = time.time(), Counter[str](), Counter[str]()
    made = [0]
    clock = began
    before = Counter(subjects(house))

    class Cut(BaseException):
        """Killed."""

    def dies(mail: Outgoing) -> tuple[Sequence[str], str]:
        post.send_mail(house.workspace, mail.sender, mail.to, mail.subject, mail.body)
        raise Cut

    for act in acts:
        clock += LATER
        if act == "put":
            made[0] += 1
            put(house, f"{began}-{made[0]}", wait=0.0)
        elif act == "back":
            with contextlib.suppress(Refused):
                taken[outgoing.take_back(house.workspace, OPERATOR).subject] += 1
        elif act == "cut":
            with contextlib.suppress(Cut):
                outgoing.send_due(house.workspace, dies, clock)
        else:
            lists: list[Outgoing] = []
            workers = [
                threading.Thread(target=lambda: lists.extend(send_due_mail(house.workspace, clock)[0]))  # noqa: B023
                for _ in range(2 if act == "both" else 1)
            ]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            told.update(mail.subject for mail in lists)
    send_due_mail(house.workspace, clock + LATER)
    arrived = Counter(subjects(house)) - before
    names = {f"{began}-{number}" for number in range(1, made[0] + 1)}
    assert set(arrived.values()) <= {1} and set(taken.values()) <= {1} and set(told.values()) <= {1}
    assert arrived.keys() | taken.keys() == names and not arrived.keys() & taken.keys()
    assert files(house) == []
