"""Opens the screen: on a workspace, or with an app that is made already. Imports what is slow when it has to."""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailcore.config import Config
    from mailcore.workspace.find import Workspace
    from praxmonitor.app.app import PraxApp
    from praxmonitor.cli.screen_options import ScreenOptions
    from praxmonitor.feed.file_feed import OnFacts

ARENAS = 2
"""Of memory, for the threads of a screen: its loop and its reader take nearly all of it."""


def open_screen(
    *paths: Path,
    options: ScreenOptions,
    on_facts: OnFacts | None = None,
    played: Callable[[], str] | None = None,
) -> int:
    """Open the screen on the workspaces that `paths` are in, or the one that is meant here, until the operator leaves.

    MailcoreError if it cannot. `on_facts` is told what is read.
    `played`: who opens it plays what is to be seen, as the demo does, and ends the agents when it is left. It is asked
    at each drawing what is wrong with that, in words, empty for nothing.
    """
    import msgspec

    from mailcore.accounts.seen_limits import note_seen
    from mailcore.programs.registry import checked_config
    from mailcore.system.memory import share_arenas
    from mailcore.system.user_directories import config_home
    from mailcore.workspace import trust
    from mailcore.workspace.find import workspace_here
    from praxmonitor.themes import load

    share_arenas(ARENAS)

    found = {workspace.root: workspace for workspace in map(workspace_here, paths or (None,))}
    workspace, *others = found.values()
    from praxmonitor.actions.open_workspace import OpenWorkspace
    from praxmonitor.app.app import PraxApp
    from praxmonitor.app.keys import OwnKeys, own_keymap
    from praxmonitor.assets import themes_dir
    from praxmonitor.feed.base import QUIET_INTERVAL, SCREEN_INTERVAL
    from praxmonitor.feed.file_feed import FileFeed
    from praxmonitor.preferences.store import load_preferences
    from praxmonitor.sound.player import configured_player

    def opening(workspace: Workspace) -> OpenWorkspace:
        config, standing = trust.trusted_config(workspace, remember=not options.read_only)
        checked_config(config, workspace.config_file)
        silent = _silent_commands(config) if options.read_only else config
        opened = OpenWorkspace(workspace, silent, live=not options.read_only)
        opened.read_only = options.read_only
        opened.withheld = trust.refusal_text(workspace, standing) if standing.why else ""
        return opened

    def feed(opened: OpenWorkspace) -> FileFeed:
        root, sweep = opened.workspace.root, opened.config.observe.sweep
        on_limits = None if options.read_only else note_seen
        return FileFeed(
            root, sweep, on_facts=on_facts, on_limits=on_limits, frame=SCREEN_INTERVAL, quiet_frame=QUIET_INTERVAL,
            workspace=opened.workspace,
        )  # fmt: skip

    opened = opening(workspace)
    speaker = configured_player(opened.config.sound, workspace.root, muted=options.muted)
    available = load.load_themes([themes_dir(), config_home() / "themes", workspace.state_dir / "themes"])
    if played is not None:
        opened.ends_agents, opened.trouble = True, played
    preferences, trouble = load_preferences(workspace.root)
    chosen = msgspec.structs.replace(preferences, theme=options.theme) if options.theme else preferences
    app = PraxApp(opened, feed(opened), speaker, available, chosen)
    app.choices.trouble = trouble
    app.own_keys = OwnKeys()
    app.keymap, app.own_troubles = own_keymap()
    for beside in map(opening, others):
        app.add_project(beside, feed(beside), load_preferences(beside.workspace.root))
    return run_app(app, options)


def _silent_commands(config: Config) -> Config:
    """The same, and no command of the operator's is run at an alarm or a heartbeat."""
    from dataclasses import replace

    from mailcore.config import Alarms

    usual = Alarms()
    return replace(config, alarms=replace(config.alarms, on_alarm=usual.on_alarm, on_heartbeat=usual.on_heartbeat))


def run_app(app: PraxApp, options: ScreenOptions) -> int:
    """Open the screen until the operator leaves. UsageError if there is no such theme, or no terminal."""
    from mailcore.exceptions import UsageError

    theme = options.theme
    if theme and theme not in app.available_themes:
        raise UsageError(f"no theme {theme!r}; there are: {', '.join(sorted(app.available_themes))}")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the screen needs a terminal; `praxmonitor status` prints the same once")
    if os.environ.get("TERM", "") in ("", "dumb", "unknown"):
        term = os.environ.get("TERM", "")
        raise UsageError(f"TERM={term}: such a terminal cannot be drawn on; `praxmonitor watch` prints lines")
    # The terminal's, as the locale says it: our own streams are UTF-8 by now, whatever it is.
    look = app.appearance
    look.ascii = options.ascii or locale.getencoding().lower().replace("-", "") != "utf8"
    look.still = look.still or options.still
    if not sys.stderr.isatty():  # Textual draws there
        sys.__stderr__ = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")  # type: ignore[misc]
    from praxmonitor.app.terminal_exit import sized

    sized()
    try:
        app.run()
    finally:
        app.gone.set()
    return app.return_code or 0
