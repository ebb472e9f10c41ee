"""docs/mail.md: its commands run as they stand, in order, in a fresh workspace; each verb of mail is among them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from mailcore.cli import GROUPS
from mailcore.workspace import create
from tests.mailcore.conftest import House

PAGE = (Path(__file__).parents[2] / "docs" / "mail.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ELSEWHERE = {"watch"}
"""Verbs that never end: the page names them in its prose."""


def test_every_verb_of_mail_is_told() -> None:
    run = set(re.findall(r"\bmailcore ([a-z]+)", "\n".join(BLOCKS)))
    wanted = {*GROUPS["Mail"], *GROUPS["Answers to a task"], "dispatch", "tasks", "history"}
    assert wanted - run == ELSEWHERE
    assert all(f"mailcore {verb}" in PAGE for verb in ELSEWHERE)


def test_the_commands_run_as_they_stand(house: House, tmp_path: Path) -> None:
    del house
    root = tmp_path / "try"
    made = create.create_workspace(root, [(name, f"agents/{name}") for name in ("lead", "writer", "coder")])
    made.config_file.write_text('[agents]\nprogram = "command"\ncommand = ["true"]\n')
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for number, block in enumerate(BLOCKS, 1):
        done = subprocess.run(
            ["sh", "-e", "-c", block], cwd=root, env={**os.environ, "PATH": path}, capture_output=True, timeout=60
        )
        assert done.returncode == 0, f"block {number}:\n{block}\n{done.stdout.decode()}\n{done.stderr.decode()}"
