"""A mail or a task before it is sent: what the form holds. Pure."""

from __future__ import annotations

import msgspec


class Letter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the operator wrote, and how it is to go."""

    to: str = ""
    """Addresses as typed, separated by spaces or commas."""
    subject: str = ""
    body: str = ""


BLANK = Letter()
"""Nothing was written yet."""
