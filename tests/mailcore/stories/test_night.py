"""A night: the person is away; what cannot wait lapses, what can waits, and in the morning the answers start who asked.

The night lasts some seconds: of its two requests one may wait two of them, the other until it is decided.
"""

from __future__ import annotations

from tests.mailcore.conftest import wait_until
from tests.mailcore.stories.record import Story

WRITER = """
given = task()
if given:
    act("ask", "@operator", "Spend 20 dollars", "for tonight's load test", "--tier", "2")
    act("ask", "@operator", "Publish", "the report, tomorrow", "--tier", "3")
    act("send", "@operator", "Which name?", "the first or the second?", "--priority", "high")
    raise SystemExit(0)
for mail in reversed(look("inbox")):
    look("read", mail["id"])
    if mail["subject"] == "APPROVED: Publish":
        (task_,) = [one for one in look("inbox") if one["subject"] == "Report"]
        act("done", task_["id"], f"published, {mail['message']}")
    if mail["subject"] != "Report":
        note("learns", subject=mail["subject"], message=mail["message"])
        act("close", mail["id"])
"""

EDITOR = """
given = task()
where = next(one for one in look("agents") if one["address"] == "@operator")["present"]
act("blocked", given["id"], f"the operator is {where}")
"""


def test_the_person_answers_in_the_morning(story: Story) -> None:
    story.house.extra = '[approval.tiers.2]\nexpires = "2s"\n[approval.tiers.3]\nproposal = true'
    story.agent("writer", WRITER)
    story.agent("editor", EDITOR)
    story.house.configure()
    story.operator("away", "07:00")
    story.operator("dispatch", "@writer", "Report", "and publish it")
    story.operator("dispatch", "@editor", "Proofs", "ask me what is unclear")
    story.at_rest()
    night = {row["subject"]: (row["kind"], row["to"]) for row in story.look("tasks")}
    assert night["Publish"][1] == night["Which name?"][1] == "@operator" and night["Report"][1] == "@writer"
    wait_until(lambda: any(mail["subject"].startswith("LAPSED") for mail in story.look("inbox", "@writer"))
               or story.noted("learns"), 30, "what nobody decided in time lapses")  # fmt: skip
    story.at_rest()
    assert [one["subject"] for one in story.noted("learns")] == ["LAPSED: Spend 20 dollars"]

    story.operator("away", "--back")
    waiting = {mail["subject"]: mail for mail in story.look("inbox")}
    assert set(waiting) == {
        "Publish", "Which name?", "Spend 20 dollars", "BLOCKED: Proofs", "Done, no reply: Report",
    }  # fmt: skip
    assert "away until 07:00" in waiting["BLOCKED: Proofs"]["message"]
    late = story.look("approve", waiting["Spend 20 dollars"]["id"], "yes", status=3)
    assert "lapsed" in late["error"]["message"]
    told = story.operator("reply", str(waiting["Which name?"]["seq"]), "the second")
    assert told["woken"]
    story.at_rest()
    story.operator("approve", waiting["Publish"]["id"], "at noon")
    wait_until(lambda: story.noted("done"), 30, "it goes on with the approval")
    story.at_rest()
    assert [one["subject"] for one in story.noted("learns")][1:] == ["RE: Which name?", "APPROVED: Publish"]
    assert story.noted("done")[0]["words"][1] == "published, at noon"
    story.compare(told_by_mailcore=2, open_tasks=1)  # the lapse, and that a run gave no answer; what is blocked
