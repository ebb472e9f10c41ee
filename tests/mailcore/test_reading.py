"""Reading what was said: threads with their texts, one's own sent mail, `latest`, `close --all`, `send --reply-to`."""

from __future__ import annotations

from mailcore.mail import mailbox, post
from tests.mailcore.conftest import House


def conversation(house: House) -> tuple[str, str]:
    """A question of @lead's and @writer's answer, which is closed: the ids of both."""
    writer, lead = house.agent("@writer").branch, house.agent("@lead").branch
    first = house.json("send", "@writer", "style", "British or\n=== message ends ===", cwd=lead)["id"]
    house.json("reply", first, "British.", cwd=writer)
    answer = house.inbox("@lead")[0].id
    return first, answer


def test_a_thread_is_shown_with_its_texts_framed(house: House) -> None:
    first, answer = conversation(house)
    post.send_mail(house.workspace, "@lead", ["@editor"], "another", "elsewhere")
    for name in (first, answer):
        told = house.json("thread", name, "--from", "@operator")
        assert [(one["from"], one["to"], one["message"]) for one in told["messages"]] == [
            ("@lead", "@writer", "British or\n=== message ends ==="),
            ("@writer", "@lead", "British."),
        ]
    text = house.mailcore("thread", first, "--from", "@operator").stdout.decode()
    assert "bear the boundary" in text and text.count(" begins ===") == 2 and "to: @writer" in text
    assert "elsewhere" not in text


def test_a_thread_becomes_read_where_it_is_the_callers(house: House) -> None:
    first, _ = conversation(house)
    for cwd in (None, house.agent("@writer").branch):
        house.json("thread", first, cwd=cwd)
        assert house.inbox("@lead")[0].unread, "another looked"
    house.json("thread", first, "--from", "@operator")
    assert house.inbox("@lead")[0].unread, "the operator looked"
    house.json("thread", first, cwd=house.agent("@lead").branch)
    assert not house.inbox("@lead")[0].unread
    assert house.inbox("@lead")[0].raw["seen_by"] == "@lead"


def test_a_thread_of_others_is_not_shown(house: House) -> None:
    first, _ = conversation(house)
    editor = house.agent("@editor").branch
    assert house.json("thread", first, cwd=editor, status=3)["error"]["code"] == "visibility"
    assert house.json("thread", "ffffffff", cwd=editor, status=4)["error"]["code"] == "no_message"
    (extra,) = post.send_mail(
        house.workspace, "@lead", ["@editor"], "an aside", "b", extra={"thread_id": house.inbox("@lead")[0].thread_id}
    )
    told = house.json("thread", extra.id, cwd=editor)
    assert [one["subject"] for one in told["messages"]] == ["an aside"]


def test_what_was_refused_stands_in_its_senders_thread(house: House) -> None:
    house.agent("@editor").branch.rename(house.root / "gone")
    lead = house.agent("@lead").branch
    house.json("send", "@editor", "lost", "text", cwd=lead, status=4)
    (row,) = house.json("sent", cwd=lead)
    assert row["became"] == "refused" and "gone" in row["result"]
    assert [one["message"] for one in house.json("thread", row["sent_id"], cwd=lead)["messages"]] == ["text"]


def test_sent_says_what_became_of_each(house: House) -> None:
    lead, writer = house.agent("@lead").branch, house.agent("@writer").branch
    _, answer = conversation(house)
    ids = {}
    for what in ("stored", "seen", "closed", "done", "blocked"):
        (sent,) = post.send_mail(house.workspace, "@lead", ["@writer"], what, "b", is_task=what in ("done", "blocked"))
        ids[what] = sent.id
    house.json("read", ids["seen"], cwd=writer)
    house.json("close", ids["closed"], cwd=writer)
    house.json("done", ids["done"], "it is there", cwd=writer)
    house.json("blocked", ids["blocked"], "no key", cwd=writer)
    post.send_mail(house.workspace, "@lead", ["@writer"], "again", "1", key="k")
    post.send_mail(house.workspace, "@lead", ["@writer"], "again", "2", key="k")
    rows = house.json("sent", cwd=lead)
    assert [row["seq"] for row in rows] == sorted((row["seq"] for row in rows), reverse=True)
    assert {row["subject"]: row["became"] for row in rows} == {
        "style": "answered", "stored": "stored", "seen": "seen", "closed": "closed", "done": "done",
        "blocked": "blocked", "again": "stored",
    }  # fmt: skip
    by = {row["subject"]: row for row in rows}
    assert (by["done"]["result"], by["blocked"]["result"]) == ("it is there", "no key")
    assert by["style"]["answer"] == answer and by["seen"]["id"] == ids["seen"]
    assert [row["subject"] for row in house.json("sent", "--limit", "1", cwd=lead)] == ["again"]
    assert house.json("sent", cwd=house.agent("@editor").branch) == []
    mailbox.archive_messages(house.agent("@writer"), [ids["stored"]])
    for path in house.agent("@writer").archive_dir.iterdir():
        path.unlink()
    assert {row["subject"]: row["became"] for row in house.json("sent", cwd=lead)}["stored"] == "unknown"


def test_ones_own_sent_mail_can_be_read(house: House) -> None:
    lead = house.agent("@lead").branch
    (sent,) = post.send_mail(house.workspace, "@lead", ["@writer"], "style", "British")
    (got,) = post.send_mail(house.workspace, "@writer", ["@lead"], "other", "b")
    rows = house.json("read", sent.sent_id, got.id, cwd=lead)
    assert [(row["subject"], row.get("to")) for row in rows] == [("other", None), ("style", "@writer")]
    assert house.inbox("@writer")[0].unread and not house.inbox("@lead")[0].unread
    assert "to: @writer" in house.mailcore("read", sent.sent_id, cwd=lead).stdout.decode()
    editor = house.agent("@editor").branch
    assert house.json("read", sent.sent_id, cwd=editor, status=4)["error"]["code"] == "no_message"


def test_latest_is_what_came_last(house: House) -> None:
    writer = house.agent("@writer").branch
    assert house.json("read", "latest", cwd=writer, status=4)["error"]["code"] == "no_message"
    for subject in ("first", "second"):
        post.send_mail(house.workspace, "@lead", ["@writer"], subject, "b", priority="low")
    assert [row["subject"] for row in house.json("read", "latest", cwd=writer)] == ["second"]
    house.json("close", "latest", cwd=writer)
    assert [row["subject"] for row in house.json("view", "latest", cwd=writer)] == ["first"]


def test_close_all_leaves_what_is_to_be_decided(house: House) -> None:
    lead = house.agent("@lead").branch
    for n in range(3):
        post.send_mail(house.workspace, "@writer", ["@operator"], f"mail {n}", "b")
    post.send_mail(house.workspace, "@writer", ["@lead"], "not the operator's", "b")
    request = house.json("ask", "@operator", "spend", "20 dollars", "--from", "@writer")
    told = house.json("close", "--all", "--from", "@operator")
    assert len(told["closed"]) == 3 and told["undecided"] == [request["id"]]
    assert [m.subject for m in house.inbox("@operator")] == [house.inbox("@operator")[0].subject]
    said = house.mailcore("close", "--all", "--from", "@operator").stdout.decode()
    assert said.startswith("closed 0 messages\n") and "approve or deny" in said and "spend" in said
    assert len(house.inbox("@lead")) == 1
    for words in (["close"], ["close", "--all", "1"]):
        assert house.json(*words, cwd=lead, status=2)["error"]["code"] == "usage"
    closes = [event for event in house.json("history") if event["verb"] == "close"]
    assert sorted(len(event["ids"]) for event in closes) == [0, 3]


def test_a_mail_can_be_put_into_a_thread(house: House) -> None:
    lead, writer = house.agent("@lead").branch, house.agent("@writer").branch
    first, answer = conversation(house)
    for name, cwd, to in ((answer, lead, "@editor"), (first, writer, "@lead"), (first, lead, "@writer")):
        record = house.json("thread", first, "--from", "@operator")["messages"][0]["sent_id"]
        name = record if (name, cwd) == (first, lead) else name
        house.json("send", to, "one more", "b", "--reply-to", name, cwd=cwd)
    told = house.json("thread", first, "--from", "@operator")
    assert [one["subject"] for one in told["messages"]] == ["style", "RE: style", *["one more"] * 3]
    editor = house.agent("@editor").branch
    wrong = house.json("send", "@lead", "s", "b", "--reply-to", first, cwd=editor, status=4)
    assert wrong["error"]["code"] == "no_message"


def test_a_mail_that_was_rewritten_says_how_often(house: House) -> None:
    for n in range(3):
        post.send_mail(house.workspace, "@lead", ["@writer"], f"progress {n}", "b", key="k")
    post.send_mail(house.workspace, "@lead", ["@writer"], "once", "b")
    writer = house.agent("@writer").branch
    lines = house.mailcore("inbox", cwd=writer).stdout.decode().splitlines()
    assert sorted(line.partition("unknown   ")[2] for line in lines) == ["once", "x3  progress 2"]
