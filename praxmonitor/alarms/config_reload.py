"""The settings of a workspace that is watched: config.toml is read again when it changes."""

from __future__ import annotations

from pathlib import Path

from mailcore.config import Config, read_config
from mailcore.exceptions import ConfigError, MailcoreError
from mailcore.programs.registry import checked_config
from mailcore.system.settled_file import SettledFile
from mailcore.workspace import trust
from mailcore.workspace.find import workspace_at

BEFORE = "the settings from before hold"


class ConfigReload:
    """Looks at one config.toml. What it says when this is made is known already."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, SettledFile(path)

    def look(self) -> Config | str | None:
        """The settings, once the file changed and two looks saw it the same: what is being written is not followed.

        In words what is wrong with it, if it cannot be followed or is there no more; None if nothing is new. A stat,
        mostly; for a worker thread.
        """
        if not self._file.changed():
            return None
        if self._file.absent:
            return f"{self._path}: is there no more; {BEFORE} until it is back (an empty one says: all defaults)"
        try:
            return self._allowed(checked_config(read_config(self._path), self._path))
        except ConfigError as error:
            return f"{error}; {BEFORE}"

    def _allowed(self, config: Config) -> Config:
        """The settings less what is not followed: all that starts or permits, where no workspace tells whose it is."""
        try:
            return trust.trusted_config(workspace_at(self._path.parent.parent))[0]
        except MailcoreError:
            return trust.without_withheld(config)
