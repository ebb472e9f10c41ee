"""What other hosts say of themselves is kept within bounds, whatever they say."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mailcore.hosts.directory import read_host, write_host
from mailcore.hosts.membership import Membership, write_membership
from mailcore.hosts.reach_report import MOST_REACH
from mailcore.link.neighbours import About, Beat, Listed, Neighbours
from mailcore.model.link import HostRecord
from mailcore.workspace.create import create_workspace
from mailcore.workspace.find import Workspace
from praxmonitor.alarms.watchers import Reach

pytestmark = pytest.mark.anyio


@pytest.fixture
def alpha(tmp_path: Path) -> Workspace:
    workspace = create_workspace(tmp_path / "alpha", [("writer", "agents/writer")])
    write_membership(workspace, Membership("alpha", "project"))
    write_host(workspace, HostRecord("beta", "UKEY"))
    return workspace


def kept(workspace: Workspace) -> HostRecord:
    record = read_host(workspace, "beta")
    assert record is not None
    return record


def beat(reach: object) -> Beat:
    return msgspec.json.decode(f'{{"at": 1.0, "reach": {reach}, "sounds": true}}', type=Beat)


@pytest.mark.parametrize(("said", "counts"), [(10**9, 3), (4, 3), (3, 3), (1, 1), (-(10**9), 0), (10**400, 3)])
async def test_no_host_reaches_a_person_further_than_one_can(alpha: Workspace, said: int, counts: int) -> None:
    assert max(Reach) == MOST_REACH
    neighbours = Neighbours(alpha, "alpha")
    neighbours.beat("beta", beat(said))
    assert kept(alpha).reach == counts
    neighbours.listed([Listed("beta", "UKEY", revoked=True)])
    assert kept(alpha).revoked, "what comes later is kept too"


def test_agents_that_nobody_can_have_are_not_kept(alpha: Workspace) -> None:
    names = ("@writer", "@" + "x" * 5_000_000, "writer", "@a.b", "@lead\x1b[2J", *(f"@w{n}" for n in range(9_000)))
    Neighbours(alpha, "alpha").told("beta", About(names, "v" * 5_000_000))
    record = kept(alpha)
    assert record.agents[:2] == ("@writer", "@w0") and len(record.agents) <= 5_000 and len(record.version) == 40
    assert len(msgspec.json.encode(record)) < 100_000
