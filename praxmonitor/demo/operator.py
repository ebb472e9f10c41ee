"""`python -m praxmonitor.demo.operator SEED`: the demo's operator. It gives out tasks, round after round.

It runs in the workspace and uses only public mailcore commands. What a command refuses is a line of its output, and it
goes on. It ends with the process that started it.
"""

from __future__ import annotations

import json
import os
import random
import re
import select
import subprocess
import sys
import threading
import time
from typing import Any

from mailcore.system.process_values import ExitNotice
from mailcore.system.processes import exit_notice

TASKS = {
    "editor": ("Report on heat pumps", "Report on sleep trackers", "Report on cargo bikes", "Report on e-ink"),
    "planner": ("Plan: faster search", "Plan: dark mode", "Plan: offline sync", "Plan: new importer"),
    "importer": ("Import the customer list", "Import last year's orders"),
    "indexer": ("Rebuild the index", "Compact the index"),
    "release": ("Ship version 1.4", "Ship the hotfix", "Ship the beta"),
}
TASK_PAUSE = (15.0, 40.0)
"""Seconds between the end of a task and the next one for that agent."""
REMEMBERED = 100
"""Mails of the operator's that are looked through for the newest task of each agent."""
OPEN_MAILS = 12
"""Mails that the operator leaves open, the newest."""
INBOX_PERIOD = 2.0
MAILCORE_TIMEOUT = 60.0


REFUSED = 3
"""The exit status of a refusal: an agent that is busy by now, say."""


class Unexpected(Exception):
    """A command that did not answer as it does, in words."""


def mailcore(*words: str, may_refuse: bool = False) -> Any:
    """One public command as the operator, its JSON; `Unexpected` where it fails, or says something else."""
    command = f"mailcore {words[0]}"
    try:
        done = subprocess.run(["mailcore", *words, "--json"], capture_output=True, text=True, timeout=MAILCORE_TIMEOUT)
        answer = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise Unexpected(f"{command}: {error}") from error
    if isinstance(answer, dict) and "error" in answer and not (may_refuse and done.returncode == REFUSED):
        raise Unexpected(f"{command}: {answer['error'].get('message', answer['error'])}")
    return answer


def is_letter(mail: dict[str, Any]) -> bool:
    """Unread, and no task: nothing else will wake the agent for it."""
    return mail.get("status") == "new" and not mail.get("auto_execute")


def rounds_so_far() -> dict[str, int]:
    """How many tasks each agent was given already: a story that begins again goes on where it stopped."""
    rounds = dict.fromkeys(TASKS, 0)
    for mail in mailcore("sent", "--from", "@operator", "--limit", str(REMEMBERED)):
        name, number = str(mail.get("to")).removeprefix("@"), re.search(r" #(\d+)$", str(mail.get("subject")))
        if name in rounds and number is not None:
            rounds[name] = max(rounds[name], int(number[1]))
    return rounds


def tidy() -> None:
    """Close all but the newest mail of the operator, who answers none of it: the mailbox stays short. A request for
    approval is the person's, until it lapses."""
    newest_last = sorted(mailcore("inbox", "@operator"), key=lambda mail: int(mail.get("seq") or 0))
    requests = [mail for mail in newest_last if "approval" in mail]
    mails = [mail for mail in newest_last if mail not in requests]
    over = [mail for mail in requests if "ack" in mail]
    if old := [str(mail["id"]) for mail in (*over, *mails[:-OPEN_MAILS])]:
        mailcore("close", "--from", "@operator", *old)


def _end_with(starter: ExitNotice) -> None:
    """End this process when the one that started it is over."""
    select.select([starter], [], [])
    os._exit(0)


def main(seed: int) -> None:
    """Rounds of tasks. An idle agent with mail is woken, as a timer would do it."""
    try:
        starter = exit_notice(os.getppid())
    except OSError:  # it is over
        return
    threading.Thread(target=_end_with, args=(starter,), name="starter", daemon=True).start()
    chance = random.Random(seed)
    rounds: dict[str, int] = {}
    due = {name: time.monotonic() + 0.4 * i for i, name in enumerate(TASKS)}
    while True:
        try:
            tidy()
            rounds = rounds or rounds_so_far()
            agents = {agent["name"].lower(): agent for agent in mailcore("agents")}
        except Unexpected as error:
            agents = {}
            print(error, flush=True)
        now = time.monotonic()
        for name, agent in agents.items():
            try:
                if name == "operator" or agent["busy"]:
                    continue
                if now >= due.get(name, float("inf")):
                    due[name] = now + 30 + chance.uniform(*TASK_PAUSE)
                    rounds[name] += 1
                    subject = f"{chance.choice(TASKS[name])} #{rounds[name]}"
                    mailcore(
                        "dispatch", "--from", "@operator", f"@{name}", subject, "As usual. Thank you.", may_refuse=True
                    )
                elif agent["unread"] and any(is_letter(mail) for mail in mailcore("inbox", f"@{name}")):
                    mailcore("wake", "--from", "@operator", f"@{name}", may_refuse=True)
            except Unexpected as error:
                print(f"@{name}: {error}", flush=True)
        time.sleep(INBOX_PERIOD)


if __name__ == "__main__":
    main(int(sys.argv[1]))
