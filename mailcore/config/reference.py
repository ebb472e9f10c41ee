"""The schema as text for people: what each key means, its unit, default, example and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from inspect import cleandoc
from typing import Any

from mailcore.config.agents import AccountConfig, AgentConfig, ProgramConfig
from mailcore.config.prices import Price
from mailcore.config.projects import ProjectConfig
from mailcore.config.schema import SECTIONS
from mailcore.config.tiers import Tier
from mailcore.config.toml_text import allowed, kinds_of, parts, toml, unit
from mailcore.exceptions import UsageError, did_you_mean

TIER = "approval.tiers.2"
TABLES: dict[str, type] = {
    **SECTIONS,
    "agents.NAME": AgentConfig,
    "programs.NAME": ProgramConfig,
    "accounts.NAME": AccountConfig,
    "projects.NAME": ProjectConfig,
    "prices.NAME": Price,
    TIER: Tier,
}
"""Each section, NAME for any name and 2 for any tier, and its class."""
NAMED = ("agents", "programs", "accounts", "projects", "prices")
"""Sections that have a table for each name."""
TITLES = {"agents.NAME": "[agents] and [agents.NAME]"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigKey:
    """One key of config.toml."""

    section: str
    key: str
    meaning: str
    """The first sentence can stand alone."""
    unit: str
    default: Any
    example: Any
    """Of a value, where the default says nothing; else None."""
    allowed: str

    @property
    def name(self) -> str:
        """`alarms.silence`."""
        return f"{self.section}.{self.key}"

    @property
    def table(self) -> bool:
        """Whether it is a table of its own, with any number of names."""
        return isinstance(self.default, Mapping)


def keys(section: str) -> tuple[ConfigKey, ...]:
    """The keys of one section of TABLES."""
    return tuple(_key(section, field) for field in fields(TABLES[section]))


def _key(section: str, field: Field[Any]) -> ConfigKey:
    kind = kinds_of(TABLES[section])[field.name]
    metas = parts(kind)[1]
    made = field.default if field.default_factory is MISSING else field.default_factory()
    return ConfigKey(
        section=section,
        key=field.name,
        meaning=next(meta.description for meta in metas if meta.description),
        unit=unit(kind),
        default=dict(made) if isinstance(made, Mapping) else made,
        example=next((meta.example for meta in metas if meta.example is not None), None),
        allowed=allowed(kind),
    )


def section_text(section: str) -> str:
    """What a section is for."""
    return cleandoc(TABLES[section].__doc__ or "")


def find_keys(name: str) -> tuple[ConfigKey, ...]:
    """The keys meant by `section.key`, by a section or by a key alone. UsageError, with the nearest name, if none is.

    The own name of an agent, a program, an account or a model may stand for NAME: `agents.writer.model`.
    """
    everything = {section: keys(section) for section in TABLES}
    named = {f"[{section}]": found for section, found in everything.items()} | everything
    for key in (key for found in everything.values() for key in found):
        named[key.name] = (key,)
        named[key.key] = (*named.get(key.key, ()), key) if key.key not in everything else named[key.key]
    for group in NAMED:
        named[group] = everything[f"{group}.NAME"]
    named |= dict.fromkeys(("approval", "approval.tiers"), everything[TIER])
    for meant in _meanings(name.strip().strip("[]")):
        if meant in named:
            return named[meant]
    raise UsageError(f"no setting {name!r}; `mailcore config` lists them all{did_you_mean(name, named)}")


def _meanings(name: str) -> list[str]:
    """The name, and what it is in the schema if a part of it is the own name of an agent, a model or a sound."""
    first, _, rest = name.partition(".")
    if first in NAMED:
        last = rest.rpartition(".")[2]
        return [name, f"{first}.NAME.{last}", f"{first}.NAME"] if rest else [first]
    if first == "approval":
        words = name.split(".")
        return [name, ".".join([TIER, *words[3:]])] if words[2:] else [name]
    return [name, ".".join(name.split(".")[:2])] if first == "sound" else [name]


def title(section: str) -> str:
    """`[alarms]`."""
    return TITLES.get(section, f"[{section}]")


def key_page(key: ConfigKey) -> str:
    """All about one key, as lines."""
    lines = [f"{title(key.section)} {key.key}", f"  {key.meaning}", f"  unit     {key.unit}" if key.unit else ""]
    lines += [f"  default  {toml(key.default)}", f"  allowed  {key.allowed}"]
    if key.example is not None:
        lines.append(f"  example  {example(key)}")
    return "\n".join(line for line in lines if line)


def example(key: ConfigKey) -> str:
    """A line of TOML that sets it to its example, or else to its default."""
    return f"{key.key} = {toml(key.default if key.example is None else key.example)}"
