"""The agents of other hosts at one moment, as those told them last: for a command, which looks once."""

from __future__ import annotations

import time

from mailcore.model.fleet import Fleet
from mailcore.observe.facts import Roster
from mailcore.observe.fold import apply
from mailcore.observe.host_reader import HostsReader
from mailcore.workspace.find import Workspace


def remote_fleet(workspace: Workspace) -> Fleet:
    """The other hosts and their agents, none of ours; empty where this workspace belongs to no link."""
    reader = HostsReader(workspace, patience=0.0)
    facts = reader.read()
    return apply(Fleet(workspace.root), [Roster(reader.agents, reader.notes), *facts], time.time())
