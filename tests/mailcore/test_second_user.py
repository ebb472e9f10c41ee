"""Two people of one group, and root for a moment, in one workspace."""

from __future__ import annotations

import codecs
import os
import pkgutil
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path

import pytest

import mailcore
from mailcore.cli import main
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.workspace import create, find
from tests.mailcore.system.test_owners import FIRST, GROUP, SECOND, as_user, needs_root, place

__all__ = ["place"]
pytestmark = [pytest.mark.backends, needs_root]


def commands(root: Path, *calls: list[str]) -> None:
    """Run commands in this process, which is another user by now and may be kept from where its modules lie."""
    os.chdir(root)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        for words in calls:
            status = main(words)
            assert status == 0, (words, status)


def load_all() -> None:
    """Import every command's module now: another user may not reach them."""
    for module in pkgutil.walk_packages(mailcore.__path__, "mailcore."):
        if "portable" not in module.name and "__main__" not in module.name and not module.name.endswith(".mcp"):
            import_module(module.name)
    for encoding in ("ascii", "latin-1", "utf-8", "utf-8-sig"):
        codecs.lookup(encoding)


@pytest.mark.parametrize("umask", [0o002, 0o022])
def test_a_second_user_of_the_group_can_work(place: Path, umask: int) -> None:
    load_all()
    os.chown(place, FIRST, GROUP)
    place.chmod(0o2775)
    root, people = place / "project", ["--from", "@operator"]

    def first() -> None:
        create.create_workspace(root, [("writer", "agents/writer"), ("editor", "agents/editor")])
        commands(root, ["send", "@writer", "one", "b", *people], ["send", "@editor", "one", "b", "--from", "@writer"])

    def second() -> None:
        commands(
            root,
            ["send", "@writer", "two", "b", *people],
            ["hold", "@writer", "why", *people],
            ["send", "@writer", "three", "b", "--from", "@editor"],
            ["read", "1", "--from", "@writer"],
            ["close", "1", "--from", "@writer"],
            ["release", "@writer", *people],
            ["reply", "2", "yes", "--from", "@editor"],
        )

    def first_again() -> None:
        commands(root, ["send", "@writer", "four", "b", *people], ["close", "3", "--from", "@writer"])

    for user, act in ((FIRST, first), (SECOND, second), (FIRST, first_again)):
        as_user(user, user, umask, act, (GROUP,))
    space = find.load_workspace(next(root.glob("*_REGISTRY.json")))
    assert [mail.subject for mail in read_mailbox(space.agent("@writer").inbox).messages] == [
        "four", "RE: one", "three",
    ]  # fmt: skip
    assert {path.stat().st_gid for path in root.rglob("*")} == {GROUP}


def test_one_command_as_root_locks_its_owner_out_of_nothing(place: Path) -> None:
    load_all()
    os.chown(place, FIRST, FIRST)
    root, people = place / "project", ["--from", "@operator"]

    def owner() -> None:
        create.create_workspace(root, [("writer", "agents/writer")])

    def again() -> None:
        commands(root, ["send", "@writer", "two", "b", *people], ["close", "1", "--from", "@writer"])

    as_user(FIRST, FIRST, 0o022, owner)
    as_user(0, 0, 0o022, lambda: commands(root, ["send", "@writer", "one", "b", *people], ["inbox", "@writer"]))
    assert {path.stat().st_uid for path in root.rglob("*")} == {FIRST}
    as_user(FIRST, FIRST, 0o022, again)
