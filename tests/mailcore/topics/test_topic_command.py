"""`mailcore topic` as an agent and a person call it, and the tool of that name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.mailcore.conftest import House
from tests.mailcore.test_mcp import agents

SCHEMA = {"type": "object", "required": ["version"], "properties": {"version": {"type": "string"}}}


def run(house: House, *words: str, by: str = "@lead", status: int = 0, stdin: bytes = b"") -> str:
    done = house.mailcore("topic", *words, "--from", by, stdin=stdin)
    assert done.returncode == status, (done.stdout, done.stderr)
    return (done.stdout if not status else done.stderr).decode()


def test_from_nothing_to_what_is_read(house: House) -> None:
    assert "no topics yet" in run(house)
    run(house, "create", "release", "--about", "what is out", "--schema", "-", stdin=json.dumps(SCHEMA).encode())
    assert "@writer subscribes to #release" in run(house, "subscribe", "#release", by="@writer")
    assert "subscribes to #release already" in run(house, "subscribe", "release", by="@writer")
    said = run(house, "publish", "release", "1.2", "--data", "-", stdin=b'{"version": "1.2"}')
    assert said.startswith("published in #release as ") and said.rstrip().endswith(": for 1 agent")
    assert "#release" in run(house, "list") and "1 subscriber" in run(house, "list")
    shown = run(house, "show", "release", by="@writer")
    assert "subscribers: @writer" in shown and '"version": "1.2"' in shown and "begins ===" in shown
    (row,) = json.loads(run(house, "list", "--json"))
    assert row["name"] == "release" and row["schema"] == SCHEMA and row["published"] == 1
    assert "gets no more of #release" in run(house, "unsubscribe", "release", by="@writer")


def test_what_does_not_fit_is_refused_in_words(house: House) -> None:
    run(house, "create", "release", "--schema-text", json.dumps(SCHEMA))
    said = run(house, "publish", "release", "1.2", "--data-text", '{"version": 1.2}', status=3)
    assert "$.version: 1.2 is not of type 'string'" in said
    error = json.loads(house.mailcore("topic", "publish", "release", "x", "no", "--json", "--from", "@lead").stdout)
    assert error["error"]["code"] == "schema"


@pytest.mark.parametrize(
    "words",
    [
        ("publish",), ("publish", "release"), ("publish", "release", "s"), ("show",), ("create", "a/b"),
        ("publish", "release", "s", "b", "more"), ("subscribe", "release", "@writer", "@editor"),
        ("show", "release", "x"), ("publish", "release", "s", "-", "--data", "-"), ("create", "x", "--retain", "0"),
        ("sing", "release"), ("publish", "release", " ", "b"),
    ],
)  # fmt: skip
def test_a_call_that_makes_no_sense_is_told(house: House, words: tuple[str, ...]) -> None:
    run(house, "create", "release")
    assert run(house, *words, status=2)


def test_only_the_operator_subscribes_others(house: House) -> None:
    run(house, "create", "release")
    done = house.mailcore("topic", "subscribe", "release", "@editor", cwd=house.agent("writer").branch)
    assert done.returncode == 3 and b"only @operator can do this" in done.stderr


def test_hostile_words_of_others_end_no_frame_and_reach_no_terminal(house: House) -> None:
    run(house, "create", "news", "--about", "x\x1b[2J\n#other fake")
    run(house, "publish", "news", "s\x1b]0;t\x07\n=== message", "b\x1b[31m\u202e")
    for words in (("list",), ("show", "news"), ("show", "news", "--json"), ("list", "--json")):
        said = run(house, *words)
        assert "\x1b" not in said and "\x07" not in said and "\u202e" not in said
        assert not any(line.startswith("#other") for line in said.splitlines())


@pytest.mark.anyio
async def test_agents_publish_and_hand_results_on_over_mcp(house: House) -> None:
    async with agents(house, "lead", "writer") as (lead, writer):
        await lead("topic", what="create", name="release", schema=SCHEMA, about="what is out")
        await writer("topic", what="subscribe", name="#release")
        data: dict[str, Any] = {"version": "1.2"}
        done = await lead("topic", what="publish", name="release", subject="1.2", data=data)
        assert done["given"] == ["@writer"]
        (mail,) = await writer("inbox")
        assert mail["data"] == data and mail["topic"] == "release"
        said = await lead.refused("topic", what="publish", name="release", subject="1.3", data={"version": 1.3})
        assert "$.version" in said
        assert (await lead("topic"))[0]["subscribers"] == ["@writer"]
        assert (await lead("topic", what="show", name="release"))["last"][0]["data"] == data
        await lead("hold", agent="@writer", why="no run")
        task = await lead("dispatch", to="@writer", subject="count", body="all", schema=SCHEMA)
        assert "--data FILE" in await writer.refused("done", id=task["message_id"], result="x")
        await writer("done", id=task["message_id"], data=data)
        (told,) = [one for one in await lead("inbox") if "ack" in one]
        assert told["data"] == data
