"""The lines that the plugin of agents' programs runs at their events: `mailcore _lines DIRECTORY DATA SETTINGS`.

`plugin/hooks/run.sh` calls it when a session begins in DIRECTORY, with the plugin's own data directory, and the
settings of the program by which `mailcore.hooks.install` knows it. They are the very lines that it would put there, a
file each in `DATA/lines` below the name of DIRECTORY: whose that is, is looked for once a session, not at each event.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mailcore.exceptions import MailcoreError
from mailcore.hooks.line import HookEntry, command, hook_entries
from mailcore.identity.evidence import from_passport, from_path
from mailcore.model.agent import Agent
from mailcore.programs.base import Hooks
from mailcore.programs.registry import programs
from mailcore.system import writing
from mailcore.text import line
from mailcore.workspace import trust
from mailcore.workspace.find import Workspace, branch_above, workspace_here
from mailcore.workspace.worktree import counterpart

PLUGIN_LINES = "lines"
"""The directory of all lines, in the plugin's data."""
PLUGIN = Path(__file__).parents[1] / "plugin"
"""The plugin as it ships, which is a marketplace of itself."""


def main(words: Sequence[str]) -> int:
    """Write them, or take them away where the directory is no agent's. Always 0: a hook never fails its agent."""
    directory, data, settings = words
    hooks = next((one.hooks for one in programs() if one.hooks is not None and one.hooks.settings == settings), None)
    place = lines_place(Path(data), Path(directory))
    if hooks is None:
        return 0
    with suppress(MailcoreError, OSError):
        workspace = _workspace_of(Path(directory))
        agent = agent_at(workspace, Path(directory)) if workspace is not None else None
        why = trust.why_state_untrusted(workspace, MAIL) if agent is not None and workspace is not None else ""
        if agent is None or why:
            _remove_lines(place, hooks)
            if why:
                sys.stdout.write(json.dumps({"systemMessage": f"mailcore: no mail arrives here: {line(why, 500)}"}))
        else:
            write_lines(place, agent, hooks)
    return 0


MAIL = ("/inbox.json",)
"""Ends of the names of files of which mail is delivered."""


def lines_place(data: Path, directory: Path) -> Path:
    """Where the lines lie for sessions that begin in a directory."""
    return data / PLUGIN_LINES / str(directory).lstrip("/")


def line_name(entry: HookEntry) -> str:
    """The name of an entry's line: `Stop.sleep`."""
    return f"{entry.event}.{entry.role}"


def agent_at(workspace: Workspace, directory: Path) -> Agent | None:
    """Whose a directory is, as a caller from there is known; in a linked worktree as at the same place in the project,
    else by where the worktree lies."""
    same = counterpart(directory)
    for here in filter(None, (same, directory)):
        known = from_passport(workspace, here, []) if branch_above(here.resolve()) else from_path(workspace, here, [])
        if known is not None:
            return known
    return None


def write_lines(place: Path, agent: Agent, hooks: Hooks) -> None:
    """Put the lines of an agent there. OSError of the disk."""
    place.mkdir(parents=True, exist_ok=True)
    for entry in hook_entries(hooks):
        text = f"{command(agent, hooks, entry, 'entry')}\n"
        writing.replace(place / line_name(entry), text.encode(), durable=False)


def _remove_lines(place: Path, hooks: Hooks) -> None:
    for entry in hook_entries(hooks):
        (place / line_name(entry)).unlink(missing_ok=True)


def _workspace_of(directory: Path) -> Workspace | None:
    try:
        return workspace_here(None, directory)
    except MailcoreError:
        return None
