"""The noted events of programs are bounded: begun anew by the hooks themselves, and none is lost or read twice."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from mailcore.hooks import line
from mailcore.hooks.install import install_hooks
from mailcore.hooks.session_events import last_event, newest_events
from mailcore.model.activity import Kind
from mailcore.model.agent import Agent
from mailcore.observe.agent_reader import AgentReader
from mailcore.observe.facts import Seen
from mailcore.observe.file_tail import FileTail
from mailcore.programs.claude.program import Claude
from mailcore.system.open_files import OpenFiles
from tests.mailcore.conftest import House, wait_until
from tests.mailcore.test_hooks import SHELLS, fire, line_of, noted, words

KB = 2
"""Blocks of 512 bytes."""


def writer_with(house: House, monkeypatch: pytest.MonkeyPatch, blocks: int) -> Agent:
    monkeypatch.setattr(line, "ROTATE_BLOCKS", blocks)
    agent = house.agent("@writer")
    assert install_hooks(agent, Claude.hooks)
    return agent


def texts(agent: Agent) -> Counter[str]:
    former = agent.former_hooks_log.read_bytes() if agent.former_hooks_log.exists() else b""
    kept = [json.loads(one) for one in (former + agent.hooks_log.read_bytes()).split(b"\n") if one]
    return Counter(one["text"] for one in kept)


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_too_long_is_begun_anew_at_a_turn_s_end(
    house: House, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    writer = writer_with(house, monkeypatch, 4 * KB)
    fire(writer, "PreToolUse", shell, text="a" * 5000)
    fire(writer, "PreToolUse", shell, text="between")
    assert not writer.former_hooks_log.exists(), "it is looked at where a turn ends"
    fire(writer, "Stop", shell, text="end")
    assert not writer.hooks_log.exists() and len(writer.former_hooks_log.read_bytes().split()) == 3
    fire(writer, "Stop", shell, text="next")
    assert [event["text"] for event in noted(writer)] == ["next"]
    assert [event["text"] for event in newest_events(writer)] == ["next", "end", "between", "a" * 5000]
    assert last_event(writer, "s")["text"] == "next"


def test_nothing_is_lost_or_doubled_while_many_note(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """In two files there is room for all of them."""
    writer, held, over = writer_with(house, monkeypatch, 48 * KB), OpenFiles(), threading.Event()
    tail, read = FileTail(writer.hooks_log), list[bytes]()

    def follow() -> None:
        while not over.is_set():
            read.extend(tail.follow(held))

    follower = threading.Thread(target=follow)
    follower.start()
    names = [f"{session}-{number}" for session in range(6) for number in range(12)]
    with ThreadPoolExecutor(6) as pool:
        stop = line_of(writer, "Stop")
        event = {"session_id": "s", "hook_event_name": "Stop", "more": "." * 1000}

        def note(name: str) -> int:
            given = json.dumps({**event, "text": name}).encode()
            return subprocess.run([*words("sh"), stop], input=given, capture_output=True, timeout=120).returncode

        assert set(pool.map(note, names)) == {0}
    assert writer.former_hooks_log.exists()
    assert texts(writer) == Counter(names)
    over.set()
    follower.join()
    read += tail.follow(held)
    while tail.behind:
        read += tail.follow(held)
    held.close()
    assert Counter(json.loads(one)["text"] for one in read if one) == Counter(names) and tail.lost == 0


def test_who_waited_while_it_was_begun_anew_notes_in_the_new_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = writer_with(house, monkeypatch, 4 * KB)
    fire(writer, "Stop", text="before")
    holder = subprocess.Popen(["flock", str(writer.hooks_log), "-c", "echo held; read x"], stdin=-1, stdout=-1)
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    given = json.dumps({"session_id": "s", "hook_event_name": "Stop", "text": "late"}).encode()
    hook = subprocess.Popen([*words("sh"), line_of(writer, "Stop")], stdin=-1)
    assert hook.stdin is not None
    hook.stdin.write(given)
    hook.stdin.close()

    def waits() -> bool:
        return any(one.name() == "flock" for one in psutil.Process(hook.pid).children(recursive=True))

    wait_until(waits, what="the hook has the old one open, and waits for it")
    os.rename(writer.hooks_log, writer.former_hooks_log)  # noqa: PTH104
    holder.communicate(b"x\n")
    assert hook.wait(30) == 0
    assert [event["text"] for event in noted(writer)] == ["late"]
    assert b"late" not in writer.former_hooks_log.read_bytes()


@pytest.mark.parametrize("begun", [True, False])
def test_who_looks_first_when_it_is_begun_anew_hears_of_what_was_before(house: House, begun: bool) -> None:
    agent = house.agent("@writer")
    agent.logs_dir.mkdir(exist_ok=True)
    lines = [json.dumps({"ts": 1.0 + n, "hook_event_name": "UserPromptSubmit", "prompt": f"p{n}"}) for n in range(4)]
    agent.former_hooks_log.write_text("\n".join(lines[:3]) + "\n")
    if begun:
        agent.hooks_log.write_text(lines[3] + "\n")
    files = OpenFiles()
    reader = AgentReader(agent, files)
    told = [one for fact in reader.refresh() if isinstance(fact, Seen) for one in fact.activities]
    assert [one.text for one in told if one.kind is Kind.PROMPT] == ["p0", "p1", "p2", "p3"][: 4 if begun else 3]
    with agent.hooks_log.open("a") as log:
        log.write(json.dumps({"ts": 9.0, "hook_event_name": "UserPromptSubmit", "prompt": "later"}) + "\n")
    later = [one for fact in reader.refresh() if isinstance(fact, Seen) for one in fact.activities]
    files.close()
    assert [one.text for one in later] == ["later"]
