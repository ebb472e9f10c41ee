"""The part of the carrier that sees to it that each host of the link is told of the topics, and what waits goes on."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from mailcore.exceptions import MailcoreError
from mailcore.hosts.directory import read_hosts
from mailcore.topics.giving import give_all
from mailcore.topics.topic_log import waiting_noted
from mailcore.workspace.find import workspace_at

if TYPE_CHECKING:
    from mailcore.link.carrier import Carrier
    from mailcore.workspace.find import Workspace

TOPICS_PERIOD = 3.0
"""Seconds between two looks for hosts that are new, and for publications that could not be given before."""


async def keep_topics_known(carrier: Carrier) -> NoReturn:
    """Give what is due, once a host is new, or where something waits."""
    known: frozenset[str] = frozenset()
    while True:
        with suppress(MailcoreError, OSError):
            known = await asyncio.to_thread(_give, carrier.workspace, known)
        await asyncio.sleep(TOPICS_PERIOD)


def _give(workspace: Workspace, known: frozenset[str]) -> frozenset[str]:
    """Give what is due, if something is; the hosts that are told of the topics by that."""
    hosts = frozenset(record.name for record in read_hosts(workspace) if not record.revoked)
    if hosts != known or waiting_noted(workspace):
        give_all(workspace_at(workspace.root), always=hosts != known)
    return hosts
