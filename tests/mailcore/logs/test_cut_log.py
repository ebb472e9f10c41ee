"""A log that is cut: its end is kept, its writer goes on, and nothing but a log of the agent is touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mailcore.dispatch.cut_log import KEPT_BYTES, cut_log
from mailcore.exceptions import Refused
from tests.mailcore.conftest import House


def test_its_end_is_kept_and_its_writer_goes_on(house: House) -> None:
    agent = house.agent("@writer")
    agent.logs_dir.mkdir(exist_ok=True)
    path = agent.logs_dir / "app.log"
    with path.open("a") as writer:
        writer.write("".join(f"line {number}\n" for number in range(100_000)))
        writer.flush()
        size = path.stat().st_size
        done = cut_log(house.workspace, "@operator", "@writer", path)
        assert (done.size, path.stat().st_size) == (size, 0)
        kept = Path(done.kept).read_text().splitlines()
        assert (
            kept[-1] == "line 99999" and kept[0].startswith("line ") and len(Path(done.kept).read_bytes()) <= KEPT_BYTES
        )
        writer.write("goes on\n")
    assert path.read_text() == "goes on\n"
    act = json.loads((house.workspace.state_dir / "audit.jsonl").read_text().splitlines()[-1])
    assert (act["by"], act["verb"], act["agent"], act["size"]) == ("@operator", "cut log", "@writer", size)


def test_nothing_else_is_cut(house: House, tmp_path: Path) -> None:
    agent = house.agent("@writer")
    agent.logs_dir.mkdir(exist_ok=True)
    elsewhere = tmp_path / "secret.log"
    elsewhere.write_text("secret\n")
    (agent.logs_dir / "app.log").symlink_to(elsewhere)
    with pytest.raises(OSError, match="symlink"):
        cut_log(house.workspace, "@operator", "@writer", agent.logs_dir / "app.log")
    for path in (agent.inbox, elsewhere, agent.branch / "app.log", agent.logs_dir / "notes.txt"):
        with pytest.raises(Refused):
            cut_log(house.workspace, "@operator", "@writer", path)
    (agent.logs_dir / "app.log").unlink()
    shutil.rmtree(agent.logs_dir)
    agent.logs_dir.symlink_to(tmp_path)
    with pytest.raises(Refused):
        cut_log(house.workspace, "@operator", "@writer", agent.logs_dir / "secret.log")
    assert elsewhere.read_text() == "secret\n"
