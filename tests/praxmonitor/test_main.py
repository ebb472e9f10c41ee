"""The command: its words, its exit status, its own process."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from praxmonitor.__main__ import SUBCOMMANDS, main


def run(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "praxmonitor", *words], cwd=cwd, capture_output=True, text=True, timeout=30
    )


def test_no_workspace_is_a_clear_message_and_status_2(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr and "mailcore init" in done.stderr and "praxmonitor demo" in done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr


def test_a_bad_config_names_file_and_key(aipass_workspace: Path) -> None:
    (aipass_workspace / ".praxmonitor").mkdir()
    (aipass_workspace / ".praxmonitor" / "config.toml").write_text("[alarms]\nsilense = 3\n")
    done = run(str(aipass_workspace), cwd=aipass_workspace)
    assert done.returncode == 2
    assert "config.toml" in done.stderr and "silense" in done.stderr


def test_version_and_help(tmp_path: Path) -> None:
    assert run("--version", cwd=tmp_path).stdout.startswith("praxmonitor 0.")
    helped = run("--help", cwd=tmp_path)
    assert helped.returncode == 0 and "praxmonitor demo" in helped.stdout


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_a_subcommands_help_ends_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([name, "--help"])
    said = capsys.readouterr().out
    assert not left.value.code and said.startswith("usage: ") and f"\nexamples:\n  praxmonitor {name}" in said
    with pytest.raises(SystemExit) as left:
        main([name, "--no-such-option"])
    assert left.value.code == 2 and capsys.readouterr().out == ""


class Interrupting(io.StringIO):
    """A standard output at which Ctrl-C is pressed: the signal is real."""

    def write(self, text: str) -> int:
        signal.raise_signal(signal.SIGINT)
        return super().write(text)


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Interrupting())
    assert main(["--help"]) == 130


@pytest.mark.parametrize("words", [("--nonsense",), ("--theme",)], ids=" ".join)
def test_a_call_that_makes_no_sense_is_status_2(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(list(words)) == 2
    assert "praxmonitor [PATH…]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("stauts",), "no such command or directory: 'stauts'; did you mean status?"),
        (("stauts", "--json"), "no such command or directory: 'stauts'; did you mean status?"),
        (("--mute", "sound"), "no such command or directory: 'sound'; did you mean sounds?"),
        (("quux",), "no such command or directory: 'quux'\n"),
    ],
    ids=str,
)
def test_a_mistyped_command_is_no_path(
    aipass_workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...], said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(aipass_workspace)
    assert main(list(words)) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_theme_names_those_that_there_are(aipass_workspace: Path) -> None:
    done = run(str(aipass_workspace), "--theme", "mauve", cwd=aipass_workspace)
    assert done.returncode == 2
    assert "mauve" in done.stderr and "prax-dark" in done.stderr


def test_it_opens_on_a_terminal_and_q_leaves(aipass_workspace: Path) -> None:
    child = pexpect.spawn(
        sys.executable, ["-m", "praxmonitor", str(aipass_workspace), "--mute"], dimensions=(36, 120), timeout=15
    )
    child.expect(b"gamma")
    child.send(b"q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
