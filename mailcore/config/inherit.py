"""The tables of config.toml → `Config`: what every agent takes from [agents], and limits that hang on each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from mailcore.config.agents import AccountConfig, AgentConfig, ProgramConfig
from mailcore.config.check import checked_mapping, checked_section, unknown_key
from mailcore.config.prices import WANTED, Price
from mailcore.config.projects import PROJECT_NAME, ProjectConfig
from mailcore.config.schema import SECTIONS, START_SPARE, Alarms, Config, Dispatch
from mailcore.config.tiers import KNOWN, Tier
from mailcore.config.toml_text import key_name, kinds_of, toml, value_text
from mailcore.exceptions import did_you_mean
from mailcore.text.units import seconds_in

OF_ONE_PROGRAM = ("command", "model", "permission_mode")
"""Keys of an agent that mean nothing, or something else, to another program."""
COMMAND_PROGRAM = "command"
"""The program that is whatever its agent's `command` says."""

_DOTTED = "; one whose name has a dot stands in quotes: [agents."
_DOTTED_MODEL = " is no price; a model whose name has a dot stands in quotes: [prices."
_NO_FIRST_WORD = "has no first word: what is to be run"


def resolve_config(tables: dict[str, Any]) -> tuple[Config, list[str]]:
    """The settings, and every fault of the tables in words; a value that is none leaves the default."""
    faults = [_unknown_section(name, value) for name, value in tables.items() if name not in _NAMES]
    found: dict[str, Any] = {}
    for name, section in SECTIONS.items():
        values, wrong = checked_section(section, tables.get(name, {}), name)
        found[name] = section(**values)
        faults += wrong
    for key in ("on_alarm", "on_heartbeat"):
        if (command := getattr(found["alarms"], key))[:1] == ("",):
            faults.append(f"[alarms] {key} = {value_text(command)} {_NO_FIRST_WORD}")
    found["alarms"] = _raised(found["alarms"], found["dispatch"])
    found["default_agent"], agents, wrong = _agents(tables.get("agents", {}))
    faults += wrong
    programs, wrong = _programs(tables.get("programs", {}))
    faults += wrong
    projects, wrong = _projects(tables.get("projects", {}))
    faults += wrong
    prices, wrong = _prices(tables.get("prices", {}))
    faults += wrong
    found["accounts"], wrong = _accounts(tables.get("accounts", {}))
    faults += [*wrong, *_unknown_accounts(tables.get("agents", {}), found["accounts"])]
    found["tiers"], wrong = _tiers(tables.get("approval", {}), found["mail"].approver)
    faults += wrong
    found |= {"agents": MappingProxyType(agents), "programs": MappingProxyType(programs)}
    found |= {"projects": MappingProxyType(projects), "prices": MappingProxyType(prices)}
    return Config(**found), faults


_NAMES = (*SECTIONS, "accounts", "agents", "approval", "prices", "programs", "projects")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TIER = re.compile(r"0|[1-9][0-9]{0,2}")


def _unknown_section(name: str, value: object) -> str:
    if isinstance(value, dict):
        return f"[{key_name(name)}] is not known; allowed: {', '.join(sorted(_NAMES))}{did_you_mean(name, _NAMES)}"
    homes = [at for at, section in SECTIONS.items() if name in kinds_of(section)]
    hint = f"it is a key of {' and '.join(f'[{at}]' for at in homes)}" if homes else "a key stands in a section"
    return f"{key_name(name)} = {value_text(value)} stands before the first section; {hint}"


def _raised(alarms: Alarms, dispatch: Dispatch) -> Alarms:
    """With the silence of a start no shorter than the supervisor needs, which itself ends what does not start."""
    if not alarms.silence_start:
        return alarms
    return replace(alarms, silence_start=max(alarms.silence_start, dispatch.startup_timeout + START_SPARE))


def _agents(table: Any) -> tuple[AgentConfig, dict[str, AgentConfig], list[str]]:
    """What [agents] says itself, for every agent; each agent's own table with that filled in; the faults."""
    if not isinstance(table, dict):
        return AgentConfig(), {}, [f"[agents] must be a table of agents, like [agents.writer], not {value_text(table)}"]
    keys = tuple(kinds_of(AgentConfig))
    own = {key: values for key, values in table.items() if isinstance(values, dict)}
    plain = {key: value for key, value in table.items() if key not in own}
    every, faults = checked_section(AgentConfig, {key: value for key, value in plain.items() if key in keys}, "agents")
    faults += [
        f"{unknown_key('agents', key, keys)}. What one agent is stands in a table of its own, "
        f"like [agents.{key_name(key)}]"
        for key in plain
        if key not in keys
    ]
    # Each may have a command of its own: who has none is refused when it is to start.
    default, wrong = _agent(every, plain, "agents", needed=not any("command" in values for values in own.values()))
    faults += wrong
    agents: dict[str, AgentConfig] = {}
    for key, values in own.items():
        title, name = f"agents.{key_name(key)}", key.lstrip("@").lower()
        if not name or name in agents:
            twice = "is an agent that has another table there: make them one"
            faults.append(f"[{title}] {twice if name else 'names no agent'}")
            continue
        inner = [inner for inner, value in values.items() if isinstance(value, dict) and inner not in keys]
        faults += [f"[{title}.{key_name(one)}] is no agent{_DOTTED}{toml(f'{key}.{one}')}]" for one in inner]
        values = {one: value for one, value in values.items() if one not in inner}
        checked, wrong = checked_section(AgentConfig, values, title)
        agents[name], more = _agent(_filled(checked, every, default.program), values, title)
        wrong += more
        if wrong and key in keys:
            wrong[-1] += f". A table [{title}] is the agent @{key}: as a key, {key} is none"
        faults += wrong
    return default, agents, faults


def _filled(values: dict[str, Any], every: dict[str, Any], program: str) -> dict[str, Any]:
    """An agent's values, and of every agent's, who are that `program`, what it does not say itself."""
    if "command" in values and "program" not in values:
        values = {**values, "program": COMMAND_PROGRAM}
    if values.get("program", program) != program:
        every = {key: value for key, value in every.items() if key not in OF_ONE_PROGRAM}
    return {**every, **values}


def _agent(
    values: dict[str, Any], table: dict[str, Any], name: str, *, needed: bool = True
) -> tuple[AgentConfig, list[str]]:
    """The agent of those values, and what is wrong with them together; `table` is what its table holds itself."""
    agent = AgentConfig(**values)
    if agent.command and not agent.program:
        agent = replace(agent, program=COMMAND_PROGRAM)
    if agent.command[:1] == ("",) and "command" in table:
        return agent, [f"[{name}] command = {value_text(agent.command)} {_NO_FIRST_WORD}"]
    if needed and agent.program == COMMAND_PROGRAM and not agent.command and not table.get("command"):
        return agent, [f'[{name}] has no command, which its program needs, like command = ["python3", "agent.py"]']
    return agent, []


def _programs(table: Any) -> tuple[dict[str, ProgramConfig], list[str]]:
    if not isinstance(table, dict):
        return {}, [f"[programs] must be a table of programs, like [programs.command], not {value_text(table)}"]
    programs: dict[str, ProgramConfig] = {}
    faults: list[str] = []
    for name, values in table.items():
        checked, wrong = checked_section(ProgramConfig, values, f"programs.{key_name(name)}")
        programs[name] = ProgramConfig(**checked)
        faults += wrong
    return programs, faults


def _projects(table: Any) -> tuple[dict[str, ProjectConfig], list[str]]:
    if not isinstance(table, dict):
        return {}, [f"[projects] must be a table of projects, like [projects.docs], not {value_text(table)}"]
    projects: dict[str, ProjectConfig] = {}
    faults: list[str] = []
    for name, values in table.items():
        title = f"projects.{key_name(name)}"
        if not PROJECT_NAME.fullmatch(name.lower()) or name.lower() in projects:
            faults.append(
                f"[{title}] is no project's name: a letter, then letters, digits and -, 31 at most; each once"
            )
            continue
        checked, wrong = checked_section(ProjectConfig, values, title)
        if not wrong and not checked.get("root"):
            wrong = [f'[{title}] has no root, which says where it lies, like root = "/srv/docs"']
        projects[name.lower()] = ProjectConfig(**checked)
        faults += wrong
    return projects, faults


def _prices(table: Any) -> tuple[dict[str, Price], list[str]]:
    """The prices by model, in small letters, and the faults."""
    if not isinstance(table, dict):
        return {}, [f'[prices] must be a table of models, like [prices."gpt-5.1"], not {value_text(table)}']
    prices: dict[str, Price] = {}
    faults: list[str] = []
    for name, values in table.items():
        title = f"prices.{key_name(name)}"
        inner = [key for key, value in values.items() if isinstance(value, dict)] if isinstance(values, dict) else []
        if inner:
            faults += [f"[{title}.{key_name(key)}]{_DOTTED_MODEL}{toml(f'{name}.{key}')}]" for key in inner]
            continue
        if name.lower() in prices:
            faults.append(f"[{title}] is a model that has another table there: make them one")
            continue
        checked, wrong = checked_section(Price, values, title)
        if not wrong:
            wrong = [f"[{title}] has no {key}, which a price needs" for key in WANTED if key not in checked]
        if not wrong:
            prices[name.lower()] = Price(**checked)
        faults += wrong
    return prices, faults


def _accounts(table: Any) -> tuple[Mapping[str, Mapping[str, str]], list[str]]:
    """Each account's directories, and the faults; which programs there are is not known here."""
    if not isinstance(table, dict):
        return {}, [f"[accounts] must be a table of accounts, like [accounts.work], not {value_text(table)}"]
    accounts: dict[str, Mapping[str, str]] = {}
    faults: list[str] = []
    for name, values in table.items():
        title = f"accounts.{key_name(name)}"
        if not _ACCOUNT.fullmatch(name):
            faults.append(f"[{title}] is no account's name: letters, digits, . _ and -, 64 at most")
            continue
        accounts[name], wrong = checked_mapping(str, kinds_of(AccountConfig)["PROGRAM"], values, title)
        faults += wrong
    return MappingProxyType(accounts), faults


def _unknown_accounts(agents: Any, known: Mapping[str, Any]) -> list[str]:
    """Where a table of agents names an account that there is not."""
    tables = {"agents": agents} if isinstance(agents, dict) else {}
    tables |= {f"agents.{key_name(name)}": table for name, table in tables.get("agents", {}).items()}
    named = ((title, table.get("account")) for title, table in tables.items() if isinstance(table, dict))
    return [
        f"[{title}] account = {value_text(name)} is no account; {_there_are(known)}{did_you_mean(name, known)}"
        for title, name in named
        if isinstance(name, str) and name and name not in known
    ]


def _there_are(known: Mapping[str, Any]) -> str:
    return f"there are {', '.join(known)}" if known else "there is none: it is a table like [accounts.work]"


def _tiers(table: Any, approver: str) -> tuple[Mapping[int, Tier], list[str]]:
    """The tiers of approvals, the lowest first, and the faults; `approver` decides where a tier names nobody."""
    if not isinstance(table, dict) or not isinstance(named := table.get("tiers", {}), dict):
        return _known({}), [f"[approval] must hold tables of tiers, like [approval.tiers.2], not {value_text(table)}"]
    faults = [
        f"[approval] has no key {key_name(key)}; a tier is a table of its own, like [approval.tiers.2]"
        for key in table
        if key != "tiers"
    ]
    tiers: dict[int, Tier] = {}
    for name, values in named.items():
        title = f"approval.tiers.{key_name(name)}"
        if not _TIER.fullmatch(name):
            faults.append(f"[{title}] is no tier: its name is a number from 0 to 999")
            continue
        if isinstance(values, dict) and (age := seconds_in(str(values.get("expires", "")))) is not None:
            values = {**values, "expires": age}
        checked, wrong = checked_section(Tier, values, title)
        tiers[int(name)] = tier = Tier(**checked)
        faults += wrong
        who = tier.approver or approver
        if tier.proof == "passphrase" and who.lstrip("@").lower() != "operator":
            faults.append(f'[{title}] proof = "passphrase" is the operator\'s, and {toml(who)} decides it')
    return _known(tiers), faults


def _known(tiers: dict[int, Tier]) -> Mapping[int, Tier]:
    return MappingProxyType(dict(sorted({**{number: Tier() for number in KNOWN}, **tiers}.items())))
