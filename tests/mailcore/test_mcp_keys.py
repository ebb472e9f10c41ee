"""Who a client of the MCP server is: by a key that the operator issued, by its run, or by its directory."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from mailcore.formats import journal
from mailcore.mail import approvals, post
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.test_mcp import Agent, spoken

pytestmark = pytest.mark.anyio
OPERATOR = ("--from", "@operator")


def issued(house: House, agent: str, *may: str) -> tuple[str, Path]:
    """A new key's id, and the file that a client's config names."""
    made = house.json("mcp", "key", "new", agent, *(f"--may={one}" for one in may), *OPERATOR)
    path = house.root.parent / f"{made['id']}.key"
    path.touch(0o600)
    path.write_text(made["key"] + "\n")
    return made["id"], path


@asynccontextmanager
async def client(house: House, *, cwd: Path | None = None, **env: str) -> AsyncIterator[Agent]:
    """A client whose config names these variables, and whose server runs at the workspace's root or elsewhere."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "mailcore.cli", "mcp"],
        cwd=str(cwd or house.root),
        env={**os.environ, "MAILCORE_ROOT": str(house.root), **env},
    )
    async with Client(server) as connection:
        yield Agent(connection)


def audit(house: House, *verbs: str) -> list[dict[str, Any]]:
    return [act for act in journal.read_records(house.workspace.state_dir / "audit.jsonl") if act["verb"] in verbs]


async def test_a_client_without_a_directory_is_whom_its_key_names(house: House, tmp_path: Path) -> None:
    number, file = issued(house, "@writer")
    post.send_mail(house.workspace, "@lead", ["@editor"], "between others", "b")
    async with client(house, cwd=tmp_path, MAILCORE_KEY_FILE=str(file)) as writer:
        who = await writer("whoami")
        assert (who["address"], who["how"]) == ("@writer", "key") and number in who["evidence"][-1]
        await writer("send", to="@lead", subject="s", body="b")
        (mail,) = house.inbox("@lead")
        assert (mail.sender, mail.proof) == ("@writer", "key")
        assert [act["proof"] for act in audit(house, "send") if act["by"] == "@writer"] == ["key"]
        assert "visibility" in await writer.refused("inbox", agent="@editor")
        assert await writer("search", words="between") == []
        assert "visibility" in await writer.refused("thread", id=1)
    text = file.read_text().strip()
    async with client(house, cwd=tmp_path, MAILCORE_KEY=text) as writer:
        assert (await writer("whoami"))["address"] == "@writer"


async def test_a_key_is_shown_once_and_kept_as_a_salted_hash(house: House) -> None:
    number, file = issued(house, "@writer")
    other, _ = issued(house, "@writer")
    secret = file.read_text().strip().removeprefix(f"mck_{number}_")
    assert len(secret) == 43, "which may hold an _ itself"
    for path in house.root.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
    kept = house.workspace.state_dir / "keys.json"
    rows = json.loads(kept.read_text())["keys"]
    assert kept.stat().st_mode & 0o777 == 0o600 and rows[0]["salt"] != rows[1]["salt"]
    listed = house.json("mcp", "key", "list", *OPERATOR)
    assert [one["id"] for one in listed] == [number, other] and "hash" not in listed[0]
    acts = audit(house, "key new")
    assert [(one["by"], one["agent"], one["key"]) for one in acts] == [
        ("@operator", "@writer", number), ("@operator", "@writer", other),
    ]  # fmt: skip
    done = house.mailcore("mcp", "key", "new", "@lead", *OPERATOR)
    assert done.stdout.startswith(b"mck_") and len(done.stdout.split()) == 1 and b"MAILCORE_KEY_FILE" in done.stderr


async def test_only_the_operator_issues_lists_and_revokes(house: House) -> None:
    number, _ = issued(house, "@writer")
    writer = house.agent("@writer").branch
    for words in (["new", "@writer"], ["new", "@operator", "--may=approve"], ["list"], ["revoke", number]):
        assert house.json("mcp", "key", *words, cwd=writer, status=3)["error"]["code"] == "identity"
    assert len(audit(house, "key new", "key revoke")) == 1


async def test_a_revoked_key_opens_nothing_from_then_on(house: House) -> None:
    number, file = issued(house, "@writer")
    kept = house.workspace.state_dir / "keys.json"
    before = kept.read_bytes()
    async with client(house, MAILCORE_KEY_FILE=str(file)) as writer:
        assert (await writer("whoami"))["address"] == "@writer"
        assert house.json("mcp", "key", "revoke", number, *OPERATOR)["id"] == number
        assert "revoked" in await writer.refused("inbox")
        kept.write_bytes(before)  # put back by hand: the audit knows better
        assert "no line of the audit" in await writer.refused("inbox")
    told = house.mailcore("doctor").stdout.decode()
    assert f"key {number} of @writer" in told and "was put there by hand" in told
    assert house.json("mcp", "key", "revoke", "0000", *OPERATOR, status=4)["error"]["code"] == "no_key"


async def test_what_is_no_key_of_here_is_refused_and_nothing_is_guessed(house: House, tmp_path: Path) -> None:
    """A client with a key is nobody without it, whatever directory its server runs in."""
    _, file = issued(house, "@lead")
    writer = house.agent("@writer").branch
    for text in ("mck_00000000_guess", "", file.read_text().strip() + "x", "no key"):
        wrong = tmp_path / "wrong"
        wrong.touch(0o600)
        wrong.write_text(text)
        async with client(house, cwd=writer, MAILCORE_KEY_FILE=str(wrong)) as stranger:
            for verb in ("whoami", "inbox", "tasks", "agents"):
                assert "holds no key" in await stranger.refused(verb), (text, verb)
    async with client(house, cwd=writer, MAILCORE_KEY_FILE=str(tmp_path / "none")) as stranger:
        assert "No such file" in await stranger.refused("whoami")
    file.chmod(0o644)
    async with client(house, MAILCORE_KEY_FILE=str(file)) as lead:
        assert "others may read it" in await lead.refused("whoami")


async def test_a_key_is_good_for_what_it_was_issued_for(house: House) -> None:
    _, file = issued(house, "@writer", "inbox,send", "search")
    async with client(house, MAILCORE_KEY_FILE=str(file)) as writer:
        tools = {tool.name for tool in (await writer.client.list_tools()).tools}
        assert tools == {"whoami", "inbox", "send", "search"}
        await writer("send", to="@lead", subject="s", body="b")
        assert "was not issued for close" in await writer.refused("close", every=True)
    assert "no verb" in house.json("mcp", "key", "new", "@writer", "--may=fly", *OPERATOR, status=2)["error"]["message"]
    assert "--may" in house.json("mcp", "key", "new", "@operator", *OPERATOR, status=2)["error"]["message"]


async def test_the_person_does_by_key_what_the_key_was_issued_for(house: House) -> None:
    asked = [
        approvals.request_approval(house.workspace, "@writer", "@operator", "@operator", name, "b", 1)
        for name in ("a", "b")
    ]
    _, reads = issued(house, "@operator", "inbox,read,away,send")
    _, decides = issued(house, "@operator", "inbox,approve,deny")
    async with client(house, MAILCORE_KEY_FILE=str(reads)) as person:
        assert [one["subject"] for one in await person("inbox")] == ["b", "a"]
        assert [one["id"] for one in await person("inbox", agent="@writer")] == []
        assert "was not issued for approve" in await person.refused("approve", id=asked[0].seq, why="yes")
        assert (await person("away", until="noon"))["away"] == "noon"
    async with client(house, MAILCORE_KEY_FILE=str(decides)) as person:
        await person("approve", id=asked[0].seq, why="up to 20")
        await person("deny", id=asked[1].seq, why="not now")
    decided = audit(house, "approved", "denied")
    assert [(act["verb"], act["by"], act["proof"]) for act in decided] == [
        ("approved", "@operator", "key"), ("denied", "@operator", "key"),
    ]  # fmt: skip
    assert [(m.sender, m.proof) for m in house.inbox("@writer")] == [("@operator", "key")] * 2


async def test_an_approver_decides_by_key_only_if_it_was_issued_for_that(house: House) -> None:
    house.extra = '[approval.tiers.1]\napprover = "@lead"'
    house.configure()
    asked = house.json("ask", "@lead", "may I", "b", "--tier=1", cwd=house.agent("@writer").branch)
    _, plain = issued(house, "@lead")
    _, decides = issued(house, "@lead", "approve")
    async with client(house, MAILCORE_KEY_FILE=str(plain)) as lead:
        assert "approve" not in {tool.name for tool in (await lead.client.list_tools()).tools}
        assert "was not issued for approve" in await lead.refused("approve", id=asked["seq"], why="yes")
    async with client(house, MAILCORE_KEY_FILE=str(decides)) as lead:
        await lead("approve", id=asked["seq"], why="yes")
    assert [act["by"] for act in audit(house, "approved")] == ["@lead"]


async def test_where_the_passphrase_is_wanted_a_key_is_none(house: House) -> None:
    request = approvals.request_approval(house.workspace, "@writer", "@operator", "@operator", "may I", "b", 1)
    _, file = issued(house, "@operator", "approve")
    house.extra = '[operator]\nproof = "passphrase"'
    house.configure()
    async with client(house, MAILCORE_KEY_FILE=str(file)) as person:
        assert "passphrase" in await person.refused("approve", id=request.seq, why="yes")
    assert audit(house, "approved") == []


async def test_within_a_run_no_key_takes_another_name(house: House, tmp_path: Path) -> None:
    """The run's own program starts a server with a key that it found: it stays who it is."""
    _, file = issued(house, "@operator", "approve,inbox")
    _, own = issued(house, "@writer", "inbox")
    ways = {"other": str(file), "own": str(own)}
    script = [
        f"(cd /; env -i HOME=/ PATH=$PATH MAILCORE_ROOT={house.root} MAILCORE_KEY_FILE={key} {sys.executable} -m "
        f"mailcore.cli mcp <{tmp_path}/says >{tmp_path}/{name}.part; mv {tmp_path}/{name}.part {tmp_path}/{name})"
        for name, key in ways.items()
    ]
    (tmp_path / "says").write_bytes(spoken({"name": "whoami", "arguments": {}}, {"name": "close", "arguments": {}}))
    house.shell("writer", "\n".join(["echo up", *script]))
    house.over("@writer", house.started("@lead", "@writer"))
    said = {}
    for name in ways:
        path = tmp_path / name
        wait_until(path.exists, what=f"{name} answers")
        said[name] = {one["id"]: one["result"] for one in map(json.loads, path.read_text().splitlines())}
    assert "no other name is taken" in said["other"][2]["content"][0]["text"]
    who = said["own"][2]["structuredContent"]
    assert (who["address"], who["how"]) == ("@writer", "run")
    assert "was not issued for close" in said["own"][3]["content"][0]["text"], "a limit holds within a run too"


async def test_a_client_at_a_persons_place_is_nobody_without_a_key(house: House) -> None:
    """At the root a command looks with the operator's eyes; a client looks with nobody's."""
    post.send_mail(house.workspace, "@lead", ["@editor"], "between others", "b")
    async with client(house) as nobody:
        for verb, words in (("search", {"words": "between"}), ("thread", {"id": 1}), ("trace", {"id": 1}), ("sent", {}),
                            ("history", {}), ("archive", {}), ("inbox", {"agent": "@editor"})):  # fmt: skip
            assert "identity" in await nobody.refused(verb, **words), verb
