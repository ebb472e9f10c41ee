"""Fixtures that every test may use."""

from __future__ import annotations

import shutil
import signal
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailcore.system import PORTABLE
from mailcore.text import known

FIXTURES = Path(__file__).parent / "fixtures"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--rounds all`: the fault tests' full counts, which take minutes. `--ccusage PATH`: its sums are compared.
    `--share 2/3`: the second third of the files alone, by their names. `--seed 7`: that round alone."""
    parser.addoption("--rounds", choices=("few", "all"), default="few", help="how often the fault tests try")
    parser.addoption("--seed", type=int, action="append", metavar="N", help="of the rounds of linked hosts this one")
    parser.addoption("--share", default="1/1", metavar="K/N", help="of the files, dealt into N shares, the share K")
    parser.addoption("--ccusage", default="", metavar="PATH", help="ccusage's script, whose sums are compared")


def pytest_configure() -> None:
    """Let what the tests start hear Ctrl-C: a shell that runs this in the background has it ignored, and children
    inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the files of other shares. Under MAILCORE_SYSTEM=portable leave out what only Linux's backend promises,
    and say why."""
    share, shares = map(int, config.getoption("--share").split("/"))
    ours: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        (ours if zlib.crc32(item.location[0].encode()) % shares == share % shares else others).append(item)
    items[:] = ours
    config.hook.pytest_deselected(items=others)
    for item in items:
        mark = item.get_closest_marker("linux_only")
        if mark is not None and PORTABLE:
            item.add_marker(pytest.mark.skip(reason=f"portable backend: {mark.args[0]}"))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the tests keep is not in the user's cache, and the price lists are loaded once for all of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def no_address_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process remembers the addresses of each registry that it reads: what another test read is not known here."""
    monkeypatch.setattr(known, "_addresses", {})


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object], float, str], None]:
    """`wait_until(condition, seconds, why)`: poll until the condition holds; fail with `why` after so many seconds."""

    def wait(condition: Callable[[], object], seconds: float, why: str) -> None:
        deadline = time.monotonic() + seconds
        tick = threading.Event()
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {why}"
            tick.wait(0.01)

    return wait


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Callable[[int, int], int]:
    """`rounds(few, all)`: how often to try, by `--rounds few|all`."""
    wanted = request.config.getoption("--rounds")
    return lambda few, every: every if wanted == "all" else few


@pytest.fixture
def aipass_workspace(tmp_path: Path) -> Path:
    """A copy of the workspace that AIPass 2.8.28 itself wrote: @beta done, @gamma failed, @alpha done, @ai_mail."""
    root = tmp_path / "project"
    shutil.copytree(FIXTURES / "aipass-workspace", root)
    return root


@pytest.fixture
def recording_0_1_0() -> Path:
    """A recording of format 1, by PraxMonitor 0.1.0: 2 s of the demo, then one of each kind that it had not."""
    return FIXTURES / "recordings" / "0.1.0.jsonl"


@pytest.fixture
def hook_lines() -> list[bytes]:
    """The hook events that Claude Code 2.1.330 wrote in one short session, one JSON object each."""
    return [line for line in (FIXTURES / "claude-code" / "hooks.jsonl").read_bytes().splitlines() if line]
