"""Reads what an agent's programs ask for: the requests that wait, and which of those before were decided."""

from __future__ import annotations

import time

from mailcore.model.agent import Agent
from mailcore.model.permission import PermissionRequest
from mailcore.observe.facts import PermissionsRead
from mailcore.observe.file_stamps import FileStamps
from mailcore.permissions.store import ANSWER, PERMISSIONS, REQUEST, read_requests


class PermissionReader:
    """What was last seen of one agent's requests for permission."""

    def __init__(self, agent: Agent) -> None:
        self.directory = agent.mail_dir / PERMISSIONS
        self._agent = agent
        self._stamps = FileStamps()
        self._there = False
        self._known: tuple[PermissionRequest, ...] | None = ()
        """As they were reported; None: not for sure."""

    @property
    def any(self) -> bool:
        """Some wait: that the process behind one is gone, no file tells."""
        return bool(self._known)

    def distrust(self) -> None:
        """Let the next look report them anew."""
        self._stamps.clear()
        self._known, self._there = None, True

    def read(self, *, entered: bool) -> PermissionsRead | None:
        """The requests that wait now; None: the same as before. `entered`: the agent's mail directory changed."""
        if not (entered or self._there):
            return None
        moved = self._stamps.moved(self.directory)
        self._there = not self._stamps.absent(self.directory)
        if not moved and self._known == ():
            return None
        before, now = self._known, time.time()
        self._known = read_requests(self._agent)
        if self._known == before:
            return None
        standing = {one.id for one in self._known}
        # Its hook takes it away when it is decided, or its time is over; one that was killed leaves it.
        decided = tuple(
            one.id for one in before or () if one.id not in standing and now < one.until and not self._is_left(one)
        )
        return PermissionsRead(self._agent.address, self._known, decided)

    def _is_left(self, request: PermissionRequest) -> bool:
        place = self.directory / request.id  # the hook takes the request away first, and the answer last
        return not place.with_suffix(ANSWER).exists() and place.with_suffix(REQUEST).exists()
