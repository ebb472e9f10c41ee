"""What is known of the usage limits of the user's accounts, read again when one of their files moved."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from mailcore.accounts import limit_store
from mailcore.model.limit import AccountLimits
from mailcore.observe.facts import LimitsRead
from mailcore.observe.file_stamps import FileStamps


class LimitReader:
    """Reads the files of the accounts, for the screen of one workspace."""

    def __init__(self, root: Path) -> None:
        """`root`: the workspace's directory."""
        self._root = str(root)
        self._stamps = FileStamps()
        self._known: tuple[AccountLimits, ...] = ()
        self.directory = limit_store.store_directory()
        """To be watched; it may not be there."""

    def read(self) -> list[LimitsRead]:
        """The fact, if a file moved since the last call and says something else."""
        if not self._stamps.moved(self.directory):
            return []
        found = tuple(self._own(account) for account in limit_store.read_all_limits())
        if found == self._known:
            return []
        self._known = found
        return [LimitsRead(found)]

    def _own(self, account: AccountLimits) -> AccountLimits:
        """Without what concerns other workspaces, and no fleet draws."""
        waiting = tuple(one for one in account.waiting if one.root == self._root)
        return replace(account, waiting=waiting, starts=())
