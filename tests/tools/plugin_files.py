"""The files of the plugin that follow from the code: hooks of each program, and the version.

    python -m tests.tools.plugin_files [--check]

writes `hooks/*.json` and both `plugin.json` of `mailcore/plugin`.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from mailcore.hooks.line import handler, hook_entries, own_group
from mailcore.hooks.plugin_lines import PLUGIN, line_name
from mailcore.model.agent import Agent
from mailcore.programs.base import Hooks
from mailcore.programs.claude.program import Claude
from mailcore.programs.codex.program import Codex

ROOT = Path(__file__).parents[2]
RUN = 'exec sh "$CLAUDE_PLUGIN_ROOT/hooks/run.sh"'
"""For any shell that a person may have, fish too; the program's process stays the parent of what it runs."""


def hooks_file(hooks: Hooks, rest: str = "") -> dict[str, Any]:
    """As the program reads it; `rest`: the last word of each line."""
    nobody, found = Agent("@nobody", "NOBODY", Path("/")), dict[str, list[Any]]()
    for entry in hook_entries(hooks):
        one = handler(nobody, hooks, entry, "entry")
        one["command"] = f"{RUN} {line_name(entry)} {hooks.settings}{rest}"
        found.setdefault(entry.event, []).append(own_group(entry, one))
    return {"hooks": found}


def manifest(**more: str) -> dict[str, Any]:
    """`plugin.json`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "name": "mailcore",
        "version": project["version"],
        "description": "Mail and tasks between the agents of one project: it arrives in the session that is open",
        "author": {"name": "PraxMonitor"},
        "license": project["license"],
        "keywords": ["mail", "agents", "dispatch"],
        **more,
    }


def documents() -> dict[Path, str]:
    """File → its text."""
    found = {
        PLUGIN / "hooks/hooks.json": hooks_file(Claude.hooks),
        PLUGIN / "hooks/codex.json": hooks_file(Codex.hooks, " above"),
        PLUGIN / ".claude-plugin/plugin.json": manifest(),
        PLUGIN / ".codex-plugin/plugin.json": manifest(
            hooks="./hooks/codex.json", skills="./skills/", mcpServers="./.mcp.json"
        ),
    }
    return {path: json.dumps(value, indent=2) + "\n" for path, value in found.items()}


def main(check: bool) -> int:
    """Write them; with `check` only say which are stale."""
    stale = [path for path, text in documents().items() if not path.exists() or path.read_text() != text]
    if check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is stale: python -m tests.tools.plugin_files")
        return 1 if stale else 0
    for path in stale:
        path.write_text(documents()[path])
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
