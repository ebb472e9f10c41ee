"""The addresses in the registries that this process has read: by them a name that only looks like one is recognised."""

from __future__ import annotations

from collections.abc import Iterable

_addresses: dict[str, tuple[str, ...]] = {}


def learn_addresses(registry: str, addresses: Iterable[str]) -> None:
    """These are the addresses of a registry now."""
    _addresses[registry] = tuple(addresses)


def known_addresses() -> tuple[str, ...]:
    """Every address that is known."""
    return tuple(address for each in _addresses.values() for address in each)
