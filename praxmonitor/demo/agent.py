"""The program that every demo agent is: reads who it is and what it was sent, works, answers."""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import Any

from mailcore.model.agent import WATCHER
from praxmonitor.demo.worker import Worker
from praxmonitor.demo.workspace_files import DECISION_TIME, RESEARCHERS, SILENCE

PHASES = (("builder", "design"), ("tester", "test"), ("builder", "document"))
DECISIONS = ("APPROVED: ", "DENIED: ", "LAPSED: ")
"""How the mails begin that tell what was decided, or that nobody did in time."""
CYCLE = 8
"""Rounds from one in which things go wrong to the next: some eight minutes."""

Mail = dict[str, Any]


def main(argv: list[str]) -> int:
    """One attempt: greet, read the mail, do what it says."""
    worker = Worker(seed=argv[1])
    attempt = int(os.environ.get("MAILCORE_ATTEMPT", "1"))
    prompt = argv[-1]
    if "slow start" in worker.traits and attempt == 1 and is_eventful(prompt):
        time.sleep(3600)  # never a sign of life: the supervisor ends this attempt
    worker.hook("SessionStart", source="startup")
    worker.hook("UserPromptSubmit", prompt=prompt)
    worker.say(f"@{worker.name} is up, attempt {attempt}")
    inbox: list[Mail] = worker.mailcore("inbox")
    tasks = [mail for mail in inbox if mail.get("auto_execute")]
    letters = [mail for mail in reversed(inbox) if not mail.get("auto_execute")]
    # By the newest alone: what lies there from former crashes would let it crash for ever.
    asked = any(mail["from"] == WATCHER for mail in letters)  # to mend it: that it does before it goes on
    if "crashes" in worker.traits and tasks and is_eventful(tasks[0]["subject"]) and not asked:
        worker.use_tool(1.0)
        worker.fail("\n".join(crash_of(worker.branch)), 3)
    for mail in letters:
        answer_mail(worker, mail)
    for mail in reversed(tasks):
        # A letter may have ended a task: an answer to the last thing that it waited for.
        if mail["id"] in {still_open["id"] for still_open in worker.mailcore("inbox")}:
            perform(worker, mail)
    worker.hook("Stop", stop_hook_active=False, last_assistant_message="Done.", background_tasks=[])
    return 0


def is_eventful(text: str) -> bool:
    """Whether this is a round in which things go wrong: the first, and each that is `CYCLE` rounds after one.

    Between them nothing does, for some minutes: an alarm then is one of ours that should not be.
    """
    number = re.search(r"#(\d+)", text)
    return number is not None and int(number[1]) % CYCLE == 1


def answer_mail(worker: Worker, mail: Mail) -> None:
    """A letter that is no task: collect an answer to what was asked, answer a question, mend what repeats."""
    worker.mailcore("read", mail["id"])
    if mail["from"] == WATCHER:
        worker.work(1, "mending")
        worker.mailcore("done", mail["id"], "Mended: what has no value is skipped now, and a test has one such.")
        return
    subject = str(mail["subject"])
    if subject.startswith(("RE: ", "BOUNCE: ", "KILLED: ", *DECISIONS)):
        if worker.role == "editor":
            collect(worker, mail)
        elif worker.role == "planner":
            next_phase(worker, mail)
        else:
            worker.mailcore("close", mail["id"])
        return
    worker.work(1, "answering")
    summary = worker.memory["sessions"][0]["summary"] if worker.memory["sessions"] else "nothing yet"
    worker.mailcore("reply", mail["id"], f"Thank you. I am @{worker.name}. My last work: {summary}.")


def traceback_of(branch: Path) -> tuple[str, ...]:
    """That of an error in a file of this branch: whoever reports it, it is that agent's to mend."""
    return (
        "Traceback (most recent call last):",
        f'  File "{branch}/search.py", line 88, in search',
        "    return sorted(found, key=rank)",
        f'  File "{branch}/search.py", line 41, in rank',
        "    return weights[page['title']]",
        "KeyError: 'title'",
    )


def crash_of(branch: Path) -> tuple[str, ...]:
    """What a program of this branch writes that dies of a row it did not expect."""
    return (
        "Traceback (most recent call last):",
        f'  File "{branch}/rows.py", line 17, in <module>',
        "    total += number_in(row)",
        f'  File "{branch}/rows.py", line 9, in number_in',
        """    raise ValueError(f"row {row.place}: {row.text!r} is not a number")""",
        "ValueError: row 4711: 'n/a' is not a number",
    )


def perform(worker: Worker, mail: Mail) -> None:
    """A task: by role."""
    worker.mailcore("read", mail["id"])
    subject = str(mail["subject"])
    open_tasks: dict[str, Any] = worker.memory.get("open_tasks", {})
    if worker.role == "editor" and mail["id"] not in open_tasks:
        worker.use_tool(1.0)
        begun = {**open_tasks, mail["id"]: {"subject": subject, "heard": []}}
        worker.remember(f"gave out {subject}", open_tasks=begun)
        everyone = [f"@{name}" for name in RESEARCHERS]
        worker.mailcore("dispatch", *everyone, f"Research: {subject}", "Half a page, with sources.")
    elif worker.role == "planner" and mail["id"] not in open_tasks:
        worker.use_tool(1.0)
        worker.remember(f"began {subject}", open_tasks={**open_tasks, mail["id"]: {"subject": subject, "phase": 0}})
        send_phase(worker, subject, 0)
    elif worker.role not in ("editor", "planner"):
        do(worker, mail)


def do(worker: Worker, mail: Mail) -> None:
    """Honest work, with what may go wrong in it."""
    subject = str(mail["subject"])
    worker.work(2, subject)
    if "falls silent" in worker.traits and is_eventful(subject):
        time.sleep(SILENCE * 2.5)
    if "asks first" in worker.traits and is_eventful(subject) and (why_not := ask_operator(worker, subject)):
        worker.remember(f"did not do {subject}: {why_not}")
        worker.mailcore("declined", mail["id"], f"Not done: {why_not}.")
        return
    if "repeats an error" in worker.traits and is_eventful(subject):
        for _ in range(3):
            worker.log("ERROR", "connection to db-test:5432 refused, retrying")
            worker.log("ERROR", f"ranking failed: {subject}", traceback_of(worker.branch.parent / "builder"))
            time.sleep(0.7)
    worker.work(worker.random.randint(1, 3), subject)
    (worker.branch / "notes.md").write_text(f"# {subject}\n\nFound, checked, written down.\n", encoding="utf-8")
    worker.remember(f"did {subject}")
    worker.mailcore("reply", mail["id"], f"Done: {subject}. The notes are in notes.md.")


def ask_operator(worker: Worker, subject: str) -> str:
    """Ask for approval, and wait for it: say so by mail and, as Claude Code does, by a Notification.

    Empty where it is granted; else why not: it was denied, or nobody decided within `DECISION_TIME`, when it lapses.
    """
    body = "All tests pass. Approve it, and it goes out at once; deny it, and it does not."
    request = worker.mailcore("ask", "@operator", f"May I go on? {subject}", body, "--tier", "2")
    worker.hook("Notification", message=f"May I go on? {subject}", notification_type="permission_prompt")
    waited = worker.mailcore("wait", request["id"], "--for", "approval", "--timeout", f"{DECISION_TIME + 60:g}")
    worker.hook("UserPromptSubmit", prompt="go on")
    for mail in worker.mailcore("inbox"):
        if str(mail["subject"]).startswith(DECISIONS):
            worker.mailcore("close", mail["id"])
    if waited["timed_out"]:
        return "nobody decided"
    decided = waited["settled"][0]
    if decided["state"] == "lapsed":
        return str(decided["text"])
    return "" if decided["state"] == "approved" else f"it was {decided['state']}"


def collect(worker: Worker, mail: Mail) -> None:
    """The editor hears from a researcher; with the last one it writes the report."""
    open_tasks: dict[str, Any] = worker.memory.get("open_tasks", {})
    for task_id, task in open_tasks.items():
        if str(mail["subject"]).endswith(task["subject"]) or str(mail["subject"]).startswith(("BOUNCE", "KILLED")):
            task["heard"] = sorted({*task["heard"], mail["from"]})
            worker.remember(f"heard from {mail['from']}", open_tasks=open_tasks)
            worker.mailcore("close", mail["id"])
            if len(task["heard"]) == len(RESEARCHERS):
                worker.work(2, f"writing: {task['subject']}")
                (worker.branch / "report.md").write_text(f"# {task['subject']}\n", encoding="utf-8")
                worker.remember(f"finished {task['subject']}", open_tasks=without(open_tasks, task_id))
                worker.mailcore("reply", task_id, "The report is in report.md; five researchers took part.")
            return
    worker.mailcore("close", mail["id"])


def without(open_tasks: dict[str, Any], task_id: str) -> dict[str, Any]:
    """The tasks that are still open when this one is finished."""
    return {each: task for each, task in open_tasks.items() if each != task_id}


def next_phase(worker: Worker, mail: Mail) -> None:
    """Each reply starts the next phase; the last one ends the plan."""
    open_tasks: dict[str, Any] = worker.memory.get("open_tasks", {})
    worker.mailcore("close", mail["id"])
    for task_id, task in open_tasks.items():
        if task["subject"] not in f"{mail['subject']} {mail.get('message')}":
            continue
        if str(mail["subject"]).startswith(("BOUNCE", "KILLED")):
            worker.remember(f"gave up {task['subject']}", open_tasks=without(open_tasks, task_id))
            worker.mailcore("declined", task_id, "One of its phases failed.")
            return
        task["phase"] += 1
        worker.remember(f"phase {task['phase']} of {task['subject']} is done", open_tasks=open_tasks)
        if task["phase"] < len(PHASES):
            send_phase(worker, task["subject"], task["phase"])
        else:
            worker.remember(f"finished {task['subject']}", open_tasks=without(open_tasks, task_id))
            worker.mailcore("reply", task_id, f"All {len(PHASES)} phases are done.")
        return


def send_phase(worker: Worker, subject: str, phase: int) -> None:
    """Dispatch one phase of a plan."""
    name, what = PHASES[phase]
    worker.mailcore("dispatch", f"@{name}", f"Phase {phase + 1}/{len(PHASES)}, {what}: {subject}", "See the plan.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
