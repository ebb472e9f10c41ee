"""Every way in × every class of verbs, each with real processes: the table that docs/identity.md prints."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mailcore.formats import journal
from mailcore.mail.mailbox_reader import read_mailbox
from tests.mailcore.identity.lab import REPOSITORY, Lab
from tests.mailcore.identity.table import CLASSES, WAYS, Way


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Way, Lab, Any]]:
    """What the driver found that came in by a way; once for all its classes."""
    way: Way = request.param
    if way.missing:
        pytest.skip(f"{way.name}: {way.missing}")
    lab = Lab(tmp_path_factory.mktemp("way"))
    try:
        way.enter(lab)
        yield way, lab, lab.result()
    finally:
        lab.close()


every_way = pytest.mark.parametrize("found", WAYS, ids=[f"{n}-{w.name}" for n, w in enumerate(WAYS)], indirect=True)


@every_way
def test_whom_the_caller_is_taken_for(found: tuple[Way, Lab, Any]) -> None:
    way, lab, said = found
    who = said["who"]
    assert (f"{who['address']} {who['how']}" if "error" not in who else "nobody") == way.who, who
    sent = [m for m in read_mailbox(lab.agent("@lead").inbox).messages if m.subject == "sent"]
    if way.who == "nobody":
        assert sent == []
        return
    (message,) = sent
    address, how = way.who.split()
    assert (message.sender, message.proof) == (address, how), "the mail itself says who sent it, and what proved that"
    (act,) = [
        act
        for act in journal.read_records(lab.workspace.state_dir / "audit.jsonl")
        if act.get("id") == message.id and act["verb"] == "send"
    ]
    assert (act["by"], act["proof"]) == (address, how)
    assert said["own mail"]["whose"] == [address]


@every_way
@pytest.mark.parametrize("name", CLASSES)
def test_what_it_is_let_into(found: tuple[Way, Lab, Any], name: str) -> None:
    way, _, said = found
    assert said[name]["in"] == (name in way.has), said[name]
    if not said[name]["in"] and name != "own mail":
        assert said[name]["error"] in ("identity", "visibility", "proof", "key", "trust", "unknown_agent", "sandbox"), (
            said[name]
        )
        assert "--from" not in said[name]["said"], "a refusal teaches no way around it"


def test_the_docs_have_this_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.tools.identity_docs", "--check"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_there_are_enough_cases() -> None:
    assert len(WAYS) * len(CLASSES) >= 120
    assert len({json.dumps([way.name, n]) for n, way in enumerate(WAYS)}) == len(WAYS)


def test_each_line_on_security_names_its_test() -> None:
    page = (REPOSITORY / "docs" / "security.md").read_text()
    lines = [one for part in page.split("\n## ")[1:] for one in part.split("\n- ")[1:]]
    assert len(lines) >= 12
    for one in lines:
        named = re.findall(r"<!-- (\S+)::(\S+) -->", one)
        if one.startswith("root, and whoever else"):
            continue  # of the system itself
        assert named, one
        for file, test in named:
            assert f"def {test}(" in (REPOSITORY / file).read_text(), one
