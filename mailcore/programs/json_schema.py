"""A program's JSON read by a schema: fields beyond it are passed over, values of another type are reported in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from mailcore.text import line

T = TypeVar("T", bound=msgspec.Struct)
MAX_VALUE = 60
"""Characters of a wrong value that are reported."""

_PLACE = re.compile(r" - at `\$\.((\w+)[^`]*)`$")
_EXPECTED = re.compile(r"Expected `(\w+)[^`]*`( [<>]=? \S+)?")
_NOUNS = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}


def shaped(values: Mapping[str, Any], kind: type[T], whose: str) -> tuple[T, dict[str, str]]:
    """What of `values` fits the schema, whose fields all have defaults; and by key, in words, what does not.

    `whose`: what the values are, as in `claude's result`.
    """
    fitting, wrong = dict(values), dict[str, str]()
    while True:
        try:
            return msgspec.convert(fitting, kind), wrong
        except msgspec.ValidationError as error:
            place = _PLACE.search(str(error))
            if place is None or place[2] not in fitting:
                raise
            expected = _EXPECTED.match(str(error))
            noun = _NOUNS.get(expected[1], expected[1]) + (expected[2] or "") if expected else "one in range"
            found = fitting.pop(place[2])
            for step in re.findall(r"\w+", place[1])[1:]:
                found = found[int(step)] if isinstance(found, list) else found[step]
            shown = line(json.dumps(found, ensure_ascii=False), MAX_VALUE)
            wrong[place[2]] = f"{whose} has {place[1]} = {shown} where {noun} is expected"
