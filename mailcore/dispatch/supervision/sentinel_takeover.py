"""What a sentinel does when its supervisor died: end the run, have its end reported, and start what waits."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from mailcore.config import Config, read_config_or_defaults
from mailcore.dispatch.lifecycle import after_run, orphans
from mailcore.dispatch.lifecycle.start import start_error_watch
from mailcore.dispatch.process import run_processes
from mailcore.dispatch.queueing.waiting_tasks import MOVE_GRACE
from mailcore.dispatch.supervision.supervisor import owner_of_run
from mailcore.exceptions import MailcoreError
from mailcore.programs.base import exit_words, tail
from mailcore.text import line
from mailcore.workspace.find import Workspace, workspace_here

PAUSES = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each try: a gate may be busy, a disk full, a directory moved about. Afterwards it is left to the next
look of anybody."""
MAX_CAUSE = 160
"""Characters of the last word of a supervisor that failed."""


def take_over(directory: str, supervisor: int, code: int) -> int:
    """See to the end of the run in `directory`, whose supervisor had that PID and exit code; 0 once it is reported."""
    run_dir = Path(directory).resolve()
    how = exit_words(code)
    if code > 0:
        last = next((found for raw in reversed(tail(run_dir / "supervisor.log", 4096)) if (found := line(raw))), "")
        how = f"{how}: {last[:MAX_CAUSE]}" if last else how
    grace = Config().dispatch.stop_grace
    began = time.monotonic()
    for pause in PAUSES:
        time.sleep(pause)
        try:
            workspace = workspace_here(start=run_dir.parents[2])
            config, _ = read_config_or_defaults(workspace.config_file)
            grace = config.dispatch.stop_grace
        except (MailcoreError, OSError) as error:
            print(f"the sentinel of {run_dir}: {error}", file=sys.stderr)
            workspace = None
        # First of all, whatever the files say: nothing of the run works on without its supervisor.
        run_processes.stop_processes(
            lambda: run_processes.run_members(run_dir.name, [os.getpid()]), grace, run_processes.reap_children
        )
        if not run_dir.is_dir() and time.monotonic() - began < MOVE_GRACE:
            continue  # it may only be moved about
        if workspace is not None and _reported(workspace, config, run_dir, supervisor, how):
            return 0
    return 1


def _reported(workspace: Workspace, config: Config, run_dir: Path, supervisor: int, how: str) -> bool:
    """Have the end reported, and what waits started; False if that failed."""
    try:
        workspace, agent = owner_of_run(workspace, run_dir)
        after_run.clean_up(workspace, config, agent, how=how)
        if (first := orphans.register_record(workspace, agent, run_dir.name)) is not None:
            reason = f"its supervisor died ({how}), and {run_dir} is gone" if agent.mail_dir.is_dir() else ""
            after_run.report_lost(workspace, config, agent, first, reason)
        after_run.start_all_waiting(workspace, config)
        start_error_watch(workspace, config)
    except (MailcoreError, OSError) as error:
        print(f"the sentinel of {run_dir} (supervisor PID {supervisor}): {error}", file=sys.stderr)
        return False
    return True
