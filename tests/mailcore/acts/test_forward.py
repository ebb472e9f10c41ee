"""A command about an agent of another host, as a person types it: done there, told here, with its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mailcore.config import Config
from mailcore.dispatch.remote_attach import remote_attachment
from mailcore.exceptions import MailcoreError
from mailcore.hosts.ask_socket import look_there
from mailcore.hosts.asked_acts import asked_acts, sign_act
from mailcore.hosts.directory import find_agent, read_host, write_host
from tests.mailcore.acts.conftest import Carrying, Pair
from tests.mailcore.conftest import wait_until


def command(pair: Pair, *words: str, **how: Any) -> subprocess.CompletedProcess[bytes]:
    return pair.alpha.mailcore(*words, "--from", "@operator", **how)


def said(pair: Pair, *words: str, status: int = 0) -> Any:
    done = command(pair, *words, "--json")
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return json.loads(done.stdout)


def test_a_verb_is_carried_out_where_its_agent_lives(pair: Pair, carrying: Carrying) -> None:
    del carrying
    done = command(pair, "hold", "@writer.beta", "it rains")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"@writer is held: mail arrives, nothing starts\n"
    assert "it rains" in (pair.beta.agent("writer").mail_dir / ".hold").read_text()
    assert not (pair.alpha.agent("writer").mail_dir / ".hold").exists()
    assert said(pair, "release", "@writer.beta")["released"] == "@writer"


def test_a_host_can_be_named_where_no_agent_is(pair: Pair, carrying: Carrying) -> None:
    del carrying
    assert said(pair, "hold", "--all", "--host", "beta", "night") == {"held": "all"}
    assert (pair.beta.root / ".praxmonitor" / ".hold").exists()
    rows = said(pair, "agents", "--host=beta")
    assert "@writer" in json.dumps(rows)


def test_its_refusal_and_exit_status_are_that_hosts(pair: Pair, carrying: Carrying) -> None:
    del carrying
    here = command(pair, "kill", "@writer")
    there = command(pair, "kill", "@writer.beta")
    assert (there.returncode, there.stderr) == (here.returncode, here.stderr)
    assert said(pair, "kill", "@writer.beta", status=3)["error"]["code"] == "not_running"
    assert command(pair, "wake", "@nobody.beta").returncode == 3


def test_a_task_begins_there_and_its_run_can_be_read_and_ended(pair: Pair, carrying: Carrying) -> None:
    del carrying
    pair.beta.shell("writer", "echo up; exec sleep 60")
    begun = said(pair, "dispatch", "--host", "beta", "@writer", "a task", "-")
    assert begun["run_id"]
    pair.beta.attempt_pid("writer", begun["run_id"])
    story = command(pair, "run", f"{begun['run_id']}.beta")
    assert b"a task" in story.stdout
    assert [row["run_id"] for row in said(pair, "runs", "@writer.beta")] == [begun["run_id"]]
    assert b"up" in command(pair, "logs", "@writer.beta", "-n5").stdout
    assert said(pair, "kill", "@writer.beta")["address"] == "@writer"


def test_an_approval_is_granted_there(pair: Pair, carrying: Carrying) -> None:
    del carrying
    asked = pair.beta.json("ask", "@operator", "may I", "please", "--tier", "1", cwd=pair.beta.agent("writer").branch)
    number = asked["seq"]
    assert said(pair, "approve", f"{number}.beta", "go on")["to"] == "@writer"
    assert [mail.subject for mail in pair.beta.inbox("writer")] == ["APPROVED: may I"]


def test_of_a_host_that_is_away_it_is_said_that_it_waits_and_until_when(pair: Pair, carrying: Carrying) -> None:
    carrying.is_away = True
    known = read_host(pair.alpha.workspace, "beta")
    assert known is not None
    write_host(pair.alpha.workspace, msgspec.structs.replace(known, away_since=1_700_000_000.0))
    done = command(pair, "hold", "@writer.beta")
    assert done.returncode == 5
    assert b"beta is away since" in done.stdout
    assert b"hold @writer is queued for beta until" in done.stdout
    assert command(pair, "release", "@writer.beta", "--wait", "0", "--keep", "2h").returncode == 0
    newest, first = asked_acts(pair.alpha.workspace)
    assert 7190 < newest.act.until - newest.act.at <= 7200
    assert first.act.until - first.act.at == 600
    looked = said(pair, "runs", "@writer.beta", status=4)
    assert looked["error"] == {"code": "away", "message": "beta does not answer"}
    carrying.is_away = False
    wait_until(lambda: all(one.outcome for one in asked_acts(pair.alpha.workspace)), what="both are answered")
    assert not (pair.beta.agent("writer").mail_dir / ".hold").exists()


def test_what_only_looks_says_that_the_link_does_not_run(pair: Pair) -> None:
    found = said(pair, "runs", "@writer.beta", status=4)
    assert found["error"]["code"] == "not_running"
    assert "mailcore link run" in found["error"]["message"]


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["hold", "@writer.gamma"], "unknown_host", "no host gamma in the link; known: beta"),
        (["hold", "@writer.beta", "--host", "gamma"], "hosts", "one host at a time"),
        (["close", "1.beta", "2"], "hosts", "one host at a time"),
        (["hold", "@writer.beta", "--keep", "soon"], "usage", "--keep soon: a length of time"),
    ],
)
def test_what_is_no_place(pair: Pair, words: list[str], code: str, why: str) -> None:
    done = command(pair, *words, "--json")
    error = json.loads(done.stdout)["error"]
    assert (error["code"], why in error["message"]) == (code, True), error


def test_of_a_host_that_was_revoked_nothing_is_asked(pair: Pair) -> None:
    known = read_host(pair.alpha.workspace, "beta")
    assert known is not None
    write_host(pair.alpha.workspace, msgspec.structs.replace(known, revoked=True))
    assert said(pair, "hold", "@writer.beta", status=3)["error"]["code"] == "revoked"


def test_no_agent_may_do_it(pair: Pair) -> None:
    done = pair.alpha.mailcore("hold", "@writer.beta", "--json", cwd=pair.alpha.agent("editor").branch)
    assert json.loads(done.stdout)["error"]["code"] == "identity"
    assert asked_acts(pair.alpha.workspace) == []


def test_where_there_is_no_link_a_dot_means_nothing(pair: Pair) -> None:
    (pair.alpha.root / ".praxmonitor" / "link" / "membership.json").unlink()
    assert said(pair, "hold", "@writer.beta", status=3)["error"]["code"] == "unknown_agent"
    assert said(pair, "hold", "@writer", "--host", "beta", status=3)["error"]["code"] == "no_link"


def test_what_was_asked_is_listed_and_taken_back(pair: Pair, carrying: Carrying) -> None:
    assert command(pair, "link", "acts").stdout == b"nothing was asked of another host\n"
    command(pair, "hold", "@writer.beta")
    carrying.is_away = True
    command(pair, "release", "@writer.beta", "--wait", "0")
    released, held = said(pair, "link", "acts")
    assert (held["words"], held["state"], held["outcome"]["text"]) == (
        "hold @writer", "done", "@writer is held: mail arrives, nothing starts",
    )  # fmt: skip
    assert (released["state"], released["cancelled_at"]) == ("asked", None)
    assert said(pair, "link", "acts", "cancel", released["id"][:8]) == {"cancelled": released["id"]}
    assert b"queued until" in command(pair, "link", "acts").stdout
    assert b"to be cancelled" in command(pair, "link", "acts").stdout
    assert said(pair, "link", "acts", "cancel", held["id"], status=3)["error"]["code"] == "over"
    assert said(pair, "link", "acts", "cancel", "ffff", status=4)["error"]["code"] == "no_act"


def test_attach_goes_by_ssh(pair: Pair, carrying: Carrying) -> None:
    del carrying
    ssh = pair.alpha.root / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text("#!/bin/sh\n")
    ssh.chmod(0o755)
    path = {"PATH": f"{ssh.parent}:{os.environ['PATH']}"}
    done = command(pair, "attach", "@writer.beta", "--json", env=path)
    assert json.loads(done.stdout)["argv"] == [
        str(ssh), "-t", "--", "beta", f"mailcore -C {pair.beta.root} attach @writer",
    ]  # fmt: skip
    pair.alpha.extra = '[link.ssh]\nbeta = "me@beta.example:/srv/a project"'
    pair.alpha.configure()
    done = command(pair, "attach", "@writer.beta", "--json", env=path)
    assert json.loads(done.stdout)["argv"][3:] == ["me@beta.example", "mailcore -C '/srv/a project' attach @writer"]


def test_a_client_of_the_mcp_server_reaches_agents_there(pair: Pair, carrying: Carrying) -> None:
    del carrying
    script = """
import asyncio, json, sys
from mailcore.identity.client_keys import PresentedKey
from mailcore.mcp import call, work
call.present(PresentedKey(key=sys.argv[1]))
print(json.dumps(asyncio.run(getattr(work, sys.argv[2])(*sys.argv[3:]))))
"""

    def asked(key: str, tool: str, *words: str) -> subprocess.CompletedProcess[bytes]:
        return pair.alpha.mailcore(key, tool, *words, program=(sys.executable, "-c", script))

    key = said(pair, "mcp", "key", "new", "@operator", "--may", "hold,runs")["key"]
    assert json.loads(asked(key, "hold", "@writer.beta", "why").stdout) == {"held": "@writer"}
    assert json.loads(asked(key, "runs", "@writer.beta").stdout) == {"result": []}
    of_agent = said(pair, "mcp", "key", "new", "@editor")["key"]
    assert b"only @operator can do this" in asked(of_agent, "hold", "@writer.beta", "why").stderr


class Saying(Carrying):
    """A host that answers each question with the same bytes."""

    said = b""

    async def ask_host(self, host: str, name: str, question: dict[str, Any]) -> bytes:
        return self.said


def test_what_another_host_answers_may_be_anything(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told, here and on the screen, in words of ours: `MailcoreError`, and no other error."""
    workspace = pair.alpha.workspace
    (tmp_path / "ssh").touch(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), os.pathsep)
    remote = find_agent(workspace, "@writer.beta")
    newer = b'{"act":"","state":"newer than this"}'
    deep = b'{"act":"","state":"done","value":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    with closing(Saying(pair)) as host:
        for answer in (b"", b"\xff", b"[]", newer, deep, b'{"root":["/"]}', b'{"root":"-x"}', b"[" * 20_000):
            host.said = answer
            act = sign_act(workspace, "beta", ["agents", "--"])
            with pytest.raises(MailcoreError, match="beta answers with what is no answer"):
                look_there(workspace, act)
            with pytest.raises(MailcoreError, match="beta does not say where"):
                remote_attachment(workspace, Config(), remote)
        host.said = b'{"root":"/srv/work shop"}'
        command = remote_attachment(workspace, Config(), remote).argv
    assert command[-1] == "mailcore -C '/srv/work shop' attach @writer"
