"""`history` tells every send, transition, run and act, by whom and when, after all mail is gone."""

from __future__ import annotations

import json
import shutil
from datetime import datetime

import pytest

from mailcore.mail import mailbox
from tests.mailcore.conftest import House, wait_until


def test_all_of_it_after_everything_was_archived_and_pruned(house: House) -> None:
    operator = ("--from", "@operator")
    lead, writer = house.agent("@lead").branch, house.agent("@writer").branch
    house.shell("writer", "echo up; mailcore inbox; exit 0")
    one = house.json("send", "@writer", "first", "SECRET", cwd=lead)
    house.json("read", one["id"], cwd=writer)
    house.json("reply", one["id"], "b", cwd=writer)
    task = house.json("dispatch", "@writer", "task", "b", *operator)
    house.over("@writer", task["run_id"])
    house.json("ack", task["message_id"], cwd=writer)
    house.json("blocked", task["message_id"], "why", cwd=writer)
    house.json("done", task["message_id"], "it", cwd=writer)
    request = house.json("ask", "@operator", "spend", "b", cwd=writer)
    house.over("@writer", house.json("approve", request["id"], "yes", *operator)["woken"])
    house.json("accept", task["message_id"], *operator)
    house.json("archive", "restore", one["id"], cwd=writer)
    house.json("close", one["id"], cwd=writer)
    house.json("away", "*", *operator)
    for name in ("@writer", "@lead", "@operator"):
        mailbox.archive_messages(house.agent(name), [m.id for m in house.inbox(name)])
    house.json("prune", "--older", "0d", *operator)
    for agent in (*house.workspace.agents, house.workspace.operator):
        assert house.inbox(agent.address) == () and not list(agent.archive_dir.glob("*"))
    events = house.json("history")
    told = [(e["by"], e["verb"]) for e in events]
    expected = [
        ("@lead", "send"), ("@writer", "read"), ("@writer", "send"), ("@operator", "send"), ("@operator", "start"),
        ("@writer", "run attempt"), ("@writer", "run act"), ("@writer", "run ended"), ("@writer", "acknowledged"),
        ("@writer", "blocked"), ("@writer", "done"), ("@writer", "send"), ("@operator", "approved"),
        ("@operator", "accept"), ("@writer", "restore"), ("@writer", "close"), ("@operator", "away"),
        ("@operator", "prune"),
    ]  # fmt: skip
    places = iter(told)
    assert all(event in places for event in expected), told
    times = [datetime.fromisoformat(e["at"]).timestamp() for e in events]
    assert times == sorted(times) and times[0] > 0
    (first,) = [e for e in events if e.get("id") == one["id"] and e["verb"] == "send"]
    assert (first["to"], first["subject"], first["seq"]) == ("@writer", "first", one["seq"])
    act, _again = [e for e in events if e["verb"] == "run act"]
    assert (act["act"], act["run"]) == ("inbox", task["run_id"])
    assert not {"nonce", "prompt"} & {key for e in events for key in e} and "SECRET" not in json.dumps(events)
    assert len(house.mailcore("history").stdout.decode().splitlines()) == len(events)


def test_what_was_refused_is_told_too(house: House) -> None:
    inbox = house.agent("@writer").inbox
    inbox.unlink()
    inbox.mkdir()
    house.json("send", "@writer", "s", "b", "--from", "@lead", status=4)
    assert [(e["by"], e["verb"], e["to"]) for e in house.json("history")] == [("@lead", "undelivered", "@writer")]


def test_since(house: House) -> None:
    house.json("send", "@writer", "s", "b", "--from", "@lead")
    assert len(house.json("history", "--since", "1m")) == len(house.json("history", "--since", "2020-01-01")) == 1
    assert house.json("history", "--since", "2999-01-01") == []
    for when in ("soon", "²h", "h", "9" * 400 + "d", "1w", "0001-01-01"):
        assert house.json("history", "--since", when, status=2)["error"]["code"] == "usage"


@pytest.mark.parametrize(
    "line", [b'{"verb": ["x"]}', b"{", b'{"at": 5, "verb": "x\\u001b[2J\\ny", "by": ["@a"]}', b"\xff" * 9]
)
def test_a_torn_or_strange_audit_is_read_all_the_same(house: House, line: bytes) -> None:
    house.json("send", "@writer", "s", "b", "--from", "@lead")
    path = house.root / ".praxmonitor" / "audit.jsonl"
    path.write_bytes(line + b"\n" + path.read_bytes() + line)
    house.json("send", "@writer", "t", "b", "--from", "@lead")
    assert [e["subject"] for e in house.json("history") if e["verb"] == "send"] == ["s", "t"]
    text = house.mailcore("history").stdout.decode()
    assert "\x1b" not in text and len(text.splitlines()) == len(house.json("history"))


def test_nothing_has_happened_and_branches_that_are_gone(house: House) -> None:
    assert house.json("history") == [] and b"nothing has happened" in house.mailcore("history").stdout
    shutil.rmtree(house.agent("@writer").branch)
    house.json("send", "@editor", "s", "b", "--from", "@lead")
    assert [e["verb"] for e in house.json("history")] == ["send"]
    wait_until(lambda: not house.agent("@editor").dispatch_lock.exists())
