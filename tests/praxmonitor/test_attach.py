"""Key `a` in a real terminal: the agent's own program has it, in its session, and the screen comes back."""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

import pytest

from mailcore.mail import post
from mailcore.model.run import Phase
from tests.mailcore.conftest import House, wait_until
from tests.praxmonitor.fake_feed import FakeFeed, app_on, lighthouse, workspace
from tests.praxmonitor.test_terminal import Terminal, terminals

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: no real terminal to test in")
__all__ = ["terminals"]

CLAUDE = """#!{python}
import json, os, re, sys
words = sys.argv[1:]
if "-p" in words:
    session = words[words.index("--session-id") + 1]
    folder = os.path.join(os.environ["CLAUDE_CONFIG_DIR"], "projects", re.sub(r"[/\\\\:_.]", "-", os.getcwd()))
    os.makedirs(folder, exist_ok=True)
    open(os.path.join(folder, session + ".jsonl"), "w").write("{{}}\\n")
    print(json.dumps({{"type": "result", "subtype": "success", "is_error": False, "result": "done"}}))
else:
    print("in session", words[words.index("--resume") + 1], "at", os.path.basename(os.getcwd()),
          "run" if "MAILCORE_RUN_ID" in os.environ else "no run", sys.stdin.isatty(), flush=True)
    while True:
        try:
            word = input("> ")
            break
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    sys.exit(int(word))
"""


@pytest.fixture
def claude(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """@writer is a claude agent, its program a stand-in that keeps sessions as Claude Code does."""
    tool = tmp_path / "tools" / "claude"
    tool.parent.mkdir()
    tool.write_text(CLAUDE.format(python=sys.executable))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(tmp_path / "claude"))
    del house.commands["writer"]
    house.extra = '[agents.writer]\nprogram = "claude"'
    house.configure()
    return house


def test_the_operator_goes_on_in_the_agents_session_and_comes_back(claude: House, terminals: list[Terminal]) -> None:
    house, screen = claude, terminals[0]
    run = house.over("@writer", house.started("@operator", "@writer"))
    assert run.phase is Phase.COMPLETED, run
    (session,) = [attempt.session_id for attempt in run.attempts]
    screen.open(house)
    screen.shows("writer", "done")
    screen.keys("a")
    screen.shows(f"in session {session} at writer no run True")
    screen.keys("C-c")
    screen.shows("interrupted")  # and the screen below is not
    for _ in range(40):  # more than Textual's writer would take while it is stopped
        post.send_mail(house.workspace, "@lead", ["@operator"], "urgent", "b", priority="high")
    screen.keys("7", "Enter")
    screen.shows(f"in session {session}", "It failed: what it said stands above. Enter comes back.")
    screen.keys("Enter")
    screen.shows("writer", "back from @writer's session: exit 7; it ran claude --resume ")
    wait_until(lambda: "in session" not in screen.text, what="the whole screen is drawn again")
    screen.keys("l", "a")
    screen.shows("@editor has had no run")
    screen.keys("q")
    wait_until(lambda: "for you" not in screen.text, what="the screen is left")


def test_the_bell_rings_while_the_terminal_is_lent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's own writer is stopped then, and would block after thirty."""
    fleet = lighthouse()
    app = app_on(FakeFeed(fleet), workspace(fleet))
    written = io.StringIO()
    monkeypatch.setattr(sys, "__stdout__", written)
    app.terminal.bell()
    assert written.getvalue() == ""
    app.terminal.lent = True
    app.terminal.bell()
    assert written.getvalue() == "\a"


def test_nobody_joins_an_agent_at_work(house: House, terminals: list[Terminal]) -> None:
    screen = terminals[0]
    house.shell("writer", "echo up; sleep 300")
    house.attempt_pid("@writer", house.started("@operator", "@writer"))
    screen.open(house)
    screen.shows("writer", "working")
    screen.keys("a")
    screen.shows("@writer is at work: two")
    house.kill("@operator", "@writer")
    screen.shows("killed", " r retry ")  # its lock is gone too
    screen.keys("a")
    screen.shows("no session of @writer")
    assert not house.agent("@writer").dispatch_lock.exists()
