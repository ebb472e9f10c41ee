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
    """Runs in a row that only wrote mail, after which nothing starts by itself."""
    backoff: tuple[float, ...] = (120.0, 300.0, 600.0, 1800.0)
    """Waits before a start by itself after one, two, three, … failed runs in a row."""
    fleet_failures: int = 20
    """Failed attempts in a minute, workspace-wide, after which no attempt is repeated; 0 for never."""
    output_limit: int = 50_000_000
    """Bytes kept of one attempt's stdout and stderr each; the older part is freed on disk."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """`[alarms]`: when the operator is wanted."""

    silence: float = 300.0
    """Expected to work, and no sign of life for longer than this."""


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
    """0.0 to 1.0."""
    pack: str = "default"


@dataclass(frozen=True, slots=True)
class Observe:
    """`[observe]`: the two things that poll, and their periods."""

    sweep: float = 2.0
    """Period of the reconcile sweep: a stat of what is known, a look for new branches."""
    sample: float = 2.0
    """Period of the CPU and memory sample of the selected agent's processes."""


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
    known = {"dispatch", "alarms", "mail", "sound", "observe", "agents", "programs"}
    for name in data:
        if name not in known:
            raise ConfigError(f"{path}: [{name}] is not known; allowed: {', '.join(sorted(known))}")
    return Config(
        dispatch=_section(Dispatch, data.get("dispatch", {}), path, "dispatch"),
        alarms=_section(Alarms, data.get("alarms", {}), path, "alarms"),
        mail=_section(Mail, data.get("mail", {}), path, "mail"),
        sound=_section(Sound, data.get("sound", {}), path, "sound"),
        observe=_section(Observe, data.get("observe", {}), path, "observe"),
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


def _agents(table: Any, path: Path) -> dict[str, AgentConfig]:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [agents] is a table of agents, like [agents.writer]")
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
        raise ConfigError(f"{path}: [programs] is a table of programs, like [programs.claude]")
    return {str(name): _section(ProgramConfig, values, path, f"programs.{name}") for name, values in table.items()}


def _section(kind: type[T], table: Any, path: Path, name: str) -> T:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [{name}] is a table")
    default = kind()
    allowed = {f.name for f in fields(default)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in allowed:
            raise ConfigError(f"{path}: [{name}] has no key {key!r}; allowed: {', '.join(sorted(allowed))}")
        values[key] = _checked(getattr(default, key), value, f"{path}: [{name}] {key}")
    return kind(**values)


def _checked(default: Any, value: Any, where: str) -> Any:
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
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ConfigError(f"{where} is a number from 0 up, not {value!r}")
    if isinstance(default, int) and value != int(value):
        raise ConfigError(f"{where} is a whole number, not {value!r}")
    return type(default)(value)
