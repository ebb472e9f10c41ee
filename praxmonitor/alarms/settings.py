"""The settings of a workspace that is watched: config.toml is read again when it changes."""

from __future__ import annotations

from pathlib import Path

from mailcore.config import Config, read_config
from mailcore.errors import ConfigError
from praxmonitor.sound.gate import rules


class Settings:
    """Looks at one config.toml. What it says when this is made is known already."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = self._stamped()

    def look(self) -> Config | str | None:
        """The settings, if the file changed since the last look; what is wrong with it, in words, if it cannot be
        followed; None if it did not change. A stat, mostly; for a worker thread."""
        stamp = self._stamped()
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        try:
            config = read_config(self._path)
        except ConfigError as error:
            return f"{error}; the settings from before hold"
        try:
            rules(config.sound)
        except ConfigError as error:
            return f"{self._path}: {error}; the settings from before hold"
        return config

    def _stamped(self) -> tuple[int, int, int]:
        try:
            stat = self._path.stat()
        except OSError:
            return 0, 0, 0
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
