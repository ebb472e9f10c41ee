"""What long work says of itself at a terminal, and that it says nothing anywhere else."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mailcore.cli import VERBS
from mailcore.cli.progress import CLEARED, LONG_VERBS
from mailcore.mail.search import search_mail
from mailcore.mail.search_query import Query
from mailcore.mail.search_scan import scan
from mailcore.text import progress
from tests.mailcore.conftest import House, wait_until

COMMAND = [sys.executable, "-m", "mailcore.cli"]


class Screen:
    """A command whose standard error is a terminal, and what it has shown there."""

    def __init__(self, house: House, *words: str, **environment: str) -> None:
        self._terminal, child = pty.openpty()
        subprocess.run(["stty", "cols", "60"], stdin=child, check=True)
        os.set_blocking(self._terminal, False)
        self.process = subprocess.Popen(
            [*COMMAND, *words], cwd=house.root, env={**os.environ, "TERM": "xterm", **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=child,
        )  # fmt: skip
        os.close(child)
        self._said = b""

    @property
    def said(self) -> str:
        try:
            while part := os.read(self._terminal, 65536):
                self._said += part
        except OSError:
            pass
        return self._said.decode()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=20)
        os.close(self._terminal)


@contextmanager
def screen(house: House, *words: str, **environment: str) -> Iterator[Screen]:
    one = Screen(house, *words, **environment)
    try:
        yield one
    finally:
        one.close()


def test_a_wait_says_for_what_on_one_line_that_is_gone_at_its_end(house: House) -> None:
    house.json("send", "@writer", "task", "b", "--from", "@lead")
    with screen(house, "wait", "1", "--from", "@lead") as shown:
        wait_until(
            lambda: re.search(r"mailcore wait: waiting for reply of 1, \d s", shown.said), what="the line is there"
        )
        wait_until(lambda: shown.said.count(CLEARED) > 3, what="it is written anew")
        house.json("done", "1", "x", "--from", "@writer")
        assert shown.process.wait(30) == 0
        assert shown.said.endswith(CLEARED) and "\n" not in shown.said
        assert all(len(text) < 60 for text in shown.said.split(CLEARED))


def test_ctrl_c_leaves_with_words_and_a_clean_line(house: House) -> None:
    house.json("send", "@writer", "task", "b", "--from", "@lead")
    with screen(house, "wait", "1", "--from", "@lead") as shown:
        wait_until(lambda: "waiting for" in shown.said, what="the line is there")
        shown.process.send_signal(signal.SIGINT)
        assert shown.process.wait(30) == 130
        last = shown.said.rpartition(CLEARED)[2]
        assert last == "mailcore wait: stopped. What was done stays; say the same again to go on\r\n"


@pytest.mark.parametrize("quiet", [{"MAILCORE_RUN_ID": "x"}, {"TERM": "dumb"}])
def test_an_agent_and_a_dumb_terminal_see_no_line(house: House, quiet: dict[str, str]) -> None:
    house.json("send", "@writer", "task", "b", "--from", "@lead")
    with screen(house, "wait", "1", "--timeout", "2", "--from", "@lead", **quiet) as shown:
        shown.process.wait(30)
        assert CLEARED not in shown.said and "waiting for" not in shown.said


def test_a_pipe_sees_no_line(house: House) -> None:
    house.json("send", "@writer", "task", "b", "--from", "@lead")
    done = house.mailcore("wait", "1", "--timeout", "1.5", "--from", "@lead")
    assert (done.returncode, done.stderr) == (5, b"")


def test_a_search_says_how_many_mails_of_how_many(house: House) -> None:
    for number in range(5):
        house.json("send", "@writer", f"mail {number}", "words", "--from", "@lead")
        house.json("close", str(number + 1), "--from", "@writer")
    told: list[str] = []
    token = progress.listener.set(told.append)
    try:
        assert len(search_mail(house.workspace, Query(("words",)))) == 5
        total = int(told[-1].rpartition(" ")[2])
        assert told[-1] == f"taking new mail into the index: {total} of {total}" and total >= 5
        assert len(scan(house.workspace, Query(("words",)))) == 5
        assert told[-1] == f"reading mail: {total} of {total}"
    finally:
        progress.listener.reset(token)
    count = len(told)
    progress.step("nobody listens", 1, 2)
    assert len(told) == count


def test_each_long_verb_is_one() -> None:
    assert LONG_VERBS.keys() <= VERBS.keys() and not LONG_VERBS.keys() & {"attach", "mcp", "watch", "operator", "prune"}
