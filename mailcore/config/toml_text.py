"""Values as TOML writes them, and in words what a key may hold: for faults, the reference and the template."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from mailcore.config.kinds import MAX_COUNT, Meta

LONG = 80
"""Characters of a value that are shown in a fault."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@cache
def kinds_of(section: type[Any]) -> dict[str, Any]:
    """Each key of a section and its kind of value."""
    return get_type_hints(section, include_extras=True)


def parts(kind: Any) -> tuple[Any, tuple[Meta, ...]]:
    """The plain type of a kind of value, and what narrows and describes it."""
    if get_origin(kind) is Annotated:
        plain, *metas = get_args(kind)
        return plain, tuple(metas)
    return kind, ()


def toml(value: object) -> str:
    """The value as one writes it in TOML. ValueError of a whole number that is too long to be written."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return f"{value:_}" if abs(value) >= 100_000 else str(value)
        case float():
            return repr(value).removesuffix(".0")
        case str():
            import json

            return json.dumps(value, ensure_ascii=False)
        case Mapping():
            return f"{{{', '.join(f'{key_name(key)} = {toml(item)}' for key, item in value.items())}}}"
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
    return str(value)  # a date or a time


def value_text(value: object) -> str:
    """A value in a fault: as in TOML, its beginning if it is long."""
    text = toml(value)
    return text if len(text) <= LONG else f"{text[:LONG]}…"


def key_name(key: str) -> str:
    """A key as TOML writes it: in quotes if it is not made of letters, digits, _ and - alone."""
    return key if _BARE.fullmatch(key) else toml(key)


def unit(kind: Any) -> str:
    """`seconds`, `bytes`, …; of each item of a list; empty where a number has none."""
    plain, metas = parts(kind)
    if get_origin(plain) is tuple:
        return unit(get_args(plain)[0])
    return next((meta.unit for meta in metas if meta.unit), "")


def allowed(kind: Any) -> str:
    """In words what a value of that kind may be."""
    plain, metas = parts(kind)
    origin = get_origin(plain)
    if origin is tuple:
        return f"a list; each item {allowed(get_args(plain)[0])}"
    if origin is Literal:
        return ", ".join(map(toml, get_args(plain)))
    if origin is not None:
        names, value = get_args(plain)
        one_of = f"; each name one of {allowed(names)}" if get_origin(names) is Literal else ""
        return f"a table{one_of}; each value {allowed(value)}"
    if plain is bool:
        return "true or false"
    if plain is str:
        return next((meta.form for meta in metas if meta.form), "a text")
    noun = "a whole number" if plain is int else "a number"
    of = f" of {unit(kind)}" if unit(kind) else ""
    return f"{noun}{of} {_range(metas)}"


def _range(metas: tuple[Meta, ...]) -> str:
    least = next((meta.ge for meta in metas if meta.ge is not None), None)
    above = next((meta.gt for meta in metas if meta.gt is not None), None)
    most = next((meta.le for meta in metas if meta.le not in (None, MAX_COUNT, sys.float_info.max)), None)
    if least is None:
        return f"above {toml(above)}" + (f", up to {toml(most)}" if most is not None else "")
    return f"from {toml(least)} " + (f"to {toml(most)}" if most is not None else "up")
