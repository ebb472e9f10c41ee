"""Conflicting instructions: two tell the third what cannot both be. It says so and does neither; the person chooses."""

from __future__ import annotations

from tests.mailcore.conftest import wait_until
from tests.mailcore.stories.record import Story

ORDER = """
if given := task():
    act("dispatch", "@writer", "Indent", given["message"], "--queue")
    act("done", given["id"], "passed on")
"""

WRITER = """
given = task()
if given.get("message") == "with spaces":
    act("done", given["id"], given["message"])
elif given:
    orders = lambda: [mail for mail in look("inbox") if mail["subject"] == "Indent"]
    until(lambda: len(orders()) == 2)
    (other,) = [mail["id"] for mail in orders() if mail["id"] != given["id"]]
    act("escalate", given["id"], other, "one says tabs, the other spaces")
"""


def test_none_of_two_is_done_until_the_person_chooses(story: Story) -> None:
    for name in ("lead", "editor"):
        story.agent(name, ORDER)
    story.agent("writer", WRITER)
    story.operator("dispatch", "@lead", "Style", "with tabs")
    wait_until(lambda: any(one["what"] == "up" and one["by"] == "@writer" for one in story.happened), 30, "it begins")
    story.operator("dispatch", "@editor", "Style", "with spaces")
    wait_until(lambda: story.noted("escalate"), 30, "it is escalated")
    story.at_rest(waiting=1)
    assert not [one for one in story.noted("done") if one["by"] == "@writer"], "neither was done"
    (request,) = [mail for mail in story.look("inbox") if mail["subject"].startswith("CONFLICT")]
    orders = {one["words"][2]: one["said"]["message_id"] for one in story.noted("dispatch") if one["by"] != "@operator"}
    assert {row["id"] for row in story.look("tasks", "@writer")} == set(orders.values())
    story.operator("approve", request["id"], "spaces, everywhere", "--choose", orders["with spaces"])
    wait_until(lambda: [one for one in story.noted("done") if one["by"] == "@writer"], 30, "the chosen one is done")
    story.at_rest()
    (done,) = [one for one in story.noted("done") if one["by"] == "@writer"]
    assert done["words"] == [orders["with spaces"], "with spaces"]
    (declined,) = [mail for mail in story.look("inbox", "@lead") if mail["subject"] == "DECLINED: Indent"]
    assert "spaces, everywhere" in declined["message"]
    assert "CHOSEN: Indent" in {mail["subject"] for mail in story.look("inbox", "@editor")}
    story.compare(told_by_mailcore=2)
