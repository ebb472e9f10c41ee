"""The watcher of errors, end to end: real runs, real mail, one mail to the right agent, and none where none is due."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailcore.accounts.limit_store import record_limits
from mailcore.dispatch import error_acts
from mailcore.dispatch.error_watch import Watched, watch_errors
from mailcore.errors.store import changing_errors, read_errors, read_groups
from mailcore.mail import post
from mailcore.mail.answer import acknowledge
from mailcore.model.agent import WATCHER
from mailcore.model.error_group import ErrorGroup, GroupState
from mailcore.model.limit import Limit
from mailcore.model.message import Message
from tests.mailcore.conftest import House, git, wait_until

QUICK = "[errors]\ncount = 3\nwindow = 3600\nbackoff = 0.001\n"


@pytest.fixture(autouse=True)
def watching(house: House) -> None:
    """As config has it by default, and other tests have not: errors are looked for at the end of each run."""
    house.extra = "[errors]\n"
    house.configure()


def frames(*files: Path | str, error: str = "ZeroDivisionError: division by zero") -> str:
    """A traceback through these files, the innermost last."""
    rows = [f'  File "{file}", line {number + 3}, in step{number}\n    call()\n' for number, file in enumerate(files)]
    return "Traceback (most recent call last):\n" + "".join(rows) + error + "\n"


def log(house: House, name: str, text: str, file: str = "app.log") -> None:
    path = house.agent(name).logs_dir / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as opened:
        opened.write(text)


def watched(house: House) -> Watched:
    """One look at logs that came to rest."""
    for path in house.root.rglob("*.log"):
        stat = path.stat()
        os.utime(path, (stat.st_atime, stat.st_mtime - 2))
    return watch_errors(house.workspace, house.config)


def begun(house: House, extra: str = QUICK) -> None:
    house.extra = extra
    house.configure()
    assert watched(house).events == 0


def inquiries(house: House, name: str) -> list[Message]:
    return [mail for mail in house.inbox(name) if mail.sender == WATCHER]


def only_group(house: House) -> ErrorGroup:
    (group,) = read_groups(house.workspace)
    return group


def shop(house: House, name: str) -> Path:
    return house.agent(name).branch / "shop.py"


def test_the_same_error_five_times_in_runs_is_one_mail_to_whose_files_it_is_in(house: House) -> None:
    """No screen and no command: the end of each run is enough."""
    text = frames(shop(house, "lead"), shop(house, "writer"))
    house.shell("editor", f"printf '%s' '{text}' >&2; echo done")
    for number in range(5):
        house.over("editor", house.started("@lead", "@editor", f"task {number}"))
    wait_until(lambda: read_groups(house.workspace) and only_group(house).count == 5, 30, "all five are counted")
    wait_until(lambda: inquiries(house, "writer"), 30, "its owner has a mail")
    (mail,) = inquiries(house, "writer")
    assert not inquiries(house, "editor") and not inquiries(house, "lead")
    group = only_group(house)
    assert group.owner == "@writer" and group.state is GroupState.INVESTIGATING and group.message_id == mail.sent_id
    assert "ZeroDivisionError" in mail.subject and "agents/writer/shop.py" in mail.body
    assert "│ ZeroDivisionError: division by zero" in mail.body and group.runs[0] in mail.body
    assert "mailcore done" in mail.body and group.fingerprint in mail.body


STORIES = {
    "the files of one agent": (["writer"], "editor", "", "@writer"),
    "two agents, the innermost": (["editor", "writer", "lead"], "writer", "", "@lead"),
    "config names the kind": ([], "editor", '[errors.owners]\npython = "@lead"\n', "@lead"),
    "config names the path": (["writer"], "editor", '[errors.owners]\n"agents/writer/*" = "@lead"\n', "@lead"),
    "nothing tells but who logged it": ([], "editor", "", "@editor"),
}


@pytest.mark.parametrize("story", STORIES)
def test_who_is_right(house: House, story: str) -> None:
    whose, logged, owners, right = STORIES[story]
    begun(house, QUICK + owners)
    files: list[Path | str] = [shop(house, name) for name in whose]
    for _ in range(5):
        log(house, logged, frames(*files, "/usr/lib/python3.11/json/decoder.py"))
        watched(house)
    assert {name: len(inquiries(house, name)) for name in ("writer", "editor", "lead")} == {
        name: int(right == f"@{name}") for name in ("writer", "editor", "lead")
    }
    group = only_group(house)
    assert (group.owner, group.count, group.asks) == (right, 5, 1) and group.owner_why


def test_it_is_dispatched_once_answers_closes_comes_back_and_reopens_its_thread(house: House) -> None:
    begun(house, QUICK + "dispatch = true\n")
    text = frames(shop(house, "writer"))
    done = f'{sys.executable} -m mailcore.cli done "$(cat id)" "read the list whole"'
    find = (
        f"{sys.executable} -c \"import json; print([m['id'] for m in json.load(open('.ai_mail.local/inbox.json'))"
        "['messages'] if m['from'] == '@error-watcher'][0])\" > id"
    )
    # It meets the same error while it looks: that is no news.
    house.shell("writer", f"printf '%s' '{text * 4}' >&2; {find}; {done}; echo looked")
    log(house, "editor", text * 3)
    assert watched(house).asked == ("@writer",)
    (run_id,) = [run.run_id for run in house.runs("writer")]
    house.over("writer", run_id)
    wait_until(lambda: only_group(house).state is GroupState.RESOLVED, 30, f"{only_group(house)}")
    group = only_group(house)
    assert group.resolution == "read the list whole" and group.asked_run == run_id and group.asks == 1
    assert house.run("writer", run_id).replied and [run.run_id for run in house.runs("writer")] == [run_id]
    assert house.workspace.watcher.inbox.exists()
    wait_until(lambda: not house.inbox(WATCHER), 30, "what was answered is archived")
    first = group.message_id
    log(house, "editor", text)
    assert watch_errors(house.workspace, house.config).asked == ("@writer",)
    wait_until(lambda: only_group(house).state is GroupState.RESOLVED, 30, "it is answered again")
    again = only_group(house)
    assert again.returns == 1 and again.asks == 2 and again.message_id == first
    threads = {mail.raw["thread_id"] for mail in sent_by_watcher(house)}
    assert threads == {first} and len(sent_by_watcher(house)) == 2
    assert any("came back" in entry.what for entry in again.history)
    assert "back again" in sent_by_watcher(house)[-1].subject


def sent_by_watcher(house: House) -> list[Message]:
    from mailcore.mail.lookup import sent_records

    found = [Message.from_json(raw) for _, raw in sent_records(house.workspace.watcher)]
    return sorted(found, key=lambda mail: mail.seq)


def test_by_mail_alone_an_answer_closes_it_and_it_is_not_sent_again_meanwhile(house: House) -> None:
    begun(house, "[errors]\nbackoff = 600\n")
    text = frames(shop(house, "writer"))
    log(house, "editor", text * 3)
    watched(house)
    log(house, "editor", text * 9)
    watched(house)
    (mail,) = inquiries(house, "writer")
    acknowledge(house.workspace, "@writer", mail.id, "declined", "the input is wrong")
    watched(house)
    assert only_group(house).state is GroupState.INVESTIGATING
    assert only_group(house).history[-1].what == "declined: the input is wrong"
    error_acts.resolve_error(house.workspace, "@operator", only_group(house).fingerprint, "the input was mended")
    log(house, "editor", text)
    watch_errors(house.workspace, house.config)  # back, and within the backoff
    assert only_group(house).state is GroupState.BACK and not inquiries(house, "writer")


def test_a_reply_closes_it_and_what_was_sent_says_the_last_change_of_its_files(house: House) -> None:
    git(house.root, "init", "-q")
    shop(house, "writer").write_text("1/0\n")
    git(house.root, "add", "-f", str(shop(house, "writer")))
    git(house.root, "commit", "-q", "-m", "prices \x1b[31m with tax")
    begun(house)
    log(house, "editor", frames(shop(house, "writer")) * 3)
    watched(house)
    (mail,) = inquiries(house, "writer")
    assert "agents/writer/shop.py: " in mail.body and "with tax" in mail.body and "\x1b" not in mail.body
    post.reply_to(house.workspace, "@writer", mail.id, "ghp_abcdefghijklmnopqrstuvwxyz0123456789 and mended")
    assert watched(house).resolved == (only_group(house).fingerprint,)
    assert only_group(house).state is GroupState.RESOLVED and "mended" in only_group(house).resolution
    assert "ghp_abcdef" not in only_group(house).resolution


def storm(house: House) -> None:
    """1,000 errors in 20 groups."""
    names = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo",
             "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango"]  # fmt: skip
    for name in names:
        text = frames(house.agent("writer").branch / f"{name}.py", error=f"{name.title()}Error: broken")
        log(house, "editor", text * 50)


def test_a_storm_opens_the_breaker_and_the_operator_hears_it_once(house: House) -> None:
    begun(house)
    storm(house)
    watched(house)
    groups = read_groups(house.workspace)
    assert len(groups) == 20 and sum(group.count for group in groups) == 1000
    assert len(inquiries(house, "writer")) == 6 == sum(group.asks for group in groups)
    storm(house)
    watched(house)
    watched(house)
    assert len(inquiries(house, "writer")) == 6
    (mail,) = [one for one in house.inbox("@operator") if one.sender == WATCHER]
    assert "14 further groups" in mail.body and read_errors(house.workspace).breaker_at
    held = [group for group in read_groups(house.workspace) if not group.asks]
    assert all(group.history[-1].what == "not mailed: 6 were within the hour" for group in held)
    with changing_errors(house.workspace) as at_hand:  # an hour later
        from msgspec.structs import replace

        at_hand.book = replace(at_hand.book, asked_at=tuple(at - 3600 for at in at_hand.book.asked_at))
    watched(house)
    assert len(inquiries(house, "writer")) == 12


def test_an_outage_sends_none_and_neither_does_what_fails_meanwhile(house: House) -> None:
    begun(house)
    for name in ("writer", "editor", "lead"):
        log(house, name, "ERROR API Error: 529 overloaded_error: Overloaded\n" * 5)
    log(house, "editor", frames(shop(house, "writer")) * 5, "other.log")
    found = watched(house)
    assert found.events == 20 and found.asked == () and "outage of the service" in found.quiet
    assert not any(inquiries(house, name) for name in ("writer", "editor", "lead"))
    with changing_errors(house.workspace) as at_hand:  # it is over
        from msgspec.structs import replace

        at_hand.book = replace(at_hand.book, causes={"service": time.time() - 3000})
    assert watched(house).asked == ("@writer",)


def test_a_limit_of_its_account_a_mute_and_config_keep_it_quiet(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from mailcore.accounts.account import require_account

    begun(house)
    text = frames(shop(house, "writer"))
    account = require_account(house.config, "@writer", "command", None)
    now = time.time()
    record_limits(account, [Limit("command", "5 h", True, 1.0, now + 900, now)])
    log(house, "editor", text * 3)
    assert watched(house).asked == ()
    record_limits(account, [Limit("command", "5 h", False, 0.1, now + 900, now + 1)])
    error_acts.mute_error(house.workspace, "@operator", only_group(house).fingerprint, 5)
    assert watched(house).asked == ()
    error_acts.unmute_error(house.workspace, "@operator", only_group(house).fingerprint)
    house.extra = '[errors]\nmute = ["ZeroDivision"]\n'
    house.configure()
    assert watched(house).asked == ()
    house.extra = "[errors]\nmail = false\n"
    house.configure()
    assert watched(house).asked == ()
    house.extra = '[errors]\nseverity = "fatal"\n'
    house.configure()
    assert watched(house).asked == ("@writer",)  # an uncaught exception is fatal


def test_watchers_at_once_send_one(house: House) -> None:
    begun(house)
    log(house, "editor", frames(shop(house, "writer")) * 4)
    for path in house.root.rglob("*.log"):
        os.utime(path, (time.time() - 5, time.time() - 5))
    several = [
        subprocess.Popen([sys.executable, "-m", "mailcore.cli", "errors"], cwd=house.root, stdout=subprocess.DEVNULL)
        for _ in range(4)
    ]
    assert [one.wait(60) for one in several] == [0] * 4
    assert len(inquiries(house, "writer")) == 1 and only_group(house).count == 4 and only_group(house).asks == 1


def test_who_may_do_what_at_the_command_line(house: House) -> None:
    begun(house)
    log(house, "editor", frames(shop(house, "writer")) * 3)
    watched(house)
    name = only_group(house).fingerprint
    writer, editor = house.agent("writer").branch, house.agent("editor").branch
    listed = house.json("errors", cwd=editor)
    assert [row["id"] for row in listed["errors"]] == [name] and listed["errors"][0]["owner"] == "@writer"
    assert house.mailcore("errors", "resolve", name[:6], "mended", cwd=editor).returncode == 3
    assert house.mailcore("errors", "mute", name[:6], cwd=writer).returncode == 3
    done = house.mailcore("errors", "resolve", name[:6], "mended", cwd=writer)
    assert done.returncode == 0 and done.stdout.decode().strip() == f"{name} is resolved: mended"
    assert house.json("errors", cwd=writer)["hidden"] == 1
    assert only_group(house).history[-1].by == "@writer"
    muted = house.mailcore("errors", "mute", name, "--minutes", "5", "--from", "@operator")
    assert muted.returncode == 0 and muted.stdout.decode().strip() == f"{name} is muted for 5 minutes"
    assert only_group(house).state is GroupState.MUTED
    assert house.mailcore("errors", "resolve", "ffff", "x", "--from", "@operator").returncode == 2
    shown = house.mailcore("errors", "show", name).stdout.decode()
    assert "  ZeroDivisionError: division by zero" in shown and "agents/writer/shop.py" in shown
    # Nobody calls as the watcher.
    assert house.mailcore("send", "@writer", "x", "y", "--from", WATCHER).returncode != 0


def test_looked_at_now_it_is_asked_whatever_backoff_and_count_say(house: House) -> None:
    begun(house, "")
    log(house, "editor", frames(shop(house, "writer")))
    watched(house)
    group = error_acts.investigate_error(
        house.workspace, house.config, "@operator", only_group(house).fingerprint, dispatch=False
    )
    assert group.state is GroupState.INVESTIGATING and group.asks == 1 and len(inquiries(house, "writer")) == 1
    assert [entry.by for entry in group.history] == ["@operator", ""]
    house.shell("writer", "echo looked; sleep 60")
    group = error_acts.investigate_error(house.workspace, house.config, "@operator", group.fingerprint)
    assert group.asks == 2 and group.asked_run == house.runs("writer")[0].run_id
