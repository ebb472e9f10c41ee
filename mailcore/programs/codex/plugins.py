"""What of ours Codex's settings bring to a session: the plugin, the MCP server (contract codex, "Plugins")."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mailcore.programs.base import ProgramParts


def parts_at(home: Path, directory: Path) -> ProgramParts:
    """As its `config.toml` stands, that of the account and that of the directory. Never raises."""
    plugin, servers = "", list[str]()
    for path in (home / "config.toml", directory / ".codex" / "config.toml"):
        known = _settings(path)
        for name in _table(known, "plugins"):
            if name.startswith("mailcore@"):
                plugin = str(path) if _table(known["plugins"], name).get("enabled", True) is True else ""
        if any(_is_ours(one) for one in _table(known, "mcp_servers").values()):
            servers.append(str(path))
    return ProgramParts(plugin, tuple(servers))


def _is_ours(server: object) -> bool:
    """True of settings that start `mailcore mcp`, wherever that lies."""
    if not isinstance(server, dict) or server.get("enabled") is False:
        return False
    words = server.get("args")
    return Path(str(server.get("command"))).name == "mailcore" and isinstance(words, list) and words[:1] == ["mcp"]


def _settings(path: Path) -> dict[str, Any]:
    import tomllib

    from mailcore.system.safe_open import read_bytes

    try:
        return tomllib.loads(read_bytes(path).decode())
    except (OSError, ValueError, RecursionError):
        return {}


def _table(values: dict[str, Any], key: str) -> dict[str, Any]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}
