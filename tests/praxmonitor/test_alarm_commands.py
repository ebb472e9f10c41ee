"""`praxmonitor alarms ack|snooze|unack`, `--history`, `--stats` and `praxmonitor mute`, as a person calls them at a
terminal, on a real workspace; and as an agent would like to."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mailcore.exceptions import UsageError
from mailcore.formats import journal
from mailcore.model.agent import OPERATOR
from praxmonitor.alarms.alarm import AlarmKind
from praxmonitor.alarms.alarm_mutes import AlarmMute
from praxmonitor.alarms.mute_input import LONGEST_MUTE, new_mute, parse_end, parse_length, parse_until
from praxmonitor.alarms.store import AlarmStore
from praxmonitor.sound.mutes import mutes_path
from tests.clock import NOON
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.identity.lab import PTY

Say = Callable[..., tuple[int, str]]


@pytest.fixture
def say(aipass_workspace: Path, tmp_path: Path) -> Say:
    """`say("alarms", "ack", "all")`: what a person's terminal has of it, and the exit status. @gamma's run failed."""
    count = itertools.count()

    def call(*words: str) -> tuple[int, str]:
        out, status = tmp_path / f"out-{next(count)}", tmp_path / f"status-{next(count)}"
        line = shlex.join([sys.executable, "-m", "praxmonitor", *words])
        script = f"{line} >{out} 2>&1; echo $? >{status}.part; mv {status}.part {status}"
        names = ("PATH", "HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "MAILCORE_SYSTEM", "LANG")
        env = {name: os.environ[name] for name in names if name in os.environ}
        command = [sys.executable, "-c", PTY, repr(env), "sh", "-c", script]
        subprocess.run(command, cwd=aipass_workspace, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(status.exists, 60, f"{line} is done")
        return int(status.read_text()), out.read_text()

    return call


def values(said: tuple[int, str]) -> Any:
    return json.loads(said[1])


def test_an_alarm_is_acknowledged_listed_so_and_asked_again(say: Say, aipass_workspace: Path) -> None:
    status, said = say("alarms")
    assert status == 1 and "!!  @gamma failed: Demo fail" in said and "Alarms: 1, of which 1 wants you." in said
    assert say("alarms", "ack", "@gamma")[0] == 0
    status, said = say("alarms")
    assert status == 0 and "(acknowledged)" in said and "of which 0 want you" in said
    status, said = say("alarms", "unack", "all")
    assert status == 0 and "asked again: 1 alarm" in said
    assert say("alarms")[0] == 1
    status, said = say("alarms", "snooze", "failed", "--for", "30m", "--json")
    answered = json.loads(said)
    until = datetime.fromisoformat(answered["until"]).timestamp()
    assert status == 0 and abs(until - time.time() - 1800) < 60 and len(answered["alarms"]) == 1
    status, said = say("alarms", "--json")
    (alarm,) = json.loads(said)["alarms"]
    assert (status, alarm["state"], alarm["group"], json.loads(said)["want"]) == (0, "snoozed", alarm["key"], 0)
    history = values(say("alarms", "--history", "--json"))
    assert [(each["event"], each["by"], each["address"]) for each in history] == [
        ("acknowledged", OPERATOR, "@gamma"), ("asked again", OPERATOR, "@gamma"), ("snoozed", OPERATOR, "@gamma"),
    ]  # fmt: skip
    assert "acknowledged by @operator" in say("alarms", "--history", "--since", "1h")[1]
    assert say("alarms", "--history", "--since", "2099-01-01") == (0, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ack", "faild"), "no alarm of 'faild'; did you mean failed?; there is: failed @gamma"),
        (("ack", "@alpha"), "no alarm of '@alpha'; there is: failed @gamma"),
        (("snooze", "all", "--for", "soon"), "'soon' is no length of time: 30m, 2h or 1d"),
        (("snooze", "all", "--for", "99d"), "30 d at most"),
        (("ack",), "the following arguments are required"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_answered_is_said_with_what_there_is(say: Say, words: tuple[str, ...], said: str) -> None:
    status, told = say("alarms", *words)
    assert status == 2 and said in told and "Traceback" not in told
    assert say("alarms")[0] == 1, "and nothing was answered"


def test_a_mute_hides_is_listed_survives_and_is_ended_early(say: Say, aipass_workspace: Path) -> None:
    status, said = say("mute", "add", "--agent", "gamma", "--for", "2h", "--why", "a known flake")
    (mute,) = AlarmStore(mutes_path(aipass_workspace).parent).mutes()
    assert status == 0 and said.startswith(f"muted {mute.id}: @gamma until ") and "(2 h)" in said
    assert f"`praxmonitor mute end {mute.id}`" in said and "never hidden unless named by --kind" in said
    assert (mute.agent, mute.by, mute.why) == ("@gamma", OPERATOR, "a known flake")
    status, said = say("alarms")
    assert status == 0 and f"(muted by {mute.id})" in said and "1 muted" in said
    report = values(say("alarms", "--json"))
    assert (report["alarms"][0]["state"], report["mutes"][0]["id"]) == ("muted", mute.id)
    status, said = say("mute", "list")
    assert status == 0 and said.startswith(f"{mute.id}  @gamma until ") and said.endswith(": a known flake\n")
    assert [each["id"] for each in values(say("mute", "list", "--json"))] == [mute.id]
    status, said = say("mute", "end", f"{mute.id}x")
    assert status == 2 and f"did you mean {mute.id}?; muted: {mute.id}" in said
    assert say("mute", "end")[0] == 2 and say("mute", "end", mute.id, "--all")[0] == 2
    assert say("mute", "end", mute.id) == (0, "heard again: 1 mute\n  @gamma\n")
    assert say("mute", "list") == (0, "") and say("alarms")[0] == 1
    acts = [
        each for each in journal.read_records(aipass_workspace / ".praxmonitor" / "audit.jsonl") if "alarms" in each
    ]
    assert [(act["verb"], act["by"], act["proof"], act["alarms"]) for act in acts] == [
        ("mute", OPERATOR, "terminal", "@gamma"), ("unmute", OPERATOR, "terminal", "@gamma"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--kind", "silense", "--for", "1h"),
            "no alarm is of kind 'silense'; did you mean silence?; kinds: silence, ",
        ),
        (("--for", "1h"), "a mute says what it hides: an agent, a kind, a task, a cause or a text"),
        (("--agent", "@gamma"), "one of the arguments --for --until is required"),
        (("--agent", "@gamma", "--until", "25:00"), "'25:00' is no time of a day"),
        (("--agent", "@gamma", "--until", "2001-01-01T00:00"), "2001-01-01 00:00 is past"),
        (("--agent", "@gamma", "--for", "0m"), "is past"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_no_mute_is_refused_with_the_right_words(say: Say, words: tuple[str, ...], said: str) -> None:
    status, told = say("mute", "add", *words)
    assert status == 2 and said in told and "Traceback" not in told
    assert say("mute", "list") == (0, "")


def test_a_mute_of_nobody_is_refused(say: Say) -> None:
    status, told = say("mute", "add", "--agent", "@gama", "--for", "1h")
    assert status == 3 and "no agent @gama" in told and "@gamma" in told
    assert say("mute", "list") == (0, "")


def test_what_is_muted_is_answered_by_its_name_and_not_by_all(say: Say) -> None:
    say("mute", "add", "--kind", "failed", "--for", "1h")
    assert say("alarms", "ack", "all") == (0, "acknowledged: 0 alarms\n")
    assert say("alarms", "ack", "@gamma")[1].startswith("acknowledged: 1 alarm\n")
    assert say("mute", "end", "--all")[0] == 0
    assert "(acknowledged)" in say("alarms")[1]
    say("mute", "add", "--kind", "failed", "--for", "1h")
    assert say("alarms", "unack", "failed")[1].startswith("asked again: 1 alarm\n")
    assert say("alarms", "unack", "failed") == (0, "asked again: 0 alarms\n")


def test_all_may_be_none(say: Say) -> None:
    assert say("alarms", "unack", "all") == (0, "asked again: 0 alarms\n")
    assert say("alarms", "ack", "all")[1].startswith("acknowledged: 1 alarm\n")
    assert say("alarms", "ack", "all") == (0, "acknowledged: 0 alarms\n")


def test_help_lists_the_kinds_and_the_exit_statuses(say: Say) -> None:
    status, said = say("mute", "add", "--help")
    words = " ".join(said.split())
    assert status == 0 and all(kind in words for kind in AlarmKind) and "Exit status: 0 done; 2 " in words
    assert "Exit status: 0 answered; 2 no such alarm" in " ".join(say("alarms", "ack", "--help")[1].split())


def test_the_load_is_told_with_what_is_too_much(say: Say, aipass_workspace: Path) -> None:
    from praxmonitor.alarms.history import HistoryEntry

    now = time.time()
    store = AlarmStore(mutes_path(aipass_workspace).parent)
    store.history.add(
        HistoryEntry(now - 60 * n, "raised", "k", "silence", "@a" if n % 2 else "@b", "high", "silent: x")
        for n in range(9)
    )
    status, said = say("alarms", "--stats")
    assert status == 0 and "hour           9 raised" in said and "silence @b (5), silence @a (4)" in said
    assert "! 9 alarms in an hour: more than one in ten minutes" in said and "failed: Demo fail" in said, "it is stale"
    report = values(say("alarms", "--stats", "--json"))
    assert report["last_hour"] == 9 and report["urgencies"] == {"high": 9} and report["warnings"]
    assert report["worst"][0] == {"kind": "silence", "address": "@b", "alarms": 5}
    for words in (("--stats", "--history"), ("--since", "1h")):
        assert say("alarms", *words)[0] == 2


def test_an_agent_neither_answers_nor_mutes(house: House) -> None:
    """In its run, with its environment cleared, and whatever it says that it is."""
    calls = [
        ["alarms", "ack", "all"], ["alarms", "ack", "all", "--from", "@operator"],
        ["mute", "add", "--agent", "@writer", "--for", "1h"],
        ["mute", "add", "--kind", "silence", "--for", "1h", "--from", "@operator"],
        ["mute", "end", "--all", "--from", "@operator"],
    ]  # fmt: skip
    code = (
        "import subprocess, sys\n"
        f"for words in {calls!r}:\n"
        "    command = [sys.executable, '-m', 'praxmonitor', *words]\n"
        f"    done = subprocess.run(command, env={{}}, cwd={str(house.root)!r}, capture_output=True, text=True)\n"
        "    print(done.returncode, done.stdout, done.stderr)\n"
    )
    house.python("writer", code)
    run = house.over("@writer", house.started(OPERATOR, "@writer"))
    said = (house.agent("@writer").runs_dir / run.run_id / "attempt-1.stdout.log").read_text()
    assert said.count("only @operator can do this") == len(calls) == said.count("\n3 ") + said.startswith("3 "), said
    acts = journal.read_records(house.workspace.state_dir / "audit.jsonl")
    assert not [act for act in acts if act["verb"] in ("mute", "unmute")]


def test_an_agent_that_looks_changes_nothing(house: House) -> None:
    code = (
        "import subprocess, sys\n"
        f"done = subprocess.run([sys.executable, '-m', 'praxmonitor', 'mute', 'list'], cwd={str(house.root)!r})\n"
        "print('exit', done.returncode)\n"
    )
    house.python("writer", code)
    run = house.over("@writer", house.started(OPERATOR, "@writer"))
    assert "exit 0" in (house.agent("@writer").runs_dir / run.run_id / "attempt-1.stdout.log").read_text()


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("2h", 7200), ("1.5h", 5400), ("1d", 86_400), ("90 s", 90), ("10MIN", 600)]
)
def test_a_length_is_read_as_people_write_it(text: str, seconds: float) -> None:
    assert parse_length(text) == seconds and parse_until(text, NOON) == NOON + seconds


@pytest.mark.parametrize("text", ["", "soon", "-1h", "1w", "h", "1h30", "nan", "inf", "1e9h", "٣h", "18:00:00x"])
def test_what_says_no_end_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="says no end: 30m, 2h, 1d, or a time such as 18:00"):
        parse_until(text, NOON)


def test_a_time_of_the_day_is_the_next_one() -> None:
    later = parse_end("23:59", NOON)
    assert 0 < later - NOON <= 86_400
    here = datetime.fromtimestamp(NOON)
    assert parse_end(f"{here.hour}:{here.minute:02}", NOON) - NOON == pytest.approx(86_400, abs=3700)
    with pytest.raises(UsageError, match="30 d at most"):
        parse_until(datetime.fromtimestamp(NOON + LONGEST_MUTE + 60).isoformat(), NOON)


def test_no_two_mutes_have_one_id_and_texts_are_small_and_in_one_line() -> None:
    wanted = AlarmMute("", NOON + 60, text="No Space\nleft\x1b[31m", at=NOON, why="x" * 999)
    made: list[AlarmMute] = []
    for _ in range(300):
        made.append(new_mute(wanted, made))
    assert len({mute.id for mute in made}) == 300
    assert made[0].text == "no space left\N{REPLACEMENT CHARACTER}[31m" and len(made[0].why) <= 200
