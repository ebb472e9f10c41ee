"""Printing comes after the act: whatever standard output and error are, it stands, and its exit status is its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from mailcore.mail import post
from mailcore.workspace.holds import hold_text
from tests.mailcore.conftest import House

ENDS = [
    ">&-", ">/dev/full", "| true", "2>&-", "2>/dev/full", ">&- 2>&-", ">/dev/full 2>/dev/full", "<&- >&- 2>&-",
    "2>&- | true",
]  # fmt: skip
"""What a shell may make of the ends of a command."""


def said(house: House, ends: str, *words: str, who: str = "") -> subprocess.CompletedProcess[str]:
    """The command with its ends as the shell makes them; its own exit status, whatever comes behind a pipe."""
    command = " ".join([sys.executable, "-m", "mailcore.cli", *(f"'{word}'" for word in words)])
    script = f"{command} {ends.partition('|')[0]}; echo $? > '{house.root}/status'"
    if "|" in ends:
        script = f"trap '' PIPE; ( sleep 0.01; {script} ) |{ends.partition('|')[2]}"
    cwd = house.agent(who).branch if who else house.root
    done = subprocess.run(["bash", "-c", script], cwd=cwd, capture_output=True, text=True, timeout=60)
    done.returncode = int((house.root / "status").read_text())
    return done


def waiting(house: House, name: str) -> list[str]:
    return [message.subject for message in house.inbox(name)]


def answered(house: House, subject: str) -> bool:
    return waiting(house, "@lead") == [subject] and not waiting(house, "@writer")


ACTS: dict[str, tuple[list[str], str, Callable[[House], bool]]] = {
    "send": (["send", "@editor", "news", "body"], "@writer", lambda house: waiting(house, "@editor") == ["news"]),
    "reply": (["reply", "1", "yes"], "@writer", lambda house: answered(house, "RE: mail")),
    "close": (["close", "1"], "@writer", lambda house: not waiting(house, "@writer")),
    "done": (["done", "1", "ok"], "@writer", lambda house: answered(house, "DONE: mail")),
    "hold": (
        ["hold", "@editor", "--from", "@operator"],
        "",
        lambda house: hold_text(house.agent("@editor").mail_dir, "@editor") != "",
    ),
}


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("json_too", [False, True], ids=["text", "json"])
def test_an_act_stands_whoever_hears_of_it(house: House, ends: str, json_too: bool) -> None:
    post.send_mail(house.workspace, "@lead", ["@writer"], "mail", "body")
    words, who, stands = ACTS["reply"]
    done = said(house, ends, *words, *(["--json"] if json_too else []), who=who)
    assert done.returncode == 0, done
    assert stands(house)
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    if ends in (">&-", ">/dev/full"):
        assert len(done.stderr.splitlines()) == 1 and "done, but not told: standard output" in done.stderr
    elif "2>" not in ends:
        assert done.stderr == ""


@pytest.mark.parametrize("ends", [">/dev/full", ">&- 2>&-"])
@pytest.mark.parametrize("act", ACTS)
def test_so_does_every_kind_of_act(house: House, ends: str, act: str) -> None:
    if act != "send":
        post.send_mail(house.workspace, "@lead", ["@writer"], "mail", "body")
    words, who, stands = ACTS[act]
    done = said(house, ends, *words, who=who)
    assert done.returncode == 0 and stands(house), done


@pytest.mark.parametrize("ends", ENDS)
def test_a_failure_stays_a_failure(house: House, ends: str) -> None:
    for words, status in ((["close", "99"], 4), (["send", "@nobody", "s", "b"], 3), (["nonsense"], 2)):
        done = said(house, ends, *words, who="@writer")
        assert done.returncode == status, done
        assert "Traceback" not in done.stderr


def test_what_could_not_be_printed_of_an_error_goes_to_the_other_end(house: House) -> None:
    done = said(house, ">/dev/full", "close", "99", "--json", who="@writer")
    assert done.returncode == 4 and "no open message 99" in done.stderr


def test_a_look_whose_words_the_disk_does_not_take_has_failed(house: House) -> None:
    full = said(house, ">/dev/full", "inbox", who="@writer")
    assert full.returncode == 4 and "No space left" in full.stderr
    assert said(house, "| true", "agents", who="@writer").returncode == 0
    assert said(house, ">&-", "inbox", who="@writer").returncode == 0


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["send", "--help"]])
@pytest.mark.parametrize("ends", [">&-", ">/dev/full", "| true", ">&- 2>&-"])
def test_help_and_version(house: House, ends: str, words: list[str]) -> None:
    done = said(house, ends, *words)
    assert done.returncode == 0 and "Exception" not in done.stderr and "Traceback" not in done.stderr


def test_notes_never_get_into_what_a_script_reads(house: House) -> None:
    """With standard error closed, Python's `print(file=None)` means standard output."""
    (house.root / ".praxmonitor" / "config.toml").write_text("[agents.stranger]\nprogram = 'command'\n")
    done = said(house, "2>&-", "send", "@editor", "news", "body", "--priority", "high", "--json", who="@writer")
    assert json.loads(done.stdout)["to"] == "@editor"


def test_no_file_of_ours_gets_the_number_of_a_closed_end(house: House) -> None:
    """What prints by number, or hands a lock to a child, would meet a mailbox there."""
    script = (
        "import os; from mailcore.cli import main; main(['--version']); first = os.open('.', os.O_RDONLY);"
        "open('first', 'w').write(f'{first} {os.get_inheritable(1)}')"
    )
    command = f'{sys.executable} -c "{script}" <&- >&- 2>&-'
    subprocess.run(["bash", "-c", command], cwd=house.root, check=True, timeout=60)
    number, inherited = (house.root / "first").read_text().split()
    assert int(number) > 2 and inherited == "True"


def test_a_closed_standard_input_is_said(house: House) -> None:
    done = said(house, "<&-", "send", "@editor", "s", "-", who="@writer")
    assert (done.returncode, waiting(house, "@editor")) == (2, []) and "that is closed" in done.stderr
