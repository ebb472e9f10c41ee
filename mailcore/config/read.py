"""config.toml → `Config`. What is not allowed there is said with file, key and what is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from mailcore.config.values import (
    START_SPARE,
    AgentConfig,
    Alarms,
    Config,
    Dispatch,
    Mail,
    Observe,
    ProgramConfig,
    Sound,
    Usage,
)
from mailcore.errors import ConfigError
from mailcore.system.files import read_bytes

NOTIFY = ("auto", "9", "777", "none")
OF_ONE_PROGRAM = ("command", "model", "permission_mode")
"""Keys of an agent that mean nothing, or something else, to another program."""

T = TypeVar("T")


def read_config(path: Path) -> Config:
    """Read config.toml; a missing file is all defaults. ConfigError names file, key and what is allowed.

    It may be a regular file, or a symlink to one: what is kept among other settings of yours is linked to. Nothing
    else is waited for.
    """
    try:
        text = read_bytes(path).decode()
    except FileNotFoundError:
        if path.is_symlink():
            raise ConfigError(f"{path}: is a symlink that leads nowhere; mend or remove it") from None
        return Config()
    except OSError as error:
        remedy = "; put a plain file there" if str(error.strerror).endswith("refused") else ""
        raise ConfigError(f"{path}: {error.strerror}{remedy}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    import tomllib

    try:
        return _config(tomllib.loads(text), path)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:  # over 4,300 digits, or nested about 1,000 deep
        raise ConfigError(f"{path}: has a number that is too long, or is nested too deep") from error


def read_config_or_defaults(path: Path) -> tuple[Config, str]:
    """The config, or all defaults and why: for what must work whatever stands there, like kill and reply."""
    try:
        return read_config(path), ""
    except ConfigError as error:
        return Config(), f"{error}; the defaults are used meanwhile"


def _config(data: dict[str, Any], path: Path) -> Config:
    if isinstance(data.get("dispatch"), dict) and data["dispatch"].get("attempts", 1) == 0:
        raise ConfigError(f"{path}: [dispatch] attempts = 0; at least one is needed")
    known = {"dispatch", "alarms", "mail", "sound", "observe", "usage", "agents", "programs"}
    for name in data:
        if name not in known:
            raise ConfigError(f"{path}: [{name}] is not known; allowed: {', '.join(sorted(known))}")
    dispatch = _section(Dispatch, data.get("dispatch", {}), path, "dispatch")
    default_agent, agents = _agents(data.get("agents", {}), path)
    return Config(
        dispatch=dispatch,
        alarms=_alarms(data.get("alarms", {}), path, dispatch),
        mail=_section(Mail, data.get("mail", {}), path, "mail"),
        sound=_section(Sound, data.get("sound", {}), path, "sound"),
        observe=_section(Observe, data.get("observe", {}), path, "observe"),
        usage=_section(Usage, data.get("usage", {}), path, "usage"),
        agents=MappingProxyType(agents),
        default_agent=default_agent,
        programs=MappingProxyType(_programs(data.get("programs", {}), path)),
    )


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


def _agents(table: Any, path: Path) -> tuple[AgentConfig, dict[str, AgentConfig]]:
    """What `[agents]` says itself, for every agent, and each agent's own table with that filled in."""
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [agents] must be a table of agents, like [agents.writer], not {table!r}")
    every = {key: value for key, value in table.items() if not isinstance(value, dict)}
    keys = [one.name for one in fields(AgentConfig)]
    for key in every:
        if key not in keys:
            raise ConfigError(
                f"{path}: [agents] has no key {key!r}; allowed there, for every agent: {', '.join(sorted(keys))}. "
                f"What one agent is stands in a table of its own, like [agents.{key}]"
            )
    own = {str(name): values for name, values in table.items() if name not in every}
    # Each may have a command of its own: who has none is refused when it is to start.
    default = _agent(every, path, "agents", needed=not any("command" in values for values in own.values()))
    agents: dict[str, AgentConfig] = {}
    for key, values in own.items():
        name = key.lstrip("@").lower()
        if name in agents:
            raise ConfigError(f"{path}: [agents.{key}] is @{name}, which has another table there: make them one")
        try:
            agents[name] = _agent(_filled(values, every, default.program), path, f"agents.{key}")
        except ConfigError as error:
            if key not in keys:
                raise
            raise ConfigError(f"{error}. A table [agents.{key}] is the agent @{key}: as a key, {key} is none") from None
    return default, agents


def _filled(values: dict[str, Any], every: dict[str, Any], program: str) -> dict[str, Any]:
    """An agent's table, and of every agent's, who are that `program`, what it does not say itself."""
    if "command" in values and "program" not in values:
        values = {**values, "program": "command"}
    if values.get("program", program) != program:
        every = {key: value for key, value in every.items() if key not in OF_ONE_PROGRAM}
    return {**every, **values}


def _agent(table: dict[str, Any], path: Path, name: str, *, needed: bool = True) -> AgentConfig:
    agent = _section(AgentConfig, table, path, name)
    if agent.command and not agent.program:
        agent = replace(agent, program="command")
    if needed and agent.program == "command" and not agent.command:
        raise ConfigError(f'{path}: [{name}] has no \'command\', e.g. command = ["python3", "agent.py"]')
    return agent


def _programs(table: Any, path: Path) -> dict[str, ProgramConfig]:
    if not isinstance(table, dict):
        raise ConfigError(f"{path}: [programs] must be a table of programs, like [programs.command], not {table!r}")
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
