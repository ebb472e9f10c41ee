"""The `mailcore` command as scripts and agents use it: real processes, exit statuses, JSON, text that cannot steer."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from mailcore.cli import GROUPS, VERBS, main
from mailcore.cli.call import Parser
from mailcore.cli.help_text import EXAMPLES
from mailcore.config import Config, read_config
from mailcore.mail import approvals
from mailcore.system import PORTABLE
from tests.mailcore.conftest import House, wait_until

ESCAPES = "\x1b[2J\x1b]0;title\x07\x9b31m\u202e\r\x00"


def test_the_installed_command(house: House) -> None:
    installed = Path(sys.executable).with_name("mailcore")
    done = house.mailcore("agents", program=[str(installed)])
    assert done.returncode == 0 and b"@writer" in done.stdout


def test_usage_version_and_help(house: House) -> None:
    usage = house.mailcore()
    assert usage.returncode == 2 and all(verb.encode() in usage.stdout for verb in VERBS)
    assert house.mailcore("--help").returncode == 0
    assert house.mailcore("--version").stdout.startswith(b"mailcore ")
    assert all(f"\n{heading}:\n".encode() in usage.stdout for heading in GROUPS)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verbs_help_explains_its_words_and_its_examples_are_calls_of_it(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([verb, "--help"])
    said = capsys.readouterr().out
    assert not left.value.code and "exit status:\n  " in said and f"examples:\n  mailcore {verb}" in said
    name = VERBS[verb][0]
    module = import_module(name if "." in name else f"mailcore.cli.{name}")
    parser = Parser(prog=verb)
    parser.add_argument("--json", action="store_true")
    module.arguments(verb, parser)
    bare = [action.dest for action in parser._actions if not action.option_strings and not action.help]
    assert bare == []
    for example in EXAMPLES[verb]:
        words = shlex.split(example.partition("   #")[0].partition(" && ")[0])
        assert words[:2] == ["mailcore", verb]
        parser.parse_intermixed_args(words[2:])


def test_the_beginning_of_an_id_names_a_message_if_no_other_begins_so(house: House) -> None:
    house.agent("@writer").inbox.write_text(json.dumps({"messages": [
        {"id": "5b22c81f", "sent_id": "0aaa0001", "seq": 1, "from": "@lead", "subject": "a", "status": "new"},
        {"id": "5b22ffff", "sent_id": "0bbb0002", "seq": 2222, "from": "@lead", "subject": "b", "status": "new"},
        {"id": "2222aaaa", "sent_id": "0ccc0003", "seq": 3, "from": "@lead", "subject": "c", "status": "new"},
    ]}))  # fmt: skip
    cwd = house.agent("@writer").branch
    assert [m["subject"] for m in house.json("read", "5b22c", "0bbb", cwd=cwd)] == ["a", "b"]
    assert [m["subject"] for m in house.json("read", "2222", "2222a", cwd=cwd)] == ["b", "c"], "a number comes first"
    for verb in ("read", "trace"):
        told = house.json(verb, "5b22", cwd=cwd, status=4)["error"]
        assert told["code"] == "ambiguous" and "5b22c81f 5b22ffff" in told["message"]
        assert house.json(verb, "5b2", cwd=cwd, status=4)["error"]["code"] == "no_message"
    assert house.json("trace", "5b22f", cwd=cwd)["subject"] == "b"
    assert house.json("close", "2222a", cwd=cwd) == ["2222aaaa"]
    assert house.json("archive", "restore", "2222a", cwd=cwd)["id"] == "2222aaaa"


def test_a_request_for_approval_is_not_closed_by_the_beginning_of_its_id(house: House) -> None:
    request = approvals.request_approval(house.workspace, "@lead", "@operator", "@operator", "spend", "b", 1)
    assert house.json("close", request.id[:7], "--from", "@operator", status=3)["error"]["code"] == "approval"
    assert len(house.inbox("@operator")) == 1


def test_a_mistyped_name_is_answered_with_the_near_one(house: House) -> None:
    told = house.json("send", "@wirter", "s", "b", "--from", "@lead", status=3)["error"]["message"]
    assert told.endswith("did you mean @writer?")
    assert "known: @writer @editor @lead" in house.json("inbox", "@zzz", status=3)["error"]["message"]


def test_a_section_of_config_that_no_agent_has_is_noted_and_doctor_names_it(house: House) -> None:
    house.extra = '[agents.wirter]\ncommand = ["sh"]'
    house.shell("writer", "echo up")
    said = "[agents.wirter] is no agent of"
    checks = house.json("doctor", status=4)["checks"]
    (check,) = (c for c in checks if not c["ok"])
    assert said in check["finding"] and check["finding"].endswith("did you mean writer?")
    done = house.mailcore("send", "@writer", "s", "b", "--priority", "high", "--from", "@operator")
    assert done.returncode == 0 and done.stderr.startswith(b"mailcore send: note: ") and said.encode() in done.stderr
    wait_until(lambda: house.runs("@writer"), what="it was woken all the same")
    house.over("@writer", house.runs("@writer")[0].run_id)


def test_doctor_names_what_config_names_and_is_not_there(house: House) -> None:
    house.extra = '[mail]\napprover = "@led"\norchestrator = "lead"\n[alarms]\non_alarm = ["no-such-program-anywhere"]'
    house.shell("writer", "echo up")
    registry = house.workspace.registry.name
    assert [check["finding"] for check in house.json("doctor", status=4)["checks"] if not check["ok"]] == [
        f"[mail] approver = '@led': no agent @led in {registry}; did you mean @lead?",
        "[alarms] on_alarm: 'no-such-program-anywhere' is not found",
    ]


def test_mail_to_an_agent_whose_directory_is_gone_says_so(house: House) -> None:
    shutil.rmtree(house.agent("@writer").branch)
    told = house.json("send", "@writer", "s", "b", "--from", "@operator", status=4)["error"]
    assert told["code"] == "undelivered"
    assert (
        told["message"] == f"@writer's branch {house.agent('@writer').branch} is gone; restore it, or mend the registry"
    )
    assert not house.agent("@writer").branch.exists()


def test_init_says_what_a_name_may_be_before_anything_is_made_and_what_comes_next(tmp_path: Path, house: House) -> None:
    there = tmp_path / "made"
    told = house.json("init", str(there), "--agent", "BAD NAME=x", status=2)["error"]["message"]
    assert "'BAD NAME' is no name" in told and "letters, digits" in told and not there.exists()
    made = house.mailcore("init", str(there), "--agent", "writer=agents/writer").stdout.decode()
    assert made.splitlines()[-1].startswith(f"next: cd {there} && mailcore dispatch @writer ")
    assert "mailcore agent add" in house.json("init", str(there), "--agent", "b=b", status=3)["error"]["message"]
    (tmp_path / "here").mkdir()
    made = house.mailcore("init", "--agent", "writer=agents/writer", cwd=tmp_path / "here").stdout.decode()
    assert made.splitlines()[-1].startswith("next: mailcore dispatch @writer ")


def test_one_is_no_plural(house: House) -> None:
    house.shell("writer", "echo up")
    house.mailcore("hold", "@writer", "--from", "@operator")
    house.mailcore("dispatch", "@writer", "s", "b", "--from", "@operator")
    assert (
        house.mailcore("release", "@writer", "--from", "@operator").stdout == b"released; 1 run begun that had waited\n"
    )
    house.over("@writer", house.runs("@writer")[0].run_id)
    assert house.mailcore("prune", "--older", "0d", "--dry-run", "--from", "@lead").stdout == b"0 files would go\n"


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (["send"], 2, "usage"),
        (["send", "@writer", "only a subject"], 2, "usage"),
        (["send", "writer", "s", "b"], 2, "usage"),
        (["send", "@writer", "s", "b", "--wrong"], 2, "usage"),
        (["send", "@nobody", "s", "b", "--from", "@lead"], 3, "unknown_agent"),
        (["send", "@writer", "s", "b"], 3, "identity"),
        (["send", "@writer", " ", "b", "--from", "@lead"], 2, "usage"),
        (["read", "nosuchid", "--from", "@lead"], 4, "no_message"),
        (["reply", "nosuchid", "b", "--from", "@lead"], 4, "no_message"),
        (["close", "nosuchid", "--from", "@lead"], 4, "no_message"),
        (["whoami"], 3, "identity"),
        (["inbox", "@nobody"], 3, "unknown_agent"),
        (["dispatch", "@writer", "s", "b", "--from", "@writer"], 3, "self"),
        (["dispatch", "@operator", "s", "b", "--from", "@writer"], 2, "usage"),
        (["kill", "@writer", "--from", "@operator"], 3, "not_running"),
        (["kill", "no-such-run", "--from", "@operator"], 3, "unknown_agent"),
        (["retry", "@writer", "--from", "@operator"], 3, "no_run"),
        (["wake", "@nobody", "--from", "@operator"], 3, "unknown_agent"),
        (["runs", "@nobody"], 3, "unknown_agent"),
        (["init", "."], 3, "exists"),
        (["nosuchverb"], 2, "usage"),
    ],
)
def test_errors_have_a_status_a_word_and_go_where_they_are_asked(
    house: House, words: list[str], status: int, code: str
) -> None:
    told = house.json(*words, status=status)
    assert set(told) == {"error"} and told["error"]["code"] == code and told["error"]["message"]
    plain = house.mailcore(*words)
    assert (plain.returncode, plain.stdout) == (status, b"")
    assert plain.stderr.startswith(b"mailcore") and b"Traceback" not in plain.stderr


def test_outside_every_workspace(tmp_path: Path, house: House) -> None:
    assert house.json("agents", status=2, cwd=tmp_path)["error"]["code"] == "no_workspace"


def test_a_wrong_config_is_a_usage_error_that_names_the_key(house: House) -> None:
    (house.root / ".praxmonitor" / "config.toml").write_text("[dispatch]\nattemps = 3\n")
    told = house.json("wake", "@writer", "--from", "@operator", status=2)
    assert "attemps" in told["error"]["message"] and "config.toml" in told["error"]["message"]


@pytest.mark.elsewhere
def test_init_makes_a_workspace(tmp_path: Path, house: House) -> None:
    where = tmp_path / "new"
    made = house.json("init", str(where), "--agent", "writer=agents/writer", "--agent", "ed=e")
    assert [a["address"] for a in made["agents"]] == ["@writer", "@ed"] and Path(made["workspace"]) == where
    assert (where / "agents" / "writer" / ".trinity" / "passport.json").is_file()
    config = where / ".praxmonitor" / "config.toml"
    assert read_config(config) == Config() and "#startup_timeout = 90 " in config.read_text()
    for bad in ("writer", "=x", "x="):
        assert house.json("init", str(tmp_path / "bad"), "--agent", bad, status=2)["error"]["code"] == "usage"
    assert not (tmp_path / "bad").exists()


@pytest.mark.elsewhere
def test_send_inbox_read_reply_close(house: House) -> None:
    writer, lead = house.agent("@writer").branch, house.agent("@lead").branch
    sent = house.json("send", "@writer", "subject", "body", cwd=lead)
    assert {"id", "sent_id", "to", "delivered"} <= set(sent)
    assert (sent["to"], sent["delivered"]) == ("@writer", True)
    inbox = house.agent("@writer").inbox
    before = (inbox.read_bytes(), inbox.stat().st_mtime_ns)
    (message,) = house.json("inbox", cwd=writer)
    raw = json.loads(inbox.read_bytes())["messages"][0]
    assert message == raw and message["message"] == "body" and message["status"] == "new"
    assert (inbox.read_bytes(), inbox.stat().st_mtime_ns) == before, "looking is not reading"
    (read,) = house.json("read", sent["sent_id"], cwd=writer)
    assert (read["id"], read["status"], read["message"]) == (sent["id"], "opened", "body")
    reply = house.json("reply", sent["id"], "an answer", cwd=writer)
    assert {"id", "sent_id", "to", "delivered"} <= set(reply) and reply["to"] == "@lead"
    assert house.json("inbox", cwd=writer) == []
    assert house.json("close", reply["id"], cwd=lead) == [reply["id"]]
    assert house.json("inbox", cwd=lead) == []


def test_several_recipients_are_a_list(house: House) -> None:
    sent = house.json("send", "@writer", "@editor", "s", "b", "--from", "@lead")
    assert [one["to"] for one in sent] == ["@writer", "@editor"] and all(one["delivered"] for one in sent)
    assert len({one["id"] for one in sent}) == 2


def test_one_that_could_not_be_reached_is_exit_4(house: House) -> None:
    inbox = house.agent("@writer").inbox
    lock = inbox.with_name(".inbox.lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()  # which only shows in writing
    told = house.json("send", "@writer", "@editor", "s", "b", "--from", "@lead", status=4)
    assert told["error"]["code"] == "undelivered"
    assert "@editor: delivered" in told["error"]["message"] and "@writer: NOT" in told["error"]["message"]
    assert house.json("send", "@writer", "s", "b", "--from", "@lead", status=4)["error"]["code"] == "undelivered"


@pytest.mark.parametrize(
    "words",
    [
        ["send", "@writer", "s", "b", "--from", "@lead", "--json"],
        ["send", "--from", "@lead", "@writer", "s", "b"],
        ["send", "@writer", "--from", "@lead", "s", "b"],
        ["send", "@writer", "s", "--from", "@lead", "b"],
        ["send", "@writer", "s", "--from", "@lead", "--", "b"],
        ["send", "@writer", "s", "--priority", "high", "b", "--from", "@lead"],
    ],
)
def test_options_stand_anywhere(house: House, words: list[str]) -> None:
    assert house.mailcore(*words).returncode == 0
    assert [(m.subject, m.body) for m in house.inbox("@writer")] == [("s", "b")]


def test_the_body_from_standard_input_whatever_it_holds(house: House) -> None:
    body = "ein Gruß\nzwei Zeilen\n"
    done = house.mailcore("send", "@writer", "s", "-", "--from", "@lead", stdin=body.encode())
    assert done.returncode == 0, done.stderr
    assert house.inbox("@writer")[0].body == body
    done = house.mailcore("send", "@writer", "s", "-", "--from", "@lead", stdin=b"no \xff utf-8 \x00")
    assert done.returncode == 0, done.stderr
    assert house.inbox("@writer")[0].body.startswith("no ")
    assert house.mailcore("inbox", "@writer").returncode == 0
    for encoding in ("ascii", "latin-1"):
        done = house.mailcore(
            "read", house.inbox("@writer")[1].id, "--from", "@writer", env={"PYTHONIOENCODING": encoding}
        )
        assert done.returncode == 0 and b"Gru" in done.stdout, done.stderr


def test_escapes_in_mail_never_reach_the_terminal(house: House) -> None:
    raw = {key: f"{key}{ESCAPES}" for key in ("id", "from", "from_name", "subject", "message", "timestamp", "priority")}
    raw["sent_id"] = "eeeeeeee"
    forged = {
        "id": "aaaaaaaa\n* bbbbbbbb  2026-01-01 00:00:00  @boss  forged",
        "status": "new",
        "subject": "s",
        "from": "@x",
    }
    half = {"id": "cccccccc", "status": "new", "subject": "half \ud800", "message": "\udfff", "from": "@lead"}
    (house.agent("@writer").inbox).write_text(json.dumps({"messages": [raw, forged, half]}))
    for words in (["inbox", "@writer"], ["read", "eeeeeeee", "cccccccc", "--from", "@writer"], ["agents"]):
        done = house.mailcore(*words)
        assert done.returncode == 0, done.stderr
        text = done.stdout.decode()
        assert not any((ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or c == "\u202e" for c in text), text
    listed = house.mailcore("inbox", "@writer").stdout.decode().splitlines()
    assert len(listed) == 3, "a message forged a line of its own"
    done = house.mailcore("read", f"nothere{ESCAPES[:-1]}", "--from", "@writer")
    assert done.returncode == 4 and b"\x1b" not in done.stderr


def test_only_open_mail_is_in_the_inbox(house: House) -> None:
    messages = [
        {"id": f"aaaaaaa{n}", "status": status} for n, status in enumerate(("new", "closed", "opened", "parked"))
    ]
    house.agent("@writer").inbox.write_text(json.dumps({"messages": messages}))
    assert [m["status"] for m in house.json("inbox", "@writer")] == ["new", "opened", "parked"]


def test_a_mailbox_that_cannot_be_read_is_no_empty_one(house: House) -> None:
    house.agent("@writer").inbox.write_bytes(b'{"messages": [{"id"')
    told = house.json("inbox", "@writer", status=4)
    assert told["error"]["code"] == "unreadable" and "inbox.json" in told["error"]["message"]
    row = next(row for row in house.json("agents") if row["address"] == "@writer")
    assert row["mailbox"] == "unreadable"
    assert b"UNREADABLE" in house.mailcore("agents").stdout
    assert any(not check["ok"] and check["name"] == "@writer" for check in house.json("doctor", status=4)["checks"])


def test_dispatch_runs_kill_retry_wake(house: House) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    done = house.json("dispatch", "@writer", "a task", "body", "--from", "@operator")
    assert done["delivered"] and done["to"] == "@writer" and done["run_id"] and done["busy"] == ""
    assert {"message_id", "sent_id"} <= set(done)
    house.attempt_pid("@writer", done["run_id"])
    busy = house.json("dispatch", "@writer", "a second", "body", "--from", "@operator", status=3)
    assert busy["delivered"] and busy["run_id"] is None and "a task" in busy["busy"]
    assert house.json("wake", "@writer", "--from", "@operator", status=3)["error"]["code"] == "busy"
    assert house.json("retry", "@writer", "--from", "@operator", status=3)["error"]["code"] == "busy"
    (row,) = house.json("runs", "@writer")
    assert (row["run_id"], row["phase"], row["sender"]) == (done["run_id"], "running", "@operator")
    assert row["attempts"][0]["pid"] and row["created_at"].startswith("20")
    killed = house.json("kill", done["run_id"], "--from", "@operator")
    assert killed["address"] == "@writer" and len(killed["ended"]) >= 2 and killed["survivors"] == []
    assert house.json("runs")[0]["by"] == "@operator"
    assert b"killed" in house.mailcore("runs").stdout
    house.shell("writer", "echo again")
    again = house.json("retry", "@writer", "--from", "@operator")
    house.over("@writer", again["run_id"])
    # what was busy then has its turn now, and only now: a kill starts nothing by itself
    wait_until(lambda: house.json("runs")[0]["subject"] == "a second", what="the second task is begun")
    house.over("@writer", house.json("runs")[0]["run_id"])
    woken = house.json("wake", "@writer", "--from", "@operator")
    house.over("@writer", woken["run_id"])
    assert [row["phase"] for row in house.json("runs")] == ["completed", "completed", "completed", "killed"]


def test_doctor_says_the_fix(house: House) -> None:
    checks = house.json("doctor")["checks"]
    assert all(set(check) == {"name", "ok", "finding", "fix"} for check in checks)
    wanted = {"claude", "codex", "system", "sound", "rights", "@writer"} | ({"file watches"} if not PORTABLE else set())
    assert wanted <= {check["name"] for check in checks}
    (house.root / ".praxmonitor" / "config.toml").write_text("")
    done = house.mailcore("doctor", env={"PATH": "/nonexistent"})
    assert done.returncode == 4 and b"config.toml" in done.stdout
    assert b"FIX  @writer @editor @lead: no program" in done.stdout and done.stdout.count(b"no program") == 1
    assert b"for every agent under [agents]" in done.stdout


def test_a_reader_that_goes_away_is_no_traceback(house: House) -> None:
    messages = [{"id": f"{n:08}", "subject": "s" * 70, "status": "new"} for n in range(3000)]
    house.agent("@writer").inbox.write_text(json.dumps({"messages": messages}))
    for words in (["inbox", "@writer"], ["inbox", "@writer", "--json"]):
        command = subprocess.Popen(
            [sys.executable, "-m", "mailcore.cli", *words],
            cwd=house.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert command.stdout is not None and command.stderr is not None
        command.stdout.read(10)
        command.stdout.close()
        assert b"Traceback" not in command.stderr.read() and command.wait(30) is not None
        command.stderr.close()


def test_a_broken_config_takes_away_neither_kill_nor_mail_and_starts_nothing(house: House) -> None:
    house.shell("writer", "echo up; exec sleep 100")
    done = house.json("dispatch", "@writer", "a task", "body", "--from", "@operator")
    house.attempt_pid("@writer", done["run_id"])
    (house.root / ".praxmonitor" / "config.toml").write_text("bad = [")
    sent = house.mailcore("send", "@writer", "s", "b", "--from", "@lead")
    assert (sent.returncode == 0 and b"defaults" in sent.stderr) or not sent.stderr
    refused = house.json("dispatch", "@editor", "t", "b", "--from", "@operator", status=2)
    assert "config.toml" in refused["error"]["message"]
    assert house.mailcore("kill", "@writer", "--from", "@operator").returncode == 0
    told = house.mailcore("doctor", "--json")
    assert [check["name"] for check in json.loads(told.stdout)["checks"] if not check["ok"]] == ["config"]
    assert told.returncode == 4 and told.stderr == b""
    house.configure()


def test_doctor_looks_for_the_command(house: House) -> None:
    house.command("writer", "no-such-program-anywhere")
    (check,) = (c for c in house.json("doctor", status=4)["checks"] if not c["ok"])
    assert (check["name"], "no-such-program-anywhere" in check["finding"]) == ("@writer", True)


def test_doctor_looks_for_the_command_of_every_agent_once(house: House) -> None:
    house.commands.clear()
    house.extra = '[agents]\ncommand = ["no-such-program-anywhere"]\n[agents.lead]\ncommand = ["sh"]'
    house.configure()
    checks = house.json("doctor", status=4)["checks"]
    (check,) = (c for c in checks if not c["ok"])
    assert check["name"] == "@writer @editor" and "no-such-program-anywhere" in check["finding"]
    assert "[agents]" in check["fix"]
    assert [c["finding"] for c in checks if c["name"] == "@lead" and "program" in c["finding"]] == ["program command"]


def test_the_name_that_means_everybody_is_nobodys(house: House) -> None:
    assert "@all" in house.json("agent", "add", "all=agents/all", status=2)["error"]["message"]


def test_a_near_verb_is_suggested_and_json_may_stand_first(house: House) -> None:
    assert b"did you mean send?" in house.mailcore("sned", "@writer", "s", "b").stderr
    assert house.mailcore("--json", "runs").stdout == b"[]\n"


def test_a_repaired_mailbox_is_told_to_the_operator_by_mail(house: House) -> None:
    house.agent("@writer").inbox.write_bytes(b'{"messages": [{"id": "aaaaaaaa", "subject": "kept"}, {"id": "bb')
    house.json("send", "@writer", "s", "b", "--from", "@lead")
    (told,) = house.inbox("@operator")
    assert told.subject == "MAILBOX REPAIRED: @writer" and "1 whole message recovered" in told.body
    assert [m.subject for m in house.inbox("@writer")] == ["s", "kept"]
    assert b"set aside earlier" in house.mailcore("repair").stdout


@pytest.mark.parametrize(("sender", "advice"), [("@operator", " --from @operator`."), ("@lead", "`.")])
def test_a_bounce_advises_the_operator_with_its_name(house: House, sender: str, advice: str) -> None:
    house.limit(attempts=1)
    house.shell("writer", "exit 3")
    house.over("@writer", house.started(sender, "@writer"))
    bounce = wait_until(lambda: [m for m in house.inbox(sender) if m.subject.startswith("BOUNCE")], what="it is told")[
        0
    ]
    assert bounce.body.endswith(f"`mailcore retry @writer{advice}") and "all 1 attempts" not in bounce.body
