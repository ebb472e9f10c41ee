"""What is sought, as a person types it in one line: words, and `agent:`, `since:`, `is:` or the options of
`mailcore search`."""

from __future__ import annotations

import time
from collections.abc import Collection

from mailcore.exceptions import UsageError
from mailcore.mail.search_query import Query
from mailcore.model.message import parse_time
from mailcore.text.units import seconds_in

HINT = "words · @agent · since:2h · is:open · is:closed"
"""The language in short."""
_LONG = {"--agent": "agent:", "--since": "since:", "--open": "is:open", "--closed": "is:closed"}


def parse_query(text: str, addresses: Collection[str], now: float | None = None) -> Query:
    """The query that a line means. UsageError says what in it means nothing. `addresses`: those of the workspace."""
    words: list[str] = []
    agent, since, is_open = "", 0.0, None
    for part in _parts(text):
        key, colon, value = part.partition(":")
        if part.startswith("@") or (key == "agent" and colon):
            agent = _address(part if part.startswith("@") else value, addresses)
        elif key == "since" and colon:
            since = _since(value, time.time() if now is None else now)
        elif key == "is" and value in ("open", "closed"):
            is_open = value == "open"
        else:
            words.append(part)
    return Query(tuple(words), agent, "", since, is_open)


def _parts(text: str) -> list[str]:
    """The words of the line, an option of the command as what it is here: `--since 2h` as `since:2h`."""
    parts: list[str] = []
    for word in text.split():
        if parts and parts[-1] in ("agent:", "since:"):
            parts[-1] += word
        else:
            parts.append(_LONG.get(word, word))
    return parts


def _address(name: str, addresses: Collection[str]) -> str:
    """The address that a name means, or the one that it begins."""
    wanted = f"@{name.removeprefix('@')}".lower()
    if wanted in addresses:
        return wanted
    begun = [address for address in addresses if address.startswith(wanted)]
    if len(begun) != 1:
        several = f": {' '.join(begun[:5])}" if begun and wanted != "@" else ""
        raise UsageError(f"{wanted} is {'no agent' if not several else 'the beginning of several'}{several}")
    return begun[0]


def _since(text: str, now: float) -> float:
    if (ago := seconds_in(text)) is not None:
        return now - ago
    if not (at := parse_time(text)):
        raise UsageError(f"since:{text}: an ISO time, or 30m, 2h, 7d")
    return at
