"""One start of a program: its output goes into files of its own, and what cannot be started says why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mailcore.dispatch.lifecycle import after_run
from mailcore.dispatch.texts import prompt
from mailcore.model.run import Phase
from tests.mailcore.conftest import House

pytestmark = pytest.mark.backends

PLANT = """
import os
name = "{runs}/" + os.environ["MAILCORE_RUN_ID"] + "/attempt-2.{stream}.log"
if os.environ["MAILCORE_ATTEMPT"] == "1":
    {how}
    raise SystemExit(1)
os.write({number}, b"poured\\n")
"""


def begun(house: House, **facts: Any) -> str:
    first = {"sender": "@operator", "subject": "s", "message_id": "", "program": "command", "depth": 0, **facts}
    run_id = after_run.begin_run(house.workspace, house.config, house.agent("@writer"), first)
    assert isinstance(run_id, str)
    return run_id


@pytest.mark.parametrize(("stream", "number"), [("stdout", 1), ("stderr", 2)])
@pytest.mark.parametrize("how", ["os.symlink({target!r}, name)", "os.link({target!r}, name)"], ids=["symlink", "link"])
def test_what_an_attempt_plants_for_the_next_ones_output_is_not_written(
    house: House, tmp_path: Path, how: str, stream: str, number: int
) -> None:
    target = tmp_path / "authorized_keys"
    target.write_text("precious\n")
    runs = house.agent("@writer").runs_dir
    plant = how.format(target=str(target))
    house.python("writer", PLANT.format(runs=runs, stream=stream, number=number, how=plant))
    run_id = begun(house, prompt="p")
    assert house.over("@writer", run_id).phase is Phase.COMPLETED
    output = runs / run_id / f"attempt-2.{stream}.log"
    assert target.read_text() == "precious\n"
    assert output.read_text() == "poured\n" and output.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("subject", ["a\0b", "a\x1b[2Jb", "a\ud800b"])
def test_a_subject_with_control_characters_is_told_without_them(house: House, subject: str) -> None:
    house.python("writer", "import sys; print(ascii(sys.argv[1]))")
    writer = house.agent("@writer")
    for words in (prompt.task_prompt(writer, "x", "@lead", subject, subject), prompt.wake_prompt(writer, subject)):
        run_id = begun(house, subject=subject, prompt=words)
        assert house.over("@writer", run_id).phase is Phase.COMPLETED
        assert r"a\ufffd" in (writer.runs_dir / run_id / "attempt-1.stdout.log").read_text()


def test_what_no_program_can_be_given_bounces_in_words(house: House) -> None:
    """A retry takes the prompt of a former journal, a queue what an agent wrote there: nothing has cleaned them."""
    house.limit(attempts=1)
    house.command("writer", sys.executable, "-c", "pass", "{prompt}")
    run = house.over("@writer", begun(house, prompt="a\0b"))
    assert run.phase is Phase.BOUNCED and "cannot start command: embedded null byte" in run.reason
    assert not house.agent("@writer").dispatch_lock.exists()
