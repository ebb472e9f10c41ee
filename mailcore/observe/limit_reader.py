"""What is known of the usage limits of the user's accounts, read again when one of their files moved."""

from __future__ import annotations

from msgspec.structs import replace

from mailcore.accounts import limit_store
from mailcore.model.limit import AccountLimits
from mailcore.observe.facts import LimitsRead
from mailcore.observe.file_stamps import FileStamps


class LimitReader:
    """Reads the files of the accounts."""

    def __init__(self) -> None:
        """Reads nothing yet."""
        self._stamps = FileStamps()
        self._known: tuple[AccountLimits, ...] = ()
        self.directory = limit_store.store_directory()
        """To be watched; it may not be there."""

    def read(self) -> list[LimitsRead]:
        """The fact, if a file moved since the last call and says something else."""
        if not self._stamps.moved(self.directory):
            return []
        # Who waits, for whichever workspace, the journals of the runs say, and draw.
        found = tuple(replace(one, waiting=(), starts=()) for one in limit_store.read_all_limits())
        if found == self._known:
            return []
        self._known = found
        return [LimitsRead(found)]
