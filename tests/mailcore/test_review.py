"""`review`: an audit of a run by another agent, from a template; what it finds goes back by `reopen`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailcore.mail import lookup, post
from mailcore.mail.mailbox_reader import read_mailbox
from tests.mailcore.conftest import House, git

WORK = """
import pathlib, re, subprocess, sys
task = re.search(r"message (\\w+)", sys.argv[1])
print("up", flush=True)
pathlib.Path("chapter.md").write_text("new words\\n")
if task:
    subprocess.run(["mailcore", "done", task[1], "chapter 3 is there"], check=True)
"""


def worked(house: House) -> str:
    """@writer's run on a task of the operator's, in git, which changed one file and made another."""
    git(house.root, "init", "-q")
    branch = house.agent("@writer").branch
    (branch / "chapter.md").write_text("old words\n")
    git(house.root, "add", "agents")
    git(house.root, "commit", "-qm", "before")
    house.python("writer", WORK)
    done = house.json("dispatch", "@writer", "Chapter 3", "from the notes", "--from", "@operator")
    house.over("@writer", done["run_id"])
    return str(done["run_id"])


def test_a_review_holds_story_and_diff_and_its_findings_go_back_to_the_agent(house: House) -> None:
    run_id = worked(house)
    house.shell("editor", "echo up")
    told = house.json("review", "@writer", "--by", "@editor", "--from", "@operator")
    assert told["review"]["run"] == run_id and told["to"] == "@editor"
    house.over("@editor", told["run_id"])
    (mail,) = house.inbox("@editor")
    assert mail.is_task and mail.subject == "REVIEW: Chapter 3"
    for said in ("Audit what @writer did", "| -old words", "| +new words", "| from the notes", "| chapter 3 is there"):
        assert said in mail.body, said
    assert "new, and not in git: agents/writer/agent.py" in mail.body and ".ai_mail.local" not in mail.body

    house.json("done", mail.id, "chapter.md:1 says nothing\nand has no heading", cwd=house.agent("@editor").branch)
    findings = next(m for m in house.inbox("@operator") if m.sender == "@editor")
    assert findings.raw["review"]["agent"] == "@writer"
    again = house.json("reopen", findings.id, "mend these", "--from", "@operator")
    assert again["to"] == "@writer"
    house.over("@writer", again["run_id"])
    reopened = next(
        raw for _, raw in lookup.archived_messages(house.agent("@writer")) if raw["id"] == again["message_id"]
    )
    assert reopened["subject"] == "REOPENED: Chapter 3"
    assert reopened["message"].startswith("mend these\n\n@editor reviewed your run")
    assert "> chapter.md:1 says nothing\n> and has no heading" in reopened["message"]
    first = next(raw for _, raw in lookup.archived_messages(house.agent("@writer")) if raw["subject"] == "Chapter 3")
    assert reopened["thread_id"] == first["thread_id"], "in the thread of the task that was reviewed"
    left = [m for m in read_mailbox(house.workspace.operator.inbox).messages if m.seq <= findings.seq]
    assert left == [], "the findings and the first `done` are answered"


def test_the_template_is_the_project_s_and_nothing_in_a_story_is_a_place_of_it(house: House) -> None:
    house.shell("writer", "echo up; echo '{diff} {agent}'")
    house.over("@writer", house.started("@lead", "@writer", "{story}"))
    path = house.root / ".praxmonitor" / "templates" / "review.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text("Look at {agent}, {run}: {task}\n{story}\n{unknown}\n{diff}\n")
    house.json("review", "@writer", "--by", "@editor", "--from", "@lead")
    (mail,) = house.inbox("@editor")
    lines = mail.body.splitlines()
    assert lines[0].startswith("Look at @writer, 2") and "{story}" in lines[0] and "{unknown}" in lines
    assert "| {diff} {agent}" in lines and "no git here" in mail.body


def test_what_is_too_long_is_cut_and_says_so(house: House) -> None:
    house.extra = "[mail]\nmax_body = 6000\n"
    house.configure()
    run_id = worked(house)
    (house.agent("@writer").branch / "chapter.md").write_text("x" * 50 + "\n" + "many words\n" * 3000)
    house.json("review", run_id, "--by", "@editor", "--from", "@operator")
    (mail,) = house.inbox("@editor")
    assert "lines more: git has the rest)" in mail.body and len(mail.body.encode()) <= 6000


def test_who_cannot_review_and_what_cannot_be_reviewed(house: House) -> None:
    said = house.json("review", "@writer", "--by", "@editor", "--from", "@operator", status=3)
    assert said["error"]["code"] == "no_run"
    house.over("@writer", house.started("@operator", "@writer"))
    for by in ((), ("--by", "@writer")):
        assert house.json("review", "@writer", *by, "--from", "@operator", status=2)["error"]["code"] == "usage"
    house.shell("writer", "echo up; exec sleep 60")
    house.attempt_pid("@writer", house.started("@operator", "@writer"))
    assert house.json("review", "@writer", "--by", "@lead", "--from", "@operator", status=3)["error"]["code"] == "busy"
    assert house.json("review", "@writer", "--by", "@lead", cwd=house.agent("@editor").branch, status=3)


def test_what_was_accepted_can_be_reopened(house: House) -> None:
    worked(house)
    notice = next(m for m in house.inbox("@operator") if m.sender == "@writer")
    house.json("accept", notice.id, "--from", "@operator")
    assert notice.id not in {m.id for m in house.inbox("@operator")}
    again = house.json("reopen", notice.id, "after all: the heading", "--from", "@operator")
    house.over("@writer", again["run_id"])
    post.close_messages(house.workspace, "@operator", [m.id for m in house.inbox("@operator")])
    assert house.json("reopen", "4711", "x", "--from", "@operator", status=3)["error"]["code"] == "no_message"


@pytest.mark.parametrize("subject", ["a task", "two\nlines\x1b[2J\u202e and more " + "x" * 400])
def test_a_run_s_environment_names_its_task(house: House, subject: str) -> None:
    house.python(
        "writer",
        "import json, os\n"
        "print(json.dumps({k: os.environ[k] for k in os.environ if k.startswith('MAILCORE_')}), flush=True)\n",
    )
    sent = house.json("dispatch", "@writer", subject, "b", "--from", "@lead")
    run = house.over("@writer", sent["run_id"])
    told = json.loads(run.result)
    assert (told["MAILCORE_TASK"], told["MAILCORE_SENDER"]) == (sent["message_id"], "@lead")
    assert told["MAILCORE_ROOT"] == str(house.root) and len(told["MAILCORE_SUBJECT"]) <= 300
    assert not {"\n", "\x1b", "\u202e"} & set(told["MAILCORE_SUBJECT"])
    assert told["MAILCORE_SUBJECT"] == subject or told["MAILCORE_SUBJECT"].startswith("two lines")


def test_roles_and_purposes_stand_in_the_passports(house: House, tmp_path: Path) -> None:
    def passport(path: str) -> tuple[str, str]:
        identity = json.loads((tmp_path / "p" / path / ".trinity" / "passport.json").read_bytes())["identity"]
        return identity["role"], identity["purpose"]

    words = ["--agent", "writer=a/w", "--agent", "coder=a/c", "--role", "an author", "--role", "coder=builds it = all"]
    house.json("init", str(tmp_path / "p"), *words, "--purpose", "writer=keeps\nthe docs")
    assert passport("a/w") == ("an author", "keeps the docs") and passport("a/c") == ("builds it = all", "")
    house.json("agent", "add", "third=a/t", "--role", "a third", "--from", "@operator", cwd=tmp_path / "p")
    assert passport("a/t") == ("a third", "")
    rows = {row["address"]: row["role"] for row in house.json("agents", cwd=tmp_path / "p")}
    assert rows["@coder"] == "builds it = all"
    long = house.json("init", str(tmp_path / "q"), "--agent", "x=a/x", "--role", "x" * 600, status=2)
    assert "longer" in long["error"]["message"] and not (tmp_path / "q").exists()
