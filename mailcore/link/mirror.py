"""Copies of what other hosts keep of their agents, where this host's views look for it: brought up to date when asked.

Below `.praxmonitor/link/hosts/HOST/agents/NAME/`, at the places that an agent's own directory has. `mirror.json` there
says what is copied, and when it was asked for last.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.directory import find_agent
from mailcore.hosts.mirrored import MIRROR_FILE, Copied, Mirror, may_be_copied, read_mirror
from mailcore.hosts.names import joined
from mailcore.link.agent_files import AgentPage, FilePage, unpacked
from mailcore.model.agent import Agent
from mailcore.system import writing
from mailcore.system.locks import locked
from mailcore.system.safe_open import inside
from mailcore.workspace.find import Workspace

if TYPE_CHECKING:
    from mailcore.link.ask_server import AskHost

MAX_COPY = 4 << 20
"""Bytes of one file's copy; a log that grows beyond begins anew with its end."""
MAX_COPIES = 400
"""Copies of one agent; beyond, those that were written first go."""


async def fill(workspace: Workspace, ask_host: AskHost, host: str, agent: str, what: str, act: object) -> None:
    """Ask another host for what it keeps of an agent (`@writer`), and copy it. MailcoreError if it does not answer.

    `act`: the verb that shows it, signed by the operator here.
    """
    found = find_agent(workspace, joined(agent, host))
    if not found.is_remote:
        raise Refused(f"{agent} is of this host: its files are here", "host")
    mirror = read_mirror(found)
    held = {path: (copy.name, copy.end) for path, copy in mirror.files.items() if (found.branch / path).is_file()}
    question = {"act": act, "held": held}
    answer = await ask_host(host, "files", question)
    try:
        page = await asyncio.to_thread(unpacked, answer)
    except (ValueError, msgspec.MsgspecError) as error:
        raise MailcoreError(f"{host} answers with what is no page: {error}", "answer") from error
    await asyncio.to_thread(keep_page, found, what, page)


def keep_page(agent: Agent, what: str, page: AgentPage) -> None:
    """Write a page into the copy of that agent. Refused (code `boundary`) if it names a place that none has, or
    is of more files than one copy holds."""
    if len(page.files) > MAX_COPIES:
        raise Refused(f"{agent.host} sends {len(page.files):,} files at once: more than a copy has", "boundary")
    for file in page.files:
        if not may_be_copied(file.path) or len(file.data) > MAX_COPY:
            raise Refused(f"{agent.host} sends {file.path[:80]!r}: no place for a copy", "boundary")
    writing.make_directory(agent.branch, parents=True)
    with locked(agent.branch / ".mirror.lock"):
        mirror = read_mirror(agent)
        files = dict(mirror.files)
        for file in page.files:
            files[file.path] = _write(agent.branch, file, files.pop(file.path, None))
        for path in list(files)[: max(0, len(files) - MAX_COPIES)]:
            del files[path]
            (agent.branch / path).unlink(missing_ok=True)
        asked = {**mirror.asked, what: time.time()}
        writing.replace(
            agent.branch / MIRROR_FILE, msgspec.json.encode(Mirror(files, asked)), durable=False
        )  # fmt: skip


def _write(branch: Path, file: FilePage, before: Copied | None) -> Copied:
    """Add to the copy what the file grew by, or put what came in its place."""
    path = branch / PurePosixPath(file.path)
    end = file.begin + len(file.data)
    goes_on = before is not None and (before.name, before.end) == (file.name, file.begin)
    if goes_on and before is not None and path.exists():
        if not file.data:
            return before
        if end - before.begin <= MAX_COPY:
            inside(branch, path.parent)
            with suppress(OSError), writing.open_to_append(path) as (opened, size):
                if size == before.end - before.begin and os.write(opened, file.data) == len(file.data):
                    return Copied(file.name, before.begin, end)
    writing.make_directory(path.parent, parents=True)
    writing.replace(path, file.data, root=branch, durable=False)
    return Copied(file.name, file.begin, end)
