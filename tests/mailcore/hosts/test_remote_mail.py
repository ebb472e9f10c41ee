"""Mail between two hosts: stored here, delivered there, once; what became of it comes back."""

from __future__ import annotations

import errno
import os
import threading
from typing import Any

import msgspec
import pytest

from mailcore.exceptions import MailcoreError, Refused
from mailcore.formats import journal, json_codec
from mailcore.hosts import arrivals, channel, directory
from mailcore.hosts.membership import link_directory
from mailcore.mail import answer, mailbox, message_text, post, remote_arrival, remote_copies, route, sent_mail
from mailcore.mail.ladder import ladder
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.mail.outbox import Sent
from mailcore.mail.sent_mail import SentMail
from mailcore.mail.store import LockedMailbox
from mailcore.model.link import Envelope, EnvelopeKind, HostRecord
from mailcore.model.message import Message
from mailcore.system import writing
from mailcore.workspace import audit
from mailcore.workspace.find import Workspace
from tests.mailcore.hosts.conftest import Linked, carry, settle


def send(link: Linked, to: str = "@editor", subject: str = "a subject", **how: Any) -> Sent:
    return post.send_mail(link.alpha, "@writer", [to], subject, "the body", **how)[0]


def inbox(workspace: Workspace, name: str) -> tuple[Message, ...]:
    return read_mailbox(workspace.agent(name).inbox).messages


def became(link: Linked, sent: Sent) -> SentMail:
    writer = link.alpha.agent("@writer")
    return next(one for one in sent_mail.sent_mails(link.alpha, writer, 100) if one.message.id == sent.sent_id)


def test_a_mail_waits_here_until_it_is_delivered_there(link: Linked) -> None:
    sent = send(link)
    assert sent.delivered
    assert sent.to == "@editor.beta"
    assert sent.waits == "beta was not heard of yet"
    assert inbox(link.beta, "@editor") == ()
    assert became(link, sent).became == "waiting"
    settle(link)
    (mail,) = inbox(link.beta, "@editor")
    assert (mail.id, mail.sent_id, mail.sender) == (sent.id, sent.sent_id, "@writer.alpha")
    assert (mail.subject, mail.body, mail.unread, mail.reply_path) == ("a subject", "the body", True, "")
    assert (mail.seq, mail.proof) == (1, "host")
    assert became(link, sent).became == "stored"
    assert "proved: by its host" in message_text.sender_text(mail)
    assert "not in this project" not in message_text.sender_text(mail)


def test_a_namesake_on_another_host_imitates_nobody(link: Linked) -> None:
    post.send_mail(link.alpha, "@lead", ["@lead.beta"], "s", "b")
    settle(link)
    (mail,) = inbox(link.beta, "@lead")
    assert message_text.sender_text(mail) == "@lead.alpha (proved: by its host, which says who of it wrote)"
    post.send_mail(link.beta, "@operator", ["@writer"], "s", "b")
    settle(link)
    (mail,) = inbox(link.alpha, "@writer")
    assert message_text.sender_text(mail).startswith("@operator.beta (")


def test_what_is_known_of_the_host_is_said(link: Linked) -> None:
    record = HostRecord("beta", agents=("@editor",), seen_at=1.0)
    directory.write_host(link.alpha, record)
    assert send(link).waits == ""
    directory.write_host(link.alpha, msgspec.structs.replace(record, away_since=1_000_000_000.0))
    assert send(link).waits.startswith("beta is away since 2001-09-0")


def test_the_ladder_is_climbed_across_machines(link: Linked) -> None:
    sent = send(link)
    settle(link)
    post.read_messages(link.beta, "@editor", [sent.id])
    settle(link)
    assert became(link, sent).became == "seen"
    answer.acknowledge(link.beta, "@editor", sent.id, "acknowledged", "")
    settle(link)
    copy = became(link, sent).copy
    assert copy is not None
    assert ladder(copy.message).rung == "acknowledged"
    answer.acknowledge(link.beta, "@editor", sent.id, "done", "it is done")
    settle(link)
    found = became(link, sent)
    assert (found.became, found.result) == ("done", "it is done")
    assert found.copy is not None
    assert [rung for rung, _ in ladder(found.copy.message).rungs] == ["stored", "seen", "done"]
    notices = [(mail.subject, mail.ack and mail.ack.by) for mail in inbox(link.alpha, "@writer")]
    assert notices == [("DONE: a subject", "@editor.beta"), ("ACKNOWLEDGED: a subject", "@editor.beta")]


def test_what_is_only_closed_is_told(link: Linked) -> None:
    sent = send(link)
    settle(link)
    post.close_messages(link.beta, "@editor", [sent.id])
    settle(link)
    assert became(link, sent).became == "closed"
    seen = send(link)
    settle(link)
    post.read_messages(link.beta, "@editor", [seen.id])
    post.close_all(link.beta, "@editor")
    settle(link)
    assert became(link, seen).became == "closed"
    copy = became(link, seen).copy
    assert copy is not None
    assert ladder(copy.message).rung == "seen"


def test_a_reply_comes_back_into_the_thread(link: Linked) -> None:
    sent = send(link)
    settle(link)
    replied = post.reply_to(link.beta, "@editor", sent.id, "my answer")
    assert replied.to == "@writer.alpha"
    settle(link)
    (mail,) = inbox(link.alpha, "@writer")
    assert (mail.sender, mail.subject, mail.in_reply_to) == ("@editor.beta", "RE: a subject", sent.sent_id)
    assert became(link, sent).became == "answered"
    again = post.reply_to(link.alpha, "@writer", mail.id, "and mine")
    settle(link)
    (last,) = inbox(link.beta, "@editor")
    assert (last.id, last.thread_id) == (again.id, sent.sent_id)


def test_a_reply_goes_to_whoever_wrote_though_nobody_told_of_them(link: Linked) -> None:
    sent = send(link)
    settle(link)
    directory.write_host(link.beta, HostRecord("alpha", agents=()))
    assert post.reply_to(link.beta, "@editor", sent.id, "my answer").to == "@writer.alpha"
    other = send(link)
    settle(link)
    directory.write_host(link.beta, HostRecord("alpha", revoked=True))
    with pytest.raises(Refused, match="alpha belongs to the link no more"):
        post.reply_to(link.beta, "@editor", other.id, "my answer")


@pytest.mark.parametrize("why", ["nobody", "gone", "body", "subject", "format", "name"])
def test_what_is_refused_there_is_told_here(link: Linked, why: str) -> None:
    config = link.beta.config_file
    if why == "nobody":
        directory.write_host(link.alpha, HostRecord("beta", agents=("@ghost",)))
    elif why == "gone":
        link.beta.agent("@editor").branch.rename(link.beta.root / "elsewhere")
    elif why in ("body", "subject"):
        config.write_text(f"[mail]\nmax_{why} = 3\n")
    sent = send(link, "@ghost.beta" if why == "nobody" else "@editor")
    if why in ("format", "name"):
        edited: dict[str, Any] = {"mail": {"message": 3}} if why == "format" else {"from": "@../x"}
        (waits,) = channel.unconfirmed(link.alpha, "beta")
        wrong = msgspec.structs.replace(waits, body={**waits.body, **edited})
        replace_waiting(link, wrong)
    settle(link)
    if why == "name":  # a word to a name that nobody has reaches nobody
        assert inbox(link.alpha, "@writer") == ()
        return
    (notice,) = inbox(link.alpha, "@writer")
    assert notice.subject == "NOT DELIVERED: a subject"
    assert notice.in_reply_to == sent.sent_id
    expected = {
        "nobody": "no agent @ghost", "gone": "is gone", "body": "max_body of beta is 3",
        "subject": "max_subject of beta", "format": "lacks its subject or its text",
    }  # fmt: skip
    assert expected[why] in notice.body
    found = became(link, sent)
    assert found.became == "refused"
    assert expected[why] in found.result
    assert channel.waiting(link.alpha, "beta").count == 0


def replace_waiting(link: Linked, envelope: Envelope) -> None:
    (path,) = (link_directory(link.alpha) / "out" / "beta").glob("*.jsonl")
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(envelope, signature="")) + b"\n")


def test_who_says_what_is_not_the_other_hosts_to_decide(link: Linked) -> None:
    send(link)
    (waits,) = channel.unconfirmed(link.alpha, "beta")
    forged = {
        "from": "@operator.beta", "to": "@operator", "status": "closed", "reply_path": "/etc/passwd", "seq": 1,
        "feedback": True, "project": "other", "approval": {"tier": 1}, "id": "ffffffff", "stored_at": "2001-01-01",
        "link": {"host": "gamma"}, "reply_to": "@lead", "ack": {"state": "done", "by": "@editor.beta"},
        "told_at": "x", "archived_at": "x", "unknown": {"kept": 1},
    }  # fmt: skip
    mail = {**waits.body["mail"], **forged}
    replace_waiting(link, msgspec.structs.replace(waits, body={**waits.body, "mail": mail}))
    settle(link)
    (found,) = inbox(link.beta, "@editor")
    raw = dict(found.raw)
    assert found.sender == "@writer.alpha"
    assert (found.id, found.status, found.seq) == (waits.id[:8], "new", 1)
    assert raw["unknown"] == {"kept": 1}
    assert raw["reply_to"] == "@lead.alpha"
    assert raw["ack"]["by"] == "@editor"  # who of our own it names is not from there
    assert raw["link"]["host"] == "alpha"
    assert raw["stored_at"] != "2001-01-01"
    assert not {"reply_path", "feedback", "project", "approval", "told_at", "archived_at", "to"} & raw.keys()


def test_a_word_about_a_mail_that_was_never_sent_there_changes_nothing(link: Linked) -> None:
    sent = send(link)
    record = next(link.alpha.agent("@writer").sent_dir.glob("*.json"))
    before = record.read_bytes()
    good = {"mail": "00" * 16, "state": "done", "from": "@writer", "record": record.name}
    words: list[Any] = [
        good, {**good, "record": f"../sent/{record.name}"}, {**good, "record": "x"}, {**good, "from": "@nobody"},
        {**good, "state": "paid"}, {**good, "record": 3}, 7, None,
    ]  # fmt: skip
    channel.put(link.beta, "alpha", EnvelopeKind.RECEIPT, {"words": words})
    channel.put(link.beta, "alpha", EnvelopeKind.RECEIPT, {"words": "x"})
    channel.put(link.beta, "alpha", EnvelopeKind.RECEIPT, {})
    carry(link.beta, link.alpha)
    assert record.read_bytes() == before
    assert sent.delivered


def test_a_fault_with_one_mail_stops_no_other(link: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = send(link, subject="first"), send(link, subject="second")
    original = remote_arrival._from_there

    def faulty(address: str, *of: str) -> str:
        if address == "@lead":
            raise ZeroDivisionError("a fault of ours")
        return original(address, *of)

    monkeypatch.setattr(remote_arrival, "_from_there", faulty)
    waits = list(channel.unconfirmed(link.alpha, "beta"))
    mail = {**waits[0].body["mail"], "reply_to": "@lead"}
    (path,) = (link_directory(link.alpha) / "out" / "beta").glob("*.jsonl")
    edited = [msgspec.structs.replace(waits[0], body={**waits[0].body, "mail": mail}), waits[1]]
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in edited))
    settle(link)
    assert [mail.subject for mail in inbox(link.beta, "@editor")] == ["second"]
    assert became(link, first).result == "beta: ZeroDivisionError: a fault of ours"
    assert became(link, second).became == "stored"


def test_a_notice_that_cannot_be_written_is_written_later(link: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.write_host(link.alpha, HostRecord("beta", agents=("@ghost",)))
    send(link, "@ghost.beta")
    carry(link.alpha, link.beta)
    with monkeypatch.context() as patch:

        def full(*of: object) -> str:
            raise MailcoreError("no space") from OSError(28, "No space left on device")

        patch.setattr(mailbox, "deliver", full)
        with pytest.raises(MailcoreError, match="no space"):
            carry(link.beta, link.alpha)
    settle(link)
    assert [mail.subject for mail in inbox(link.alpha, "@writer")] == ["NOT DELIVERED: a subject"]


def test_a_full_disk_there_lets_it_wait(link: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = send(link)
    with monkeypatch.context() as patch:

        def full(*of: object) -> list[str]:
            raise MailcoreError("no space") from OSError(28, "No space left on device")

        patch.setattr(mailbox, "deliver_all", full)
        with pytest.raises(OSError, match="no space"):
            carry(link.alpha, link.beta)
    assert channel.waiting(link.alpha, "beta").count == 1
    settle(link)
    assert [mail.id for mail in inbox(link.beta, "@editor")] == [sent.id]
    assert became(link, sent).became == "stored"


@pytest.mark.parametrize("place", ["open", "read", "archived"])
def test_what_is_carried_out_again_is_there_once(link: Linked, place: str) -> None:
    """The process that took it was killed before it had written the number."""
    sent = [send(link, subject=f"s{n}") for n in range(5)]
    envelopes = list(channel.unconfirmed(link.alpha, "beta"))
    settle(link)
    if place == "read":
        post.read_messages(link.beta, "@editor", [one.id for one in sent])
    elif place == "archived":
        post.close_all(link.beta, "@editor")
    (link_directory(link.beta) / "in" / "alpha.jsonl").unlink()
    replay(link, envelopes)
    editor = link.beta.agent("@editor")
    opened = [mail.subject for mail in reversed(inbox(link.beta, "@editor"))]
    assert opened == ([] if place == "archived" else [f"s{n}" for n in range(5)])
    assert len(list(editor.archive_dir.glob("*.json"))) == (5 if place == "archived" else 0)


def replay(link: Linked, envelopes: list[Envelope]) -> None:
    from mailcore.dispatch.remote_start import carry_out_mails

    taken = arrivals.take_all(link.beta, envelopes, lambda run, repeated: carry_out_mails(link.beta, run, repeated))
    assert taken.last == envelopes[-1].seq


def test_a_key_rewrites_the_open_mail_there_in_order_and_once(link: Linked) -> None:
    for n in range(3):
        send(link, subject=f"s{n}", key="k")
    envelopes = list(channel.unconfirmed(link.alpha, "beta"))
    settle(link)
    (mail,) = inbox(link.beta, "@editor")
    assert (mail.subject, mail.updates) == ("s2", 3)
    (link_directory(link.beta) / "in" / "alpha.jsonl").unlink()
    replay(link, envelopes)
    (mail,) = inbox(link.beta, "@editor")
    assert (mail.subject, mail.updates) == ("s2", 3)


def test_many_to_many_keep_the_order_of_their_sender(link: Linked) -> None:
    for n in range(12):
        send(link, "@editor.beta" if n % 3 else "@lead.beta", subject=f"s{n}")
    settle(link)
    assert [mail.subject for mail in reversed(inbox(link.beta, "@lead"))] == [f"s{n}" for n in range(0, 12, 3)]
    assert [mail.subject for mail in reversed(inbox(link.beta, "@editor"))] == [f"s{n}" for n in range(12) if n % 3]
    numbers = [mail.seq for name in ("@lead", "@editor") for mail in inbox(link.beta, name)]
    assert len(set(numbers)) == 12


def test_mailboxes_of_several_recipients_wait_for_the_disk_at_the_same_time(
    link: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads meet in it; and each writes with the proof of whoever carries out."""
    for to in ("@editor.beta", "@lead.beta"):
        for n in range(2):
            post.send_mail(link.alpha, "@writer", [to], f"{to} {n}", "b")
    met, write = threading.Barrier(2, timeout=20.0), LockedMailbox.write
    proofs: list[str] = []

    def written(place: LockedMailbox, *parts: bytes | memoryview) -> None:
        proofs.append(audit.current_proof.get())
        met.wait()
        write(place, *parts)

    monkeypatch.setattr(LockedMailbox, "write", written)
    token = audit.current_proof.set("supervisor")
    try:
        carry(link.alpha, link.beta)
    finally:
        audit.current_proof.reset(token)
    assert proofs == ["supervisor"] * 2
    for name in ("@editor", "@lead"):
        assert [mail.subject for mail in inbox(link.beta, name)] == [f"{name}.beta {n}" for n in (1, 0)]
    assert {mail.seq for name in ("@editor", "@lead") for mail in inbox(link.beta, name)} == {1, 2, 3, 4}


def test_many_mails_that_came_are_in_the_audit_after_one_wait_for_the_disk(
    link: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    for to in ("@editor.beta", "@lead.beta"):
        post.send_mail(link.alpha, "@writer", [to], "s", "b")
    path, synced, sync = link.beta.state_dir / audit.FILE, [], writing.sync

    def noted(opened: int) -> None:
        synced.append(os.fstat(opened).st_ino)
        sync(opened)

    monkeypatch.setattr(writing, "sync", noted)
    carry(link.alpha, link.beta)
    arrived = [line for line in journal.read_records(path) if line["verb"] == "arrived"]
    assert [line["to"] for line in arrived] == ["@editor", "@lead"]
    assert synced.count(path.stat().st_ino) == 1
    assert list(audit.broken_links(link.beta.state_dir)) == []


def test_everyone(link: Linked) -> None:
    def to(address: str) -> list[str]:
        author = link.alpha.agent("@writer")
        return [agent.address for agent in route.resolve_addresses(link.alpha, author, [address])]

    assert to("@all") == ["@lead"]
    assert to("@all.alpha") == ["@lead"]
    assert to("@all.beta") == ["@editor.beta", "@lead.beta"]
    assert to(route.EVERYWHERE) == ["@lead", "@editor.beta", "@lead.beta"]
    with pytest.raises(Refused, match="no host gamma"):
        to("@all.gamma")
    with pytest.raises(Refused, match="say which"):
        route.refuse_ambiguous(link.alpha, ["@lead"])
    assert to("@lead") == ["@lead"]


def test_an_interrupted_send_that_is_repeated_is_one_mail(link: Linked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after it was put into the channel, before its caller was told."""
    from mailcore.mail import resumable_act

    def killed(*of: object, **facts: object) -> None:
        raise KeyboardInterrupt

    for carried in (False, True):
        with monkeypatch.context() as patch:
            patch.setattr(audit, "flush_audit", killed)
            with pytest.raises(KeyboardInterrupt):
                send(link, subject=f"carried {carried}")
        if carried:
            settle(link)
        with resumable_act.act_scope():
            again = send(link, subject=f"carried {carried}")
        assert again.again
        settle(link)
        mails = [mail for mail in inbox(link.beta, "@editor") if mail.subject == f"carried {carried}"]
        assert [(mail.id, mail.sent_id) for mail in mails] == [(again.id, again.sent_id)]
        assert send(link, subject=f"carried {carried}").id != again.id  # it was reported: the same words are a new mail


def test_the_disk_is_waited_for_when_the_mail_and_its_line_of_the_audit_are_written(
    link: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For both at once, then: the second wait is short. Both are on disk before the sender is told."""
    send(link)
    file, (segment,) = link.alpha.state_dir / audit.FILE, (link_directory(link.alpha) / "out" / "beta").glob("*.jsonl")
    names = {file.stat().st_ino: "audit", segment.stat().st_ino: "mail"}
    waited: list[tuple[str, bool]] = []
    sync = writing.sync

    def noted(opened: int) -> None:
        if (name := names.get(os.fstat(opened).st_ino)) is not None:
            waited.append((name, "the second" in file.read_text()))
        sync(opened)

    monkeypatch.setattr(writing, "sync", noted)
    assert send(link, subject="the second").delivered
    assert waited == [("mail", True), ("audit", True)]


def test_a_mail_that_the_disk_does_not_take_is_told_in_the_audit_as_not_delivered(
    link: Linked, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(link)

    def full(path: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(writing, "flush", full)
        sent = send(link, subject="the second")
    assert not sent.delivered and channel.waiting(link.alpha, "beta").count == 1
    lines = journal.read_records(link.alpha.state_dir / audit.FILE)
    assert lines[-1]["verb"] == "undelivered" and lines[-1]["sent_id"] == sent.sent_id
    assert not list(audit.broken_links(link.alpha.state_dir))


def test_what_no_json_between_hosts_can_say_is_said_as_well_as_it_can(link: Linked) -> None:
    post.send_mail(link.alpha, "@writer", ["@editor"], "s", "half \ud83d sign", extra={"big": 10**30, "n": 2**63})
    settle(link)
    (mail,) = inbox(link.beta, "@editor")
    assert mail.body == "half ? sign"
    assert mail.raw["big"] == pytest.approx(1e30)
    assert mail.raw["n"] == 2**63


def test_too_large_a_mail_is_refused_where_it_is_written(link: Linked) -> None:
    (link.alpha.config_file).write_text("[mail]\nmax_body = 100_000_000\n")
    with pytest.raises(MailcoreError, match="a link carries"):
        sent = post.send_mail(link.alpha, "@writer", ["@editor"], "s", "x" * (channel.MAX_ENVELOPE + 1))[0]
        assert not sent.delivered
        raise MailcoreError(sent.error)
    assert channel.waiting(link.alpha, "beta").count == 0


def test_a_mail_from_here_costs_no_look_at_the_link(link: Linked) -> None:
    post.send_mail(link.alpha, "@writer", ["@lead.alpha"], "s", "b")
    (mail,) = inbox(link.alpha, "@lead")
    assert mail.sender == "@writer"
    assert "link" not in mail.raw
    post.read_messages(link.alpha, "@lead", [mail.id])
    assert not (link_directory(link.alpha) / "out").exists()


@pytest.mark.parametrize(
    "spoilt",
    [
        {"link": 3}, {"link": {}}, {"link": {"host": "beta"}}, {"link": {"host": "../..", "envelope": "0" * 32}},
        {"link": {"host": "beta", "envelope": ["x"]}}, {"became": 7}, {"became": {"stored": 1}},
        {"became": {"stored": {"at": []}, "done": {}}}, {"became": {"refused": "x"}, "status": "refused"},
        {"to": "@../../..", "became": {"stored": {}}}, {"to": 3}, {"became": ["stored"]},
    ],
    ids=str,
)  # fmt: skip
def test_what_a_sender_writes_into_its_own_record_hides_no_other_mail(link: Linked, spoilt: dict[str, Any]) -> None:
    """Whoever looks where a mail stands looks through the records of all."""
    send(link)
    (path,) = link.alpha.agent("@writer").sent_dir.glob("*.json")
    path.write_bytes(json_codec.dumps({**json_codec.loads(path.read_bytes()), **spoilt}))
    other = post.send_mail(link.alpha, "@lead", ["@editor"], "another", "the body")[0]
    assert len(sent_mail.sent_mails(link.alpha, link.alpha.agent("@writer"), 100)) == 1
    found = remote_copies.find_remote(link.alpha, other.id)
    assert found is not None and found.copy.message.subject == "another"
    looked = [one.copy.agent.branch for one in remote_copies._all(link.alpha)]
    assert all(place.resolve().is_relative_to(link_directory(link.alpha)) for place in looked)


def test_a_refusal_is_told_to_its_sender_once_whatever_that_host_says_then(link: Linked) -> None:
    sent = send(link)
    (path,) = link.alpha.agent("@writer").sent_dir.glob("*.json")
    (waits,) = channel.unconfirmed(link.alpha, "beta")
    word = {"mail": waits.id, "from": "@writer", "record": path.name, "text": "no room"}
    for state in ("refused", "refused", "stored", "seen", "done"):
        channel.put(link.beta, "alpha", EnvelopeKind.RECEIPT, {"words": [{**word, "state": state}]})
        carry(link.beta, link.alpha)
    assert became(link, sent).message.status == "refused"
    assert len(inbox(link.alpha, "@writer")) == 1 and inbox(link.alpha, "@writer")[0].updates == 1
