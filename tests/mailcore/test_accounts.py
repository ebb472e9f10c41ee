"""Accounts: each agent's program works in the directory of its own, and is looked for there by all who read."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from mailcore.accounts.account import account_of, accounts, require_account
from mailcore.config import Config, read_config
from mailcore.dispatch.attach import attachment
from mailcore.exceptions import ConfigError, Refused
from mailcore.model.fleet import Fleet
from mailcore.model.run import Phase, Run
from mailcore.observe.facts import Stated
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.observe.session_discovery import SessionDiscovery
from mailcore.programs import registry
from mailcore.programs.claude.places import directory
from praxmonitor.feed.file_feed import FileFeed
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.programs.test_claude_status import says
from tests.mailcore.test_sessions import said

CLAUDE = f"""#!{sys.executable}
# As Claude Code keeps its sessions (contract claude-code): below CLAUDE_CONFIG_DIR, else below the user's home.
import datetime, json, os, re, subprocess, sys
words = sys.argv[1:]
home = os.environ.get("CLAUDE_CONFIG_DIR") or os.path.expanduser("~/.claude")
place = f"{{home}}/projects/" + re.sub("[^A-Za-z0-9]", "-", os.getcwd())
os.makedirs(place, exist_ok=True)
session = words[words.index("--session-id" if "--session-id" in words else "--resume") + 1]
resumed = os.path.exists(f"{{place}}/{{session}}.jsonl")
message = {{"id": f"m-{{session}}-{{resumed}}", "model": "opus", "content": [{{"type": "text", "text": "at " + home}}],
           "usage": {{"input_tokens": 10, "output_tokens": 5}}}}
line = {{"type": "assistant", "timestamp": datetime.datetime.now(datetime.UTC).isoformat(), "sessionId": session,
        "cwd": os.getcwd(), "message": message}}
with open(f"{{place}}/{{session}}.jsonl", "a") as file:
    file.write(json.dumps(line) + "\\n")
names = ("CLAUDE_CONFIG_DIR", "CODEX_HOME")
with open("started.jsonl", "a") as file:
    file.write(json.dumps({{name: os.environ.get(name) for name in names}} | {{"words": words}}) + "\\n")
if os.path.exists(home + "/limited"):
    words = "Claude AI usage limit reached|" + open(home + "/limited").read()
    print(json.dumps({{"type": "result", "subtype": "success", "is_error": True, "api_error_status": 429,
                      "result": words, "session_id": session}}))
    sys.exit(1)
if os.path.exists("delegate"):
    subprocess.run(["mailcore", "dispatch", *open("delegate").read().split("|")], check=True)
print(json.dumps({{"type": "result", "subtype": "success", "is_error": False, "result": "ok", "session_id": session}}))
"""
CODEX = """#!/bin/sh
mkdir -p "$CODEX_HOME/sessions/2026/11/22"
id=01a200fc-9726-7063-a792-fc95f0755c3c
echo '{}' > "$CODEX_HOME/sessions/2026/11/22/rollout-2026-11-22T05-32-10-$id.jsonl"
echo "{\\"type\\": \\"thread.started\\", \\"thread_id\\": \\"$id\\"}"
echo "$*" > codex-words
echo '{"type": "turn.completed"}'
"""


class Accounts:
    """A house whose @writer works with the account work, @editor with personal, and @lead with the default one."""

    def __init__(self, house: House, home: Path) -> None:
        self.house, self.home = house, home
        self.work, self.personal = home / ".claude-work", home / ".claude-personal"
        self.default = home / ".claude"
        self.agents = {"writer": 'account = "work"', "editor": 'account = "personal"', "lead": ""}
        self.tables = {"work": {"claude": "~/.claude-work", "codex": "~/.codex-work"},
                       "personal": {"claude": str(self.personal)}}  # fmt: skip
        house.commands.clear()
        self.configure()

    def configure(self) -> None:
        lines = []
        for name, keys in self.agents.items():
            lines += [f"[agents.{name}]", 'program = "claude"', keys]
        for name, homes in self.tables.items():
            lines += [f"[accounts.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in homes.items())]
        self.house.extra = "\n".join(lines)
        self.house.configure()

    def run(self, name: str) -> Run:
        run = self.house.over(name, self.house.started("@operator", f"@{name}"))
        assert run.phase is Phase.COMPLETED, run
        return run

    def session(self, home: Path, name: str) -> Path:
        """The one session of an agent below a home."""
        (path,) = directory(self.house.agent(name).branch, home).glob("*.jsonl")
        return path

    def started(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.house.agent(name).branch / "started.jsonl").read_text().splitlines()]


@pytest.fixture
def two(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    programs, home = tmp_path / "bin", tmp_path / "home"
    for directory_ in (programs, home):
        directory_.mkdir()
    for name, text in (("claude", CLAUDE), ("codex", CODEX)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))  # what one test learns of limits no other knows
    for variable in ("CODEX_HOME", "GEMINI_CLI_HOME"):
        monkeypatch.delenv(variable, raising=False)
    return Accounts(house, home)


class Look:
    """A reader, and the fleet that its facts make."""

    def __init__(self, house: House) -> None:
        self.reader = WorkspaceReader(house.workspace)
        self.fleet = apply(Fleet(house.root), self.reader.initial(), time.time())

    def sweep(self) -> None:
        self.fleet = apply(self.fleet, self.reader.sweep(), time.time())

    def told(self, name: str) -> list[str]:
        facts = self.fleet.find(f"@{name}")
        assert facts is not None
        return [one.text for one in facts.activities if one.text.startswith("at ")]

    def used(self, name: str) -> int:
        facts = self.fleet.find(f"@{name}")
        assert facts is not None
        return facts.spending.today.output


# The launch


def test_each_program_is_started_with_its_agents_account(two: Accounts) -> None:
    for name, home in (("writer", two.work), ("editor", two.personal), ("lead", two.default)):
        run = two.run(name)
        assert two.session(home, name).stem == run.attempts[0].session_id
    assert [run.account for run in (two.run("writer"), two.run("lead"))] == ["work", ""]
    assert two.started("writer")[0]["CLAUDE_CONFIG_DIR"] == str(two.work)
    assert two.started("writer")[0]["CODEX_HOME"] == str(two.home / ".codex-work")  # for what its program starts
    assert two.started("lead")[0]["CLAUDE_CONFIG_DIR"] is None


def test_the_default_account_leaves_the_environment_as_it_is(two: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(two.home / "mine"))
    two.run("lead")
    two.run("writer")
    assert two.started("lead")[0]["CLAUDE_CONFIG_DIR"] == str(two.home / "mine")
    assert two.session(two.home / "mine", "lead") and two.session(two.work, "writer")


@pytest.mark.parametrize("before", [None, "mine"])
def test_what_an_agent_dispatches_has_its_own_account(
    two: Accounts, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    """The account of who dispatches is not handed on: what was there before it is."""
    mine = str(two.home / before) if before else None
    if mine:
        monkeypatch.setenv("CLAUDE_CONFIG_DIR", mine)
    (two.house.agent("writer").branch / "delegate").write_text("@lead|subject|body")
    two.run("writer")
    (run,) = two.house.runs("lead")
    two.house.over("lead", run.run_id)
    assert two.started("lead")[0]["CLAUDE_CONFIG_DIR"] == mine


def test_a_home_that_is_not_there_yet_is_made_by_the_program(two: Accounts) -> None:
    look = Look(two.house)
    assert not two.work.exists()
    assert [one["finding"] for one in checks(two.house, "account work") if "not there yet" in one["finding"]]
    two.run("writer")
    look.sweep()
    assert look.told("writer") == [f"at {two.work}"] and look.fleet.notes == ()


def test_a_home_that_cannot_be_read_is_told_everywhere(two: Accounts) -> None:
    two.work.write_text("a file")
    run = two.house.over("writer", two.house.started("@operator", "@writer"))
    said = (
        f"{two.work}: Not a directory; it is [accounts.work] claude in config.toml: mend its rights, or name another "
        "directory"
    )
    assert run.phase is Phase.BOUNCED and run.reason == f"cannot start claude: {said}" and len(run.attempts) == 1
    assert [note for note in Look(two.house).fleet.notes if str(two.work) in note] == [said]
    (check,) = [one for one in checks(two.house, "account work", status=4) if not one["ok"]]
    assert f"{check['finding']}; {check['fix']}" == f"claude {said}"
    assert said in two.house.json("usage")["notes"]
    two.run("editor")  # the other account is none the worse


# The readers


def test_sessions_of_every_account_are_seen_and_counted(two: Accounts) -> None:
    look = Look(two.house)
    for name in ("writer", "editor", "lead"):
        two.run(name)
    look.sweep()
    assert [look.told(name) for name in ("writer", "editor", "lead")] == [
        [f"at {home}"] for home in (two.work, two.personal, two.default)
    ]
    assert [look.used(name) for name in ("writer", "editor", "lead")] == [5, 5, 5]
    rows = two.house.json("usage")["rows"]
    assert {row["agent"]: row["output"] for row in rows} == {"@writer": 5, "@editor": 5, "@lead": 5}
    found = [one["finding"] for one in checks(two.house, "@writer")]
    assert f"1 session file of today: 1 in {two.work}/projects" in found and "program claude, account work" in found


def test_a_daily_cap_counts_what_an_account_was_used_for(two: Accounts) -> None:
    two.tables["usage"] = {}
    two.house.extra = two.house.extra.replace("[accounts.usage]", "")
    two.house.extra += "\n[usage]\ndaily_tokens = 10\nhold = true\n"
    two.house.configure()
    two.run("writer")
    held = two.house.dispatch("@operator", "@writer")
    assert held.run_id is None and held.code == "held" and "daily cap reached" in held.busy


def test_a_person_may_use_any_account_in_any_branch(two: Accounts) -> None:
    """A session belongs to an agent by where it was begun; the account is the directory's that it lies in."""
    path = directory(two.house.agent("writer").branch, two.personal) / "by-hand.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"type": "mode", "cwd": str(two.house.agent("writer").branch)}) + "\n")
    discovery = SessionDiscovery()
    discovery.look_in(accounts(two.house.config))
    discovery.enroll(two.house.workspace.agents)
    (found,) = discovery.sweep()
    assert (found.address, found.path, found.account.name) == ("@writer", path, "personal")
    assert found.account == account_of(two.house.config, "@editor", "claude")


@pytest.mark.anyio
async def test_what_an_account_does_is_seen_at_once(two: Accounts) -> None:
    """By the kernel's watches: no sweep comes in time."""
    branch = two.house.agent("writer").branch
    path = directory(branch, two.work) / "by-hand.jsonl"
    path.parent.mkdir(parents=True)
    async with aclosing(FileFeed(two.house.root, 600.0).fleets()) as fleets, asyncio.timeout(30):
        seen, texts = await anext(fleets), ("one", "another", "a third")
        for n, text in enumerate(texts):
            path.with_stem(f"by-hand-{n}").write_text(said(text, branch, n))
            while not any(one.text == text for one in seen.stream):
                seen = await anext(fleets)
    assert [one.text for one in seen.stream if one.text in texts] == list(texts)


def test_a_session_that_asks_its_person_is_seen_in_any_account(two: Accounts) -> None:
    look = Look(two.house)
    (two.work / "sessions").mkdir(parents=True)
    branch = two.house.agent("writer").branch
    (two.work / "sessions" / "1.json").write_bytes(says(os.getpid(), branch, status="waiting", waitingFor="permission"))
    (stated,) = [fact for fact in look.reader.sweep() if isinstance(fact, Stated)]
    assert (stated.address, stated.waits, stated.wants) == ("@writer", True, "permission")
    assert str(two.work / "sessions") in look.reader.watch_paths()


def test_a_screen_learns_of_an_account_while_it_is_open(two: Accounts) -> None:
    work, two.tables["work"]["claude"] = two.tables["work"]["claude"], str(two.home / "elsewhere")
    two.configure()
    look = Look(two.house)
    path = directory(two.house.agent("writer").branch, two.work) / "by-hand.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(said("at last", two.house.agent("writer").branch))
    look.sweep()
    assert look.told("writer") == []
    two.tables["work"]["claude"] = work
    two.configure()
    for _ in range(3):
        look.sweep()
    assert look.told("writer") == ["at last"] and look.used("writer") == 1
    (two.house.root / ".praxmonitor" / "config.toml").write_text("no [ toml")
    path.with_stem("another").write_text(said("at another", two.house.agent("writer").branch, 1))
    look.sweep()
    assert look.used("writer") == 2  # what it said before holds


def test_a_screen_that_is_opened_with_another_default_sees_every_account(
    two: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.run("writer")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(two.home / "screen"))
    two.run("lead")
    look = Look(two.house)
    assert look.told("writer") == [f"at {two.work}"] and look.told("lead") == [f"at {two.home}/screen"]
    assert look.used("writer") == look.used("lead") == 5


# Which account


def test_a_link_and_what_it_leads_to_are_one_account(two: Accounts) -> None:
    """By a link the sessions lie there twice, and count once."""
    two.work.mkdir()
    (two.home / "link").symlink_to(two.work)
    two.tables["again"] = {"claude": "~/link"}
    two.agents["editor"] = 'account = "again"'
    two.configure()
    config = two.house.config
    ours, theirs = account_of(config, "@writer", "claude"), account_of(config, "@editor", "claude")
    assert ours.key == theirs.key and ours.key.startswith("claude-") and len(ours.key) == len("claude-") + 8
    assert [one.name for one in accounts(config) if one.key == ours.key] == ["work"]
    two.run("writer")
    two.run("editor")
    assert {row["agent"]: row["output"] for row in two.house.json("usage")["rows"]} == {"@writer": 5, "@editor": 5}
    look = Look(two.house)
    for _ in range(3):
        look.sweep()
    assert [look.used(name) for name in ("writer", "editor")] == [5, 5]


def test_which_account_an_agent_has(two: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    config = two.house.config
    writer = account_of(config, "@writer", "claude")
    assert (writer.program, writer.name, writer.home, writer.label) == ("claude", "work", two.work, "work")
    assert account_of(config, "@lead", "claude").home == two.default
    assert account_of(config, "@lead", "claude").label == "claude"
    assert account_of(config, "@lead", "claude", "personal").home == two.personal
    assert account_of(config, "@writer", "claude", "").home == two.default
    assert account_of(config, "@writer", "codex").home == two.home / ".codex-work"
    assert account_of(config, "@writer", "command").label == "work"
    assert account_of(config, "@lead", "gemini").home == two.home
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", "/elsewhere")
    assert account_of(config, "@lead", "claude").home == Path("/elsewhere")
    assert account_of(config, "@writer", "claude") == writer
    everywhere = {(one.program, one.name) for one in accounts(config)}
    assert {("claude", ""), ("claude", "work"), ("claude", "personal"), ("codex", "work")} <= everywhere
    assert ("codex", "personal") not in everywhere
    for name, words in (("wrok", "no account 'wrok'.*did you mean work"), ("personal", "no directory of codex")):
        with pytest.raises(Refused, match=words):
            require_account(config, "@writer", "codex", name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[agents]\naccount = "work"\n', '[agents] account = "work" is no account; there is none'),
        ('[accounts.work]\n[agents.a]\naccount = "wrok"\n',
         '[agents.a] account = "wrok" is no account; there are work; did you mean work?'),
        ('[accounts.work]\nclaude = "there"\n', '[accounts.work] claude = "there"; allowed: a directory'),
        ("[accounts.work]\nclaude = 3\n", "[accounts.work] claude = 3; allowed: a directory"),
        ("[accounts]\nwork = 3\n", "[accounts.work] must be a table, not 3"),
        ('[accounts."a b"]\n', '[accounts."a b"] is no account\'s name'),
        ("accounts = 3\n", "[accounts] must be a table of accounts"),
        ('[accounts.work]\ncladue = "/x"\n', "[accounts.work] cladue is no program; there are claude, "),
        ('[accounts.work]\ncommand = "/x"\n', "[accounts.work] command has no directory for each account"),
        ('[accounts.work]\nclaude = "/x"\n[agents]\nprogram = "codex"\naccount = "work"\n',
         "[agents] account = 'work' has no directory of codex; add one to [accounts.work]"),
    ],
)  # fmt: skip
def test_what_is_no_account_is_a_fault_of_config(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        registry.checked_config(read_config(path), path)
    assert said in str(error.value)


def test_an_account_is_inherited_and_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[accounts.work]\nclaude = "/x"\n[agents]\nprogram = "claude"\naccount = "work"\n[agents.a]\nmodel = "m"\n'
        '[agents.b]\naccount = ""\n[agents.c]\ncommand = ["x"]\n'
    )
    config = registry.checked_config(read_config(path), path)
    assert [config.agent(name).account for name in ("@z", "@a", "@b", "@c")] == ["work", "work", "", "work"]
    assert Config().accounts == {}


def test_an_account_of_a_config_that_nobody_trusts_is_not_used(two: Accounts) -> None:
    from mailcore.workspace import trust

    tables = {"accounts": {"work": {"claude": "/x"}}, "agents": {"account": "work", "a": {"account": "work"}}}
    found = trust.TrustStatus(dict(trust._rights(tables)))
    assert list(found.rights) == ["accounts.work.claude", "agents.account", "agents.a.account"]
    plain = trust.without_withheld(two.house.config)
    assert plain.accounts == {} and plain.agent("@writer").account == ""


# Sessions that go on


def test_attach_goes_on_in_the_account_of_the_session(two: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    run = two.run("writer")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(two.home / "mine"))
    two.agents["writer"] = 'account = "personal"'  # since that run
    two.configure()
    found = attachment(two.house.workspace, two.house.config, "@operator", "@writer")
    assert found.argv[1:] == ("--resume", run.attempts[0].session_id) and found.account.name == "work"
    assert found.environment["CLAUDE_CONFIG_DIR"] == str(two.work)
    told = two.house.json("attach", "@writer", "--from", "@operator")
    assert told["account"] == "work" and told["variables"]["CLAUDE_CONFIG_DIR"] == str(two.work)
    two.run("lead")
    lead = attachment(two.house.workspace, two.house.config, "@operator", "@lead")
    assert lead.environment["CLAUDE_CONFIG_DIR"] == str(two.home / "mine") and lead.account.name == ""


def test_a_dispatch_resumes_only_what_its_account_has(two: Accounts) -> None:
    run = two.run("writer")
    session = run.attempts[0].session_id
    done = two.house.json("dispatch", "@writer", "s", "b", "--resume", "--from", "@operator")
    assert two.house.over("writer", done["run_id"]).attempts[0].session_id == session
    assert two.started("writer")[-1]["words"][:1] and "--resume" in two.started("writer")[-1]["words"]
    words = ("dispatch", "@writer", "s", "other", "--account", "personal", "--from", "@operator")
    refused = two.house.json(*words, "--resume", status=3)["error"]
    assert refused["code"] == "no_session" and "for the account personal" in refused["message"]
    done = two.house.json(*words)
    assert two.house.over("writer", done["run_id"]).account == "personal"
    assert two.started("writer")[-1]["CLAUDE_CONFIG_DIR"] == str(two.personal)
    unknown = two.house.json("dispatch", "@writer", "s", "b", "--account", "wrok", "--from", "@operator", status=3)
    assert unknown["error"]["code"] == "no_account" and "did you mean work?" in unknown["error"]["message"]


def test_a_retry_may_name_another_account_program_or_model(two: Accounts) -> None:
    two.agents["writer"] = 'account = "work"\nmodel = "usual"\npermission_mode = "bypass"'
    two.configure()
    first = two.run("writer")

    def retried(*options: str) -> Run:
        done = two.house.json("retry", "@writer", *options, "--from", "@operator")
        return two.house.over("writer", done["run_id"])

    same = retried("--mode", "resume")
    assert (same.account, same.attempts[0].session_id) == ("work", first.attempts[0].session_id)
    moved = retried("--account", "personal", "--model", "small")
    assert (moved.account, moved.attempts[0].mode) == ("personal", "fresh")
    assert moved.attempts[0].session_id != first.attempts[0].session_id
    assert two.started("writer")[-1]["CLAUDE_CONFIG_DIR"] == str(two.personal)
    assert "small" in two.started("writer")[-1]["words"]
    again = retried()  # as the run that it repeats
    assert again.account == "personal" and "small" in two.started("writer")[-1]["words"]
    default = retried("--account", "")
    assert default.account == "" and two.started("writer")[-1]["CLAUDE_CONFIG_DIR"] is None
    refused = two.house.json(
        "retry", "@writer", "--account", "work", "--mode", "resume", "--from", "@operator", status=3
    )
    assert refused["error"]["code"] == "no_session"
    codex = retried("--program", "codex", "--account", "work")
    assert (codex.program, codex.account, codex.attempts[0].mode) == ("codex", "work", "fresh")
    said = (two.house.agent("writer").branch / "codex-words").read_text()
    assert "-m" not in said.split() and "bypass" not in said and (two.home / ".codex-work" / "sessions").is_dir()
    nowhere = two.house.json("retry", "@writer", "--account", "personal", "--from", "@operator", status=3)["error"]
    assert "the account personal has no directory of codex" in nowhere["message"]


def test_a_config_that_no_longer_names_the_account_of_a_start_that_waits(two: Accounts) -> None:
    two.house.json("hold", "@writer", "--from", "@operator")
    held = two.house.dispatch("@operator", "@writer")
    assert held.queued
    two.tables.pop("work")
    two.agents["writer"] = ""
    two.configure()
    started = two.house.json("release", "@writer", "--from", "@operator")["started"]
    run = two.house.over("writer", started[0])
    assert run.phase is Phase.BOUNCED and "no account 'work'" in run.reason and not run.attempts[1:]


def test_a_task_that_waits_for_a_limit_is_moved_to_another_account(two: Accounts) -> None:
    """The limit is one account's: who works with another is started at once."""
    two.work.mkdir()
    (two.work / "limited").write_text(str(int(time.time()) + 3600))
    run_id = two.house.started("@operator", "@writer")
    wait_until(lambda: two.house.run("writer", run_id).parked, what="it waits for its account's limit")
    assert waiting(two.house) == {"work": 1}
    two.run("editor")
    strangers = two.house.json("retry", "@writer", "--account", "personal", "--from", "@lead", status=3)
    assert strangers["error"]["code"] == "identity" and waiting(two.house) == {"work": 1}
    done = two.house.json("retry", "@writer", "--account", "personal", "--from", "@operator")
    moved = two.house.over("writer", done["run_id"])
    assert (moved.phase, moved.account) == (Phase.COMPLETED, "personal")
    former = two.house.run("writer", run_id)
    assert (former.phase, former.by) == (Phase.KILLED, "@operator") and waiting(two.house) == {"work": 0}


def waiting(house: House) -> dict[str, int]:
    """How many runs wait for each account that is known to be limited."""
    return {one["account"]: len(one["waiting"]) for one in house.json("limits")}


# What is told


def test_who_has_which_account_is_told(two: Accounts) -> None:
    rows = {row["address"]: row["account"] for row in two.house.json("agents")}
    assert rows == {"@writer": "work", "@editor": "personal", "@lead": "", "@operator": ""}
    assert "[account work]" in two.house.mailcore("agents").stdout.decode()
    assert two.house.json("whoami", cwd=two.house.agent("writer").branch)["account"] == "work"
    told = two.house.json("hooks", "status", "--from", "@operator")["agents"]
    assert {row["address"]: row["account"] for row in told}["@editor"] == "personal"
    settings = two.house.json("config")["settings"]
    assert settings["accounts.work"]["claude"] == {"value": "~/.claude-work", "from": "file"}
    assert settings["agents.writer"]["account"] == {"value": "work", "from": "file"}


def checks(house: House, name: str, status: int | None = None) -> list[dict[str, Any]]:
    """What doctor says under that name."""
    done = house.mailcore("doctor", "--json")
    assert status is None or done.returncode == status
    return [one for one in json.loads(done.stdout)["checks"] if one["name"] == name]
