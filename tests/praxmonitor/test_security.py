"""The screen and the guard as a way in: what a stranger's workspace starts, who sits there, the passphrase once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
from textual.widgets import Input, TextArea

from mailcore.config import Config, Mail
from mailcore.exceptions import Refused
from mailcore.formats import journal
from mailcore.identity import passphrase
from mailcore.mail import approvals
from mailcore.model.agent import OPERATOR
from mailcore.workspace import create, trust
from praxmonitor.actions import entitlement, requests, sending
from praxmonitor.alarms.config_reload import ConfigReload
from praxmonitor.dialogs.compose import ComposeScreen
from praxmonitor.dialogs.unlock import UnlockScreen
from praxmonitor.text.letters import Letter
from praxmonitor.views.mail import MailScreen
from tests.mailcore.conftest import House, wait_until
from tests.praxmonitor.fake_feed import text_of, until
from tests.praxmonitor.test_acts import on, opened

pytestmark = pytest.mark.anyio
PHRASE = "a good passphrase"
AT_ONCE = Config(mail=Mail(undo=0.0))


@pytest.fixture(autouse=True)
def locked_again() -> Iterator[None]:
    yield
    entitlement._UNLOCKED.clear()


@pytest.fixture
def secured(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A workspace that asks for the passphrase."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    house.extra = '[operator]\nproof = "passphrase"'
    house.configure()
    passphrase.set_passphrase(house.workspace, iter([PHRASE, PHRASE]))
    return house


def undecided(house: House, count: int) -> bool:
    return len([message for message in house.inbox(OPERATOR) if message.undecided]) == count


async def test_a_screen_is_unlocked_once(secured: House) -> None:
    for subject in ("Deploy?", "Again?"):
        approvals.request_approval(secured.workspace, "@editor", OPERATOR, OPERATOR, subject, "b", 2)
    app = on(secured)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(app, pilot)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, MailScreen) and "Deploy?" in text_of(app), "the inbox")
        await pilot.press("Y")
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen), "it asks")
        app.screen.query_one(Input).value = "a guess"
        await pilot.press("enter")
        await until(pilot, lambda: "that is not the operator" in text_of(app), "a wrong one is said")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, MailScreen), "back, and nothing was decided")
        await pilot.press("Y")
        await until(pilot, lambda: isinstance(app.screen, UnlockScreen), "it asks again")
        app.screen.query_one(Input).value = PHRASE
        assert PHRASE not in text_of(app)
        await pilot.press("enter")
        for left in (1, 0):
            await until(pilot, lambda: isinstance(app.screen, ComposeScreen), "the form is open")
            app.screen.query_one(TextArea).text = "Because."
            await pilot.press("ctrl+s")
            await until(pilot, partial(undecided, secured, left), "it is decided")
            await until(pilot, lambda: isinstance(app.screen, MailScreen), "the form is closed")
            if left:
                await until(pilot, lambda: "Deploy?" in text_of(app) or "Again?" in text_of(app), "the other")
                await pilot.press("Y")  # without a question now
    decided = [a for a in journal.read_records(secured.workspace.state_dir / "audit.jsonl") if a["verb"] == "approved"]
    assert [act["proof"] for act in decided] == ["passphrase", "passphrase"]


def test_a_locked_screen_decides_kills_and_releases_nothing(secured: House) -> None:
    request = approvals.request_approval(secured.workspace, "@editor", OPERATOR, OPERATOR, "Deploy?", "b", 1)
    requests.hold(secured.workspace, "@lead")
    with pytest.raises(Refused, match="locked"):
        requests.decide(secured.workspace, secured.config, request.id, "approved", "why")
    with pytest.raises(Refused, match="locked"):
        requests.release(secured.workspace, secured.config, "@lead")
    sending.send_letter(secured.workspace, AT_ONCE, Letter("@writer", "what anybody may", "b"))
    (message,) = secured.inbox("@writer")
    assert message.proof == "screen"


def test_a_screen_within_a_run_only_looks(house: House) -> None:
    """An agent opens the screen in its run: each act of it is refused, whoever presses the key."""
    code = (
        "from pathlib import Path; from mailcore.workspace.find import find_workspace\n"
        "from mailcore.config import Config; from praxmonitor.actions.sending import Letter, send_letter\n"
        f"w = find_workspace(Path({str(house.root)!r}))\n"
        "try: send_letter(w, Config(), Letter('@editor', 'forged', 'b')); print('TAKEN')\n"
        "except Exception as error: print(error)"
    )
    house.python("writer", f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}], env={{}})\n")
    run = house.over("@writer", house.started(OPERATOR, "@writer"))
    said = (house.agent("@writer").runs_dir / run.run_id / "attempt-1.stdout.log").read_text()
    assert "there it only looks" in said and house.inbox("@editor") == ()


def test_a_screen_within_a_run_answers_and_mutes_no_alarm(house: House) -> None:
    """As above, at the real screen: nothing of the operator's alarms is answered, muted, or written to the audit."""
    source = f"""
import asyncio, sys
print("begun", flush=True)  # its sign of life: the screen takes longer to come up than a start may without one
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from msgspec import structs
from mailcore.workspace.find import find_workspace
from praxmonitor.dialogs.mute_alarm import MuteAlarmScreen
from tests.clock import Clock
from tests.praxmonitor.fake_feed import FakeFeed, app_on, text_of, troubled, until

async def look():
    place = find_workspace(Path({str(house.root)!r}))
    fleet = structs.replace(troubled(1), root=place.root)
    app = app_on(FakeFeed(fleet), place, live=True, clock=Clock(runs=True))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, lambda: app.standing, "alarms", 20)
        await pilot.press("A")
        await until(pilot, lambda: "there it only looks" in text_of(app), "the answer is refused", 20)
        await pilot.press("exclamation_mark", "m")
        await until(pilot, lambda: isinstance(app.screen, MuteAlarmScreen), "the form", 20)
        await pilot.press("enter")
        await until(pilot, lambda: len([n for n in app.notices if "only looks" in n.text]) == 2, "so is the mute", 20)
        print("answered", sum(one.acknowledged for one in app.standing), "muted", len(app.alarms.mutes()))

asyncio.run(look())
"""
    house.python("writer", source)
    house.limit(hard_limit=100.0)  # longer than all its waits together
    run = house.over("@writer", house.started(OPERATOR, "@writer"), 120)
    log = house.agent("@writer").runs_dir / run.run_id / "attempt-1.stdout.log"
    assert "answered 0 muted 0" in log.read_text(), log.with_name("attempt-1.stderr.log").read_text()
    assert "mute" not in [act["verb"] for act in journal.read_records(house.workspace.state_dir / "audit.jsonl")]


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A cloned workspace whose config has a command for each alarm, and a mailbox that raises one."""
    root = tmp_path / "theirs"
    made = create.create_workspace(root, [("a", "agents/a"), ("b", "agents/b")])
    made.agent("@a").inbox.write_text("{")
    made.config_file.write_text(f'[alarms]\non_alarm = ["sh", "-c", "touch {tmp_path}/pwned"]\n')
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.email=a@b", "-c", "user.name=n", "commit", "-qm", "all"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    return root


def guard(root: Path, out: Path, until_: str) -> str:
    """What a guard says until it has said that."""
    with out.open("wb") as file:
        words = [sys.executable, "-m", "praxmonitor", "guard", "--mute", str(root)]
        process = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: until_ in out.read_text(), 30, until_)
        wait_until(lambda: not psutil.Process(process.pid).children(), 20, "no command that it began goes on")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    return out.read_text()


def test_a_guard_runs_no_command_of_a_stranger_until_it_is_allowed(stranger: Path, tmp_path: Path) -> None:
    said = guard(stranger, tmp_path / "out", "ALARM @a")
    assert "alarms.on_alarm" in said and "`mailcore trust`" in said and not (tmp_path / "pwned").exists()
    words = [sys.executable, "-m", "mailcore.cli", "trust", "--from", "@operator"]
    subprocess.run(words, cwd=stranger, check=True, capture_output=True)
    (stranger / "agents/b/.ai_mail.local/inbox.json").write_text("{")  # what was told is not told again
    assert "mailcore trust" not in guard(stranger, tmp_path / "out2", "ALARM @b")
    wait_until(lambda: (tmp_path / "pwned").exists(), what="now it is followed")


async def test_the_screen_says_what_it_does_not_follow(house: House) -> None:
    app = on(house)
    app.opened.withheld = "config.toml starts or permits something: `mailcore trust`"
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await opened(app, pilot)
        await until(pilot, lambda: "starts or permits something" in text_of(app), "the header says it")
        assert app.opened.withheld in app.notes


def test_settings_that_change_meanwhile_are_judged_too(stranger: Path) -> None:
    config = stranger / ".praxmonitor" / "config.toml"
    settings = ConfigReload(config)
    config.write_text('[mail]\napprover = "@a"\n[alarms]\nsilence = 7\n')
    words = ["git", "-c", "user.email=a@b", "-c", "user.name=n", "commit", "-qam", "more"]
    subprocess.run(words, cwd=stranger, check=True)
    settings.look()
    found = settings.look()
    assert not isinstance(found, str | None) and found.mail.approver == "@operator" and found.alarms.silence == 7


def test_a_start_from_the_screen_is_refused_there(stranger: Path) -> None:
    from mailcore.config.reader import read_settings as read
    from mailcore.workspace.find import find_workspace

    workspace = find_workspace(stranger)
    workspace.config_file.write_text('[agents]\ncommand = ["sh", "-c", "touch pwned"]\n')
    words = ["git", "-c", "user.email=a@b", "-c", "user.name=n", "commit", "-qam", "more"]
    subprocess.run(words, cwd=stranger, check=True)
    config = trust.trusted_config(workspace)[0]
    assert trust.trust_status(workspace, read(workspace.config_file)[0]).why
    with pytest.raises(Refused, match="mailcore trust"):
        sending.send_letter(workspace, config, Letter("@a", "s", "b", is_task=True))
    with pytest.raises(Refused, match="mailcore trust"):
        requests.wake(workspace, config, "@a")
    assert os.listdir(workspace.agent("@a").mail_dir / "sent") == []  # noqa: PTH208
