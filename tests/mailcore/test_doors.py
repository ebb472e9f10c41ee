"""Every place where text leaves, and where what others wrote comes in, stands in docs/untrusted.md with its rule.

A new one that does not is found here. What goes by the doors themselves (`text.terminal`, `cli.output`,
`system.safe_open`) needs no entry.
"""

from __future__ import annotations

import ast
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from mailcore.dispatch.admission import breakers
from mailcore.model.lock import Holder
from mailcore.observe.file_tail import FileTail
from mailcore.workspace.lock_reader import read_lock
from praxmonitor.alarms import watchers
from praxmonitor.themes import load
from tests.mailcore.conftest import House

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "untrusted.md"
DOORS = {
    "outlets": {"mailcore.text.terminal", "mailcore.cli.output"},
    "inputs": {"mailcore.system.safe_open", "mailcore.system.linux.processes", "mailcore.system.listening"},
}
STREAMS = re.compile(r"sys\.(__)?(stdout|stderr)(__)?(\.buffer)?\.(write|writelines)")
READS = {"read_text", "read_bytes", "readlines", "open"}
OPENERS = {"open", "os.open", "io.open", "gzip.open", "gzip.GzipFile", "wave.open", "zipfile.ZipFile", "tarfile.open"}
GUARDED = ("safe_open", "self._engine", "git_repository")
"""What has a method `open` or `read_bytes` of its own, which is the door."""


def modules() -> dict[str, Path]:
    found = {}
    for top in ("mailcore", "praxmonitor"):
        for path in (ROOT / top).rglob("*.py"):
            found[".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")] = path
    return found


def outlets(tree: ast.AST) -> list[str]:
    """What writes to a terminal, pipe or file of whoever called, without the door."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            call = ast.unparse(node.func)
            words = ast.unparse(node)
            by_number = re.match(r"os\.write\((1|2|sys\.)", words)
            if call == "print" or by_number or STREAMS.fullmatch(call):
                found.append(words)
    return found


def inputs(tree: ast.AST) -> list[str]:
    """What opens or reads a file whole without the door."""
    own = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "mailcore.system.safe_open"
        for alias in node.names
    }
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        call = ast.unparse(node.func)
        name = call.rpartition(".")[2]
        by_door = call in own or call.rpartition(".")[0] in GUARDED
        opens = call in OPENERS or (isinstance(node.func, ast.Attribute) and name in READS)
        whole = name in ("read", "readline") and not (node.args or node.keywords)
        endless = whole and re.search(r"(file|raw|stdin|buffer|errors)$", call.rpartition(".")[0])
        if (opens and not by_door) or endless:
            found.append(ast.unparse(node))
    return found


FINDERS = {"outlets": outlets, "inputs": inputs}


def listed(kind: str) -> dict[str, str]:
    """Module → rule, of one table of the page."""
    part = PAGE.read_text().partition(f"## {kind.capitalize()}")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([\w.]+)` \| (.+?) \|$", part, re.MULTILINE))


@pytest.mark.parametrize("kind", FINDERS)
def test_every_one_has_a_rule(kind: str) -> None:
    found = {
        name: acts for name, path in modules().items()
        if name not in DOORS[kind] and (acts := FINDERS[kind](ast.parse(path.read_text())))
    }  # fmt: skip
    rules = listed(kind)
    assert {name: acts for name, acts in found.items() if name not in rules} == {}, f"no rule in {PAGE.name}"
    assert set(rules) - set(found) == set(), "a rule of what is there no more"
    assert all(len(rule) > 10 for rule in rules.values())


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("outlets", "print(text)"),
        ("outlets", "import sys\nsys.stderr.write(text)"),
        ("outlets", "import sys\nsys.stdout.buffer.write(text)"),
        ("outlets", "import os\nos.write(1, text)"),
        ("inputs", "open(path)"),
        ("inputs", "path.read_text()"),
        ("inputs", "path.open('rb')"),
        ("inputs", "import gzip\ngzip.open(path)"),
        ("inputs", "with safe_open.open_regular(path) as file:\n    file.read()"),
        ("inputs", "with safe_open.open_regular(path) as file:\n    file.readline()"),
    ],
)
def test_each_kind_is_found(kind: str, source: str) -> None:
    assert FINDERS[kind](ast.parse(source))


ENDLESS = [
    "agents/writer/.ai_mail.local/.dispatch.lock", "agents/writer/.ai_mail.local/.queue.jsonl",
    "agents/writer/.ai_mail.local/inbox.json", "agents/writer/.ai_mail.local/deleted/x.json",
    "agents/writer/.trinity/passport.json", "agents/writer/logs/hooks.jsonl", ".praxmonitor/audit.jsonl",
    ".aipass/dispatch_register.jsonl",
]  # fmt: skip


@pytest.mark.linux_only("what a limit on memory counts is the system's own")
@pytest.mark.parametrize("name", ENDLESS)
def test_a_file_without_end_takes_no_memory_and_keeps_nobody_from_his_work(house: House, name: str) -> None:
    """An agent can make a file of 20 GB in a moment, which takes no space on disk: `truncate -s 20G`."""
    path = house.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.truncate(20_000_000_000)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))

    for words in (["send", "@editor", "s", "b"], ["inbox", "@editor"], ["tasks"], ["search", "s"], ["history"]):
        command = [sys.executable, "-m", "mailcore.cli", *words, "--from", "@operator"]
        done = subprocess.run(command, cwd=house.root, preexec_fn=limited, capture_output=True, timeout=60)
        assert b"Traceback" not in done.stderr and done.returncode in (0, 4), (words, done.stderr)
        if words[0] in ("send", "inbox"):
            assert done.returncode == 0, done.stderr
    sent = [sys.executable, "-m", "mailcore.cli", "send", "@writer", "s", "b", "--from", "@operator"]
    done = subprocess.run(sent, cwd=house.root, preexec_fn=limited, capture_output=True, timeout=60)
    assert done.returncode == (4 if "inbox" in name else 0), done.stderr
    if ".dispatch.lock" in name:
        os.utime(path, (1, 1))
        lock = read_lock(path)
        assert lock is not None and lock.holder is Holder.DEAD, "nobody's lock, for good"


@pytest.mark.parametrize("what", ["a FIFO", "nested", "no end"])
def test_a_theme_in_a_workspace_keeps_no_screen_from_opening(tmp_path: Path, what: str) -> None:
    path = tmp_path / "evil.toml"
    if what == "a FIFO":
        os.mkfifo(path)
    else:
        path.write_text("a = " + "[" * 100_000)
    if what == "no end":
        os.truncate(path, 20_000_000_000)
    found = load.load_themes([tmp_path])
    assert found.loaded == () and found.failed[0].startswith("theme evil.toml: "), found


@pytest.mark.parametrize("kind", ["failures.jsonl", "duty/x.watcher", "audit.jsonl"])
def test_a_fifo_in_the_place_of_what_is_looked_at_by_the_way_is_not_waited_for(house: House, kind: str) -> None:
    path = house.root / ".praxmonitor" / kind
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    if kind == "failures.jsonl":
        assert breakers.why_fleet_tripped(house.workspace, house.config.dispatch) == ""
    elif kind == "duty/x.watcher":
        assert watchers.read_watchers(house.root / ".praxmonitor") == ([], None)
    else:
        assert FileTail(path, 0).read() == []


def test_the_doors_themselves_are_none() -> None:
    ways = "from mailcore.system.safe_open import read_bytes\nread_bytes(path)\nfiles.opened(path).read(9)\nsay(text)"
    assert not outlets(ast.parse(ways)) and not inputs(ast.parse(ways))
