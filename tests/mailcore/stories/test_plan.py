"""A plan of five phases, unattended: one fails and is given again, one brings a question, one needs an approval.

The orchestrator runs anew for each thing that comes: what it knows of its plan lies in a file of its own. An agent,
named in the config, decides; no person is there.
"""

from __future__ import annotations

from tests.mailcore.stories.record import Story

LEAD = """
PHASES = ["Draft", "Build", "Review", "Publish", "Report"]
plan = Path("plan.json")
known = json.loads(plan.read_text()) if plan.exists() else {"task": "", "phase": -1}

def begin(number):
    known["phase"] = number
    known["given"] = act("dispatch", "@writer", PHASES[number], f"phase {number + 1} of 5")["message_id"]

for mail in reversed(look("inbox")):
    look("read", mail["id"])
    state = (mail.get("ack") or {}).get("state", "")
    if mail["from"] == "@operator":
        if not known["task"]:
            known["task"] = mail["id"]
            begin(0)
        continue
    if mail.get("run_ended") == "bounced":
        act("dispatch", "@writer", PHASES[known["phase"]], "once more, without the network")
    elif state == "done" and known["phase"] < 4:
        begin(known["phase"] + 1)
    elif state == "done":
        act("done", known["task"], "five phases")
    elif mail["subject"].startswith("Which"):
        act("reply", mail["id"], "the second")
        continue
    act("close", mail["id"])
plan.write_text(json.dumps(known))
"""

WRITER = """
given = task()
phase = given["subject"]
if phase == "Build" and "once more" not in given["message"]:
    note("fails")
    raise SystemExit("no network")
result = f"{phase} is there"
if phase == "Review":
    asked = act("send", "@lead", "Which draft?", "the first or the second?", "--priority", "high")
    (answer,) = look("wait", asked["id"], "--timeout", "60")["settled"]
    result += f", of {answer['text']}"
if phase == "Publish":
    asked = act("ask", "@editor", "Publish", "the report, tonight", "--tier", "2")
    (answer,) = look("wait", asked["id"], "--for", "approval", "--timeout", "60")["settled"]
    result += f": {answer['state']}, {answer['text']}"
act("done", given["id"], result)
"""

EDITOR = """
for mail in look("inbox"):
    if mail["subject"] == "Publish":
        act("approve", mail["id"], "until midnight")
"""


def test_five_phases_with_a_failure_a_question_and_an_approval(story: Story) -> None:
    story.house.extra = '[approval.tiers.2]\nproposal = true\napprover = "@editor"'
    story.house.limit(attempts=2, wake_depth=3)
    for name, source in (("lead", LEAD), ("writer", WRITER), ("editor", EDITOR)):
        story.agent(name, source)
    asked = story.operator("dispatch", "@lead", "A report", "in five phases")
    said = story.look("wait", asked["message_id"], "--for", "done", "--timeout", "90")
    assert [one["text"] for one in said["settled"]] == ["five phases"]
    story.at_rest()
    results = [one["words"][1] for one in story.noted("done") if one["by"] == "@writer"]
    assert results == [
        "Draft is there", "Build is there", "Review is there, of the second",
        "Publish is there: approved, until midnight", "Report is there",
    ]  # fmt: skip
    phases = [(run["subject"], run["phase"], len(run["attempts"])) for run in reversed(story.look("runs", "@writer"))]
    assert phases == [
        ("Draft", "completed", 1), ("Build", "bounced", 2), ("Build", "completed", 1), ("Review", "completed", 1),
        ("Publish", "completed", 1), ("Report", "completed", 1),
    ]  # fmt: skip
    assert len(story.noted("fails")) == 2
    story.compare(told_by_mailcore=1, open_tasks=1)  # of the task that failed the bounce is all that was said
