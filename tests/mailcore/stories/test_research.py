"""Parallel research: one asks two, who work at the same time and tell each other what they find; one report of both."""

from __future__ import annotations

from tests.mailcore.stories.record import Story

RESEARCHER = """
given = task()
act("ack", given["id"])
note("searches")
until(lambda: sum('"searches"' in line for line in HAPPENED.read_text().splitlines()) == 2)
other = {"@writer": "@editor", "@editor": "@writer"}[ME]
act("send", other, "A find", f"{ME} has a source for {given['subject']}")
until(lambda: any(mail["subject"] == "A find" for mail in look("inbox")))
(find,) = [mail for mail in look("inbox") if mail["subject"] == "A find"]
act("done", given["id"], f"{given['subject']}: three sources, and {find['message']}")
"""

LEAD = """
given = task()
parts = act("dispatch", "@writer", "@editor", "Sources", given["message"])["dispatched"]
settled = look("wait", *(part["message_id"] for part in parts), "--all", "--for", "done", "--timeout", "60")
act("done", given["id"], "\\n".join(sorted(one["text"] for one in settled["settled"])))
"""


def test_two_search_at_once_and_one_reports(story: Story) -> None:
    story.agent("lead", LEAD)
    for name in ("writer", "editor"):
        story.agent(name, RESEARCHER)
    asked = story.operator("dispatch", "@lead", "A survey", "of file mailboxes")
    said = story.look("wait", asked["message_id"], "--for", "done", "--timeout", "60")
    (settled,) = said["settled"]
    assert settled["text"].splitlines() == [
        "Sources: three sources, and @editor has a source for Sources",
        "Sources: three sources, and @writer has a source for Sources",
    ]
    story.at_rest()
    runs = {run["target"]: run for run in story.look("runs")}
    begun, ended = ({name: runs[name][key] for name in ("@writer", "@editor")} for key in ("created_at", "since"))
    assert max(begun.values()) < min(ended.values()), "they worked at the same time"
    story.compare()
