"""The plan of the house, held: who imports whom, who signals, who writes, and what a command loads."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.mailcore.conftest import House

ROOT = Path(__file__).parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("mailcore", "praxmonitor")
    for path in sorted((ROOT / package).rglob("*.py"))
}

ROOMS = (
    "mailcore.exceptions", "mailcore.model", "mailcore.text", "mailcore.system", "mailcore.formats", "mailcore.config",
    "mailcore.schemas", "mailcore.workspace", "mailcore.identity", "mailcore.programs", "mailcore.accounts",
    "mailcore.hosts", "mailcore.mail", "mailcore.topics", "mailcore.permissions", "mailcore.hooks", "mailcore.observe",
    "mailcore.logs", "mailcore.errors",
    *(
        f"mailcore.dispatch.{name}"
        for name in ("process", "texts", "aipass", "runs", "queueing", "admission", "lifecycle", "supervision")
    ),
    "mailcore.dispatch", "mailcore.link", "mailcore.cli", "mailcore.mcp",
    "praxmonitor.assets", "praxmonitor.text", "praxmonitor.themes", "praxmonitor.preferences", "praxmonitor.state",
    "praxmonitor.feed",
    "praxmonitor.sound", "praxmonitor.alarms", "praxmonitor.widgets", "praxmonitor.dialogs", "praxmonitor.actions",
    "praxmonitor.views", "praxmonitor.app", "praxmonitor.demo", "praxmonitor.cli", "praxmonitor.__main__",
)  # fmt: skip
"""From the ground up: a room imports only itself and rooms that stand before it."""

PURE = {
    "mailcore.model": ["mailcore.model"],
    "mailcore.exceptions": [],
    "mailcore.text": ["mailcore.text"],
    "mailcore.programs": [
        "mailcore.programs", "mailcore.model", "mailcore.config", "mailcore.exceptions", "mailcore.system",
        "mailcore.text",
    ],
    "praxmonitor.text": ["praxmonitor.text", "mailcore.model", "mailcore.text"],
    "praxmonitor.alarms.rules": [
        "praxmonitor.alarms.rules", "praxmonitor.alarms.alarm", "mailcore.model", "mailcore.config", "mailcore.text",
        "mailcore.observe", "mailcore.mail.ladder", "mailcore.accounts.pace", "praxmonitor.state",
        "praxmonitor.text.limits", "mailcore.dispatch.runs.open_tasks",
    ],
}  # fmt: skip
"""What these may import of ours; `mailcore.model` stands for itself and all below it."""

FORBIDDEN = {
    "mailcore": ["praxmonitor", "textual", "rich", "miniaudio", "simpleaudio"],
    "mailcore.programs.base": ["mailcore.programs.registry", "mailcore.programs.guarded"],
    **{
        f"mailcore.programs.{program}": [f"mailcore.programs.{name}" for name in ("registry", "choose", "guarded")]
        for program in ("claude", "codex", "gemini")
    },
    # A command may be a wrapper of any program: it asks them what its output says, and no more.
    "mailcore.programs.command": ["mailcore.programs.choose", "mailcore.programs.guarded"],
}
OF_MAIL = ["mailcore.mail.mailbox_reader"]
"""What `observe` may import of mail."""
OF_OBSERVE = [
    f"mailcore.observe.{name}"
    for name in ("watch", "file_tail", "aipass_runs", "usage_ledger", "daily_caps", "usage_sum")
]
"""What `dispatch` takes of `observe`: what is no part of the fleet."""


def imports(path: Path, *, top: bool = False) -> Iterator[str]:
    """What a module imports, `from a import b` as `a.b` if that is a module; with `top` at module level only."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in tree.body if top else ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in MODULES else str(node.module)


def within(name: str, places: list[str]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def ours(place: str) -> dict[str, Path]:
    found = {name: path for name, path in MODULES.items() if within(name, [place])}
    assert found, f"no module in {place}"
    return found


def room(name: str) -> str:
    """The room that a module lies in; a package's own module lies in none."""
    return next((one for one in ROOMS if within(name, [one])), "")


def test_every_module_lies_in_a_room() -> None:
    assert {name for name in MODULES if not room(name)} == {"mailcore", "praxmonitor"}
    tops = [path.name for package in ("mailcore", "praxmonitor") for path in (ROOT / package).glob("*.py")]
    assert sorted(tops) == ["__init__.py", "__init__.py", "__main__.py", "assets.py", "exceptions.py"]


def test_a_room_imports_only_rooms_before_it() -> None:
    wrong = [
        (name, imported)
        for name, path in MODULES.items()
        for imported in imports(path)
        if room(imported) and room(name) and ROOMS.index(room(imported)) > ROOMS.index(room(name))
    ]
    assert wrong == []


@pytest.mark.parametrize("place", PURE)
def test_what_is_pure_imports_only_what_it_may(place: str) -> None:
    wrong = {
        name: imported
        for name, path in ours(place).items()
        for imported in imports(path)
        if within(imported, ["mailcore", "praxmonitor"]) and not within(imported, PURE[place])
    }
    assert wrong == {}


@pytest.mark.parametrize("place", FORBIDDEN)
def test_a_place_never_imports_what_it_must_not(place: str) -> None:
    wrong = {
        name: imported
        for name, path in ours(place).items()
        for imported in imports(path)
        if within(imported, FORBIDDEN[place])
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("above", "below", "allowed"),
    [("mailcore.observe", "mailcore.mail", OF_MAIL), ("mailcore.dispatch", "mailcore.observe", OF_OBSERVE)],
)
def test_a_room_takes_only_a_part_of_another(above: str, below: str, allowed: list[str]) -> None:
    taken = {i for path in ours(above).values() for i in imports(path) if within(i, [below])}
    assert taken <= set(allowed)


def test_model_imports_the_standard_library_and_structs_alone() -> None:
    roots = {i.partition(".")[0] for path in ours("mailcore.model").values() for i in imports(path)}
    assert roots <= set(sys.stdlib_module_names) | {"mailcore", "msgspec"}


def test_widgets_touch_no_disk_no_clock_no_processes() -> None:
    """Of ours they import what is pure: model, units, present, themes, each other."""
    allowed = [
        "mailcore.model", "mailcore.text", "praxmonitor.text", "praxmonitor.themes", "praxmonitor.widgets",
        "praxmonitor.state.agent_details", "praxmonitor.state.mail", "praxmonitor.state.oldest_task",
        "praxmonitor.state.project_summary", "praxmonitor.state.sound_status", "mailcore.mail.message_text",
    ]  # fmt: skip
    third = ["textual", "rich"]
    banned = ["os", "pathlib", "time", "psutil", "shutil", "subprocess", "io", "tempfile", "socket"]
    wrong = []
    for name, path in ours("praxmonitor.widgets").items():
        for imported in imports(path):
            root = imported.partition(".")[0]
            if root in ("mailcore", "praxmonitor"):
                good = within(imported, allowed)
            else:
                good = root in third or (root in sys.stdlib_module_names and root not in banned)
            if not good:
                wrong.append((name, imported))
        calls = {
            n.func.id
            for n in ast.walk(ast.parse(path.read_text()))
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        if "open" in calls:
            wrong.append((name, "open()"))
    assert wrong == []


def test_views_never_import_each_other() -> None:
    """What they share lies in these."""
    shared = [
        f"praxmonitor.views.{name}"
        for name in (
            "agent_listing",
            "frame",
            "history_reading",
            "log_choices",
            "log_reading",
            "log_searching",
            "mail_listing",
            "mail_reading",
            "open_log",
            "reading",
        )
    ]
    wrong = {
        name: imported
        for name, path in ours("praxmonitor.views").items()
        for imported in imports(path)
        if within(imported, ["praxmonitor.views"]) and not within(imported, shared)
    }
    assert wrong == {}


SIGNALS = {"kill", "killpg", "pidfd_send_signal", "terminate", "send_signal", "tgkill", "pthread_kill"}


def signallers(path: Path) -> set[str]:
    return {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SIGNALS
    }


def test_only_the_door_signals_and_only_dispatch_asks_it_to() -> None:
    found = {name: calls for name, path in ours("mailcore").items() if (calls := signallers(path))}
    assert found == {
        "mailcore.system.linux.processes": {"pidfd_send_signal"},
        "mailcore.system.portable.processes": {"kill"},
        "mailcore.system.pid1": {"kill"},  # hands on what it is sent
        "mailcore.system.line_filter": {"kill"},  # its own child
        "mailcore.system.child": {"terminate", "kill"},  # the same
        "mailcore.programs.price_list": {"kill"},  # the same
    }
    users = {
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "mailcore.system.processes"
        and any(alias.name == "send_signal" for alias in node.names)
    }  # fmt: skip
    assert users == {
        "mailcore.dispatch.process.run_processes",
        "mailcore.dispatch.kill",
        "mailcore.link.server",  # which an earlier process of its own left running
    }


LOW_LEVEL_CALLS = {
    "os.replace", "os.rename", "os.link", "os.fsync", "os.fdatasync", "os.pidfd_open", "signal.pidfd_send_signal",
    "fcntl.flock", "fcntl.lockf", "os.getsid", "ctypes.CDLL",
}  # fmt: skip
LOW_LEVEL_MODULES = {"psutil", "watchfiles", "inotify_simple", "fcntl", "ctypes"}


def low_level(path: Path) -> list[str]:
    """What a module asks of the machine by itself: calls, modules, and paths below /proc in strings it uses."""
    tree = ast.parse(path.read_text())
    prose = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            call = ast.unparse(node.func)
            # `path.replace(other)`, which str.replace never is with one argument, and dataclasses' with none alone.
            moves = call.endswith((".replace", ".rename")) and len(node.args) == 1 and not node.keywords
            found += [call] if call in LOW_LEVEL_CALLS or moves else []
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            found += [name for name in names if name.partition(".")[0] in LOW_LEVEL_MODULES]
        elif isinstance(node, ast.Constant) and id(node) not in prose:
            found += ["/proc"] if isinstance(node.value, str) and node.value.startswith("/proc") else []
    return found


def test_only_the_door_touches_the_machine() -> None:
    wrong = {name: found for name, path in MODULES.items() if (found := low_level(path))}
    beyond = {name: found for name, found in wrong.items() if not within(name, ["mailcore.system"])}
    assert beyond == {}


def test_every_kind_of_low_level_act_is_found(tmp_path: Path) -> None:
    """The test above can fail: of each kind a sample."""
    samples = {
        "import os\nos.replace(a, b)": "os.replace",
        "import os\nos.fsync(3)": "os.fsync",
        "import fcntl\nfcntl.flock(3, 2)": "fcntl.flock",
        "path.replace(other)": "path.replace",
        "import psutil": "psutil",
        "from watchfiles import watch": "watchfiles",
        "open('/proc/1/stat')": "/proc",
        "open(f'/proc/{pid}/stat')": "/proc",
    }
    for source, what in samples.items():
        (tmp_path / "sample.py").write_text(source)
        assert what in low_level(tmp_path / "sample.py"), source
    (tmp_path / "sample.py").write_text('"""/proc in prose."""\ntext.replace("a", "b")\nreplace(value, a=1)')
    assert low_level(tmp_path / "sample.py") == []


def test_nobody_writes_a_mailbox_by_another_way() -> None:
    """No `….inbox.write_…` or `open(….inbox…, "w")` anywhere; `create` writes the first, empty one."""
    wrong = []
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                text = ast.unparse(node.func)
                writes = text.endswith(("inbox.write_text", "inbox.write_bytes", "inbox.open", "inbox.unlink"))
                if writes and name != "mailcore.workspace.create":
                    wrong.append((name, text))
    assert wrong == []


def circle(names: Iterable[str], *, top: bool) -> list[str]:
    """One circle of imports among these modules, empty if there is none.

    Of late imports a module's look into its own package makes none: Python has loaded that before.
    """

    def edges(name: str) -> set[str]:
        found = {imported for imported in imports(MODULES[name], top=top) if imported in MODULES and imported != name}
        return found if top else {imported for imported in found if not name.startswith(f"{imported}.")}

    try:
        TopologicalSorter({name: edges(name) for name in names}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_cycles_at_module_level() -> None:
    assert circle(MODULES, top=True) == []


def test_no_circle_in_mailcore_not_even_of_late_imports() -> None:
    assert circle(ours("mailcore"), top=False) == []


SLOW = (
    "textual", "rich", "watchfiles", "psutil", "asyncio", "click", "miniaudio", "anyio", "praxmonitor", "genai_prices",
    "pydantic",
)  # fmt: skip


def loaded(house: House, script: str) -> set[str]:
    code = f"import sys, json\n{script}\nprint(json.dumps(sorted({{m.partition('.')[0] for m in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], cwd=house.root, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "script",
    [
        "import mailcore.cli",
        "from mailcore.cli import main; assert main(['send', '@writer', 's', 'b', '--from', '@lead']) == 0",
        "from mailcore.cli import main; assert main(['inbox', '@writer']) == 0",
        "from mailcore.cli import main; assert main(['dispatch', '@writer', 's', 'b', '--from', '@lead']) == 0",
        "import mailcore.dispatch.supervision.supervisor",
        "import mailcore.model.fleet",
    ],
)
@pytest.mark.linux_only("psutil stands behind it, which takes its time to load")
def test_a_command_loads_nothing_slow(house: House, script: str) -> None:
    assert loaded(house, script) & set(SLOW) == set()


def test_sending_loads_only_what_it_needs(house: House) -> None:
    """Each costs a millisecond or more of a command that takes 50: the schema of all of config.toml 6, msgspec 10,
    what runs git 7."""
    unneeded = (
        "mailcore.dispatch", "mailcore.observe", "mailcore.config.schema", "mailcore.model.run", "mailcore.mail.repair",
        "mailcore.mail.message_text", "mailcore.text.escape", "mailcore.text.masks", "msgspec", "secrets",
        "mailcore.system.git_command", "subprocess", "tempfile", "shutil",
    )  # fmt: skip
    script = (
        "from mailcore.cli import main; assert main(['send', '@writer', 's', 'b', '--from', '@lead']) == 0\n"
        f"found = [m for m in sys.modules if m.startswith({unneeded!r})]; assert not found, found"
    )
    assert "mailcore" in loaded(house, script)
