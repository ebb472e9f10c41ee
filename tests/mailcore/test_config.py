"""config.toml: every number has a default, and what is not allowed is said with file, key and what is."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailcore.config import AgentConfig, Config, read_config
from mailcore.errors import ConfigError


def config(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return read_config(path)


def test_a_missing_file_is_all_defaults(tmp_path: Path) -> None:
    found = read_config(tmp_path / "none.toml")
    assert (found.dispatch.startup_timeout, found.dispatch.attempts, found.alarms.silence) == (90.0, 3, 300.0)
    assert found.agent("@anyone") == AgentConfig()


def test_the_keys_that_are_kept_for_good(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        "[dispatch]\nstartup_timeout = 9\nattempts = 2\n[alarms]\nsilence = 1.5\n"
        '[agents.Writer]\nprogram = "command"\ncommand = ["python3", "agent.py", "{prompt}"]\n',
    )
    assert (found.dispatch.startup_timeout, found.dispatch.attempts, found.alarms.silence) == (9.0, 2, 1.5)
    assert found.agent("@writer").command == ("python3", "agent.py", "{prompt}")


def test_an_attempt_that_does_not_start_is_left_to_its_supervisor_first(tmp_path: Path) -> None:
    """An alarm before the supervisor itself has ended the attempt would come too early."""
    assert config(tmp_path, "[dispatch]\nstartup_timeout = 300\n").alarms.silence_start == 330
    assert config(tmp_path, "[dispatch]\nstartup_timeout = 4\n").alarms.silence_start == 180
    assert config(tmp_path, "[alarms]\nsilence_start = 0\nrepeat = []\n").alarms.silence_start == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[dispach]\n", "[dispach]"),
        ("[dispatch]\nstartup_timeot = 3\n", "startup_timeot"),
        ('[dispatch]\nattempts = "3"\n', "attempts"),
        ("[dispatch]\nattempts = 2.5\n", "attempts"),
        ("[dispatch]\nattempts = true\n", "attempts"),
        ("[dispatch]\nstop_grace = -1\n", "stop_grace"),
        ("[dispatch]\nstop_grace = nan\n", "stop_grace"),
        ("[dispatch]\nstop_grace = inf\n", "stop_grace"),
        ("dispatch = 3\n", "[dispatch] must be a table, not 3"),
        ("agents = 3\n", "[agents]"),
        ("[agents]\nwriter = 3\n", "[agents.writer]"),
        ('[agents]\ndefault = "claude"\n', "[agents.default] must be a table, not 'claude'"),
        ('[agents.writer]\nprogram = "gpt"\n', "program"),
        ('[agents.writer]\nprogram = "command"\n', "command"),
        ('[agents.writer]\nprogram = "command"\ncommand = "agent.py"\n', "command"),
        ('[agents.writer]\nprogram = "command"\ncommand = [1]\n', "command"),
        ("[sound]\npack = 1\n", "pack"),
        ('[alarms]\nnotify = "toast"\n', "notify"),
        ("[alarms]\nlook = 0\n", "look"),
        ("[alarms]\nrepeat = [60, 0]\n", "repeat"),
        ('[alarms]\non_alarm = "ntfy"\n', "on_alarm"),
        ("this is no toml", "line 1"),
    ],
)
def test_what_is_not_allowed_names_file_and_key(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError) as error:
        config(tmp_path, text)
    assert str(tmp_path / "config.toml") in str(error.value)
    assert named in str(error.value)
    assert error.value.exit_status == 2


@pytest.mark.parametrize(
    ("words", "free"),
    [
        ('permission_mode = "bypass"', True),
        ('permission_mode = "bypassPermissions"', True),
        ('command = ["claude", "-p", "{prompt}", "--dangerously-skip-permissions"]', True),
        ('command = ["sh", "-c", "claude --permission-mode=bypassPermissions -p x"]', True),
        ('command = ["codex", "exec", "--sandbox", "danger-full-access"]', True),
        ('permission_mode = "acceptEdits"', False),
        ('command = ["python3", "bypass.py"]', False),
        ("", False),
    ],
)
def test_who_asks_for_no_permissions(tmp_path: Path, words: str, free: bool) -> None:
    assert config(tmp_path, f"[agents.writer]\n{words}\n").agent("@writer").bypass is free


def test_what_is_no_text_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"config\.toml"):
        read_config(path)
    with pytest.raises(ConfigError, match="directory"):
        read_config(tmp_path)
