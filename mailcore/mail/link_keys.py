"""Our keys of a mail that goes to another host of the link, or came from one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mailcore.hosts.names import HOST
from mailcore.model.message import as_text

LINK = "link"
"""`host`, the other one; `envelope`, the id that the mail travels by; `record`, the file of the sender's own record."""
BECAME = "became"
"""In the sender's record: what the other host has told of it, by state."""
ID_DIGITS = 8
"""Digits of the envelope's id that are the id of the mail there: so it is known before it is delivered."""
_ENVELOPE = re.compile("[0-9a-f]{32}")


def carried_by(record: Mapping[str, Any]) -> tuple[str, str] | None:
    """Host and envelope of a mail that went to another host, as its sender's record says; None where it says no such
    thing. Whoever sent it can write what it likes there."""
    link = record.get(LINK)
    if not isinstance(link, Mapping):
        return None
    host, envelope = as_text(link, "host"), as_text(link, "envelope")
    return (host, envelope) if HOST.fullmatch(host) and _ENVELOPE.fullmatch(envelope) else None
