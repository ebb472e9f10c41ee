"""Completion: what is offered, that it stays harmless, and that the words are those of the parsers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mailcore.cli import VERBS
from mailcore.cli.completing import PLACES, SAFE, candidates
from mailcore.cli.completion import SHELLS, completion_script
from tests.mailcore.conftest import House
from tests.tools import command_lines

BIN = Path(sys.executable).parent
TABLES = {"mailcore": command_lines.mailcore_words(), "praxmonitor": command_lines.praxmonitor_words()}
HOSTILE = "$(touch owned) `touch owned`;touch owned\n\x1b]0;owned\x07\r'\"\\ \tfiles"


@pytest.fixture
def mailed(house: House) -> House:
    """A mail to the operator, and one whose subject and sender are hostile."""
    house.json("send", "@operator", "Style", "British.", "--from", "@editor")
    path = house.workspace.operator.inbox
    box = json.loads(path.read_text())
    box["messages"].append({**box["messages"][0], "id": "0a0a0a0a", "seq": 2, "subject": HOSTILE, "from": HOSTILE})
    box["messages"].append({**box["messages"][0], "id": "$(touch owned)", "seq": 0, "subject": "s"})
    path.write_text(json.dumps(box))
    return house


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]])}


def completed(house: House, line: str, word: str, command: str = "mailcore", *, key: str = "\t") -> list[str]:
    """What bash's function leaves in COMPREPLY for a line that ends where the cursor is; `word` is readline's.

    `key`: its COMP_TYPE, `?` where it only lists.
    """
    script = f"""
eval "$({command} completion bash)"
COMP_LINE=$1 COMP_POINT=${{#1}} COMP_TYPE={ord(key)} COLUMNS=60
_{command} {command} "$2"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "-c", script, "bash", line, word], cwd=house.root, env=environment(), capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().splitlines()


def test_bash_completes_verbs_options_agents_messages_and_keys(mailed: House) -> None:
    assert completed(mailed, "mailcore se", "se") == ["send", "sent", "search"]
    assert completed(mailed, "mailcore send @", "@") == ["@writer", "@editor", "@lead", "@operator"]
    assert completed(mailed, "mailcore send @wr", "wr") == ["writer"], "where readline breaks words at @"
    assert completed(mailed, "mailcore send @writer --prio", "--prio") == ["--priority"]
    assert completed(mailed, "mailcore send @writer --priority ", "") == ["low", "normal", "high"]
    assert completed(mailed, "mailcore search x --agent @e", "@e") == ["@editor"]
    assert "alarms.repeat" in completed(mailed, "mailcore config --explain al", "al")
    assert completed(mailed, "mailcore completion ", "") == [*SHELLS]
    assert completed(mailed, "mailcore help wai", "wai") == ["wait"]
    assert completed(mailed, "mailcore send x --priority=", "") == ["low", "normal", "high"], "readline breaks at ="
    assert completed(mailed, "mailcore search x --agent=@e", "e") == ["editor"]
    assert completed(mailed, "mailcore send x --file=te", "te") == [""], "nothing"


def test_bash_lists_what_each_means_and_only_where_nothing_is_inserted(mailed: House) -> None:
    listed = completed(mailed, "mailcore re", "re", key="?")
    assert listed[0].split("  ")[0] == "read" and "read messages, or what you sent" in listed[0]
    assert all(30 <= len(row) <= 58 for row in listed), "a line each, on a terminal of 60 cells"
    operator = [row for row in completed(mailed, "mailcore send @", "", key="?") if row.startswith("@operator")]
    assert operator == ["@operator  the person at the screen"], "the whole word, though readline breaks at @"
    assert completed(mailed, "mailcore send @writer --priority ", "", key="?") == ["low", "normal", "high"]
    assert completed(mailed, "mailcore send @wr", "wr", key="?") == ["writer"], "a single one may be inserted"
    assert completed(mailed, "mailcore read ", "", key="!") == completed(mailed, "mailcore read ", "")


def test_bash_completes_the_screens_words_too(mailed: House) -> None:
    (mailed.root / "alarmist").mkdir()
    assert completed(mailed, "praxmonitor alar", "alar", "praxmonitor") == ["alarms", "alarmist"]
    assert "prax-dark" in completed(mailed, "praxmonitor --theme ", "", "praxmonitor")
    assert completed(mailed, "praxmonitor mute a", "a", "praxmonitor") == ["add"]
    assert "--why" in completed(mailed, "praxmonitor mute add --", "--", "praxmonitor")


def test_a_message_is_offered_by_its_number_with_its_subject(mailed: House) -> None:
    rows = mailed.mailcore("_complete", "--", "read", "").stdout.decode().splitlines()
    assert rows[0].split("\t") == ["1", "@editor: Style"] or rows[1].split("\t") == ["1", "@editor: Style"]
    mailed.json("send", "@writer", "to writer", "b", "--from", "@lead")
    own = mailed.mailcore("_complete", "--", "done", "", cwd=mailed.agent("@writer").branch).stdout.decode()
    assert own.partition("\t")[2] == "@lead: to writer\n"


def test_a_run_is_offered_by_its_id(house: House) -> None:
    run = house.started("@lead", "@writer")
    house.over("@writer", run)
    assert f"{run}\t@writer" in house.mailcore("_complete", "--", "run", "2").stdout.decode()


def test_hostile_words_neither_run_nor_steer(mailed: House) -> None:
    offered = completed(mailed, "mailcore read ", "")
    assert sorted(offered) == ["1", "2"], "the id that is no word is not offered"
    said = mailed.mailcore("_complete", "--", "read", "").stdout.decode()
    assert not any(sign in said for sign in "$`\\\x1b\x07\r") and len(said.splitlines()) == 2
    for word in ("$(touch owned)", "`touch owned`", "'", '"', "@$(touch owned)", "-", "\\"):
        completed(mailed, f"mailcore read {word}", word)
        completed(mailed, f"mailcore send @writer {word} ", "")
    assert not list(mailed.root.rglob("owned"))


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("command", ["mailcore", "praxmonitor"])
def test_each_shell_takes_the_script_and_is_told_where_it_lies(shell: str, command: str) -> None:
    script = subprocess.run([BIN / command, "completion", shell], capture_output=True, text=True, timeout=60).stdout
    assert script.rstrip("\n") == completion_script(command, shell).rstrip("\n")
    assert SHELLS[shell].replace("{command}", command) in script and "{" + "command}" not in script
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed: its script is not read by it here")
    checked = subprocess.run([shell, "-n"], input=script, capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("words", [[], [""], ["--"], ["-C"], ["-C", ""], ["nonsense", ""], ["read", "--from"], ["\0"]])
def test_whatever_is_typed_nothing_is_an_error(words: list[str], tmp_path: Path) -> None:
    asked = [word for word in words if "\0" not in word]
    done = subprocess.run([BIN / "mailcore", "_complete", "--", *asked], cwd=tmp_path, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    found = candidates(TABLES["mailcore"], words or [""])
    assert all(SAFE.fullmatch(word) if word else kind in PLACES for word, kind in found)


def test_every_verb_and_option_is_offered() -> None:
    table = TABLES["mailcore"]
    assert {word for word, _ in candidates(table, [""])} >= VERBS.keys()
    for verb, command in table["under"].items():
        assert {word for word, _ in candidates(table, [verb, "-"])} == command["options"].keys()


def test_the_words_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.tools.command_lines", "--check"], cwd=command_lines.ROOT, capture_output=True,
        text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
