"""A screen's host and another one, alpha and beta, linked by a real server on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailcore.workspace import create
from mailcore.workspace.find import Workspace, load_workspace
from tests.linked import LinkRun, linked
from tests.mailcore.conftest import House

WITHIN = 60.0
"""Seconds in which what one host does is seen on the other."""

TwoHosts = tuple[Workspace, Workspace, dict[str, LinkRun]]


@contextmanager
def two_hosts(place: Path, patch: pytest.MonkeyPatch, config: str = "") -> Iterator[TwoHosts]:
    """Alpha, where the screen is, beta with its writer, and the links' processes. `config` is beta's config.toml.

    No run is left on beta at the end.
    """
    patch.setenv("HOME", str(place / "home"))
    patch.setenv("XDG_STATE_HOME", str(place / "state"))
    here, there = (
        create.create_workspace(place / name / "lighthouse", [(agent, agent)])
        for name, agent in (("alpha", "lead"), ("beta", "writer"))
    )
    if config:
        there.config_file.write_text(config)
    with linked(here, {"beta": there}) as runs:
        try:
            yield load_workspace(here.registry), load_workspace(there.registry), runs
        finally:
            House(there).close()
