"""A real client of the official SDK drives two servers, as two agents who talk."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from mailcore.cli import VERBS
from mailcore.mail import approvals, post
from mailcore.mcp.tools import NOT_SERVED
from tests.mailcore.conftest import MARK, House, marked, wait_until

pytestmark = pytest.mark.anyio
ROOT = Path(__file__).parents[2]


def parameters(house: House, name: str, **env: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "mailcore.cli", "mcp"],
        cwd=str(house.agent(name).branch),
        env={**os.environ, **env},
    )


class Agent:
    """An agent that speaks MCP."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def __call__(self, tool: str, **arguments: Any) -> Any:
        result = await self.client.call_tool(tool, arguments)
        text = "".join(part.text for part in result.content if part.type == "text")
        assert not result.is_error, text
        content = result.structured_content
        return content["result"] if content is not None and set(content) == {"result"} else content

    async def refused(self, tool: str, **arguments: Any) -> str:
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, result
        return "".join(part.text for part in result.content if part.type == "text")


@asynccontextmanager
async def agents(house: House, *names: str) -> AsyncIterator[list[Agent]]:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(parameters(house, name))) for name in names]
        yield [Agent(client) for client in clients]


async def test_urgent_tasks_and_answers_say_whom_they_wake_and_a_wait_for_anything_hears(house: House) -> None:
    house.shell("editor", "echo up; until [ -e go ]; do sleep 0.02; done")
    async with agents(house, "@writer", "@lead") as (writer, lead):
        task = await lead("dispatch", to="@editor", subject="s", body="b", priority="high")
        assert task["run_id"] and house.inbox("editor")[0].priority == "high"
        asked = await writer("send", to="@lead", subject="Which?", body="a or b", priority="high")
        assert asked["woken"]
        house.over("@lead", asked["woken"])
        heard = await lead("wait", any=True)
        assert [one["subject"] for one in heard["settled"]] == ["Which?"]
        told = await lead("reply", id=asked["id"], body="b")
        assert told["woken"] and house.over("@writer", told["woken"])
        (house.agent("@editor").branch / "go").touch()
        (ended,) = (await lead("wait", any=True))["settled"]
        assert (ended["state"], ended["by"]) == ("completed", "@editor")
        assert "usage" in await lead.refused("wait", timeout=1)


async def test_an_agent_finds_its_own_mail(house: House) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "invoice of May", "b")
    post.send_mail(house.workspace, "@lead", ["@editor"], "invoice of June", "b")
    async with agents(house, "writer") as [writer]:
        found = await writer("search", words="invoice", agent="@lead", since="1h", state="open")
        assert [one["subject"] for one in found] == ["invoice of May"]
        assert await writer("search", words=["invoice", "june"]) == []


async def test_an_agent_reads_what_was_said(house: House) -> None:
    async with agents(house, "writer", "lead") as (writer, lead):
        first = await lead("send", to="@writer", subject="style", body="British?")
        await writer("send", to="@lead", subject="more", body="b", reply_to=first["seq"])
        said = await writer("thread", id=first["seq"])
        assert [one["subject"] for one in said["messages"]] == ["style", "more"]
        assert [one["became"] for one in await lead("sent")] == ["answered"]
        assert "close ID" in await writer.refused("close")
        assert len((await writer("close", every=True))["closed"]) == 1
        assert await lead("close", ids="latest") == [(await writer("sent"))[0]["id"]]


async def test_two_agents_talk(house: House) -> None:
    async with agents(house, "@writer", "@editor") as (writer, editor):
        assert (await writer("whoami"))["address"] == "@writer"
        sent = await writer("send", to=["@editor"], subject="-s --from @lead", body="-")
        (mail,) = await editor("inbox")
        assert (mail["from"], mail["subject"], mail["message"].strip()) == ("@writer", "-s --from @lead", "-")
        assert mail["status"] == "new"
        assert (await editor("read", ids=[f"#{sent['seq']}"]))[0]["status"] == "opened"
        assert await editor("inbox") != []
        awaited: list[Any] = []
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                awaited.append(await writer("wait", ids=[sent["id"]], timeout=20))

            group.start_soon(wait)
            await editor("reply", id=sent["id"], body="--json is fine")
        (settled,) = awaited[0]["settled"]
        assert (settled["state"], settled["text"], awaited[0]["timed_out"]) == ("reply", "--json is fine", False)
        (answer,) = await writer("inbox")
        for verb, word in (("blocked", "why"), ("done", "result")):
            told = await writer(verb, id=answer["id"], **{word: f"-{verb}"})
            assert told["to"] == "@editor" and told["delivered"] is True
        assert [m["ack"]["state"] for m in await editor("inbox")] == ["done", "blocked"]
        declined = await editor("send", to=["@writer"], subject="s", body="b", priority="low", key="k")
        assert (await editor("send", to=["@writer"], subject="t", body="b", priority="low", key="k")) == declined
        await writer("declined", id=declined["id"], why="no time")
        assert await writer("inbox") == []
        assert len(await editor("send", to=["@all"], subject="s", body="b")) == 2


async def test_presence_and_approval(house: House) -> None:
    async with agents(house, "@writer") as (writer,):
        rows = {row["address"]: row for row in await writer("agents")}
        assert rows["@operator"]["present"] == "not seen yet" and rows["@editor"]["present"] == "idle"
        house.json("away", "Monday", "--from", "@operator")
        rows = {row["address"]: row for row in await writer("agents")}
        assert rows["@operator"]["present"] == "away until Monday" and rows["@writer"]["unread"] == 0
        request = await writer("ask", to="@operator", subject="spend", body="5 $", tier=3)
        waiting = await writer("wait", ids=[request["id"]], want="approval", every=True, timeout=0)
        assert waiting["timed_out"] is True
        approvals.decide(house.workspace, "@operator", request["id"], "approved", "yes")
        waiting = await writer("wait", ids=[request["id"]], want="approval", timeout=20)
        assert [one["state"] for one in waiting["settled"]] == ["approved"]


async def test_what_is_refused_is_said_in_words_and_the_server_goes_on(house: House) -> None:
    async with agents(house, "@writer") as (writer,):
        assert "unknown_agent" in await writer.refused("send", to=["@nobody"], subject="s", body="b")
        assert "usage" in await writer.refused("send", to=[], subject="s", body="b")
        assert "usage" in await writer.refused("send", to=["--from=@lead"], subject="s", body="b")
        assert "no_message" in await writer.refused("read", ids=["4711"])
        assert "approver" in await writer.refused("ask", to="@lead", subject="s", body="b")
        assert "a number of seconds from 0 up" in await writer.refused("wait", ids=["1"], timeout=-1)
        for text in ("--from=@lead", "--json", "-", "--"):  # text is never an option, nor standard input
            sent = await writer("send", to=["@editor"], subject=text, body=text)
            (mail, *_) = house.inbox("@editor")
            assert (mail.id, mail.sender, mail.subject.strip(), mail.body.strip()) == (
                sent["id"],
                "@writer",
                text,
                text,
            )
        await writer.refused("send", to=["@lead"], subject="s", body="b", priority="urgent")
        assert house.inbox("@lead") == () and (await writer("whoami"))["address"] == "@writer"


async def test_every_verb_that_an_agent_may_use_is_a_tool(house: House) -> None:
    async with agents(house, "@writer") as (writer,):
        tools = {tool.name: tool for tool in (await writer.client.list_tools()).tools}
        assert set(tools) == set(VERBS) - NOT_SERVED.keys() - {"away"}
        assert not any({"from", "sender"} & set(tool.input_schema["properties"]) for tool in tools.values())
        assert all(tool.description for tool in tools.values()) and all(NOT_SERVED.values())
        for tool in tools.values():
            for name, schema in tool.input_schema["properties"].items():
                kinds = [one.get("type") for one in schema.get("anyOf", [schema])]
                assert "array" not in kinds or "string" in str(kinds), (tool.name, name)
                assert name not in ("id", "ids") or "integer" in str(schema), (tool.name, name)


async def test_an_agent_does_over_mcp_what_it_does_by_command(house: House) -> None:
    """Each tool that no other test here calls, once."""
    house.shell("editor", "echo up; until [ -e go ]; do sleep 0.02; done")
    async with agents(house, "writer", "lead", "editor") as (writer, lead, editor):
        task = await lead("dispatch", to="@editor", subject="s", body="b")
        assert (await lead("runs", agent="@editor"))[0]["run_id"] == task["run_id"]
        assert (await editor("run", target="@editor"))["run"]["run_id"] == task["run_id"]
        assert (await lead("tasks"))[0]["id"] == task["message_id"]
        held = await lead("hold", agent="@writer", why="review")
        assert held == {"held": "@writer"}
        assert "held" in await lead.refused("wake", agent="@writer", prompt="go on")
        assert (await lead("release", agent="@writer"))["released"] == "@writer"
        assert "identity" in await writer.refused("kill", target="@editor")
        assert (await lead("kill", target="@editor"))["address"] == "@editor"
        retried = await lead("retry", target="@editor")
        assert retried["run_id"] and await lead("queue") == []
        assert "abcd" in await lead.refused("queue", cancel="abcd")
        assert "abcd" in await lead.refused("queue", move="abcd", place="last")
        assert "abcd" in await lead.refused("queue", now="abcd")
        (house.agent("@editor").branch / "go").touch()
        house.over("@editor", retried["run_id"])
        reviewed = await lead("review", target=retried["run_id"], by="@writer")
        assert reviewed["message_id"], reviewed
        mail = await writer("send", to="@lead", subject="Which?", body="a or b")
        assert (await lead("forward", id=mail["seq"], to="@editor", note="yours"))["to"] == "@editor"
        assert (await writer("trace", id=mail["seq"]))["rung"] == "stored"
        await lead("close", ids=mail["id"])
        assert [one["id"] for one in await lead("archive", what="search", text="which")] == [mail["id"]]
        assert (await lead("archive", what="restore", text=mail["id"]))["status"] == "opened"
        given = post.send_mail(house.workspace, "@lead", ["@writer"], "a task", "b", is_task=True)[0]
        await writer("ack", id=given.seq)
        await writer("done", id=given.seq, result="there")
        (told,) = [one for one in await lead("inbox") if (one.get("ack") or {}).get("state") == "done"]
        assert (await lead("accept", id=told["seq"]))["task"]
        given = post.send_mail(house.workspace, "@lead", ["@writer"], "another", "b", is_task=True)[0]
        await writer("done", id=given.seq, result="there")
        (told,) = [one for one in await lead("inbox") if one["subject"].endswith("another")]
        assert (await lead("reopen", id=told["seq"], why="half of it"))["to"] == "@writer"
        assert any(act["verb"] == "reopen" for act in await lead("history", since="1h"))
        assert len(await lead("config", explain="alarms.repeat")) == 1
        assert (await lead("usage", days="3"))["by"] == "agent" and "checks" in await lead("doctor")
        assert (await writer("prune", older="30d", dry_run=True))["files"] == [] and await writer("repair") == []
        assert (await lead("agent", what="add", which="new=agents/new"))["address"] == "@new"


async def test_no_tool_decides_for_who_may_not(house: House) -> None:
    request = approvals.request_approval(house.workspace, "@writer", "@operator", "@operator", "may I", "b", 1)
    async with agents(house, "@writer") as (writer,):
        for verb in ("approve", "deny"):
            assert "only @operator can do this" in await writer.refused(verb, id=request.seq, why="yes")
        assert "only @operator can do this" in await writer.refused("away", until="noon")


async def test_within_a_run_it_is_the_runs_agent(house: House) -> None:
    """The identity of the server is the chain's: a stale run is refused, not guessed around."""
    stale = {"MAILCORE_RUN_ID": "r", "MAILCORE_NONCE": "n", "MAILCORE_AGENT": "@editor"}
    async with Client(parameters(house, "@writer", **stale)) as client:
        assert "identity" in await Agent(client).refused("whoami")


async def test_outside_the_agents_directories_a_server_shows_nobodys_mail(house: House) -> None:
    """There the command looks with the operator's eyes; an agent that speaks MCP is never the operator."""
    outside = parameters(house, "@writer").model_copy(update={"cwd": str(house.root)})
    async with Client(outside) as client:
        assert "identity" in await Agent(client).refused("inbox")


async def test_a_client_that_leaves_in_the_midst_of_a_wait_takes_its_server_with_it(house: House) -> None:
    sent = post.send_mail(house.workspace, "@writer", ["@editor"], "s", "b")[0]
    begun = time.monotonic()
    async with agents(house, "@writer") as (writer,):
        with anyio.move_on_after(0.5):
            await writer("wait", ids=[sent.id], timeout=600)
    assert time.monotonic() - begun < 10  # and the house sees that no process of it is left


async def test_a_wait_that_is_cancelled_leaves_nothing(house: House) -> None:
    """No thread, no watch, no sign that somebody waits: the server is as it was, and answers."""
    sent = post.send_mail(house.workspace, "@writer", ["@editor"], "s", "b")[0]
    waits = house.agent("@writer").mail_dir / ".waits"

    def waiting() -> int:
        return len(list(waits.glob("*")))

    async with agents(house, "@writer") as (writer,):
        await writer("wait", ids=sent.id, timeout=0)  # its imports, and the thread that is kept
        (server,) = [pid for pid, command in marked(os.environ[MARK]).items() if command.endswith("mcp")]

        def holds() -> tuple[int, int]:
            return len(list(Path(f"/proc/{server}/task").iterdir())), len(list(Path(f"/proc/{server}/fd").iterdir()))

        before = holds()
        async with anyio.create_task_group() as group:
            for _ in range(100):
                group.start_soon(partial(writer, "wait", ids=[sent.id], timeout=600))
            begun = partial(wait_until, lambda: waiting() == 100, 30, "all of them wait")
            await anyio.to_thread.run_sync(begun)
            group.cancel_scope.cancel()
        assert (await writer("whoami"))["address"] == "@writer"

        def over() -> bool:
            # Threads that have nothing to do are kept for the next call, and end later.
            return waiting() == 0 and holds()[1] <= before[1]

        await anyio.to_thread.run_sync(partial(wait_until, over, 20, "nothing of them is left"))
        post.reply_to(house.workspace, "@editor", sent.id, "yes")
        assert (await writer("wait", ids=sent.id, timeout=20))["settled"][0]["text"] == "yes"


async def test_a_number_and_a_single_name_are_understood(house: House) -> None:
    """Models write `12`, and one address where a list is: both mean something."""
    async with agents(house, "@writer", "@editor") as (writer, editor):
        sent = await writer("send", to="@editor", subject=2026, body=7)
        (mail,) = await editor("inbox")
        assert (mail["subject"], mail["message"], mail["seq"]) == ("2026", "7", sent["seq"])
        assert (await editor("read", ids=mail["seq"]))[0]["id"] == mail["id"]
        assert (await editor("read", ids=[mail["seq"], mail["id"]]))[0]["id"] == mail["id"]
        assert (await writer("wait", ids=sent["seq"], timeout=0))["timed_out"] is True
        assert (await editor("done", id=mail["seq"], result="ok"))["delivered"] is True
        (told,) = await writer("inbox")
        assert (await writer("reply", id=told["seq"], body=42))["to"] == "@editor"
        assert "validation error" in await writer.refused("reply", id=["a", "b"], body="x")
        assert "validation error" in await writer.refused("done", id=True, result="x")


def spoken(*requests: dict[str, Any]) -> bytes:
    """What a client says: the handshake, then these, numbered from 2 on."""
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    said: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": client},
        {"method": "notifications/initialized"},
        *({"id": n, "method": "tools/call", "params": one} for n, one in enumerate(requests, 2)),
    ]
    return b"".join(json.dumps({"jsonrpc": "2.0", **one}).encode() + b"\n" for one in said)


@pytest.mark.parametrize("gone", [False, True], ids=["outside", "removed"])
def test_without_a_workspace_a_client_gets_an_answer(
    house: House, tmp_path_factory: pytest.TempPathFactory, gone: bool
) -> None:
    place = tmp_path_factory.mktemp("empty")
    says = spoken({"name": "inbox", "arguments": {}}, {"name": "whoami", "arguments": {}})
    leave = f"rmdir '{place}';" if gone else ""
    command = [*("bash", "-c"), f"cd '{place}'; {leave} exec '{sys.executable}' -m mailcore.cli mcp"]
    done = house.mailcore(program=command, stdin=says, env={"PYTHONPATH": str(ROOT)})
    answers = {one["id"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert answers.keys() == {1, 2, 3} and done.returncode == 0, done
    for n in (2, 3):
        assert answers[n]["result"]["isError"] is True
        assert gone or "no_workspace" in answers[n]["result"]["content"][0]["text"]


def test_what_is_under_way_when_the_client_goes_is_done(house: House) -> None:
    """Standard input ends behind the last request, as of a script's: its acts stand, its waits go with it."""
    sent = post.send_mail(house.workspace, "@writer", ["@editor"], "s", "b")[0]
    says = spoken(
        {"name": "wait", "arguments": {"ids": [sent.id], "timeout": 600}},
        {"name": "send", "arguments": {"to": "@editor", "subject": "last", "body": "word"}},
    )
    begun = time.monotonic()
    done = house.mailcore("mcp", stdin=says, cwd=house.agent("@writer").branch)
    assert done.returncode == 0 and time.monotonic() - begun < 20
    assert [m.subject for m in house.inbox("@editor")] == ["last", "s"]


async def test_a_hundred_waits_keep_no_other_verb_out(house: House) -> None:
    sent = post.send_mail(house.workspace, "@writer", ["@editor"], "s", "b")[0]
    async with agents(house, "@writer") as (writer,):
        heard: list[Any] = []
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                heard.append(await writer("wait", ids=[sent.id], timeout=60))

            for _ in range(100):
                group.start_soon(wait)
            waits = house.agent("@writer").mail_dir / ".waits"
            begun = partial(wait_until, lambda: len(list(waits.glob("*"))) == 100, 30, "all of them wait")
            await anyio.to_thread.run_sync(begun)
            assert (await writer("whoami"))["address"] == "@writer"
            post.reply_to(house.workspace, "@editor", sent.id, "yes")
        assert {one["settled"][0]["text"] for one in heard} == {"yes"} and len(heard) == 100


def test_outside_a_workspace_it_says_so_at_once(house: House, tmp_path_factory: pytest.TempPathFactory) -> None:
    done = house.mailcore("mcp", "--json", cwd=tmp_path_factory.mktemp("empty"))
    assert done.returncode == 2 and json.loads(done.stdout)["error"]["code"] == "no_workspace"
