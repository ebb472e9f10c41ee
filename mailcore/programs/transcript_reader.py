"""What reads a program's session file, line by line. The programs' own readers lie beside this one.

A session file ("transcript") is what an agent's program writes of its own accord while it works: with no set-up at all
it reports what the agent does and what that costs.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import orjson

from mailcore.model.activity import Activity
from mailcore.model.limit import Limit
from mailcore.model.message import parse_time
from mailcore.model.usage import Spent, Usage
from mailcore.text.clusters import cut

TRANSCRIPT_SOURCE = "transcript"

MAX_TRANSCRIPT_LINE = 1024 * 1024
"""A longer line is not read."""
MAX_SHOWN_RESULT = 120
"""Characters of a result that are reported."""


class Transcript(Protocol):
    """The reader of one session file: incremental, of bounded memory, and it touches no file itself."""

    session: str
    """Id of the program's session: the file's, until a line reports one."""
    cwd: str
    """Where the session says it works; empty while it is unknown."""
    drift: str
    """What of the format was not understood, as `PROGRAM VERSION writes WHAT`, of the first that was met; else empty.

    Who reads the lines takes it out again. A reader may have two more: `form`, the program and its version, and
    `unread`, how many lines were of kinds that it does not know.
    """

    def read(self, line: bytes, now: float) -> Sequence[Activity | Spent | Limit]:
        """What a line reports, in order; empty for what is unknown, torn or reported already. Never raises.

        Its time is the line's own, at most `now` (seconds since the epoch), which also stands in where it has none.
        The texts are the program's own, as they stand: neutralise them.
        """

    def spent(self, line: bytes, now: float) -> list[Spent]:
        """Of what a line reports, only what was used: cheap for the many lines that report nothing used."""


class OutputReader(Protocol):
    """What reads a program's standard output, line by line."""

    def read(self, line: bytes, now: float) -> Sequence[Activity | Spent | Limit] | None:
        """What a line reports; empty for what means nothing; None: the line is none of the program's, but of a log.

        Times, texts and errors as of `Transcript.read`.
        """


class ObjectsIgnored:
    """Of standard output the JSON objects report nothing: the program's session files report the same better."""

    def read(self, line: bytes, now: float) -> Sequence[Activity | Spent | Limit] | None:
        """Nothing of an object; any other line is one of a log."""
        del now
        return [] if line.startswith(b"{") else None


def parse_line(line: bytes) -> dict[str, Any] | None:
    """The object that a line is; None if it is none, torn or too long. Never raises."""
    if not line or len(line) > MAX_TRANSCRIPT_LINE:
        return None
    try:
        value = orjson.loads(line)
    except ValueError:
        # Halves of surrogate pairs, which a program that cuts its texts writes, and bytes that are no UTF-8.
        try:
            value = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def line_time(line: Mapping[str, Any], now: float) -> float:
    """A line's `timestamp`, at most `now`; `now` where it has none that can be read."""
    at = parse_time(line.get("timestamp"))
    return min(at, now) if at > 0 else now


def text_of(values: Mapping[str, Any], key: str) -> str:
    """A string among `values`; empty if there is none."""
    value = values.get(key)
    return value if isinstance(value, str) else ""


def table_of(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    """An object among `values`; empty if there is none."""
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def list_of(values: Mapping[str, Any], key: str) -> list[Any]:
    """A list among `values`; empty if there is none."""
    value = values.get(key)
    return value if isinstance(value, list) else []


def count_of(values: Mapping[str, Any], key: str) -> int:
    """A count among `values`: an integer from 0 up to what no context or session exceeds; else 0."""
    value = values.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else 0


def dollars_of(values: Mapping[str, Any], key: str) -> float | None:
    """An amount of money among `values`; None if there is none."""
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return None
    return float(value)


def short_result(result: str) -> str:
    """A result in one short line."""
    folded = " ".join(result[: MAX_SHOWN_RESULT * 4].split())
    return cut(folded, MAX_SHOWN_RESULT)


K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A dictionary of the newest few keys."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()

    def __contains__(self, key: K) -> bool:
        return key in self._kept

    def __len__(self) -> int:
        return len(self._kept)

    def values(self) -> list[V]:
        """All that is kept, the oldest first."""
        return list(self._kept.values())

    def get(self, key: K) -> V | None:
        """What is kept of it; None: nothing."""
        return self._kept.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep it as the newest; the oldest may go."""
        if key in self._kept:
            self._kept.move_to_end(key)
        self._kept[key] = value
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def pop(self, key: K) -> V | None:
        """What was kept of it, which is kept no more."""
        return self._kept.pop(key, None)


class Counted:
    """The messages of a program's service by id, and what was counted of each: of the newest, half of `most` at least.

    48 bytes each, where a dictionary of them takes 350: an agent writes one every few seconds, all day.
    """

    def __init__(self, most: int) -> None:
        self._half = max(1, most // 2)
        self._newer, self._older = _Tokens(), _Tokens()

    def __contains__(self, id: str) -> bool:
        return self.get(id) is not None

    def __len__(self) -> int:
        return len(self._newer) + len(self._older)

    def get(self, id: str) -> Usage | None:
        """What was counted of it; None: nothing."""
        key = _key(id)
        newest = self._newer.get(key)
        return newest if newest is not None else self._older.get(key)

    def put(self, id: str, used: Usage) -> None:
        """So many tokens of it were counted by now. Money is not kept."""
        if len(self._newer) >= self._half:
            self._newer, self._older = _Tokens(), self._newer
        self._newer.put(_key(id), used)


class _Tokens:
    """Tokens by key, in two arrays that are sorted by it."""

    KINDS = 5

    def __init__(self) -> None:
        self._keys, self._tokens = array("Q"), array("Q")

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, key: int) -> Usage | None:
        place = bisect_left(self._keys, key)
        if place == len(self._keys) or self._keys[place] != key:
            return None
        read, output, cached, written, for_an_hour = self._tokens[place * self.KINDS : (place + 1) * self.KINDS]
        return Usage(read, output, cached, written, cache_write_1h=for_an_hour)

    def put(self, key: int, used: Usage) -> None:
        tokens = array("Q", (used.input, used.output, used.cache_read, used.cache_write, used.cache_write_1h))
        place = bisect_left(self._keys, key)
        known = place < len(self._keys) and self._keys[place] == key
        if not known:
            self._keys.insert(place, key)
        self._tokens[place * self.KINDS : (place + known) * self.KINDS] = tokens


def _key(id: str) -> int:
    """64 bits that nobody outside can foresee."""
    return hash(id) & 0xFFFF_FFFF_FFFF_FFFF
