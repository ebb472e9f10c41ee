"""The settings that hold, each with where it comes from: the file, [agents], another setting, or the default."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from mailcore.config.agents import AgentConfig
from mailcore.config.schema import SECTIONS, START_SPARE, Alarms, Config
from mailcore.config.toml_text import key_name, kinds_of
from mailcore.text.units import duration

FILE, DEFAULT = "file", "default"

Sourced = dict[str, tuple[Any, str]]
"""Key → its value, and where that comes from."""


def effective(file_tables: Mapping[str, Any], config: Config) -> dict[str, Sourced]:
    """Section → its keys; `file_tables` are the tables of the file that `config` was read from, which has no fault."""
    found: dict[str, Sourced] = {}
    for section in SECTIONS:
        sourced = _sourced(getattr(config, section), file_tables.get(section, {}))
        tables = {key: value for key, (value, _) in sourced.items() if isinstance(value, Mapping)}
        found[section] = {key: pair for key, pair in sourced.items() if key not in tables}
        for key, table in tables.items():
            found[f"{section}.{key}"] = {name: (value, FILE) for name, value in table.items()}
    start = config.alarms.silence_start
    if start != file_tables.get("alarms", {}).get("silence_start", Alarms().silence_start):
        found["alarms"]["silence_start"] = start, f"startup_timeout and {duration(START_SPARE)} more"
    tables = file_tables.get("agents", {})
    found["agents"] = _agent(config.default_agent, tables, AgentConfig())
    own = {name.lstrip("@").lower(): table for name, table in tables.items() if isinstance(table, dict)}
    for name, agent in config.agents.items():
        found[f"agents.{key_name(name)}"] = _agent(agent, own[name], config.default_agent)
    for name, program in config.programs.items():
        found[f"programs.{key_name(name)}"] = _sourced(program, file_tables["programs"][name])
    linked = {name.lower(): table for name, table in file_tables.get("projects", {}).items()}
    for name, project in config.projects.items():
        found[f"projects.{name}"] = _sourced(project, linked[name])
    priced = {name.lower(): table for name, table in file_tables.get("prices", {}).items()}
    for name, price in config.prices.items():
        found[f"prices.{key_name(name)}"] = _sourced(price, priced[name])
    for name, homes in config.accounts.items():
        found[f"accounts.{key_name(name)}"] = {program: (directory, FILE) for program, directory in homes.items()}
    tiers = file_tables.get("approval", {}).get("tiers", {})
    for number, tier in config.tiers.items():
        found[f"approval.tiers.{number}"] = _sourced(tier, tiers.get(str(number), {}))
    return {section: values for section, values in found.items() if values}


def _sourced(section: Any, set_keys: Container[str]) -> Sourced:
    return {key: (getattr(section, key), FILE if key in set_keys else DEFAULT) for key in kinds_of(section.__class__)}


def _agent(agent: AgentConfig, table: Mapping[str, Any], every: AgentConfig) -> Sourced:
    """`every` is what holds for every agent."""
    found = _sourced(agent, {key for key, value in table.items() if not isinstance(value, dict)})
    for key, (value, source) in found.items():
        if source == FILE:
            continue
        if key == "program" and value and "command" in table:
            found[key] = value, "its command"
        elif value == getattr(every, key) != getattr(AgentConfig(), key):
            found[key] = value, "[agents]"
    return found
