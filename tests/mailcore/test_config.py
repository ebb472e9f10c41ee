"""config.toml: every number has a default, and what is not allowed is said with file, key and what is."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mailcore.config import AgentConfig, Alarms, Config, Dispatch, Mail, Sound, read_config
from mailcore.config.reader import read_settings
from mailcore.config.template import template
from mailcore.exceptions import ConfigError, Refused
from mailcore.model.agent import Agent
from mailcore.programs.choose import select
from mailcore.programs.registry import bypasses


def config(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return read_config(path)


def test_a_missing_file_is_all_defaults(tmp_path: Path) -> None:
    found = read_config(tmp_path / "none.toml")
    assert (found.dispatch.startup_timeout, found.dispatch.attempts, found.alarms.silence) == (90.0, 3, 300.0)
    assert found.agent("@anyone") == AgentConfig()


def test_a_file_of_comments_alone_loads_no_parser_and_one_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(template())
    code = "import sys; from mailcore.config.reader import read_settings; from pathlib import Path\n"
    code += "read_settings(Path(sys.argv[1])); sys.exit('tomllib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == 0
    for spoilt in ("# a comment with \x00\n", "# one\rtwo = 2\n"):
        path.write_bytes(spoilt.encode())
        with pytest.raises(ConfigError, match=r"config\.toml: "):
            read_config(path)


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


EVERY = """\
[agents]
program = "claude"
model = "opus"
permission_mode = "acceptEdits"
wake_every = 60

"""


def test_what_the_agents_table_says_itself_holds_for_every_agent(tmp_path: Path) -> None:
    found = config(tmp_path, EVERY)
    said = AgentConfig(program="claude", model="opus", permission_mode="acceptEdits", wake_every=60)
    assert found.default_agent == found.agent("@anyone") == said
    assert dict(found.agents) == {}


@pytest.mark.parametrize(
    ("own", "agent"),
    [
        ('model = "haiku"', AgentConfig("claude", (), "haiku", "acceptEdits", wake_every=60)),
        ('program = "claude"', AgentConfig("claude", (), "opus", "acceptEdits", wake_every=60)),
        ("wake_every = 0", AgentConfig("claude", (), "opus", "acceptEdits")),
        # Another program: the model and the permissions of the first one say nothing to it.
        ('program = "codex"', AgentConfig("codex", wake_every=60)),
        ('command = ["./agent"]', AgentConfig("command", ("./agent",), wake_every=60)),
        ('program = ""', AgentConfig("", wake_every=60)),
    ],
)
def test_an_agents_own_section_comes_first(tmp_path: Path, own: str, agent: AgentConfig) -> None:
    assert config(tmp_path, f"{EVERY}[agents.writer]\n{own}\n").agent("@writer") == agent


def test_one_command_for_every_agent_and_another_program_for_one(tmp_path: Path) -> None:
    found = config(
        tmp_path, '[agents]\ncommand = ["./agent", "--yolo"]\n[agents.a]\nprogram = "claude"\n[agents.b]\nmodel = "x"\n'
    )
    assert found.agent("@anyone") == AgentConfig("command", ("./agent", "--yolo"))
    assert found.agent("@b") == AgentConfig("command", ("./agent", "--yolo"), "x")
    assert found.agent("@a") == AgentConfig("claude")
    assert [bypasses(found.agent(name)) for name in ("@anyone", "@b", "@a")] == [True, True, False]


@pytest.mark.parametrize(
    ("own", "agent"),
    [
        ("max_turns = 7", AgentConfig("", (), "opus", "bypass", max_turns=7)),
        # Who names a program takes nothing that may be meant for another.
        ('program = "codex"', AgentConfig("codex")),
        ('command = ["./agent"]', AgentConfig("command", ("./agent",))),
    ],
)
def test_with_no_program_for_every_agent_who_names_one_takes_no_model_and_permissions(
    tmp_path: Path, own: str, agent: AgentConfig
) -> None:
    every = '[agents]\nmodel = "opus"\npermission_mode = "bypass"\n'
    assert config(tmp_path, f"{every}[agents.writer]\n{own}\n").agent("@writer") == agent


def test_each_agent_may_have_its_own_command_where_none_is_for_every_agent(tmp_path: Path) -> None:
    found = config(tmp_path, '[agents]\nprogram = "command"\n[agents.writer]\ncommand = ["./agent"]\n')
    assert found.agent("@writer").command == ("./agent",)
    with pytest.raises(Refused, match=r"\[agents\.lead\] has no command, nor has \[agents\]"):
        select(Agent("@lead", "LEAD", tmp_path, root=tmp_path), found)


def test_an_agent_may_be_named_like_a_key(tmp_path: Path) -> None:
    found = config(tmp_path, '[agents]\nprogram = "codex"\n[agents.model]\nmodel = "small"\n')
    assert (found.agent("@model").model, found.agent("@other").model) == ("small", "")


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbf[dispatch]\nattempts = 2\n", b"[dispatch]\r\nattempts = 2\r\n"])
def test_a_byte_order_mark_and_other_line_ends_do_no_harm(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(raw)
    assert read_config(path) == Config(dispatch=Dispatch(attempts=2))


def test_large_numbers_are_taken_as_they_are(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        "[alarms]\ndisk_free = 5_000_000_000\n[usage]\ndaily_tokens = 1e9\ndaily_cost = 1e300\n"
        "[dispatch]\nattempts = 3.0\noutput_limit = 9_223_372_036_854_775_807\nhard_limit = 1_000_000_000\n",
    )
    assert (found.alarms.disk_free, found.usage.daily_tokens, found.usage.daily_cost) == (5 * 10**9, 10**9, 1e300)
    assert (found.dispatch.attempts, found.dispatch.output_limit) == (3, 2**63 - 1)
    assert type(found.dispatch.attempts) is type(found.usage.daily_tokens) is int


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[sound]\nvolume = 1\n", Sound(volume=1.0)),
        ("[sound]\nvolume = 0\n", Sound(volume=0.0)),
        ('[sound]\nquiet = " 9:30 - 10:00 "\n', Sound(quiet=" 9:30 - 10:00 ")),
        ('[sound]\nquiet = ""\nbackend = ""\n', Sound()),
        ('[sound]\nbackend = "miniaudio/pulse"\n', Sound(backend="miniaudio/pulse")),
        ('[sound.kinds]\n"tool.web" = 0.2\n[sound.agents]\n"Ünïcode" = 1\n',
         Sound(kinds={"tool.web": 0.2}, agents={"Ünïcode": 1.0})),
        ("[dispatch]\nbackoff = []\nretry_wait = 0\nfleet_failures = 0\n",
         Dispatch(backoff=(), retry_wait=0.0, fleet_failures=0)),
        ('[alarms]\nrepeat = [1]\nlook = 0.1\non_alarm = ["sh", ""]\nlag = 0\n',
         Alarms(repeat=(1.0,), look=0.1, on_alarm=("sh", ""), lag=0.0)),
        ('[mail]\napprover = "Lead"\norchestrator = ""\n', Mail(approver="Lead")),
    ],
)  # fmt: skip
def test_what_is_allowed_at_the_edges(tmp_path: Path, text: str, value: object) -> None:
    assert getattr(config(tmp_path, text), type(value).__name__.lower()) == value


def test_a_program_is_any_name_here(tmp_path: Path) -> None:
    """Whether there is such a program is not for config.toml to say."""
    assert config(tmp_path, '[agents]\nprogram = "of-tomorrow"\n').default_agent.program == "of-tomorrow"


def test_who_takes_from_a_table_for_all_that_has_a_fault_takes_the_rest(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[agents]\nmax_turns = 0\nmodel = "m"\n[agents.writer]\nwake_every = 5\n')
    _, found, faults = read_settings(tmp_path / "config.toml")
    assert found.agent("@writer") == AgentConfig(model="m", wake_every=5.0)
    assert faults == ["[agents] max_turns = 0; allowed: a whole number from 1 up"], "it is said once"


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
    assert bypasses(config(tmp_path, f"[agents.writer]\n{words}\n").agent("@writer")) is free


def test_what_is_no_text_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe[\x00")
    with pytest.raises(ConfigError, match=r"config\.toml: is no UTF-8 text: invalid start byte at byte 0; save it as"):
        read_config(path)
    with pytest.raises(ConfigError, match="directory"):
        read_config(tmp_path)


@pytest.mark.parametrize("kind", ["fifo", "device", "link to a device"])
def test_what_was_put_in_its_place_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.toml"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "device":
            try:
                os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero
                path.open("rb").close()
            except PermissionError:
                pytest.skip("no rights to make and open a device here")
        case _:
            path.symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match=r"config\.toml: is no regular file: refused; put a plain file"):
        read_config(path)


def test_a_symlink_is_followed_as_of_one_who_keeps_settings_elsewhere(tmp_path: Path) -> None:
    path, other = tmp_path / "config.toml", tmp_path / "dotfiles.toml"
    path.symlink_to(other)
    with pytest.raises(ConfigError, match=r"config\.toml: is a symlink that leads nowhere"):
        read_config(path)
    other.write_text("[dispatch]\nattempts = 2\n")
    assert read_config(path).dispatch.attempts == 2
