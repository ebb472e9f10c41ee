"""What a config, a path or an argument holds steers no terminal when an error repeats it, on either stream."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EVIL = "\x1b]0;OWNED\x07\x9b31m\u202egnp\u200b\U000e0061"
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u200b\U000e0000-\U000e007f]")
TOML = r'"\u001b]0;OWNED\u0007\u009b31m\u202e\u200b\U000e0061"'


def said(*words: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=cwd, capture_output=True, timeout=60, stdin=subprocess.DEVNULL
    )
    text = (done.stdout + done.stderr).decode()
    assert "Traceback" not in text and text
    return text


COMMANDS = {
    "screen": [],
    "status": ["status"],
    "status --json": ["status", "--json"],
    "alarms": ["alarms"],
    "alarms --json": ["alarms", "--json"],
    "alarms --follow": ["alarms", "--follow"],
    "watch": ["watch"],
    "guard": ["guard"],
    "sounds": ["sounds", "list"],
    "record": ["record", "file.jsonl"],
}


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    "text",
    [f"[alarms]\n{TOML} = 3\n", f"[{TOML}]\na = 3\n", f"[sound]\npack = {TOML}\n", f"[agents]\nprogram = {TOML}\n"],
)
def test_a_config_that_is_refused(aipass_workspace: Path, words: list[str], text: str) -> None:
    (aipass_workspace / ".praxmonitor").mkdir()
    (aipass_workspace / ".praxmonitor" / "config.toml").write_text(text)
    if "pack" in text and words and words[0] not in ("guard", "sounds"):
        pytest.skip("it opens no sound pack")
    told = said("praxmonitor", *words, cwd=aipass_workspace)
    assert not STEERING.search(told), repr(told)


SENSELESS = [
    ["-C", EVIL], [EVIL], ["status", "--no-such", EVIL], ["alarms", EVIL, EVIL], ["watch", EVIL, EVIL],
    ["watch", f"@{EVIL}"],
    ["guard", EVIL, EVIL], ["replay", EVIL], ["replay", "x", "--speed", EVIL], ["record", "here", f"{EVIL}/none"],
    ["sounds", "check", EVIL], ["sounds", EVIL], ["sounds", "play", "wood", EVIL], ["demo", "--seed", EVIL],
    ["--theme", EVIL], [f"--{EVIL}"],
]  # fmt: skip


@pytest.mark.parametrize("words", SENSELESS)
def test_an_argument_that_makes_no_sense(aipass_workspace: Path, words: list[str]) -> None:
    told = said("praxmonitor", *words, cwd=aipass_workspace)
    assert not STEERING.search(told), repr(told)


def test_a_directory_of_such_a_name(tmp_path: Path) -> None:
    place = tmp_path / EVIL
    place.mkdir()
    for words in (["status"], ["status", "--json"], ["alarms"], ["watch"], ["guard"], []):
        assert not STEERING.search(said("praxmonitor", *words, cwd=place)), words
    for words in (["inbox"], ["inbox", "--json"], ["agents"], ["doctor"], ["doctor", "--json"]):
        assert not STEERING.search(said("mailcore.cli", *words, cwd=place)), words


SENSELESS_TO_MAILCORE = [
    [EVIL], ["inbox", EVIL], ["inbox", f"@{EVIL}"], ["inbox", f"--{EVIL}"], ["read", EVIL], ["read", EVIL, "--json"],
    ["send", "@lead", "s", "b", "--priority", EVIL], ["trace", EVIL], ["history", "--since", EVIL], ["run", EVIL],
    ["wait", EVIL], ["config", "--explain", EVIL], ["hold", f"@{EVIL}"], ["usage", "--by", EVIL],
]  # fmt: skip


@pytest.mark.parametrize("words", SENSELESS_TO_MAILCORE)
def test_an_argument_of_mailcores_that_makes_no_sense(aipass_workspace: Path, words: list[str]) -> None:
    told = said("mailcore.cli", *words, cwd=aipass_workspace)
    assert not STEERING.search(told), repr(told)
