"""The newest run as the screen sees it, whatever lies among the runs."""

from __future__ import annotations

from mailcore.dispatch.runs.run_list import last_run
from mailcore.observe.run_reader import RunReader
from tests.mailcore.conftest import House


def test_a_directory_that_is_no_runs_is_never_the_newest(house: House) -> None:
    run_id = house.started("@operator", "@writer")
    house.over("@writer", run_id)
    writer = house.agent("@writer")
    stray = writer.runs_dir / "zzz"
    stray.mkdir()
    (stray / "run.jsonl").write_bytes((writer.runs_dir / run_id / "run.jsonl").read_bytes().replace(b"a task", b"zzz"))
    runs = RunReader(writer.runs_dir)
    runs.read(None)
    newest, last = runs.current(None, None, None), last_run(writer)
    assert newest is not None and last is not None and (newest.subject, last.subject) == ("a task", "a task")
