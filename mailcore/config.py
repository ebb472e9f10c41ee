"""`.praxmonitor/config.toml` → a frozen Config: every number of the house, in seconds unless it says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from mailcore.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Dispatch:
    """`[dispatch]`: how a run is watched over."""

    startup_timeout: float = 90.0
    """Time to the first sign of life."""
    attempts: int = 3
    retry_wait: float = 5.0
    limit_wait: float = 30.0
    """Wait after a rate limit or overload; jitter of up to half is added."""
    hard_limit: float = 7200.0
    """The longest an attempt may run."""
    stop_grace: float = 5.0
    """Between TERM and KILL."""
    wake_depth: int = 3
    """How deep automatic wakes may nest."""
    max_runs: int = 0
    """Runs at once in the workspace; 0 for any number. One more waits in the queue."""
    no_progress: int = 3
    """Runs in a row without a message, a changed file or a commit, after which nothing starts by itself."""
    ping_pong: int = 12
    """Runs in a row that only wrote mail or their agent's memories, after which nothing starts by itself."""
    backoff: tuple[float, ...] = (120.0, 300.0, 600.0, 1800.0)
    """Waits before a start by itself after one, two, three, … failed runs in a row."""
    fleet_failures: int = 20
    """Failed attempts in a minute, workspace-wide, after which no attempt is repeated; 0 for never."""
    output_limit: int = 50_000_000
    """Bytes kept of one attempt's stdout and stderr each; the older part is freed on disk."""


START_SPARE = 30.0
"""Seconds past `[dispatch] startup_timeout` before a start counts as silent: until then its supervisor acts."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """`[alarms]`: when the operator is wanted."""

    silence: float = 300.0
    """Expected to work, and no sign of life for longer than this; 0, here and below: never."""
    silence_start: float = 180.0
    """The same until the first sign of an attempt (at least 30 s past `startup_timeout`), and past the time at which
    the next one was to begin."""
    silence_tool: float = 900.0
    """The same within a tool."""
    silence_compaction: float = 600.0
    silence_subagent: float = 900.0
    """The same while a subagent works. Of several limits the longest holds."""
    storm: int = 10
    """Errors of one agent in a minute that are a storm."""
    disk_free: int = 500_000_000
    """Bytes; less is nearly full."""
    lag: float = 1.5
    """The observer itself is late by more than this, again and again."""
    look: float = 5.0
    """Period of the look at the disk, and at the CPU use of the agents that are near their limit."""
    repeat: tuple[float, ...] = (180.0, 120.0, 60.0)
    """Waits before an alarm that nobody acknowledged is heard again; the last one holds on. [] for never."""
    snooze: float = 600.0
    """How long the key silences an alarm."""
    notify: str = "auto"
    """Desktop notifications through the terminal: `9` or `777` for OSC 9 or OSC 777, `auto`, `none`."""
    on_alarm: tuple[str, ...] = ()
    """A command of yours that is run with each change; it gets one JSON object on its stdin."""


@dataclass(frozen=True, slots=True)
class Mail:
    """`[mail]`."""

    max_body: int = 1_000_000
    """Bytes of one body."""
    max_subject: int = 500
    """Characters."""
    per_minute: int = 0
    """Mails that one sender may send in a minute; 0 for any number."""
    rung_low: float = 86400.0
    rung_normal: float = 7200.0
    rung_high: float = 600.0
    """How long a message of that priority may stand on one rung before it is overdue."""
    orchestrator: str = ""
    """Who gets what is escalated, before the operator does; and feedback from other projects."""
    approver: str = "@operator"
    """The only one whose `approve` or `deny` counts."""

    def rung_limit(self, priority: str) -> float:
        """Seconds that a message may stand on one rung."""
        return {"high": self.rung_high, "low": self.rung_low}.get(priority, self.rung_normal)


@dataclass(frozen=True, slots=True)
class Sound:
    """`[sound]`."""

    volume: float = 0.8
    """0.0 to 1.0, as are all volumes."""
    pack: str = "default"
    backend: str = ""
    """What plays: `miniaudio`, `miniaudio/alsa`, `simpleaudio`, `paplay`, `pw-play`, `aplay`, `afplay`, `bell`, `none`;
    empty: the first that works."""
    kinds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """`[sound.kinds]`: the volume of a kind of sound."""
    agents: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """`[sound.agents]`: the volume of an agent, by name."""
    subagents: float = 0.0
    """The volume of what subagents do."""
    heartbeat: float = 0.0
    """While agents work, a soft sign of it after so long without any other sound; 0: none."""
    quiet: str = ""
    """Quiet hours, local time: `22:00-07:00`."""
    quiet_breaks: bool = False
    """Whether urgent alarms may break them."""


@dataclass(frozen=True, slots=True)
class Observe:
    """`[observe]`: the two things that poll, and their periods."""

    sweep: float = 2.0
    """Period of the reconcile sweep: a stat of what is known, a look for new branches."""
    sample: float = 2.0
    """Period of the CPU and memory sample of the selected agent's processes."""


BYPASS = ("bypassPermissions", "--dangerously-", "danger-full-access", "--yolo")
"""In a permission mode or a command line of claude or codex: nothing asks before it acts."""


@dataclass(frozen=True, slots=True)
class Usage:
    """`[usage]`: what one agent may use in a day before the operator is told; 0: any amount."""

    daily_cost: float = 0.0
    """US dollars, as the agent's program reckons them."""
    daily_tokens: int = 0
    hold: bool = False
    """Hold the agent then: its run goes on, and none begins until it is released."""


@dataclass(frozen=True, slots=True)
class AgentConfig:
    """`[agents.NAME]`: the program that this agent is."""

    program: str = ""
    """`claude`, `codex` or `command`; empty: the first of claude and codex that is on PATH."""
    command: tuple[str, ...] = ()
    """For `command`: argv, run in the branch; `{prompt}` is replaced."""
    model: str = ""
    permission_mode: str = ""
    max_turns: int = 100
    wake_every: float = 0.0
    """A timer of yours wakes it this often: shown as its next wake, and as late when that did not come. 0: none."""

    @property
    def bypass(self) -> bool:
        """True if it asks for no permissions, by its `permission_mode` or the words of its own `command`."""
        words = (self.permission_mode, *self.command)
        return self.permission_mode == "bypass" or any(mark in word for word in words for mark in BYPASS)


@dataclass(frozen=True, slots=True)
class ProgramConfig:
    """`[programs.NAME]`: what holds for every agent of one program."""

    max_runs: int = 0
    """Runs of it at once; 0 for any number."""


@dataclass(frozen=True, slots=True)
class Config:
    """All of config.toml, defaults filled in."""

    dispatch: Dispatch = field(default_factory=Dispatch)
    alarms: Alarms = field(default_factory=Alarms)
    mail: Mail = field(default_factory=Mail)
    sound: Sound = field(default_factory=Sound)
    observe: Observe = field(default_factory=Observe)
    usage: Usage = field(default_factory=Usage)
    agents: Mapping[str, AgentConfig] = field(default_factory=lambda: MappingProxyType({}))
    """By name without `@`."""
    programs: Mapping[str, ProgramConfig] = field(default_factory=lambda: MappingProxyType({}))

    def program(self, name: str) -> ProgramConfig:
        """The settings of one program; defaults where nothing is said."""
        return self.programs.get(name, ProgramConfig())

    def agent(self, address: str) -> AgentConfig:
        """The settings of one agent; defaults where nothing is said."""
        return self.agents.get(address.lstrip("@"), AgentConfig())


def read_config(path: Path) -> Config:
    """Read config.toml; a missing file is all defaults. ConfigError names file, key and what is allowed."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Config()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    import tomllib

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    if isinstance(data.get("dispatch"), dict) and data["dispatch"].get("attempts", 1) == 0:
        raise ConfigError(f"{path}: [dispatch] attempts = 0; at least one is needed")
    known = {"dispatch", "alarms", "mail", "sound", "observe", "usage", "agents", "programs"}
    for name in data:
        if name not in known:
            raise ConfigError(f"{path}: [{name}] is not known; allowed: {', '.join(sorted(known))}")
    dispatch = _section(Dispatch, data.get("dispatch", {}), path, "dispatch")
    return Config(
        dispatch=dispatch,
        alarms=_alarms(data.get("alarms", {}), path, dispatch),
        mail=_section(Mail, data.get("mail", {}), path, "mail"),
        sound=_section(Sound, data.get("sound", {}), path, "sound"),
        observe=_section(Observe, data.get("observe", {}), path, "observe"),
        usage=_section(Usage, data.get("usage", {}), path, "usage"),
        agents=MappingProxyType(_agents(data.get("agents", {}), path)),
        programs=MappingProxyType(_programs(data.get("programs", {}), path)),
    )


def read_config_or_defaults(path: Path) -> tuple[Config, str]:
    """The config, or all defaults and why: for what must work whatever stands there, like kill and reply."""
    try:
        return read_config(path), ""
    except ConfigError as error:
        return Config(), f"{error}; the defaults are used meanwhile"


T = TypeVar("T")


NOTIFY = ("auto", "9", "777", "none")


def _alarms(table: Any, path: Path, dispatch: Dispatch) -> Alarms:
    alarms = _section(Alarms, table, path, "alarms")
    if alarms.notify not in NOTIFY:
        raise ConfigError(f"{path}: [alarms] notify = {alarms.notify!r}; allowed: {', '.join(NOTIFY)}")
    if alarms.look < 0.1:
        raise ConfigError(f"{path}: [alarms] look = {alarms.look:g}; 0.1 s is the least")
    if any(wait < 1 for wait in alarms.repeat):
        raise ConfigError(f"{path}: [alarms] repeat = {list(alarms.repeat)}; 1 s is the least, [] is never")
    # The supervisor itself ends what does not start: an alarm before that would come too early.
    earliest = dispatch.startup_timeout + START_SPARE
    return replace(alarms, silence_start=max(alarms.silence_start, earliest)) if alarms.silence_start else alarms


def _agents(table: Any, path: Path) -> dict[str, AgentConfig]:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [agents] must be a table of agents, like [agents.writer], not {table!r}")
    agents = {}
    for name, values in table.items():
        agent = _section(AgentConfig, values, path, f"agents.{name}")
        if agent.command and not agent.program:
            agent = replace(agent, program="command")
        if agent.program not in ("", "claude", "codex", "command"):
            raise ConfigError(f"{path}: [agents.{name}] program = {agent.program!r}; allowed: claude, codex, command")
        if agent.program == "command" and not agent.command:
            raise ConfigError(f'{path}: [agents.{name}] has no \'command\', e.g. command = ["python3", "agent.py"]')
        agents[str(name).lstrip("@").lower()] = agent
    return agents


def _programs(table: Any, path: Path) -> dict[str, ProgramConfig]:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [programs] must be a table of programs, like [programs.claude], not {table!r}")
    return {str(name): _section(ProgramConfig, values, path, f"programs.{name}") for name, values in table.items()}


def _section(kind: type[T], table: Any, path: Path, name: str) -> T:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [{name}] must be a table, not {table!r}")
    default = kind()
    allowed = {f.name for f in fields(default)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in allowed:
            raise ConfigError(f"{path}: [{name}] has no key {key!r}; allowed: {', '.join(sorted(allowed))}")
        values[key] = _checked(getattr(default, key), value, f"{path}: [{name}] {key}")
    return kind(**values)


def _checked(default: Any, value: Any, where: str) -> Any:
    if isinstance(default, Mapping):
        if isinstance(value, dict):
            return MappingProxyType({key: _checked(0.0, number, f"{where}.{key}") for key, number in value.items()})
        raise ConfigError(f"{where} is a table of numbers, not {value!r}")
    if isinstance(default, tuple) and default:
        if isinstance(value, list) and all(isinstance(item, int | float) and 0 <= item < 1e9 for item in value):
            return tuple(float(item) for item in value)
        raise ConfigError(f"{where} is a list of numbers from 0 up, not {value!r}")
    if isinstance(default, tuple):
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ConfigError(f"{where} is a list of texts, not {value!r}")
    if isinstance(default, str):
        if isinstance(value, str):
            return value
        raise ConfigError(f"{where} is a text, not {value!r}")
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        raise ConfigError(f"{where} is true or false, not {value!r}")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ConfigError(f"{where} is a number from 0 up, not {value!r}")
    if isinstance(default, int) and value != int(value):
        raise ConfigError(f"{where} is a whole number, not {value!r}")
    return type(default)(value)
