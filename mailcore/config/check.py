"""One table of config.toml against its section of the schema: the values as it takes them, and every fault of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin

from mailcore.config.agents import AgentConfig
from mailcore.config.kinds import MAX_COUNT
from mailcore.config.schema import SECTIONS
from mailcore.config.toml_text import allowed, key_name, kinds_of, parts, toml, value_text
from mailcore.exceptions import did_you_mean


def checked_section(section: type, table: object, name: str) -> tuple[dict[str, Any], list[str]]:
    """The values of the table called `name` that hold, and in words what does not."""
    if not isinstance(table, dict):
        return {}, [f"[{name}] must be a table, not {value_text(table)}"]
    values: dict[str, Any] = {}
    faults: list[str] = []
    for key, value in table.items():
        kind = kinds_of(section).get(key)
        if kind is None:
            faults.append(unknown_key(name, key, kinds_of(section)))
        elif get_origin(parts(kind)[0]) is Mapping:
            names, inner = get_args(parts(kind)[0])
            values[key], wrong = checked_mapping(names, inner, value, f"{name}.{key}")
            faults += wrong
        else:
            try:
                values[key] = _converted(value, kind)
            except ValueError:
                faults.append(_fault(name, key, value, kind))
    return values, faults


def unknown_key(name: str, key: str, known: Iterable[str]) -> str:
    """That there is no such key in the table called `name`; where it is one, or which is nearest."""
    homes: dict[str, type] = {**SECTIONS, "agents": AgentConfig}
    home = next((home for home, section in homes.items() if key in kinds_of(section)), "")
    hint = f"; it is a key of [{home}]" if home else did_you_mean(key, known)
    return f"[{name}] has no key {key_name(key)}; allowed: {', '.join(sorted(known))}{hint}"


def checked_mapping(names: Any, kind: Any, table: object, name: str) -> tuple[Mapping[str, Any], list[str]]:
    """The values of the table called `name` that hold, and in words what does not; each key is one of `names`."""
    if not isinstance(table, dict):
        return {}, [f"[{name}] must be a table, not {value_text(table)}"]
    values: dict[str, Any] = {}
    faults: list[str] = []
    for key, value in table.items():
        if get_origin(names) is Literal and key not in get_args(names):
            faults.append(unknown_key(name, key, get_args(names)))
            continue
        try:
            values[key] = _converted(value, kind)
        except ValueError:
            dotted = isinstance(value, dict) and value
            hint = f"; a name with a dot stands in quotes: {toml(f'{key}.{next(iter(value))}')}" if dotted else ""
            faults.append(_fault(name, key, value, kind) + hint)
    return MappingProxyType(values), faults


def _converted(value: object, kind: Any) -> Any:
    """The value as that kind; ValueError if it is none. A whole number may be written as 1e9 too."""
    from msgspec import ValidationError, convert

    if parts(kind)[0] is int and isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return convert(value, _judged(kind))
    except ValidationError as error:
        raise ValueError(str(error)) from error


def _judged(kind: Any) -> Any:
    """The kind with its constraints as msgspec knows them."""
    from msgspec import Meta

    plain, metas = parts(kind)
    if get_origin(plain) is tuple:
        plain = tuple.__class_getitem__((_judged(get_args(plain)[0]), ...))
    for meta in metas:
        limits = {name: getattr(meta, name) for name in ("ge", "gt", "le", "pattern")}
        if limits := {name: limit for name, limit in limits.items() if limit is not None}:
            plain = Annotated[plain, Meta(**limits)]
    return plain


def _fault(name: str, key: str, value: object, kind: Any) -> str:
    why = ""
    if isinstance(value, float) and not math.isfinite(value):
        why = " is not a finite number"
    elif isinstance(value, int) and abs(value) > MAX_COUNT:
        why = " has more than the 64 bits of TOML's whole numbers"
    return f"[{name}] {key_name(key)} = {value_text(value)}{why}; allowed: {allowed(kind)}"
