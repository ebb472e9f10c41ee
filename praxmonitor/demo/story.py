"""`python -m praxmonitor.demo.story SEED`: the operator of the demo. Gives out tasks, round after round, until ended.

It runs in the workspace and uses only public mailcore commands. It ends with the process that started it.
"""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import sys
import threading
import time
from typing import Any

from mailcore.system.process import ExitNotice
from mailcore.system.processes import exit_notice

TASKS = {
    "editor": ("Report on heat pumps", "Report on sleep trackers", "Report on cargo bikes", "Report on e-ink"),
    "planner": ("Plan: faster search", "Plan: dark mode", "Plan: offline sync", "Plan: new importer"),
    "importer": ("Import the customer list", "Import last year's orders"),
    "indexer": ("Rebuild the index", "Compact the index"),
    "release": ("Ship version 1.4", "Ship the hotfix", "Ship the beta"),
}
REST = (15.0, 40.0)
"""Seconds between the end of a task and the next one for that agent."""
LOOK = 2.0


def mailcore(*words: str) -> Any:
    """One public command as the operator, its JSON."""
    done = subprocess.run(["mailcore", *words, "--json"], capture_output=True, text=True)
    return json.loads(done.stdout)


def is_letter(mail: dict[str, Any]) -> bool:
    """Unread, and no task: nothing else will wake the agent for it."""
    return mail.get("status") == "new" and not mail.get("auto_execute")


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
    rounds = dict.fromkeys(TASKS, 0)
    due = {name: time.monotonic() + 0.4 * i for i, name in enumerate(TASKS)}
    while True:
        agents = {agent["name"].lower(): agent for agent in mailcore("agents")}
        now = time.monotonic()
        for name, agent in agents.items():
            if name == "operator" or agent["busy"]:
                continue
            if now >= due.get(name, float("inf")):
                rounds[name] += 1
                subject = f"{chance.choice(TASKS[name])} #{rounds[name]}"
                mailcore("dispatch", "--from", "@operator", f"@{name}", subject, "As usual. Thank you.")
                due[name] = now + 30 + chance.uniform(*REST)
            elif agent["unread"] and any(is_letter(mail) for mail in mailcore("inbox", f"@{name}")):
                mailcore("wake", "--from", "@operator", f"@{name}")
        time.sleep(LOOK)


if __name__ == "__main__":
    main(int(sys.argv[1]))
