"""A child of ours in an event loop, ended in order."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def end_child(process: asyncio.subprocess.Process, within: float) -> None:
    """End it: TERM, and KILL if that takes more than so many seconds."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), within)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
