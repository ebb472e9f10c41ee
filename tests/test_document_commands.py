"""What the pages tell a reader to type can be typed: each ```sh block runs, in order, at a terminal of its own.

Each page has a home of its own, with the commands on PATH and no agent program. A page that makes a workspace begins in
an empty directory; the others in a workspace with @lead, @writer and @coder, whose program is `true`. What cannot run
here says why, in a comment before its block: `<!-- not run: why -->`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from mailcore.cli import VERBS
from mailcore.workspace import create
from praxmonitor.__main__ import SUBCOMMANDS
from tests.mailcore.conftest import wait_until
from tests.mailcore.identity.lab import PTY
from tests.tools.command_lines import Command, mailcore_commands, praxmonitor_commands

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN_ELSEWHERE = {"mail.md": "tests/mailcore/test_mail_docs.py"}
"""Page → the test that runs it."""
BLOCK = re.compile(r"(?:^<!-- not run: (?P<why>[^\n]+?) -->\n+)?^```sh\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`((?:mailcore|praxmonitor) [^`]+)`")
SECONDS = 120.0


class Block(NamedTuple):
    """One block of a page."""

    page: str
    number: int
    text: str
    why: str
    """Why it is not run; empty if it is."""


def blocks(page: Path) -> list[Block]:
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(page.name, number, one["text"], one["why"] or "") for number, one in enumerate(found, 1)]


EVERY = [block for page in PAGES for block in blocks(page)]
RUN = sorted({block.page for block in EVERY if not block.why} - RUN_ELSEWHERE.keys())


@pytest.mark.parametrize("name", RUN)
def test_the_commands_of_a_page_run_as_they_stand(name: str, tmp_path: Path) -> None:
    """In one shell, so that `cd` and variables last; it ends with the first command that fails."""
    texts = {block.number: block.text for block in EVERY if block.page == name and not block.why}
    home, root = tmp_path / "home", tmp_path / "home" / "project"
    home.mkdir()
    if "mailcore init" in "".join(texts.values()):
        root.mkdir()
    else:
        made = create.create_workspace(root, [(agent, f"agents/{agent}") for agent in ("lead", "writer", "coder")])
        made.config_file.write_text('[agents]\nprogram = "command"\ncommand = ["true"]\n')
    script, said, status = (tmp_path / each for each in ("script", "said", "status"))
    script.write_text("".join(f"echo '== block {number}'\n{text}" for number, text in texts.items()))
    around = f"sh -e {script} >{said} 2>&1; echo $? >{status}.new; mv {status}.new {status}"
    environment = {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    subprocess.run(
        [sys.executable, "-c", PTY, repr(environment), "sh", "-c", around],
        cwd=root,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=60,
    )
    wait_until(status.exists, SECONDS, what=f"the commands of {name} are through")
    assert status.read_text().strip() == "0", f"{name}:\n{said.read_text(errors='replace')[-4000:]}"


@pytest.mark.parametrize(
    "block", [block for block in EVERY if block.why], ids=lambda block: f"{block.page}-{block.number}"
)
def test_what_is_not_run_says_why_and_can_be_read_by_a_shell(block: Block) -> None:
    checked = subprocess.run(["sh", "-n"], input=block.text, capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stderr) == (0, "")
    pytest.skip(f"{block.page}, block {block.number} is not run: {block.why}")


def test_a_block_that_fails_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n\n<!-- not run: needs an account -->\n```sh\nclaude\n```\n\n```sh\nfalse\n```\n")
    assert [(block.text, block.why) for block in blocks(page)] == [("claude\n", "needs an account"), ("false\n", "")]
    assert {block.page for block in EVERY} >= {"README.md", "guide.md", "mail.md", "alarms.md", "mcp.md"}


def _options(commands: list[Command]) -> dict[str, set[str]]:
    return {
        one.name: {name for word in one.words for name in word.names} | set().union(*_options(list(one.under)).values())
        for one in commands
    }


OPTIONS = {
    "mailcore": _options([one for some in mailcore_commands().values() for one in some]),
    "praxmonitor": _options(praxmonitor_commands()),
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_in_a_sentence_is_a_verb_with_options_that_it_has(page: Path) -> None:
    wrong = []
    for text in INLINE.findall(page.read_text(encoding="utf-8")):
        command, verb, *words = " ".join(text.split()).replace("[", " ").replace("]", " ").split()
        known = OPTIONS[command]
        given = {word.partition("=")[0].rstrip(",;.)") for word in words if re.match(r"--?[a-zA-Z]", word)}
        if re.fullmatch("[a-z]+", verb) and verb != "help":
            wrong += [text] if verb not in known else [f"{text}: {name}" for name in given - known[verb]]
    assert wrong == []
    assert VERBS.keys() == OPTIONS["mailcore"].keys() and SUBCOMMANDS.keys() == OPTIONS["praxmonitor"].keys()


def test_the_readme_is_short() -> None:
    """A picture, two commands, agents of one's own, where the rest is told."""
    text = re.sub(r"^## Keys.*?<!-- /keys -->\n", "", (ROOT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Two commands", "Your own agents", "Read on"]
    assert text.index("](docs/pictures/fleet.svg)") < text.index("## Two commands")
    assert len(text.splitlines()) <= 60
