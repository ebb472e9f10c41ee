"""JSON as AIPass reads and writes it, with every value kept that orjson would change."""

from __future__ import annotations

import json
from typing import Any

import orjson

# Every digit as `0`, all else as a space: a long number is then one short search away, 0.5 ms for 700 kB.
_DIGITS = bytes(ord("0") if chr(byte).isdecimal() and byte < 128 else ord(" ") for byte in range(256))
_LONG = b"0" * 19
_PIECE = 1 << 20
"""Bytes that are looked at in one piece: no second copy of a mailbox of 100 MB."""
FRUGAL = 16 << 20
"""Bytes from which msgspec parses, without the copy of the whole text that orjson makes: 205 MB instead of 300 for
100 MB. Below that its import takes longer than all else."""


class _Constant(float):
    """NaN or an infinity: a type that orjson does not know, for it would write `null` and lose the value."""


def loads(data: bytes) -> Any:
    """Parse JSON with orjson, and with the standard library what orjson refuses (NaN, lone surrogates) or changes.

    orjson silently makes a float of an integer beyond 64 bits, that is of 19 digits or more.
    """
    try:
        if not _has_long_number(data):
            return orjson.loads(data) if len(data) < FRUGAL else _loads_frugally(data)
    except orjson.JSONDecodeError:
        pass
    return json.loads(data, parse_constant=_Constant)


def _has_long_number(data: bytes) -> bool:
    if len(data) <= _PIECE:
        return _LONG in data.translate(_DIGITS)
    most = len(_LONG) - 1
    return any(_LONG in data[start : start + _PIECE + most].translate(_DIGITS) for start in range(0, len(data), _PIECE))


def _loads_frugally(data: bytes) -> Any:
    import msgspec

    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise orjson.JSONDecodeError(str(error), "", 0) from error


def dumps(value: Any) -> bytes:
    """Write JSON as AIPass does: two spaces, UTF-8 unescaped."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except TypeError:  # a lone surrogate, an integer beyond 64 bits, NaN
        return json.dumps(value, indent=2, ensure_ascii=True).encode()


def dumps_parts(document: dict[str, Any], key: str) -> list[bytes]:
    """The same as `dumps` in parts, one a value of the list at `key`: no buffer that doubles while it grows."""
    if not document[key]:
        return [dumps(document)]
    before, there, after = dumps({**document, key: []}).partition(b"\n  " + dumps(key) + b": []")
    items = [b",\n    " + dumps(value).replace(b"\n", b"\n    ") for value in document[key]]
    return [before, there[:-1], items[0][1:], *items[1:], b"\n  ]", after]


def dumps_line(value: Any) -> bytes:
    """The same on one line, without its newline."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def is_nested_deeper(value: Any, most: int) -> bool:
    """True if lists and objects lie deeper within each other than that: too deep, and who reads it in a deep call, or
    writes it again, overflows its stack."""
    level = [value]
    for _ in range(most):
        level = [inner for one in level for inner in nested_in(one)]
        if not level:
            return False
    return True


def nested_in(value: Any) -> list[Any]:
    """The lists and objects that lie right within a value."""
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [one for one in values if isinstance(one, dict | list)]


def printed(value: Any, *, indent: bool = True) -> bytes:
    """JSON for standard output: the same values, and nothing in it that a terminal acts on or that nobody sees."""
    data = dumps(value) if indent else dumps_line(value)
    from mailcore.text.escape import escaped

    return escaped(data.decode("utf-8", "surrogatepass")).encode()
