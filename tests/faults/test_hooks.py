"""Many hooks at once, and writers who know no lock: no event is told of another, and what is lost is counted."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailcore.hooks import line
from mailcore.model.activity import Activity
from mailcore.model.agent import Agent
from mailcore.model.fleet import Fleet
from mailcore.observe.facts import Seen
from mailcore.observe.file_tail import MAX_LINE_BYTES
from mailcore.observe.fold import apply
from mailcore.observe.reader import WorkspaceReader
from mailcore.programs.claude.program import Claude
from mailcore.programs.hook_lines import parse_hook, read_hook
from mailcore.workspace.find import Workspace

WRITERS, ROGUES = 14, 6
SIZES = (0, 300, 5_000, 70_000, 200_000)

HOOKS = 'for f in "$1"/*; do "$2" -c "$3" <"$f"; done'
"""Runs the real hook line for each event of a directory, as its agent's program would."""

ROGUE = """
import os, random, sys
from pathlib import Path
chance = random.Random(int(sys.argv[3]))
for event in sorted(Path(sys.argv[1]).iterdir()):
    data = event.read_bytes() + b"\\n"
    cuts = sorted(chance.randrange(len(data)) for _ in range(chance.randrange(4)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])]
    if chance.random() < 0.3:
        pieces.pop()  # killed in the midst
    for piece in pieces:
        descriptor = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, piece)
        os.close(descriptor)
        os.sched_yield()
"""
"""Appends each event in pieces, unlocked, and sometimes not to its end."""


def events(directory: Path, agent: Agent, who: str, count: int, chance: random.Random) -> None:
    """Tool calls whose every field says whose they are, from tiny to longer than the hook notes."""
    directory.mkdir()
    for n in range(count):
        name = f"{agent.address}-{who}-{n}"
        call = {
            "session_id": f"{agent.address}-{who}",
            "hook_event_name": "PostToolUse",
            "tool_name": "Bash",
            "tool_input": {"description": name},
            "tool_use_id": name,
            "tool_response": chance.choice("xé\\") * chance.choice(SIZES),
        }
        if n % 2:  # as Claude Code orders them: the id after the response
            call["tool_use_id"] = call.pop("tool_use_id")
        (directory / f"{n:04}").write_text(json.dumps(call, separators=(",", ":"), ensure_ascii=False))


class Reader:
    """The feed's reader beside the writers: what it told, and the fleet."""

    def __init__(self, team: Workspace) -> None:
        self.loader = WorkspaceReader(team)
        self.told: list[Activity] = []
        self.fleet = apply(Fleet(team.root), self.loader.initial(), 0.0)

    def look(self) -> None:
        facts = self.loader.sweep()
        self.told += [a for fact in facts if isinstance(fact, Seen) for a in fact.activities if a.source == "hooks"]
        self.fleet = apply(self.fleet, facts, 0.0)

    def lost(self, agent: Agent) -> int:
        facts = self.fleet.find(agent.address)
        assert facts is not None
        return facts.lost


@pytest.fixture
def reader(team: Workspace) -> Iterator[Reader]:
    for agent in team.agents:
        agent.hooks_log.touch()
    yield Reader(team)


def write_together(team: Workspace, reader: Reader, shell: str, rogues: int, count: int, place: Path) -> None:
    """Twenty processes write into the logs of three agents, while the reader reads."""
    chance = random.Random(5)
    running = []
    for n in range(WRITERS + ROGUES):
        agent = team.agents[n % len(team.agents)]
        rogue = n >= WRITERS + ROGUES - rogues
        directory = place / f"{n}"
        events(directory, agent, f"{'rogue' if rogue else 'hook'}{n}", count, chance)
        if rogue:
            words = [sys.executable, "-c", ROGUE, str(directory), str(agent.hooks_log), str(n)]
        else:
            words = [
                "sh",
                "-c",
                HOOKS,
                "hooks",
                str(directory),
                shell,
                line.command(agent, Claude.hooks, line.HookEntry("PreToolUse"), "file"),
            ]
        running.append(subprocess.Popen(words))
    while any(process.poll() is None for process in running):
        reader.look()
    assert all(process.returncode == 0 for process in running)
    for agent in team.agents:  # what was left torn is a line then
        with agent.hooks_log.open("ab") as file:
            file.write(b"\n")
    reader.look()


def check(team: Workspace, reader: Reader, rogues: int, count: int) -> set[str]:
    """Every line is told or counted, nothing is told of another; returns the names of the hooks' events not told."""
    lines = {a.address: [x for x in a.hooks_log.read_bytes().split(b"\n") if x.strip()] for a in team.agents}
    for agent in team.agents:
        told = [a for a in reader.told if a.agent == agent.address]
        # Halves of two rogues' lines may join into one that says nothing, or has the other's call id: told once.
        whole = [x for x in lines[agent.address] if len(x) < MAX_LINE_BYTES and parse_hook(x) is not None]
        read = [read_hook(x, agent.address, 0.0) for x in whole]
        calls = [(one.session, one.kind, one.tool_id) for one in read if one is not None and one.tool_id]
        joined = read.count(None) + len(calls) - len(set(calls))
        assert len(told) + reader.lost(agent) + joined == len(lines[agent.address])
        assert joined <= 2 * rogues
        assert all(a.text.startswith(f"Bash: {agent.address}-") for a in told)
        for a in told:
            name = a.text.removeprefix("Bash: ")
            if "-hook" in name:  # sealed: whole, or cut with what it has
                assert a.session == name.rpartition("-")[0] and a.tool_id in (name, "")
    names = Counter(a.text.removeprefix("Bash: ") for a in reader.told)
    assert max(names.values()) == 1, "each once"
    wanted = {
        f"{team.agents[n % 3].address}-hook{n}-{i}" for n in range(WRITERS + ROGUES - rogues) for i in range(count)
    }
    return wanted - names.keys()


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_twenty_hooks_at_once_lose_nothing(
    team: Workspace, reader: Reader, shell: str, tmp_path: Path, rounds: Callable[[int, int], int]
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    count = rounds(10, 100)
    (place := tmp_path / "events").mkdir()
    write_together(team, reader, shell, 0, count, place)
    assert check(team, reader, 0, count) == set()
    assert [reader.lost(agent) for agent in team.agents] == [0, 0, 0]


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_torn_and_interleaved_lines_are_counted_and_told_of_nobody(
    team: Workspace, reader: Reader, shell: str, tmp_path: Path, rounds: Callable[[int, int], int]
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    count = rounds(10, 100)
    (place := tmp_path / "events").mkdir()
    write_together(team, reader, shell, ROGUES, count, place)
    missing = check(team, reader, ROGUES, count)
    lost = sum(reader.lost(agent) for agent in team.agents)
    assert lost > 0, "the rogues tore nothing"
    assert len(missing) <= lost
    if shell == "dash":  # it writes a line in one go
        assert missing == set()


def test_a_hook_that_is_killed_spoils_no_other(team: Workspace, reader: Reader) -> None:
    agent = team.agents[0]
    with agent.hooks_log.open("ab") as file:
        file.write(b'\n{"ts":1.5,"hook_pid":7,"session_id":"s","hook_event_name":"PostTo')
    event = {"session_id": "s", "hook_event_name": "Stop", "last_assistant_message": "all done"}
    text = line.command(agent, Claude.hooks, line.HookEntry("Stop"), "file")
    subprocess.run(["sh", "-c", text], input=json.dumps(event).encode(), check=True, env={"PATH": os.environ["PATH"]})
    reader.look()
    assert [a.text for a in reader.told] == ["all done"] and reader.lost(agent) == 1
