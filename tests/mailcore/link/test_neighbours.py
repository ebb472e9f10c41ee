"""What hosts say of themselves is kept, however often they say it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from mailcore.hosts.directory import read_host, write_host
from mailcore.link import neighbours
from mailcore.link.neighbours import About, Beat, Listed, Neighbours
from mailcore.model.link import HostRecord
from mailcore.workspace.find import Workspace
from tests.mailcore.conftest import wait_until
from tests.mailcore.hosts.conftest import linked

pytestmark = pytest.mark.anyio


def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[HostRecord, bool]]:
    """What is written from now on, and whether durably."""
    done: list[tuple[HostRecord, bool]] = []
    real = write_host

    def spied(workspace: Workspace, record: HostRecord, *, durable: bool = True) -> None:
        done.append((record, durable))
        real(workspace, record, durable=durable)

    monkeypatch.setattr(neighbours, "write_host", spied)
    return done


@pytest.mark.parametrize("what", ["beats", "agents", "both"])
async def test_a_flood_of_what_a_host_says_of_itself_is_written_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(neighbours, "WRITE_STEP", 0.5)
    link = linked(tmp_path)
    heard = Neighbours(link.alpha, "alpha")
    done, began = written(monkeypatch), time.monotonic()

    def newest() -> bool:
        record = read_host(link.alpha, "beta")
        assert record is not None
        return record == heard.records["beta"]

    for number in range(1, 1001):
        if what != "agents":
            heard.beat("beta", Beat(time.time(), reach=number % 3))
        if what != "beats":
            heard.told("beta", About((f"@agent{number}",)))
        if number % 250 == 0:
            await asyncio.to_thread(wait_until, newest, 20)
    assert len(done) <= 3 + (time.monotonic() - began) / 0.5
    assert heard.records["beta"].reach == (0 if what == "agents" else 1)


async def test_the_agents_of_a_host_are_known_as_soon_as_it_tells_them(tmp_path: Path) -> None:
    link = linked(tmp_path)
    heard = Neighbours(link.alpha, "alpha")
    heard.beat("beta", Beat(time.time(), reach=1))
    heard.told("beta", About(("@lead",)))
    record = read_host(link.alpha, "beta")
    assert record is not None and record.agents == ("@lead",)


async def test_what_the_hub_says_is_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = linked(tmp_path)
    heard = Neighbours(link.alpha, "alpha")
    heard.beat("beta", Beat(time.time(), reach=1))
    heard.beat("beta", Beat(time.time(), reach=2))
    done = written(monkeypatch)
    heard.listed([Listed("beta", "another key"), Listed("gamma", "a key")])
    for name, key in (("beta", "another key"), ("gamma", "a key")):
        record = read_host(link.alpha, name)
        assert record is not None and record.key == key
    heard.listed([Listed("beta", "another key", revoked=True)])
    assert [record.revoked for name in ("beta", "gamma") if (record := read_host(link.alpha, name))] == [True, True]
    assert all(durable for _, durable in done)
    assert msgspec.structs.replace(heard.records["beta"]) == read_host(link.alpha, "beta")
