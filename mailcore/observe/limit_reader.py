"""What is known of the usage limits of the user's accounts, read again when one of their files moved."""

from __future__ import annotations

from collections.abc import Collection

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
        self._keys: Collection[str] = ()
        self._all: tuple[AccountLimits, ...] = ()
        self._said: tuple[AccountLimits, ...] = ()
        self.directory = limit_store.store_directory()
        """To be watched; it may not be there."""

    def read(self, keys: Collection[str]) -> list[LimitsRead]:
        """The fact, if it says something else than the last one: of the accounts of these keys."""
        moved = self._stamps.moved(self.directory)
        if not moved and keys == self._keys:
            return []
        self._keys = keys
        if moved:
            # Who waits, for whichever workspace, the journals of the runs say, and draw.
            self._all = tuple(replace(one, waiting=(), starts=()) for one in limit_store.read_all_limits())
        found = tuple(one for one in self._all if one.key in keys)
        if found == self._said:
            return []
        self._said = found
        return [LimitsRead(found)]
