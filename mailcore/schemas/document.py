"""JSON data and JSON Schemas as somebody wrote them, read within bounds. What is wrong is said in words.

A schema is a program of its writer's: it may name files and addresses, be of any size, and never come to an end. What
can be seen without following it is refused here; how long it takes, and how deep it goes, is `check`'s to bound.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore.exceptions import Refused, UsageError
from mailcore.formats import json_codec
from mailcore.system import safe_open
from mailcore.text.frames import quoted

MAX_SCHEMA = 262_144
"""Bytes of a schema."""
MAX_DATA = 1_048_576
"""Bytes of data."""
MAX_DEPTH = 64
"""Lists and objects within each other, of a schema and of data: what is deeper overflows the stack of who reads it."""
DIALECTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
    "http://json-schema.org/draft-04/schema",
)
"""What `$schema` may say; the first is meant where it says nothing."""
REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


@dataclass(frozen=True, slots=True)
class Data:
    """A JSON value that goes with a mail; `null` is one too."""

    value: Any

    def as_text(self) -> str:
        """The value on lines of its own, for who reads it as text."""
        return json_codec.dumps(self.value).decode("utf-8", "replace")


def read_data(file: str | None, text: str | None) -> Data | None:
    """What `--data FILE` or `--data-text JSON` gives; None where neither is said. Refused as of `parse_data`."""
    found = _said("--data", file, text, MAX_DATA)
    return None if found is None else Data(parse_data(*found))


def read_schema(file: str | None, text: str | None) -> dict[str, Any] | None:
    """What `--schema FILE` or `--schema-text JSON` gives; None where neither is said. Refused as of `parse_schema`."""
    found = _said("--schema", file, text, MAX_SCHEMA)
    return None if found is None else parse_schema(*found)


def _said(option: str, file: str | None, text: str | None, most: int) -> tuple[bytes, str] | None:
    """The bytes that an option names or holds, and how it is called; None where it is not said."""
    if file is not None and text is not None:
        raise UsageError(f"{option} FILE, or {option}-text JSON: not both")
    if text is not None:
        return text.encode("utf-8", "surrogatepass"), f"{option}-text"
    return None if file is None else (read_document(file, most, option), f"{option} {file}")


def read_document(place: str, most: int, what: str) -> bytes:
    """The bytes of a file, `-` of standard input. UsageError, naming it, where it cannot be read or is too large."""
    try:
        if place != "-":
            data = safe_open.read_bytes(Path(place), most=most)
        elif sys.stdin is None:
            raise UsageError(f"{what} - reads standard input, and that is closed")
        else:
            data = sys.stdin.buffer.read(most + 1)
    except OSError as error:
        raise UsageError(f"{what} {place}: {error.strerror}") from error
    if len(data) > most:
        raise Refused(f"{what} {place} is larger than {most:,} bytes", "schema")
    return data


def parse_data(data: bytes, what: str) -> Any:
    """The value of a JSON text. Refused (code `schema`), saying where, if it is none, or too large, or too deep."""
    if len(data) > MAX_DATA:
        raise Refused(f"{what} is {len(data):,} bytes; {MAX_DATA:,} is the most", "schema")
    return _value(data, what)


def parse_schema(data: bytes, what: str) -> dict[str, Any]:
    """A JSON Schema, as far as it can be judged without following it. Refused (code `schema`) if it cannot be one."""
    if len(data) > MAX_SCHEMA:
        raise Refused(f"{what} is {len(data):,} bytes; {MAX_SCHEMA:,} is the most", "schema")
    return require_schema(_value(data, what), what)


def require_schema(value: object, what: str) -> dict[str, Any]:
    """The same of a value that was parsed, as one in a mail: whoever sent that may have looked at nothing."""
    require_depth(value, what)
    if not isinstance(value, dict):
        raise Refused(f"{what} is no JSON Schema but {_noun(value)}: an object is expected", "schema")
    if len(json_codec.dumps_line(value)) > MAX_SCHEMA:
        raise Refused(f"{what} is larger than {MAX_SCHEMA:,} bytes", "schema")
    dialect = value.get("$schema", DIALECTS[0])
    if not isinstance(dialect, str) or dialect.rstrip("#") not in DIALECTS:
        raise Refused(f"{what}: $schema is {quoted(str(dialect), 80)}; allowed: {', '.join(DIALECTS)}", "schema")
    _require_own_references(value, what)
    return value


def require_depth(value: object, what: str) -> None:
    """Refused (code `schema`) where lists and objects lie deeper within each other than anybody needs."""
    if json_codec.is_nested_deeper(value, MAX_DEPTH):
        raise Refused(f"{what} is nested deeper than {MAX_DEPTH} levels", "schema")


def _require_own_references(schema: dict[str, Any], what: str) -> None:
    """A schema refers to itself alone: nothing is fetched, no file is opened for it."""
    level: list[Any] = [schema]
    while level:
        for one in level:
            for key in REFERENCES if isinstance(one, dict) else ():
                place = one.get(key)
                if isinstance(place, str) and not place.startswith("#"):
                    raise Refused(
                        f"{what}: {key} {quoted(place, 80)} leads out of the schema; only #… within it is followed",
                        "schema",
                    )
        level = [inner for one in level for inner in json_codec.nested_in(one)]


def _value(data: bytes, what: str) -> Any:
    try:
        value = json_codec.loads(data)
    except RecursionError as error:
        raise Refused(f"{what} is nested deeper than {MAX_DEPTH} levels", "schema") from error
    except ValueError as error:
        raise Refused(f"{what} is no JSON: {error}", "schema") from error
    require_depth(value, what)
    return value


def _noun(value: object) -> str:
    match value:
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case str():
            return "a text"
        case list():
            return "a list"
    return "a number"
