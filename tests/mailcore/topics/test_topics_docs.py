"""docs/topics.md: its commands run as they stand, in order, in a fresh workspace."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from mailcore.workspace import create
from tests.mailcore.conftest import House

PAGE = (Path(__file__).parents[3] / "docs" / "topics.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_commands_run_as_they_stand(house: House, tmp_path: Path) -> None:
    del house
    root = tmp_path / "try"
    made = create.create_workspace(root, [(name, f"agents/{name}") for name in ("lead", "writer", "coder")])
    made.config_file.write_text('[agents]\nprogram = "command"\ncommand = ["true"]\n')
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    assert len(BLOCKS) > 3
    for number, block in enumerate(BLOCKS, 1):
        # `! command` in a shell with -e never ends it: what ought to be refused is counted.
        script = re.sub(r"^! (.*)$", r"if \1; then exit 9; fi", block, flags=re.MULTILINE)
        done = subprocess.run(
            ["sh", "-e", "-c", script], cwd=root, env={**os.environ, "PATH": path}, capture_output=True, timeout=60
        )
        assert done.returncode == 0, f"block {number}:\n{block}\n{done.stdout.decode()}\n{done.stderr.decode()}"
