"""A run's story, and that what agents wrote in it can do no harm."""

from __future__ import annotations

import re

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
        "# make it", f"Run `{run_id}` of @writer, from @lead, program command: **completed**", "| 1 (start) |",
        "exit 7", "the result", "trouble 2", "- @editor: look at it", "- src/new.py",
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
    fence, inside = "", False
    outside = []
    for line in page.splitlines():
        if not inside and line.startswith("```"):
            fence, inside = line, True
        elif inside and line == fence:
            inside = False
        elif not inside:
            outside.append(line)
    assert not inside
    assert [line for line in outside if line.startswith("# ")] == [page.splitlines()[0]], page
    assert any("forged heading" in line for line in page.splitlines())
