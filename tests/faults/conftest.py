"""What the fault tests share: how many rounds, a workspace, a small disk, what a mailbox holds."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailcore.model.agent import Agent
from mailcore.model.message import is_unread
from mailcore.workspace import create
from mailcore.workspace.find import Workspace

ROOT = Path(__file__).parents[2]
"""Programs of these tests run as `python -m tests.faults.NAME` from here."""


@pytest.fixture
def team(tmp_path: Path) -> Workspace:
    """A workspace of two writers, @alpha and @beta, and @target, whom they write to."""
    return make_team(tmp_path / "team")


def make_team(root: Path) -> Workspace:
    """Three agents; nothing looks through logs by itself, beside what a test spoils, moves or takes away."""
    made = create.create_workspace(root, [(name, f"agents/{name}") for name in ("alpha", "beta", "target")])
    made.config_file.write_text("[errors]\nwatch = false\n")
    return made


def mount(*words: str) -> None:
    """Run mount(8); skips the test, saying why, where this is not allowed."""
    done = subprocess.run(["mount", *words], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount, which needs root: {done.stderr.strip()}")


def unmount(directory: Path) -> None:
    subprocess.run(["umount", str(directory)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 KiB of its own."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mount("-t", "tmpfs", "-o", "size=512k", "none", str(directory))
    yield directory
    unmount(directory)


def open_mail(agent: Agent) -> list[dict[str, Any]]:
    """The messages of a mailbox file as it lies there, read strictly; its counters have to be right."""
    document = json.loads(agent.inbox.read_bytes())
    messages: list[dict[str, Any]] = document["messages"]
    unread = sum(map(is_unread, messages))
    assert (document["total_messages"], document["unread_count"]) == (len(messages), unread)
    return messages


def archived_mail(agent: Agent) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(agent.archive_dir.glob("*.json"))]
