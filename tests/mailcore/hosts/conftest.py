"""Two workspaces of one link, each of a host of its own: what is between them, the tests carry by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailcore.hosts import arrivals, channel, directory, keys, membership
from mailcore.link.carry_out import CarryingOut
from mailcore.link.handlers import HANDLERS
from mailcore.model.link import Envelope, HostRecord
from mailcore.workspace import create, find

AGENTS = {"alpha": ("writer", "lead"), "beta": ("editor", "lead")}


@dataclass(frozen=True)
class Linked:
    """`alpha` has @writer and @lead, `beta` has @editor and @lead."""

    alpha: find.Workspace
    beta: find.Workspace


def linked(place: Path, *, with_keys: bool = True) -> Linked:
    """Two workspaces below `place` that know of each other."""
    made = {
        name: create.create_workspace(place / name, [(agent, f"agents/{agent}") for agent in agents])
        for name, agents in AGENTS.items()
    }
    public = {}
    for name, workspace in made.items():
        membership.write_membership(workspace, membership.Membership(name, "project"))
        path = membership.link_directory(workspace) / keys.HOST_KEY
        public[name] = keys.make_key(path).public if with_keys else ""
    for name, workspace in made.items():
        for other, agents in AGENTS.items():
            if other != name:
                record = HostRecord(other, public[other], agents=tuple(f"@{agent}" for agent in agents))
                directory.write_host(workspace, record)
    return Linked(made["alpha"], made["beta"])


@pytest.fixture
def link(tmp_path: Path) -> Linked:
    return linked(tmp_path)


@pytest.fixture
def carried() -> tuple[list[Envelope], Callable[[Sequence[Envelope], bool], None]]:
    """What was carried out, and what does it."""
    done: list[Envelope] = []
    return done, lambda envelopes, _: done.extend(envelopes)


def carry(sender: find.Workspace, receiver: find.Workspace) -> int:
    """Take from one host to the other what waits there, as the link does; how many envelopes that were."""
    mine, other = membership.member(sender).host, membership.member(receiver).host
    envelopes = list(channel.unconfirmed(sender, other))
    if envelopes:
        carrying = CarryingOut(receiver, HANDLERS, lambda text: pytest.fail(text))
        taken = arrivals.take_all(receiver, envelopes, carrying.carry_out)
        assert taken.last == envelopes[-1].seq
        channel.confirmed(sender, other, taken.epoch, taken.last, taken.last_id)
        assert arrivals.taken_so_far(receiver, mine)[taken.epoch] == taken.last
    return len(envelopes)


def settle(link: Linked) -> None:
    """Carry all that waits on both hosts, and what that brings about."""
    while carry(link.alpha, link.beta) + carry(link.beta, link.alpha):
        pass
