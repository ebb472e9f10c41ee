"""What a woken agent is told: who it is, where its memories and its task are, how to answer.

What others said in it is quoted, each on one line in quotes that it cannot close: a subject is no instruction.
"""

from __future__ import annotations

from mailcore.model.agent import Agent
from mailcore.text import line
from mailcore.text.frames import quoted
from mailcore.text.names import safe_sender


def task_prompt(
    agent: Agent, message_id: str, sender: str, subject: str, expect: str = "", *, wants_data: bool = False
) -> str:
    """The prompt of a dispatch. The mail's body is not in it: it is read, and thereby marked as read, by its id."""
    wanted = f"It counts as done, in its words, when {quoted(expect, 300)}. " if expect else ""
    with_data = " --data FILE, a file of JSON that fits the schema in the mail" if wants_data else ""
    message_id, sender = line(message_id), safe_sender(sender, 80)
    return (
        f"You are {agent.address}. Your passport is .trinity/passport.json, your memories are .trinity/local.json and "
        f".trinity/observations.json: read them first. {sender} sent you a task, message {message_id}: "
        f"{quoted(subject, 300)}. {wanted}"
        f"Read it with `mailcore read {message_id}`, do it, and update your memories. Answer before you end, with "
        f'`mailcore done {message_id} "what you did, and the result"{with_data}`, or `blocked` or `declined` with the '
        f'reason, or `mailcore reply {message_id} "…"`. Run sub-agents synchronously: what still runs when you end is '
        "stopped."
    )


def wake_prompt(agent: Agent, why: str) -> str:
    """The prompt of a wake without a task of its own. `why`: a sentence of ours, in which others' words are quoted."""
    return (
        f"You are {agent.address}. Your passport is .trinity/passport.json, your memories are .trinity/local.json and "
        f".trinity/observations.json: read them first. {line(why, 1000)} Look with `mailcore inbox`, read with "
        "`mailcore read ID`, continue your work, and update your memories before you end."
    )
