"""What a feed is: a source of fleets."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from mailcore.model.fleet import Fleet

FLEET_INTERVAL = 0.034
"""Seconds between two fleets at least: what happens in between comes in one."""


SCREEN_INTERVAL = 0.1
"""The same for a screen: ten frames a second are all that an eye wants, and each costs."""
QUIET_INTERVAL = 0.016
"""The same for a screen, where an agent did something that had not changed for a frame, or where something happened
that happens seldom: that is seen at once."""


class Feed(Protocol):
    """A source of fleets: the files of a workspace, a recording, a test's own."""

    def fleets(self) -> AsyncGenerator[Fleet, None]:
        """The fleet as it is, at once; then each time that something changed."""
