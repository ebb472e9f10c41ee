"""Across projects all mail is refused, save this: a word to the orchestrator that the other project's config names.

It stays open there until it is closed, and can be answered: it carries the sender's mailbox as `reply_path`.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from mailcore.config import read_config
from mailcore.exceptions import Refused, tolerated
from mailcore.formats import json_codec
from mailcore.mail import aipass_feedback, lookup, mailbox, outbox, projects, resumable_act
from mailcore.mail.message_text import ISSUE
from mailcore.mail.outbox import Sent
from mailcore.model.agent import Agent
from mailcore.system import writing
from mailcore.workspace.find import Workspace, find_workspace

GH_TIMEOUT = 60.0
"""Seconds for `gh`."""


def deliver_feedback(author: Agent, own: Workspace, project: Path, subject: str, body: str) -> Sent:
    """Deliver to the orchestrator of the project at `project`; in an AIPass home that names none, to its own channel.

    Refused if that is this project, or names nobody.
    """
    other = find_workspace(project)
    if other.root == own.root:
        raise Refused(f"{project} is this project: send mail to an agent instead", "boundary")
    projects.check_feedback(own, other)
    address = read_config(other.config_file).mail.orchestrator
    if not address and (seat := aipass_feedback.feedback_agent(other)) is not None:
        with resumable_act.begin_act(author, "feedback", str(other.root), subject, body) as act:
            return aipass_feedback.add_feedback(author, own, seat, subject, body, act)
    if not address:
        raise Refused(f"{other.config_file} names no [mail] orchestrator who would take feedback", "no_recipient")
    fields = {
        "subject": f"FEEDBACK: {subject}",
        "message": body,
        "priority": "normal",
        "auto_execute": False,
        "project": own.root.name,
        "feedback": True,
    }
    with resumable_act.begin_act(author, "feedback", str(other.root), fields) as act:
        sent = outbox.send_one(own, author, other.agent(address), fields, act)
        if not sent.delivered:
            act.leave_open()
    return sent


def record_issue(author: Agent, project: Path, sent: Sent, text: str) -> str:
    """Keep an issue's address with the thread, on both sides; the address, empty where `text` holds none.

    An answer carries it on.
    """
    found = ISSUE.search(text)
    if found is None:
        return ""
    keys = {"issue": found[0]}
    with tolerated():
        other = find_workspace(project).agent(sent.to)
        mailbox.amend(other, lambda mail: mail.sent_id == sent.sent_id, keys)
        for path, raw in lookup.sent_records(author):
            if raw.get("id") == sent.sent_id:
                writing.replace(path, json_codec.dumps({**raw, **keys}), root=author.boundary)
    return found[0]


def open_issue(directory: Path, subject: str, body: str) -> str:
    """`gh issue create` in the other project; returns its words. Its failure loses nothing: the mail is delivered."""
    if not shutil.which("gh"):
        return "gh is not on PATH; no issue was made, the mail is delivered"
    try:
        done = subprocess.run(
            ["gh", "issue", "create", "--title", subject, "--body-file", "-"],
            cwd=directory, input=body.encode("utf-8", "replace"), capture_output=True, timeout=GH_TIMEOUT, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        return f"gh failed ({error}); no issue was made, the mail is delivered"
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip()[:200]
        return f"gh failed ({why}); no issue was made, the mail is delivered"
    return done.stdout.decode("utf-8", "replace").strip()
