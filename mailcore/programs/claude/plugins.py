"""What of ours Claude Code's settings bring to a session: plugin, MCP server (contract claude-code, "Plugins")."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailcore.programs.base import ProgramParts


def parts_at(home: Path, directory: Path) -> ProgramParts:
    """As its settings stand: of several that say something of a plugin the last counts. Never raises."""
    plugin = ""
    for path in (home / "settings.json", *(directory / ".claude" / f"settings{name}.json" for name in ("", ".local"))):
        for name, is_on in _table(_settings(path), "enabledPlugins").items():
            if name.startswith("mailcore@"):
                plugin = str(path) if is_on else ""
    servers = [str(path) for path in (directory / ".mcp.json",) if _is_named(_settings(path))]
    for path in (home / ".claude.json", home.parent / ".claude.json"):
        known = _settings(path)
        if _is_named(known) or _is_named(_table(_table(known, "projects"), str(directory))):
            servers.append(str(path))
    return ProgramParts(plugin, tuple(servers))


def _is_named(settings: Mapping[str, Any]) -> bool:
    """Our MCP server is among its servers."""
    return any(_is_ours(one) for one in _table(settings, "mcpServers").values())


def _is_ours(server: object) -> bool:
    """True of settings that start `mailcore mcp`, wherever that lies."""
    if not isinstance(server, dict):
        return False
    words = server.get("args")
    return Path(str(server.get("command"))).name == "mailcore" and isinstance(words, list) and words[:1] == ["mcp"]


def _settings(path: Path) -> dict[str, Any]:
    import json

    from mailcore.system.safe_open import read_bytes

    try:
        found = json.loads(read_bytes(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _table(values: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = values.get(key)
    return found if isinstance(found, dict) else {}
