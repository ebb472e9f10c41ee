"""Keeps the link to other hosts running while this one is on duty, where nothing else runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mailcore.config import Config
from mailcore.exceptions import MailcoreError
from mailcore.hosts.link_status import link_runs
from mailcore.hosts.membership import HUB, read_membership
from mailcore.system.child import end_child
from mailcore.system.python_child import child
from mailcore.workspace.find import MEMBERSHIP, workspace_at
from praxmonitor.alarms.next_look import next_look

END_WITHIN = 15.0
"""Seconds that it may take to end: it ends its server first."""
MOST_SAID = 2000
"""Bytes of what it says at its end that are passed on."""


async def keep_link(
    root: Path, config: Callable[[], Config], on_duty: Callable[[], bool], on_error: Callable[[str], None]
) -> None:
    """Start the link when it is wanted and nobody runs it, again when it ends, until cancelled. It ends with this."""
    said = ""
    while True:
        if (root / MEMBERSHIP).exists() and on_duty() and config().link.autostart:
            try:
                words = await asyncio.to_thread(_command, root)
                trouble = await _run(words) if words else ""
            except (MailcoreError, OSError) as error:
                trouble = str(error)
            if trouble and trouble != said:
                on_error(f"the link to other hosts: {trouble}")
            said = trouble
        await next_look(config().alarms.look)


def _command(root: Path) -> list[str]:
    """The command line that runs the link; empty where there is none, or it runs."""
    workspace = workspace_at(root)
    membership = read_membership(workspace)
    if membership is None or link_runs(workspace):
        return []
    what = "serve" if membership.role == HUB else "run"
    return child("mailcore.cli", "link", what, "-C", str(root), "--with-parent")


async def _run(words: list[str]) -> str:
    """Run it until it ends, or this is cancelled; what it says of its end."""
    process = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        said = await process.stderr.read(MOST_SAID)
        status = await process.wait()
    finally:
        await end_child(process, END_WITHIN)
    return said.decode("utf-8", "replace").strip() or (f"it ended with {status}" if status else "")
