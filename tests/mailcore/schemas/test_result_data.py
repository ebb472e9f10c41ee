"""A task may want its result as data of a schema: refused where it is written if it does not fit, else used on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailcore.exceptions import Refused
from mailcore.mail import answer, lookup, mailbox, post, resumable_act
from mailcore.schemas.document import Data
from tests.mailcore.conftest import House

SCHEMA = {"type": "object", "required": ["version"], "properties": {"version": {"type": "string", "minLength": 1}}}
GOOD = {"version": "1.2", "exit": 7, "error": {"a": 1}}


def task(house: House, schema: object = SCHEMA) -> str:
    sent = post.send_mail(
        house.workspace, "@lead", ["@writer"], "build it", "the body", is_task=True, extra={"schema": schema}
    )
    return str(sent[0].seq)


def test_a_result_that_fits_comes_with_the_notice_and_stays_with_the_task(house: House) -> None:
    name = task(house)
    answer.acknowledge(house.workspace, "@writer", name, "done", "built", Data(GOOD))
    (notice,) = house.inbox("@lead")
    assert notice.body == "built" and notice.raw["data"] == GOOD
    copy = lookup.find_copy(house.workspace, name).message
    assert copy.raw["ack"]["data"] == GOOD and copy.ack is not None and copy.ack.result == "built"


@pytest.mark.parametrize("data", [None, Data({"version": 1}), Data([]), Data(None)])
def test_a_result_that_does_not_fit_is_refused_and_nothing_is_sent(house: House, data: Data | None) -> None:
    name = task(house)
    with pytest.raises(Refused) as refused:
        answer.acknowledge(house.workspace, "@writer", name, "done", "built", data)
    assert refused.value.code == "schema"
    assert ("$.version" in str(refused.value)) == (data == Data({"version": 1}))
    assert house.inbox("@lead") == () and len(house.inbox("@writer")) == 1


def test_a_mail_that_is_rewritten_has_the_data_of_the_last(house: House) -> None:
    raw = {"from": "@writer", "subject": "s", "message": "m", "upsert_key": "k", "status": "new"}
    for number in (1, 2):
        mailbox.deliver(house.agent("lead"), {**raw, "data": number})
        assert [m.raw["data"] for m in house.inbox("lead")] == [number]
    mailbox.deliver(house.agent("lead"), raw)
    assert "data" not in house.inbox("lead")[0].raw


def test_what_is_not_done_needs_no_data(house: House) -> None:
    name = task(house)
    answer.acknowledge(house.workspace, "@writer", name, "blocked", "need X")
    answer.acknowledge(house.workspace, "@writer", name, "declined", "no")
    assert [m.subject for m in house.inbox("@lead")] == ["DECLINED: build it", "BLOCKED: build it"]


@pytest.mark.parametrize(
    "schema", [3, {"$ref": "file:///etc/passwd"}, {"$ref": "#"}, {"type": 3}, {"pattern": "(a+)+$"}, {"$schema": "x"}]
)
def test_a_hostile_schema_in_a_mail_is_told_and_the_task_can_still_be_declined(house: House, schema: object) -> None:
    """A mail may come from anywhere: nobody need have looked at its schema."""
    name = task(house, schema)
    with pytest.raises(Refused) as refused:
        answer.acknowledge(house.workspace, "@writer", name, "done", "x", Data("a" * 60 + "!"))
    assert refused.value.code == "schema"
    answer.acknowledge(house.workspace, "@writer", name, "declined", "its schema cannot be followed")


def test_data_counts_as_a_body_does(house: House) -> None:
    house.extra = "[mail]\nmax_body = 1000\n"
    house.configure()
    with pytest.raises(Refused, match=r"the data is .* and .mail. max_body is 1,000"):
        answer.acknowledge(house.workspace, "@writer", task(house, {}), "done", "x", Data("y" * 2000))
    with pytest.raises(Refused, match=r"the schema is .* max_body is 1,000"):
        task(house, {"const": "y" * 2000})


def test_said_again_after_an_interruption_nothing_is_doubled(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    name = task(house)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(post, "archive_answered", fail)
        with pytest.raises(KeyboardInterrupt), resumable_act.act_scope():
            answer.acknowledge(house.workspace, "@writer", name, "done", "built", Data(GOOD))
    with resumable_act.act_scope():
        assert answer.acknowledge(house.workspace, "@writer", name, "done", "built", Data(GOOD)).again
    assert [m.raw["data"] for m in house.inbox("@lead")] == [GOOD]


def test_data_is_passed_on(house: House) -> None:
    name = task(house)
    answer.acknowledge(house.workspace, "@writer", name, "done", "built", Data(GOOD))
    post.forward_message(house.workspace, "@lead", house.inbox("@lead")[0].id, ["@editor"], "take this")
    assert house.inbox("@editor")[0].raw["data"] == GOOD


def command(house: House, *words: str, by: str = "@writer", status: int = 0, stdin: bytes = b"") -> str:
    done = house.mailcore(*words, "--from", by, stdin=stdin)
    assert done.returncode == status, (done.stdout, done.stderr)
    return (done.stdout if not status else done.stderr).decode()


def test_the_whole_way_by_command(house: House) -> None:
    """The task with its schema, a result that does not fit, one that does, and the next step that takes it."""
    (house.root / "schema.json").write_text(json.dumps(SCHEMA))
    house.shell("writer", "true")
    command(house, "dispatch", "@writer", "build", "all", "--schema", "schema.json", by="@lead")
    (mail,) = house.inbox("writer")
    name = str(mail.seq)
    shown = command(house, "read", name)
    assert "its result is wanted as data" in shown and '"minLength": 1' in shown
    assert json.loads(command(house, "read", name, "--schema")) == SCHEMA
    assert "carries no data" in command(house, "read", name, "--data", status=3)
    assert "--data FILE" in command(house, "done", name, "built", status=3)
    assert "$.version: 3 is not of type 'string'" in command(
        house, "done", name, "--data", "-", status=3, stdin=b'{"version": 3}'
    )
    (house.root / "result.json").write_text(json.dumps(GOOD))
    command(house, "done", name, "--data", "result.json")
    # By the task's own names, and by the notice's; a key `exit` of the data is data, and no exit status.
    assert json.loads(command(house, "read", name, "--data", by="@lead")) == GOOD
    assert json.loads(command(house, "read", mail.id, "--data", by="@lead")) == GOOD
    assert "no open message" in command(house, "read", mail.id, "--data", by="@editor", status=4)
    notice = next(m for m in house.inbox("lead") if m.ack is not None)
    assert json.loads(command(house, "read", str(notice.seq), "--data", by="@lead")) == GOOD
    value: Any = json.loads(command(house, "read", str(notice.seq), "--data", "--json", by="@lead"))
    assert value == [{"id": notice.id, "seq": notice.seq, "data": GOOD}]
    assert json.loads(notice.body) == GOOD


def test_what_cannot_be_a_schema_dispatches_nobody(house: House) -> None:
    for text, words in (("{", "no JSON"), ('{"type": "x"}', "$.type"), ('{"$ref": "http://x/"}', "leads out")):
        said = command(
            house, "dispatch", "@writer", "build", "all", "--schema", "-", by="@lead", status=3, stdin=text.encode()
        )
        assert words in said
    assert house.inbox("writer") == () and house.runs("writer") == []
    assert not list(house.agent("lead").sent_dir.glob("*.json"))


def test_options_that_exclude_each_other(house: House) -> None:
    name = task(house)
    assert "both read standard input" in command(house, "done", name, "-", "--data", "-", status=2)
    assert "not both" in command(house, "done", name, "x", "--data", "a", "--data-text", "1", status=2)
    assert "say the result" in command(house, "done", name, status=2)
