"""The child that compares data with a schema: `python -m mailcore.schemas.bounded_validator`.

Standard input is `{"schema": …}`, with `"data"` where there is any; standard output a list of faults, each a place and
words, and `null` where the schema itself could not be followed. It bounds itself before it reads: a pattern that never
comes to an end, or a schema that unfolds without end, ends this process and no other.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

MAX_CPU = 2
"""Seconds of CPU."""
MAX_MEMORY = 512 * 1024 * 1024
"""Bytes of address space."""
MOST_FAULTS = 5
"""Faults that are told."""
_MOST_SEEN = 200
"""Faults that are looked at to choose those."""
_MOST_WORDS = 300


def _bound() -> None:
    try:
        import resource
    except ImportError:
        return
    for limit, most in ((resource.RLIMIT_CPU, MAX_CPU), (resource.RLIMIT_AS, MAX_MEMORY), (resource.RLIMIT_CORE, 0)):
        try:
            resource.setrlimit(limit, (most, most))
        except (OSError, ValueError):
            continue


def _faults(schema: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    from itertools import islice

    import referencing
    from jsonschema import exceptions
    from jsonschema.validators import Draft202012Validator, validator_for

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except exceptions.SchemaError as error:
        return [{"place": None, "what": f"{error.json_path}: {_clipped(error.message)}"}]
    if "data" not in document:
        return []
    # A registry of its own, which is empty and fetches nothing: the library's would ask the network.
    registry: referencing.Registry[Any] = referencing.Registry()
    errors = kind(schema, registry=registry).iter_errors(document["data"])
    found = sorted(islice(errors, _MOST_SEEN), key=exceptions.relevance, reverse=True)
    return [{"place": one.json_path, "what": _clipped(one.message)} for one in found[:MOST_FAULTS]]


def _clipped(text: str) -> str:
    return text if len(text) <= _MOST_WORDS else f"{text[: _MOST_WORDS // 2]} … {text[-_MOST_WORDS // 2 :]}"


def main() -> None:
    """Compare, and say what does not fit."""
    _bound()
    try:
        document = json.loads(sys.stdin.buffer.read())
        faults = _faults(document["schema"], document)
    except ModuleNotFoundError:
        sys.exit(3)
    except MemoryError:
        sys.exit(4)
    except RecursionError:
        faults = [{"place": None, "what": "it refers to itself without end"}]
    except Exception as error:  # a schema that the library chokes on: in words, whatever it was
        faults = [{"place": None, "what": f"{_name(error)}: {_clipped(str(error))}"}]
    sys.stdout.write(json.dumps(faults))


def _name(error: Exception) -> str:
    """`Unresolvable` → `unresolvable`: the kind of an error, in words."""
    return re.sub("(?<!^)([A-Z])", r" \1", type(error).__name__.strip("_")).lower()


if __name__ == "__main__":
    main()
