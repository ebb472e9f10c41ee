"""`trace ID`: the rungs of a message with their times, from real runs, and its thread."""

from __future__ import annotations

from datetime import datetime

import pytest

from mailcore.mail import answer, mailbox, post
from mailcore.workspace import find
from tests.mailcore.conftest import House, wait_until


def test_a_task_from_stored_to_done(house: House) -> None:
    house.python(
        "writer",
        "import re, subprocess, sys\n"
        "task = re.search(r'message (\\w+)', sys.argv[1])[1]\n"
        "print('up', flush=True)\n"
        "for words in (['read', task], ['ack', task], ['done', task, 'all\\nof it']):\n"
        "    subprocess.run(['mailcore', *words], check=True)\n",
    )
    done = house.json("dispatch", "@writer", "build", "b", "--from", "@lead")
    house.over("@writer", done["run_id"])
    told = house.json("trace", done["message_id"])
    assert [r["rung"] for r in told["rungs"]] == ["stored", "woken", "submitted", "seen", "done"]
    times = [datetime.fromisoformat(r["at"]) for r in told["rungs"]]
    assert times == sorted(times) and all(at.tzinfo for at in times)
    assert (told["rung"], told["result"], told["run"]) == ("done", "all\nof it", done["run_id"])
    assert (told["from"], told["to"], told["subject"]) == ("@lead", "@writer", "build")
    assert [m["subject"] for m in told["thread"]] == ["build", "ACKNOWLEDGED: build", "DONE: build"]
    for name in (done["sent_id"], str(told["seq"]), f"#{told['seq']}"):
        assert house.json("trace", name) == told
    text = house.mailcore("trace", done["message_id"]).stdout.decode().splitlines()
    assert text[0].startswith(f"#{told['seq']} ") and "  result: all of it" in text
    wait_until(lambda: not house.agent("@lead").dispatch_lock.exists(), what="the lead is idle")


def test_a_mail_that_nobody_has_seen(house: House) -> None:
    (sent,) = post.send_mail(house.workspace, "@lead", ["@writer"], "s", "b")
    told = house.json("trace", sent.id)
    assert ([r["rung"] for r in told["rungs"]], told["run"], told["result"]) == (["stored"], None, "")
    post.read_messages(house.workspace, "@writer", [sent.id])
    assert house.json("trace", sent.id)["rung"] == "seen"
    answer.acknowledge(house.workspace, "@writer", sent.id, "blocked", "need X")
    assert house.json("trace", sent.id)["rung"] == "blocked"
    assert house.json("trace", "4711", status=4)["error"]["code"] == "no_message"


def test_seen_is_said_of_what_was_read_alone(house: House) -> None:
    """Not of mail that was closed or answered unread; and of it once it is restored and read."""
    one, two = (post.send_mail(house.workspace, "@lead", ["@writer"], s, "b", is_task=True)[0] for s in "ab")
    post.close_messages(house.workspace, "@writer", [one.id])
    answer.acknowledge(house.workspace, "@writer", two.id, "blocked", "need X")
    assert [r["rung"] for r in house.json("trace", one.id)["rungs"]] == ["stored"]
    assert [r["rung"] for r in house.json("trace", two.id)["rungs"]] == ["stored", "blocked"]
    post.restore(house.workspace, "@writer", one.id)
    post.read_messages(house.workspace, "@writer", [one.id, two.id])
    assert [r["rung"] for r in house.json("trace", one.id)["rungs"]] == ["stored", "seen"]
    assert [r["rung"] for r in house.json("trace", two.id)["rungs"]] == ["stored", "blocked", "seen"]
    assert house.json("trace", two.id)["rung"] == "blocked"


def test_mail_of_which_no_copy_is_left_is_told_from_the_audit(house: House) -> None:
    (task,) = post.send_mail(house.workspace, "@lead", ["@writer"], "build", "b", is_task=True)
    post.read_messages(house.workspace, "@writer", [task.id])
    answer.acknowledge(house.workspace, "@writer", task.id, "done", "built")
    before = house.json("trace", task.id)
    for name in ("@writer", "@lead"):
        agent = house.agent(name)
        for path in (*agent.archive_dir.glob("*"), *agent.sent_dir.glob("*"), agent.inbox):
            path.unlink()
    told = house.json("trace", str(task.seq))
    same = ("id", "sent_id", "seq", "from", "to", "subject", "rung", "result")
    assert {key: told[key] for key in same} == {key: before[key] for key in same} and told["gone"]
    assert [r["rung"] for r in told["rungs"]] == ["stored", "seen", "done"]
    assert "no copy of it is left" in house.mailcore("trace", task.id).stdout.decode()
    assert house.json("trace", task.id, cwd=house.agent("@editor").branch, status=3)["error"]["code"] == "visibility"
    assert house.json("trace", "4711", status=4)["error"]["code"] == "no_message"


def test_aipass_own_mail_has_a_trace(aipass: find.Workspace, house: House) -> None:
    done = house.mailcore("trace", "b8f6f494", cwd=aipass.root)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "c5ca380f" in text and "seen" in text and "RE: Demo ok" in text


def test_hostile_text_stays_in_its_line(house: House) -> None:
    raw = {
        "id": "a\nb\x1b[2J",
        "from": "@x\n#1 fake",
        "subject": "s\n  done 2026",
        "message": "m",
        "status": "new",
        "seq": 7,
    }
    mailbox.deliver(house.agent("@writer"), raw)
    text = house.mailcore("trace", "7").stdout.decode()
    assert len(text.splitlines()) == 2 and "\x1b" not in text


@pytest.mark.parametrize("verb", ["trace", "tasks", "history"])
def test_reading_writes_nothing(aipass: find.Workspace, house: House, verb: str) -> None:
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in aipass.root.rglob("*") if p.is_file()}
    words = [verb, "5f506ad3"] if verb == "trace" else [verb]
    assert house.mailcore(*words, cwd=aipass.root).returncode == 0
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in aipass.root.rglob("*") if p.is_file()} == before
