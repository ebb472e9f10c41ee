"""Each fault of config.toml is said in one exact line, and all of them are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailcore.config import Config, read_config, read_config_or_defaults
from mailcore.config.reader import read_settings
from mailcore.exceptions import ConfigError

SECONDS = "a number of seconds from 0 to 1_000_000_000"
PERIOD = "a number of seconds above 0, up to 1_000_000_000"
SECTIONS = (
    "accounts, agents, alarms, approval, dispatch, errors, limits, link, mail, observe, operator, permissions, prices, "
    "programs, projects, sound, usage"
)
DISPATCH = (
    "attempts, backoff, fleet_failures, hard_limit, limit_wait, max_runs, nice, no_progress, output_limit, ping_pong, "
    "retry_wait, same_tasks, startup_timeout, stop_grace, vanished_grace, wake_depth"
)
ALARMS = (
    "disk_free, heartbeat_every, lag, look, notify, on_alarm, on_heartbeat, repeat, repeat_low, repeat_medium, "
    "runaway_log, silence, silence_compaction, silence_start, silence_subagent, silence_tool, snooze, spin, spin_tool, "
    "storm, unread, your_move, your_move_after"
)
AGENT = "account, command, max_turns, model, permission_mode, program, wake_every"
KINDS = (
    "all_clear, compact, dispatched, done, error, failed, heartbeat, limit, mail, mail_high, mail_low, prompt, "
    "retry, session, silence, start, stuck, tool, tool.agent, tool.edit, tool.other, tool.read, tool.shell, tool.web, "
    "turn, waiting"
)
BACKENDS = (
    '"", "miniaudio", "miniaudio/pulse", "miniaudio/alsa", "miniaudio/jack", "miniaudio/oss", "miniaudio/sndio", '
    '"miniaudio/coreaudio", "miniaudio/wasapi", "simpleaudio", "pw-play", "paplay", "aplay", "afplay", "bell", '
    '"none"'
)
WORDS = "a list; each item a text without the character NUL"
PACK = "a pack's name: lower-case letters, digits, - and _, 64 at most"
QUIET = 'two times of the day as "HH:MM-HH:MM", or empty'
NO_COMMAND = 'has no command, which its program needs, like command = ["python3", "agent.py"]'

OWN_TABLE = "What one agent is stands in a table of its own, like [agents."
AS_KEY = "A table [agents.command] is the agent @command: as a key, command is none"
DOTTED = "a name with a dot stands in quotes"
BITS = "has more than the 64 bits of TOML's whole numbers"

BAD = [
    ("[dispach]\n", f"[dispach] is not known; allowed: {SECTIONS}; did you mean dispatch?"),
    ("[sounds]\nvolume = 1\n", f"[sounds] is not known; allowed: {SECTIONS}; did you mean sound?"),
    ('["odd name"]\n', f'["odd name"] is not known; allowed: {SECTIONS}'),
    ("attempts = 2\n", "attempts = 2 stands before the first section; it is a key of [dispatch]"),
    ("colour = 'red'\n", 'colour = "red" stands before the first section; a key stands in a section'),
    ("max_runs = 2\n", "max_runs = 2 stands before the first section; it is a key of [dispatch]"),
    ("dispatch = 3\n", "[dispatch] must be a table, not 3"),
    ("[[dispatch]]\nattempts = 2\n", "[dispatch] must be a table, not [{attempts = 2}]"),
    (
        '[permissions]\ndeny = ["Bash(rm *"]\n',
        '[permissions] deny = ["Bash(rm *"]; allowed: a list; each item a tool, or a tool and a pattern of its words: '
        '"Bash(git status*)"',
    ),
    (
        "[dispatch]\nstartup_timeot = 3\n",
        f"[dispatch] has no key startup_timeot; allowed: {DISPATCH}; did you mean startup_timeout?",
    ),
    ("[dispatch]\nsilence = 3\n", f"[dispatch] has no key silence; allowed: {DISPATCH}; it is a key of [alarms]"),
    ("[dispatch]\n'a b' = 3\n", f'[dispatch] has no key "a b"; allowed: {DISPATCH}'),
    ("[dispatch]\nstartup_timeout = 0\n", f"[dispatch] startup_timeout = 0; allowed: {PERIOD}"),
    ("[dispatch]\nstartup_timeout = 2_000_000_000\n", f"[dispatch] startup_timeout = 2_000_000_000; allowed: {PERIOD}"),
    ("[dispatch]\nattempts = 0\n", "[dispatch] attempts = 0; allowed: a whole number from 1 up"),
    ("[dispatch]\nattempts = '3'\n", '[dispatch] attempts = "3"; allowed: a whole number from 1 up'),
    ("[dispatch]\nattempts = 2.5\n", "[dispatch] attempts = 2.5; allowed: a whole number from 1 up"),
    ("[dispatch]\nattempts = true\n", "[dispatch] attempts = true; allowed: a whole number from 1 up"),
    (
        "[dispatch]\nattempts = 99999999999999999999\n",
        f"[dispatch] attempts = 99_999_999_999_999_999_999 {BITS}; allowed: a whole number from 1 up",
    ),
    ("[dispatch]\nretry_wait = 2020-01-01\n", f"[dispatch] retry_wait = 2020-01-01; allowed: {SECONDS}"),
    ("[dispatch]\nhard_limit = 0\n", f"[dispatch] hard_limit = 0; allowed: {PERIOD}"),
    ("[dispatch]\nstop_grace = -1\n", f"[dispatch] stop_grace = -1; allowed: {SECONDS}"),
    ("[dispatch]\nstop_grace = nan\n", f"[dispatch] stop_grace = nan is not a finite number; allowed: {SECONDS}"),
    ("[dispatch]\nstop_grace = inf\n", f"[dispatch] stop_grace = inf is not a finite number; allowed: {SECONDS}"),
    ("[dispatch]\nwake_depth = -1\n", "[dispatch] wake_depth = -1; allowed: a whole number from 0 up"),
    ("[dispatch]\nmax_runs = []\n", "[dispatch] max_runs = []; allowed: a whole number from 0 up"),
    ("[dispatch]\nno_progress = 0\n", "[dispatch] no_progress = 0; allowed: a whole number from 1 up"),
    ("[dispatch]\nping_pong = 0\n", "[dispatch] ping_pong = 0; allowed: a whole number from 1 up"),
    ("[dispatch]\nbackoff = 60\n", f"[dispatch] backoff = 60; allowed: a list; each item {SECONDS}"),
    ("[dispatch]\nbackoff = [60, 'x']\n", f'[dispatch] backoff = [60, "x"]; allowed: a list; each item {SECONDS}'),
    ("[dispatch]\nbackoff = [60, -1]\n", f"[dispatch] backoff = [60, -1]; allowed: a list; each item {SECONDS}"),
    ("[dispatch]\noutput_limit = 0\n", "[dispatch] output_limit = 0; allowed: a whole number of bytes from 1 up"),
    ("[alarms]\nsilence = 'long'\n", f'[alarms] silence = "long"; allowed: {SECONDS}'),
    ("[alarms]\nsilense = 7\n", f"[alarms] has no key silense; allowed: {ALARMS}; did you mean silence?"),
    ("[alarms]\nlook = 0\n", "[alarms] look = 0; allowed: a number of seconds from 0.1 to 1_000_000_000"),
    (
        "[alarms]\nrepeat = [60, 0]\n",
        "[alarms] repeat = [60, 0]; allowed: a list; each item a number of seconds from 1 to 1_000_000_000",
    ),
    (
        "[alarms]\nrepeat = 60\n",
        "[alarms] repeat = 60; allowed: a list; each item a number of seconds from 1 to 1_000_000_000",
    ),
    ("[alarms]\nsnooze = 0\n", f"[alarms] snooze = 0; allowed: {PERIOD}"),
    ("[alarms]\nnotify = 'toast'\n", '[alarms] notify = "toast"; allowed: "auto", "9", "777", "none"'),
    ("[alarms]\nnotify = 9\n", '[alarms] notify = 9; allowed: "auto", "9", "777", "none"'),
    ("[alarms]\non_alarm = 'ntfy'\n", f'[alarms] on_alarm = "ntfy"; allowed: {WORDS}'),
    ("[alarms]\non_alarm = ['']\n", '[alarms] on_alarm = [""] has no first word: what is to be run'),
    ('[alarms]\non_alarm = ["a\\u0000b"]\n', f'[alarms] on_alarm = ["a\\u0000b"]; allowed: {WORDS}'),
    ("[alarms]\ndisk_free = 1.5\n", "[alarms] disk_free = 1.5; allowed: a whole number of bytes from 0 up"),
    ("[mail]\nmax_body = 0\n", "[mail] max_body = 0; allowed: a whole number of bytes from 1 up"),
    ("[mail]\nmax_subject = 0\n", "[mail] max_subject = 0; allowed: a whole number from 1 up"),
    ("[mail]\nrung_high = 0\n", f"[mail] rung_high = 0; allowed: {PERIOD}"),
    ("[mail]\napprover = ''\n", '[mail] approver = ""; allowed: an agent\'s address, like @lead'),
    ("[mail]\napprover = 'the boss'\n", '[mail] approver = "the boss"; allowed: an agent\'s address, like @lead'),
    ("[mail]\norchestrator = '@'\n", '[mail] orchestrator = "@"; allowed: an agent\'s address, like @lead, or empty'),
    ("[sound]\nvolume = 1.5\n", "[sound] volume = 1.5; allowed: a number from 0 to 1"),
    ("[sound]\nvolume = -0.1\n", "[sound] volume = -0.1; allowed: a number from 0 to 1"),
    ("[sound]\npack = 1\n", f"[sound] pack = 1; allowed: {PACK}"),
    ("[sound]\npack = ''\n", f'[sound] pack = ""; allowed: {PACK}'),
    ("[sound]\npack = '../up'\n", f'[sound] pack = "../up"; allowed: {PACK}'),
    ("[sound]\nbackend = 'gramophone'\n", f'[sound] backend = "gramophone"; allowed: {BACKENDS}'),
    ("[sound]\nbackend = 'miniaudio/null'\n", f'[sound] backend = "miniaudio/null"; allowed: {BACKENDS}'),
    ("[sound]\nquiet = 'late'\n", f'[sound] quiet = "late"; allowed: {QUIET}'),
    ("[sound]\nquiet = '22:00-24:00'\n", f'[sound] quiet = "22:00-24:00"; allowed: {QUIET}'),
    ("[sound]\nquiet_breaks = 1\n", "[sound] quiet_breaks = 1; allowed: true or false"),
    ("[sound]\nkinds = 1\n", "[sound.kinds] must be a table, not 1"),
    ("[sound.kinds]\ngong = 1\n", f"[sound.kinds] has no key gong; allowed: {KINDS}"),
    ("[sound.kinds]\nsilense = 1\n", f"[sound.kinds] has no key silense; allowed: {KINDS}; did you mean silence?"),
    ("[sound.kinds]\ndone = 2\n", "[sound.kinds] done = 2; allowed: a number from 0 to 1"),
    (
        "[sound.kinds]\ntool.web = 0.5\n",
        f'[sound.kinds] tool = {{web = 0.5}}; allowed: a number from 0 to 1; {DOTTED}: "tool.web"',
    ),
    ("[sound.agents]\nwriter = 'loud'\n", '[sound.agents] writer = "loud"; allowed: a number from 0 to 1'),
    (
        "[sound.agents]\nweb.dev = 0.5\n",
        f'[sound.agents] web = {{dev = 0.5}}; allowed: a number from 0 to 1; {DOTTED}: "web.dev"',
    ),
    ("[observe]\nsweep = 0\n", "[observe] sweep = 0; allowed: a number of seconds from 0.1 to 1_000_000_000"),
    ("[observe]\nsample = 0.1\n", "[observe] sample = 0.1; allowed: a number of seconds from 0.5 to 1_000_000_000"),
    (
        "[usage]\ndaily_cost = inf\n",
        "[usage] daily_cost = inf is not a finite number; allowed: a number of US dollars from 0 up",
    ),
    ("[usage]\ndaily_cost = '$20'\n", '[usage] daily_cost = "$20"; allowed: a number of US dollars from 0 up'),
    ("[usage]\nhold = 'yes'\n", '[usage] hold = "yes"; allowed: true or false'),
    ("agents = 3\n", "[agents] must be a table of agents, like [agents.writer], not 3"),
    (
        "[agents]\nwriter = 3\n",
        f"[agents] has no key writer; allowed: {AGENT}. {OWN_TABLE}writer]",
    ),
    (
        "[agents]\ndefault = 'x'\n",
        f"[agents] has no key default; allowed: {AGENT}. {OWN_TABLE}default]",
    ),
    ("[agents]\nmax_turns = 0\n", "[agents] max_turns = 0; allowed: a whole number from 1 up"),
    ("[agents]\nmax_turns = true\n", "[agents] max_turns = true; allowed: a whole number from 1 up"),
    ("[agents]\nprogram = 'my program'\n", '[agents] program = "my program"; allowed: a name without spaces, or empty'),
    ("[agents]\nprogram = 'command'\n", f"[agents] {NO_COMMAND}"),
    ("[agents]\ncommand = ['']\n", '[agents] command = [""] has no first word: what is to be run'),
    (
        "[agents]\ncommand = {a = 1}\n",
        f"[agents.command] has no key a; allowed: {AGENT}. {AS_KEY}",
    ),
    ("[agents.writer]\nprogram = 7\n", "[agents.writer] program = 7; allowed: a name without spaces, or empty"),
    ("[agents.writer]\nprogram = 'command'\n", f"[agents.writer] {NO_COMMAND}"),
    ("[agents]\nprogram = 'other'\n[agents.writer]\nprogram = 'command'\n", f"[agents.writer] {NO_COMMAND}"),
    (
        "[agents.writer]\nprogram = 'command'\ncommand = 'agent.py'\n",
        f'[agents.writer] command = "agent.py"; allowed: {WORDS}',
    ),
    ("[agents.writer]\ncommand = [1]\n", f"[agents.writer] command = [1]; allowed: {WORDS}"),
    (
        "[agents.writer]\nwake_evry = 60\n",
        f"[agents.writer] has no key wake_evry; allowed: {AGENT}; did you mean wake_every?",
    ),
    ("[agents.x]\n[agents.'@X']\n", '[agents."@X"] is an agent that has another table there: make them one'),
    ("[agents.'']\n", '[agents.""] names no agent'),
    (
        "[agents.web.dev]\nmodel = 'x'\n",
        '[agents.web.dev] is no agent; one whose name has a dot stands in quotes: [agents."web.dev"]',
    ),
    ("approval = 3\n", "[approval] must hold tables of tiers, like [approval.tiers.2], not 3"),
    ("[approval]\ntiers = 3\n", "[approval] must hold tables of tiers, like [approval.tiers.2], not {tiers = 3}"),
    (
        "[approval]\nexpires = 3\n",
        "[approval] has no key expires; a tier is a table of its own, like [approval.tiers.2]",
    ),
    ("[approval.tiers]\n2 = 3\n", "[approval.tiers.2] must be a table, not 3"),
    ("[approval.tiers.high]\n", "[approval.tiers.high] is no tier: its name is a number from 0 to 999"),
    ("[approval.tiers.-1]\n", "[approval.tiers.-1] is no tier: its name is a number from 0 to 999"),
    ("[approval.tiers.2]\nexpires = '2 weeks'\n", f'[approval.tiers.2] expires = "2 weeks"; allowed: {SECONDS}'),
    (
        "[approval.tiers.2]\nproof = 'passphrase'\napprover = '@lead'\n",
        '[approval.tiers.2] proof = "passphrase" is the operator\'s, and "@lead" decides it',
    ),
    ("programs = 3\n", "[programs] must be a table of programs, like [programs.command], not 3"),
    ("[programs]\ncommand = 3\n", "[programs.command] must be a table, not 3"),
    ("[programs.command]\nmax_runs = -1\n", "[programs.command] max_runs = -1; allowed: a whole number from 0 up"),
    (
        "[programs.command]\nmodel = 'x'\n",
        "[programs.command] has no key model; allowed: max_runs; it is a key of [agents]",
    ),
    ("prices = 3\n", '[prices] must be a table of models, like [prices."gpt-5.1"], not 3'),
    ("[prices]\no3 = 3\n", "[prices.o3] must be a table, not 3"),
    ("[prices.o3]\noutput = 15\n", "[prices.o3] has no input, which a price needs"),
    (
        "[prices.o3]\ninput = -1\noutput = 15\n",
        "[prices.o3] input = -1; allowed: a number of US dollars a million from 0 to 1_000_000",
    ),
    (
        "[prices.gpt-5.1]\ninput = 1\noutput = 2\n",
        '[prices.gpt-5.1] is no price; a model whose name has a dot stands in quotes: [prices."gpt-5.1"]',
    ),
    (
        "[prices.o3]\ninput = 1\noutput = 2\n[prices.O3]\ninput = 1\noutput = 2\n",
        "[prices.O3] is a model that has another table there: make them one",
    ),
]


def faults(tmp_path: Path, text: str) -> str:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_config(path)
    assert error.value.exit_status == 2
    why = f"{error.value}; the defaults are used meanwhile"
    assert read_config_or_defaults(path) == (Config(), why)
    return str(error.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(("text", "said"), BAD)
def test_a_fault_names_section_key_value_and_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    assert faults(tmp_path, text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("this is no toml", "Expected '=' after a key in a key/value pair (at line 1, column 6)"),
        ("[alarms]\nsilence = \n", "Invalid value (at line 2, column 11)"),
        ("[alarms]\nlook = 1\nlook = 2\n", "Cannot overwrite a value (at line 3, column 9)"),
        (f"x = {'[' * 3000}{']' * 3000}", "has a number that is too long, or is nested too deep"),
        (f"[mail]\nper_minute = {'9' * 5000}\n", "has a number that is too long, or is nested too deep"),
        (f"[mail]\nper_minute = 0x{'f' * 5000}\n", "has a number that is too long, or is nested too deep"),
    ],
    ids=["no toml", "no value", "twice", "nested", "long", "long hex"],
)
def test_what_is_no_toml_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    assert faults(tmp_path, text) == said


def test_a_long_value_is_cut_and_a_line_stays_one_line(tmp_path: Path) -> None:
    said = faults(tmp_path, f'[sound]\nquiet = "one\\ntwo{"x" * 5000}"\n')
    assert (
        len(said) < 200 and said.startswith('[sound] quiet = "one\\ntwoxxx') and said.endswith(f"xx…; allowed: {QUIET}")
    )
    assert faults(tmp_path, '["a\\nb"]\n').splitlines() == [f'["a\\nb"] is not known; allowed: {SECTIONS}']


def test_all_faults_of_a_file_are_found_and_one_line_says_how_many(tmp_path: Path) -> None:
    text = "".join(
        ("[dispach]\n", "[dispatch]\nattempts = 0\nstartup = 1\nretry_wait = 7\n", "[alarms]\nlook = 0\n",
         "[sound]\nvolume = 2\n[sound.kinds]\ngong = 1\ndone = 0.5\n", "[agents]\nmax_turns = 0\n",
         "[agents.writer]\nmodel = 1\n[agents.lead]\nmodel = 2\n", "[programs.command]\nmax_runs = -1\n")
    )  # fmt: skip
    assert faults(tmp_path, text) == (
        f"[dispach] is not known; allowed: {SECTIONS}; did you mean dispatch? "
        "(and 9 more: `mailcore config` lists them)"
    )
    _, config, found = read_settings(tmp_path / "config.toml")
    assert [fault.partition(";")[0] for fault in found] == [
        "[dispach] is not known", "[dispatch] attempts = 0", "[dispatch] has no key startup", "[alarms] look = 0",
        "[sound] volume = 2", "[sound.kinds] has no key gong", "[agents] max_turns = 0", "[agents.writer] model = 1",
        "[agents.lead] model = 2", "[programs.command] max_runs = -1",
    ]  # fmt: skip
    assert (config.dispatch.retry_wait, dict(config.sound.kinds)) == (7.0, {"done": 0.5}), "what is right holds"
