"""`praxmonitor guard` and `praxmonitor alarms` as a person runs them: real processes on a real workspace."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pexpect
import pytest
from msgspec.structs import replace

from mailcore.config import Config
from mailcore.exceptions import ConfigError
from praxmonitor.alarms.headless import watch
from praxmonitor.alarms.notifier import Notifier
from tests.praxmonitor.fake_feed import FakeFeed, lighthouse

pytestmark = pytest.mark.anyio

Wait = Callable[[Callable[[], object], float, str], None]
LOST = '{"messages": ['


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


class Guard:
    """One `praxmonitor …` process and the lines that it printed."""

    def __init__(self, out: Path, *words: str, **env: str) -> None:
        self._out = out
        with out.open("w") as file:
            command = [sys.executable, "-m", "praxmonitor", *words]
            self.process = subprocess.Popen(
                command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env={**os.environ, **env}
            )

    @property
    def said(self) -> str:
        return self._out.read_text()


@contextmanager
def running(out: Path, *words: str, **env: str) -> Iterator[Guard]:
    guard = Guard(out, *words, **env)
    try:
        yield guard
    finally:
        with suppress(ProcessLookupError):
            guard.process.kill()
        guard.process.wait()


def praxmonitor(*words: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-m", "praxmonitor", *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def configure(root: Path, text: str) -> None:
    (root / ".praxmonitor").mkdir(exist_ok=True)
    (root / ".praxmonitor" / "config.toml").write_text(f'[sound]\nbackend = "none"\n{text}')


def test_a_guard_tells_what_comes_and_goes_and_ends_in_order(
    aipass_workspace: Path, tmp_path: Path, home: Path, wait_until: Wait
) -> None:
    configure(aipass_workspace, "")
    inbox = aipass_workspace / "agents" / "alpha" / ".ai_mail.local" / "inbox.json"
    whole = inbox.read_text()
    with running(tmp_path / "out", "guard", str(aipass_workspace), "--mute") as guard:
        wait_until(lambda: "ALARM @gamma failed: Demo fail" in guard.said, 20.0, "what stands is told")
        assert guard.said.splitlines()[0].endswith(f"watching {aipass_workspace}")
        assert "on duty" in guard.said
        inbox.write_text(LOST)
        wait_until(lambda: "ALARM @alpha cannot be read" in guard.said, 20.0, "a new alarm is told")
        inbox.write_text(whole)
        wait_until(lambda: "OVER @alpha cannot be read" in guard.said, 20.0, "its end is told")
        guard.process.send_signal(signal.SIGTERM)
        assert guard.process.wait(10) == 0
        assert "Traceback" not in guard.said


def test_a_guard_follows_a_mute_that_another_makes_at_once_and_its_end(
    aipass_workspace: Path, tmp_path: Path, home: Path, wait_until: Wait
) -> None:
    from praxmonitor.alarms.alarm_mutes import AlarmMute
    from praxmonitor.alarms.store import AlarmStore
    from praxmonitor.sound.mutes import mutes_path

    configure(aipass_workspace, "[alarms]\nlook = 60\n")
    alpha, beta = (aipass_workspace / "agents" / name / ".ai_mail.local" / "inbox.json" for name in ("alpha", "beta"))
    store = AlarmStore(mutes_path(aipass_workspace).parent)
    with running(tmp_path / "out", "guard", str(aipass_workspace), "--mute") as guard:
        wait_until(lambda: "ALARM @gamma failed: Demo fail" in guard.said, 20.0, "what stands is told")
        store.change_mutes(lambda _: (AlarmMute("ab12", time.time() + 3600, agent="@alpha"),))
        alpha.write_text(LOST)
        wait_until(lambda: time.time() - alpha.stat().st_mtime > 1.0, 5.0, "it was read")
        beta.write_text(LOST)
        wait_until(lambda: "ALARM @beta cannot be read" in guard.said, 20.0, "another is told")
        assert "@alpha" not in guard.said, "what is muted is not"
        store.change_mutes(lambda _: ())
        wait_until(lambda: "ALARM @alpha cannot be read" in guard.said, 3.0, "once the mute is ended it is")
        assert "Traceback" not in guard.said


def test_of_two_guards_one_acts_and_the_other_takes_over(
    aipass_workspace: Path, tmp_path: Path, home: Path, wait_until: Wait
) -> None:
    log = tmp_path / "log"
    record = tmp_path / "record.py"
    record.write_text(f"import sys; open({str(log)!r}, 'a').write(sys.stdin.read() + chr(10))")
    configure(aipass_workspace, f"[alarms]\non_alarm = {json.dumps([sys.executable, str(record)])}\n")
    inbox = aipass_workspace / "agents" / "alpha" / ".ai_mail.local" / "inbox.json"

    def acted(word: str) -> list[dict[str, Any]]:
        events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [event for event in events if word in event["headline"] and event["event"] == "raised"]

    with running(tmp_path / "one", "guard", str(aipass_workspace), "--mute") as one:
        wait_until(lambda: acted("@gamma"), 20.0, "the first acts")
        with running(tmp_path / "two", "guard", str(aipass_workspace), "--mute") as two:
            wait_until(lambda: "another is on duty" in two.said, 20.0, "the second waits")
            wait_until(lambda: list(home.rglob("told.json")), 20.0, "what the first told is kept")
            one.process.kill()
            began = time.monotonic()
            wait_until(lambda: "\non duty" in two.said, 2.0, "the second takes over within 2 s")
            assert time.monotonic() - began < 2.0
            inbox.write_text(LOST)
            wait_until(lambda: acted("@alpha"), 20.0, "now the second acts")
    assert len(acted("@gamma")) == len(acted("@alpha")) == 1


def test_alarms_tells_by_its_exit_status(
    aipass_workspace: Path, home: Path, tmp_path: Path, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, said = praxmonitor("alarms", str(aipass_workspace))
    assert status == 1 and "@gamma failed: Demo fail" in said and "do: retry (r)" in said
    status, said = praxmonitor("alarms", str(aipass_workspace), "--json")
    (alarm,) = json.loads(said)["alarms"]
    assert (status, alarm["kind"], alarm["address"], alarm["acknowledged"]) == (1, "failed", "@gamma", False)
    from praxmonitor.alarms.episode import ACKNOWLEDGED
    from praxmonitor.alarms.store import AlarmStore
    from praxmonitor.sound.mutes import mutes_path

    AlarmStore(mutes_path(aipass_workspace).parent).answer([alarm["key"]], ACKNOWLEDGED)
    assert home.exists()
    status, said = praxmonitor("alarms", str(aipass_workspace))
    assert status == 0 and "@gamma failed: Demo fail" in said and "(acknowledged)" in said


def test_alarms_of_an_idle_workspace_and_of_none(tmp_path: Path, home: Path) -> None:
    from mailcore.workspace import create

    made = create.create_workspace(tmp_path / "house", [("writer", "agents/writer")])
    assert praxmonitor("alarms", str(made.root)) == (0, "")
    status, said = praxmonitor("alarms", str(made.root), "--json")
    assert (status, json.loads(said)["alarms"]) == (0, [])
    status, said = praxmonitor("alarms", str(home.parent / "state"))
    assert status == 2 and "no workspace" in said
    assert praxmonitor("guard", str(home.parent / "state"))[0] == 2


def test_alarms_follow_tells_each_as_a_json_line_and_never_goes_on_duty(
    aipass_workspace: Path, tmp_path: Path, home: Path, wait_until: Wait
) -> None:
    configure(aipass_workspace, "")
    with running(tmp_path / "out", "alarms", str(aipass_workspace), "--follow", "--json") as follower:
        wait_until(lambda: "\n" in follower.said, 20.0, "what stands is told")
        event = json.loads(follower.said.splitlines()[0])
        assert (event["event"], event["alarms"][0]["address"]) == ("raised", "@gamma")
        assert not (aipass_workspace / ".praxmonitor" / "duty").exists()
        follower.process.send_signal(signal.SIGINT)
        assert follower.process.wait(10) == 130


def test_a_silent_agent_whose_processes_work_is_not_called_silent(
    aipass_workspace: Path, tmp_path: Path, home: Path, wait_until: Wait
) -> None:
    """Once, and as it is followed: a real process that computes and says nothing, then one that does not."""
    configure(aipass_workspace, "[alarms]\nsilence = 2\nlook = 0.5\n")
    lock = aipass_workspace / "agents" / "beta" / ".ai_mail.local" / ".dispatch.lock"
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() - 600))
    code = f"import os, threading\nwhile not os.path.exists({str(tmp_path / 'stop')!r}): pass\nthreading.Event().wait()"
    agent = subprocess.Popen([sys.executable, "-c", code])
    try:
        lock.write_text(json.dumps({"pid": agent.pid, "timestamp": stamp, "subject": "a long build"}))
        with running(tmp_path / "out", "guard", str(aipass_workspace), "--mute") as guard:
            wait_until(lambda: "@gamma" in guard.said, 20.0, "the guard watches")
            assert "@beta" not in praxmonitor("alarms", str(aipass_workspace))[1]
            assert "@beta" not in guard.said
            (tmp_path / "stop").touch()
            wait_until(lambda: "ALARM @beta silent: a long build" in guard.said, 20.0, "now it is silent")
            assert "@beta silent" in praxmonitor("alarms", str(aipass_workspace))[1]
    finally:
        agent.kill()
        agent.wait()


def test_a_guard_that_opens_again_raises_nothing_twice(
    aipass_workspace: Path, tmp_path: Path, home: Path, wait_until: Wait
) -> None:
    configure(aipass_workspace, "[alarms]\nlook = 0.2\n")
    for number in range(2):
        with running(tmp_path / f"out{number}", "guard", str(aipass_workspace), "--mute") as guard:
            wait_until(lambda: "on duty" in guard.said, 20.0, "it is on duty")
            if number == 0:
                wait_until(lambda: list(home.rglob("told.json")), 20.0, "what was told is kept")
                assert "ALARM @gamma" in guard.said
            else:
                inbox = aipass_workspace / "agents" / "alpha" / ".ai_mail.local" / "inbox.json"
                inbox.write_text(LOST)
                wait_until(lambda: "ALARM @alpha" in guard.said, 20.0, "news is told")
                assert "@gamma" not in guard.said
            os.kill(guard.process.pid, signal.SIGTERM)
            assert guard.process.wait(10) == 0


@pytest.mark.parametrize(
    "words", [("guard", "--mute"), ("alarms", "--follow"), ("alarms",), ("status",), ("watch", "--from-start")]
)
def test_what_a_terminal_cannot_write_ends_nothing(
    aipass_workspace: Path, tmp_path: Path, home: Path, wait_until: Wait, words: tuple[str, ...]
) -> None:
    configure(aipass_workspace, "")
    alpha = aipass_workspace / "agents" / "alpha" / ".ai_mail.local"
    for path in (alpha / "inbox.json", alpha / ".dispatch.lock"):
        path.unlink(missing_ok=True)
    waits = {"id": "1", "from": "@beta", "subject": "\U0001f600", "timestamp": "2026-01-01 00:00:00"}
    task = {"status": "new", "priority": "high", "auto_execute": True}
    (alpha / "inbox.json").write_text(json.dumps({"messages": [{**waits, **task}]}))
    verb, *options = words
    where = str(aipass_workspace)
    with running(tmp_path / "out", verb, where, *options, PYTHONIOENCODING="latin-1") as one:
        wait_until(lambda: "@gamma" in one.said, 20.0, "it tells")
        if verb == "status" or not options:
            assert one.process.wait(20) == (1 if verb == "alarms" else 0)
        else:
            wait_until(lambda: "\\U0001f600" in one.said, 20.0, "it tells what it cannot write as an escape")
            assert one.process.poll() is None
        assert "Traceback" not in one.said


@pytest.mark.parametrize("words", ["guard --mute", "alarms --follow"])
def test_when_its_reader_goes_a_guard_goes_on_and_a_list_ends(
    aipass_workspace: Path, tmp_path: Path, home: Path, wait_until: Wait, words: str
) -> None:
    told = tmp_path / "told"
    configure(aipass_workspace, f'[alarms]\non_alarm = ["sh", "-c", "cat >> {told}"]\n')
    inbox = aipass_workspace / "agents" / "alpha" / ".ai_mail.local" / "inbox.json"
    command = f"{sys.executable} -m praxmonitor {words} {aipass_workspace}"
    with subprocess.Popen(command.split(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        while "@gamma" not in process.stdout.readline():
            assert process.poll() is None
        process.stdout.close()
        inbox.write_text(LOST)
        try:
            if words.startswith("guard"):
                wait_until(lambda: told.exists() and "@alpha" in told.read_text(), 20.0, "on_alarm is run")
                process.terminate()
            assert process.wait(20) == 0
        finally:
            process.kill()
        assert process.stderr.read() == ""


async def test_a_reading_that_raises_does_not_end_the_guard(tmp_path: Path, home: Path) -> None:
    feed, said = FakeFeed(lighthouse()), list[str]()
    notifier = Notifier(Config(), tmp_path, period=0.5)
    async with aclosing(watch(feed, notifier, lambda _: None, said.append)) as rounds, asyncio.timeout(20):
        due, _ = await anext(rounds)
        assert due.raised
        feed.put(TypeError("unhashable type: list"))
        feed.put(replace(lighthouse(), agents=()))
        due, _ = await anext(rounds)
        assert due.over
    assert said[0].startswith("watching stopped: TypeError: unhashable") and said[1] == "watching goes on"


async def test_what_ends_the_sentry_is_raised_by_itself(tmp_path: Path, home: Path) -> None:
    class Broken(Notifier):
        async def watch(self) -> None:
            async with asyncio.TaskGroup() as tasks, asyncio.TaskGroup() as more:
                tasks.create_task(asyncio.Event().wait())
                more.create_task(self._raise())

        async def _raise(self) -> None:
            raise ConfigError("no such look")

    with pytest.raises(ConfigError, match="no such look"):
        async with asyncio.timeout(10):
            await anext(watch(FakeFeed(), Broken(Config(), tmp_path, period=0.5), lambda _: None, print))


def rung(before: object) -> bool:
    """Whether the bell rang before what was expected; the title's own end is none."""
    assert isinstance(before, bytes)
    return b"\a" in re.sub(rb"\x1b\][^\a]*\a", b"", before)


def test_a_mute_that_a_screen_saves_holds_for_the_guard_at_once(
    aipass_workspace: Path, tmp_path: Path, home: Path, wait_until: Wait
) -> None:
    """On a real terminal, whose bell is the sound."""
    from praxmonitor.sound.mutes import FOREVER, Mutes, mutes_path, save_mutes

    (aipass_workspace / ".praxmonitor").mkdir(exist_ok=True)
    (aipass_workspace / ".praxmonitor" / "config.toml").write_text('[sound]\nbackend = "bell"\n')
    inbox = aipass_workspace / "agents" / "alpha" / ".ai_mail.local" / "inbox.json"
    whole = inbox.read_text()
    words = [sys.executable, "-m", "praxmonitor", "guard", str(aipass_workspace)]
    guard = pexpect.spawn(words[0], words[1:], timeout=20)
    try:
        guard.expect_exact("@gamma")
        inbox.write_text(LOST)
        guard.expect_exact("ALARM @alpha")
        assert rung(guard.before), "it sounds"
        inbox.write_text(whole)
        guard.expect_exact("OVER @alpha")
        save_mutes(mutes_path(aipass_workspace), Mutes(FOREVER), time.time())
        inbox.write_text(LOST)
        guard.expect_exact("ALARM @alpha")
        assert not rung(guard.before)
    finally:
        guard.close(force=True)
