"""The program of an agent of `bench_fleet`: it takes a token, waits until it is due, and dispatches the next agent.

Called as `python fleet_agent.py PLAN`; the plan, a JSON file, is the bench's. Standard library alone, since it also
runs beside another checkout. Each thing it does is a line of the log: `exec`, `dispatch`, `done`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

BEGAN = time.time()


def log(path: str, **facts: object) -> None:
    """One line, in one write."""
    line = json.dumps({"by": os.environ["MAILCORE_AGENT"], **facts}).encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line)
    os.close(descriptor)


def main(plan_file: str) -> None:
    """One run."""
    print("up", flush=True)
    plan: dict[str, Any] = json.loads(Path(plan_file).read_text())
    found = re.search(r'message (\w+): "?token (\d+) hop (\d+) of (\w+)', os.environ["MAILCORE_PROMPT"])
    if found is None:
        log(plan["log"], event="wake", at=BEGAN)
        return
    message, token, hop, phase = found[1], int(found[2]), int(found[3]), found[4]
    log(plan["log"], event="exec", phase=phase, token=token, hop=hop, message=message, at=BEGAN)
    if phase == plan["phase"]:
        if plan["rate"]:
            time.sleep(max(0.0, plan["from"] + (hop * plan["tokens"] + token) / plan["rate"] - time.time()))
        if time.time() < plan["until"]:
            hand_on(plan, token, hop + 1)
    done = subprocess.run([plan["mailcore"], "done", message, "handed on"], capture_output=True)
    log(plan["log"], event="done", message=message, status=done.returncode, said=done.stderr.decode()[-200:])


def hand_on(plan: dict[str, Any], token: int, hop: int) -> None:
    """Dispatch the next agent; up to three times, since who is told that it failed tries again."""
    names: list[str] = plan["agents"]
    target = names[(names.index(os.environ["MAILCORE_AGENT"]) + 1) % len(names)]
    words = ["dispatch", target, f"token {token} hop {hop} of {plan['phase']}", "Go on.", "--queue", "--json"]
    for _ in range(3):
        at = time.time()
        said = subprocess.run([plan["mailcore"], *words], capture_output=True)
        answer = json.loads(said.stdout) if said.stdout.startswith(b"{") else {}
        facts = {"phase": plan["phase"], "token": token, "hop": hop, "to": target, "at": at}
        facts |= {"took": time.time() - at, "status": said.returncode, "queued": bool(answer.get("queued"))}
        facts |= {"message": answer.get("message_id", ""), "sent": answer.get("sent_id", "")}
        log(plan["log"], event="dispatch", **facts, said=(said.stderr or said.stdout).decode()[-300:])
        if answer.get("message_id"):
            return


if __name__ == "__main__":
    main(sys.argv[1])
