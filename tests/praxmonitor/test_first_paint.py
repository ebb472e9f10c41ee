"""What is loaded when the first agents are painted: what is not needed for that comes after it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pexpect
import pytest

from mailcore.workspace.create import create_workspace

AFTER = (
    "praxmonitor.dialogs.compose", "praxmonitor.dialogs.confirm", "praxmonitor.dialogs.help",
    "praxmonitor.views.agent", "praxmonitor.views.mail", "praxmonitor.views.stream", "praxmonitor.views.alarms",
    "praxmonitor.app.palette",
    "mailcore.dispatch.due_mail", "mailcore.dispatch.runs.away_summary",
    "mailcore.observe.log_levels",  # no agent has a log
    "argparse", "textual.document", "tree_sitter", "markdown_it", "genai_prices", "watchfiles", "psutil", "miniaudio",
)  # fmt: skip
MOST_OF_OURS = 410
"""Modules, each of which takes half a millisecond: 408 at the time of writing."""
SCRIPT = """
import json, sys
from pathlib import Path
from praxmonitor.app.app import PraxApp
def painted(app):
    Path(sys.argv[2]).write_text(json.dumps(sorted(sys.modules)))
    app.exit()
PraxApp._settle_in = painted
from praxmonitor.__main__ import main
main([sys.argv[1], "--mute"])
"""


@pytest.mark.linux_only("psutil and watchfiles stand behind it")
def test_the_first_paint_loads_only_what_it_needs(tmp_path: Path) -> None:
    root, listed = tmp_path / "project", tmp_path / "modules.json"
    create_workspace(root, [("first-agent", "agents/first")])
    child = pexpect.spawn(
        sys.executable, ["-c", SCRIPT, str(root), str(listed)], dimensions=(40, 160), timeout=60, maxread=1 << 16
    )
    child.expect_exact(b"first-agent")
    child.expect(pexpect.EOF)
    child.close()
    loaded = json.loads(listed.read_text())
    assert [name for name in AFTER if name in loaded] == []
    assert "praxmonitor.views.fleet" in loaded
    assert len([name for name in loaded if name.partition(".")[0] in ("mailcore", "praxmonitor")]) <= MOST_OF_OURS
