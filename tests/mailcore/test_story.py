"""A run's story, and that what agents wrote in it can do no harm."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.mailcore.conftest import House

ESCAPE, OVERRIDE = "\x1b]0;evil\x07", "\u202e"


def test_a_story_tells_task_attempts_stderr_mail_and_files(house: House) -> None:
    house.limit(attempts=2)
    house.shell(
        "writer",
        "echo up; echo trouble $MAILCORE_ATTEMPT >&2; test $MAILCORE_ATTEMPT = 2 || exit 7; "
        "mailcore send @editor 'look at it' b > /dev/null; mkdir -p src; echo x > src/new.py; echo the result",
    )
    run_id = house.started("@lead", "@writer", "make it")
    house.over("@writer", run_id)
    told = house.json("run", run_id)
    assert told["run"]["subject"] == "make it" and told["run"]["phase"] == "completed"
    assert [(a["exit_code"], a["cause"]) for a in told["run"]["attempts"]] == [(7, "exit 7: trouble 1"), (0, "exit 0")]
    assert [(m["to"], m["subject"]) for m in told["sent"]] == [("@editor", "look at it")]
    assert "src/new.py" in told["changed"] and told["progress"] == "files"
    assert told["stderr"] == ["trouble 2"]
    page = house.mailcore("run", run_id).stdout.decode()
    for said in (
        "# A run of @writer", "Task: make it", "| 1 (start) |", "exit 7", "the result", "trouble 2",
        f"Run `{run_id}` of @writer, from @lead, program command: **completed**",
        "| @editor: look at it |", "| src/new.py |",
    ):  # fmt: skip
        assert said in page, said
    assert house.mailcore("run", "@writer").stdout.decode() == page


def test_hostile_text_stays_text(house: House) -> None:
    """No escape reaches the terminal, and nothing breaks out of its place in the Markdown."""
    house.limit(attempts=1)
    house.python(
        "writer",
        "import sys\n"
        f"print({ESCAPE!r} + 'x' + {OVERRIDE!r} + '\\n# forged result')\n"
        f"sys.stderr.write({ESCAPE!r} + '\\n```\\n# forged heading\\n``````\\n')\n"
        "open('a\\n# forged name', 'w').close()\n"
        "sys.exit(3)\n",
    )
    run_id = house.started("@operator", "@writer", f"a task{ESCAPE}\n# forged subject {OVERRIDE}")
    house.over("@writer", run_id)
    page = house.mailcore("run", run_id).stdout.decode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page)
    lines = page.splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# A run of @writer",
        "## Task",
        "## Result",
        "## Standard error",
    ]
    assert [line for line in lines if line.startswith("~")] == ["~~~"] * 6
    assert all(not line or line[0] in "#|~" for line in lines)
    assert any("forged heading" in line for line in page.splitlines())


SHELLS = [["bash", "--norc", "--noprofile", "-i"], ["dash", "-i"], ["busybox", "sh", "-i"], ["zsh", "-f", "-i"]]


@pytest.mark.parametrize("shell", SHELLS, ids=lambda words: str(words[0]))
def test_a_story_pasted_into_a_shell_runs_nothing(house: House, tmp_path: Path, shell: list[str]) -> None:
    """With bracketed paste, which the end of one in the text would leave, and without: line after line is typed."""
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    house.limit(attempts=1)
    proof = tmp_path / "proof"
    evil = [f"touch {proof}", f"`touch {proof}`", f"$(touch {proof})", f"'; touch {proof} #", f"~~~\ntouch {proof}"]
    evil += [f"x\x1b[201~\ntouch {proof}\n", f"\x9b201~\rtouch {proof}\r", f"| touch {proof}", f"\\\ntouch {proof}"]
    said = "\n".join(evil)
    house.python(
        "writer",
        f"import sys, subprocess\nprint({said!r})\nsys.stderr.write({said!r})\n"
        f"for text in {evil!r}: subprocess.run(['mailcore', 'send', '@editor', text, 'b'])\n"
        f"open('$(touch proof)', 'w').close()\nsys.exit(3)\n",
    )
    run_id = house.started(
        "@operator", "@writer", f"a `touch {proof}` $(touch {proof}) | touch {proof} ; touch {proof}"
    )
    house.over("@writer", run_id)
    page = house.mailcore("run", run_id).stdout.decode()
    assert page.count(str(proof)) > 10 and not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", page)
    for line in page.splitlines():
        subprocess.run([shell[0], "-c", line], cwd=tmp_path, capture_output=True, timeout=60)
    if shell[0] == "bash":  # interactive, so that it goes on after an error; no terminal, so that nothing is bracketed
        typed = page.encode() * 2 + b"\necho END\\OF\n"
        done = subprocess.run(shell, cwd=tmp_path, input=typed, capture_output=True, timeout=60)
        assert b"ENDOF" in done.stdout, done
    assert not proof.exists()


def test_the_result_of_a_run_is_its_answer_and_its_task_stands_in_its_story(house: House) -> None:
    """Not the last line of what the program printed; and both after all mail is gone."""
    house.python(
        "writer",
        "import re, subprocess, sys\n"
        "task = re.search(r'message (\\w+)', sys.argv[1])[1]\n"
        "subprocess.run(['mailcore', 'done', task, 'two chapters,\\n2,100 words'], check=True)\n"
        "print('bye', flush=True)\n",
    )
    done = house.json("dispatch", "@writer", "write", "chapters 3 and 4\nfrom the notes", "--from", "@operator")
    run = house.over("@writer", done["run_id"])
    assert (run.result, run.answer, run.replied) == ("two chapters,\n2,100 words", run.result, True)
    for name in ("@writer", "@operator"):
        agent = house.agent(name)
        for path in (agent.inbox, *agent.archive_dir.glob("*"), *agent.sent_dir.glob("*")):
            path.unlink()
    told = house.json("run", done["run_id"])
    assert (told["text"], told["run"]["result"]) == ("chapters 3 and 4\nfrom the notes", run.result)
    page = house.mailcore("run", done["run_id"]).stdout.decode()
    assert "## Task" in page and "| from the notes" in page and "| 2,100 words" in page and "bye" not in page
    (said,) = [event for event in house.json("history") if event["verb"] == "done"]
    assert said["result"] == run.result


def test_mail_of_the_next_run_is_none_of_the_one_before(house: House) -> None:
    """Though that began in the second in which this one ended."""
    first = house.over("@writer", house.started("@operator", "@writer"))
    house.shell("writer", "mailcore send @editor 'look at it' now")
    second = house.over("@writer", house.started("@operator", "@writer"))
    sent = [[mail["subject"] for mail in house.json("run", run.run_id)["sent"]] for run in (first, second)]
    assert [sorted(subjects) for subjects in sent] == [
        ["Done, no reply: a task"],
        ["Done, no reply: a task", "look at it"],
    ]


def test_an_answer_to_another_mail_is_no_result(house: House) -> None:
    house.python(
        "writer",
        "import json, subprocess\n"
        "rows = json.loads(subprocess.run(['mailcore', 'inbox', '--json'], capture_output=True, check=True).stdout)\n"
        "other = next(row['id'] for row in rows if row['subject'] == 'other')\n"
        "subprocess.run(['mailcore', 'reply', other, 'not this'], check=True)\n"
        "print('the last line', flush=True)\n",
    )
    house.json("send", "@writer", "other", "b", "--from", "@operator")
    done = house.json("dispatch", "@writer", "write", "b", "--from", "@operator")
    assert house.over("@writer", done["run_id"]).result == "the last line"


def test_an_answer_by_aipass_s_own_command_is_the_result_too(house: House) -> None:
    """Its reply writes this record, and delivers; nothing of it passes through us."""
    house.python(
        "writer",
        "import json, os, pathlib, re, sys\n"
        "task = re.search(r'message (\\w+)', sys.argv[1])[1]\n"
        "record = {'id': 'aaaa1111', 'from': '@writer', 'to': '@operator', 'subject': 'RE: write'}\n"
        "record |= {'message': 'by drone', 'timestamp': '2026-11-22 00:00:00', 'in_reply_to': task}\n"
        "record |= {'dispatch_id': os.environ['AIPASS_DISPATCH_ID']}\n"
        "pathlib.Path('.ai_mail.local/sent/aaaa1111.json').write_text(json.dumps(record))\n"
        "print('the last line', flush=True)\n",
    )
    done = house.json("dispatch", "@writer", "write", "b", "--from", "@operator")
    run = house.over("@writer", done["run_id"])
    assert (run.result, run.replied) == ("by drone", True)
    assert [mail.subject for mail in house.inbox("@operator")] == [], "and nobody is told that there was no reply"
