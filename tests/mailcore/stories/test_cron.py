"""Three actors whom cron starts, over MCP with the official client: known by its key, by its run, by its directory.

Each line of the crontab is run as cron runs it: by `/bin/sh -c`, in the home directory, in a session of its own without
a terminal, below a process named cron, and with the four variables that cron sets and none else. Where a cron is
installed, it does the same once more, in a mount namespace that shows it this one crontab: that takes up to a minute.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mailcore.conftest import wait_until
from tests.mailcore.stories.record import Story

REAL = shutil.which("cron", path=f"{os.environ['PATH']}:/usr/sbin")
HIDDEN = """
for place in /var/spool /run /etc/cron.d; do [ ! -d $place ] || mount -t tmpfs tmpfs $place || exit 1; done
[ ! -e /etc/crontab ] || mount --bind /dev/null /etc/crontab || exit 1
mkdir -p /var/spool/cron/crontabs && install -m 600 "$1" /var/spool/cron/crontabs/root && exec "$2" -f
"""
"""Nothing of the system's own is seen by this cron, nor changed: its tables and its PID file are in memory."""
CLIENTS = Path(__file__).with_name("clients.py")
PYTHON = shlex.quote(sys.executable)


WAYS = {("@lead", "key"), ("@writer", "run"), ("@editor", "passport")}


def known(story: Story) -> set[tuple[str, str]]:
    """Whom the server took each for, and what said so."""
    return {(one["by"], one["how"]) for one in story.noted("is")}


class Cron:
    """Runs lines of a crontab."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.program = home / "cron"
        shutil.copy(os.path.realpath("/bin/sh"), self.program)

    def tick(self, line: str) -> subprocess.CompletedProcess[str]:
        """One minute's call of a line, and how it ended; what it printed would be mailed by cron."""
        variables = f"HOME={shlex.quote(str(self.home))} LOGNAME=root PATH=/usr/bin:/bin SHELL=/bin/sh"
        script = f'env -i {variables} /bin/sh -c "$1"; exit $?'
        return subprocess.run(
            [str(self.program), "-c", script, "cron", line],
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            start_new_session=True,
            timeout=60,
        )


@pytest.fixture
def cron(tmp_path: Path) -> Cron:
    home = tmp_path / "home"
    home.mkdir()
    return Cron(home)


def crontab(story: Story, cron: Cron) -> dict[str, str]:
    """Whose line is which; the lead has a key."""
    root, happened = shlex.quote(str(story.house.root)), shlex.quote(str(story.list))
    story.house.command("writer", sys.executable, str(CLIENTS), "writer", str(story.list))
    key = cron.home / "lead.key"
    key.touch(0o600)
    key.write_text(story.look("mcp", "key", "new", "@lead", "--may=sent,send,inbox,close")["key"])
    client = f"{PYTHON} {shlex.quote(str(CLIENTS))}"
    return {
        "lead": f"MAILCORE_ROOT={root} MAILCORE_KEY_FILE={shlex.quote(str(key))} {client} lead {happened}",
        "writer": f"cd {root} && {PYTHON} -m mailcore.cli wake --from @operator --if-mail @writer",
        "editor": f"cd {root}/agents/editor && {client} editor {happened}",
    }


def test_three_actors_by_key_by_run_and_by_place(story: Story, cron: Cron) -> None:
    lines = crontab(story, cron)
    for minute in range(3):
        for name, line in lines.items():
            done = cron.tick(line)
            assert done.returncode == (3 if name == "writer" and minute else 0), (name, minute, done)
            story.at_rest()
    assert known(story) == WAYS
    assert [(mail["from"], mail["subject"], mail["message"], mail["sender_proof"]) for mail in story.look("inbox")] == [
        ("@lead", "The sum", "59", "key")
    ]
    assert len(story.look("runs")) == 1, "who has no mail is not started"
    story.compare()


@pytest.mark.skipif(
    REAL is None or os.geteuid() != 0, reason="no cron is installed, or only root can have one of its own"
)
def test_the_same_by_a_real_cron_within_a_minute(story: Story, cron: Cron) -> None:
    """All three at the same moment: who is asked in that minute answers in the next one, which is not waited for."""
    story.operator("send", "@writer", "@editor", "A number?", "one each")
    table = cron.home / "crontab"
    lines = [f"* * * * * {line}" for line in crontab(story, cron).values()]
    table.write_text("\n".join([f"HOME={cron.home}", *lines, ""]))
    words = ["unshare", "-m", "sh", "-c", HIDDEN, "cron", str(table), str(REAL)]
    daemon = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until(lambda: known(story) == WAYS, 90, "cron has started all three")
    finally:
        daemon.terminate()
        daemon.wait()
    wait_until(lambda: len(story.noted("ends")) >= 3, 30, "they have done what they do")
    story.at_rest()
    story.compare()
