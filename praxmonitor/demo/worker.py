"""What a demo agent can do: run mailcore, use tools (and say so in hook events), log, remember. Only public means."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from mailcore.formats.timestamps import aipass_time, registry_date
from mailcore.system.writing import replace
from mailcore.text.units import iso

TOOLS = (
    ("Read", "file_path", ("notes/interviews.md", "data/2025.csv", "src/search.py", "docs/outline.md")),
    ("WebSearch", "query", ("prior art since 2019", "open benchmarks", "what users complain about", "price lists")),
    ("Grep", "pattern", ("def rank\\(", "deadline", "class Index", "licence")),
    ("Bash", "description", ("Run the tests", "Count the rows", "List what changed", "Build the docs")),
    ("Edit", "file_path", ("notes.md", "src/search.py", "docs/outline.md", "summary.md")),
)


class Worker:
    """One attempt of one agent, in its branch (the working directory)."""

    def __init__(self, seed: str) -> None:
        self.branch = Path.cwd()
        passport = json.loads((self.branch / ".trinity/passport.json").read_text(encoding="utf-8"))
        self.name = str(passport["branch_info"]["branch_name"])
        self.role = str(passport["identity"]["role"]).split(":")[0]
        self.traits = [str(trait) for trait in passport["identity"]["traits"]]
        sessions = self.memory.get("sessions") or [{"number": 0}]
        self.random = random.Random(f"{seed} {self.name} {sessions[0]['number']}")
        """Of each session its own: else every one does the same."""
        self.session = str(uuid.uuid4())

    def mailcore(self, *words: str) -> Any:
        """One public command, its JSON. An error ends the agent, as it would a careless program."""
        done = subprocess.run(["mailcore", *words, "--json"], capture_output=True, text=True)
        # Refused, come to another end than was hoped for, timed out: these are answers.
        if done.returncode not in (0, 3, 5) and not (words[0] == "wait" and done.returncode == 4):
            raise SystemExit(f"mailcore {words[0]}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def hook(self, event: str, **fields: Any) -> None:
        """One hook event, as Claude Code's hooks write it."""
        record = {
            "session_id": self.session,
            "cwd": str(self.branch),
            "hook_event_name": event,
            "timestamp": iso(time.time()),
            **fields,
        }
        with (self.branch / "logs/hooks.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def log(self, level: str, text: str, more: Sequence[str] = ()) -> None:
        """One line of the agent's log, in AIPass's form, and `more` that belongs to it."""
        with (self.branch / f"logs/{self.name}.log").open("a", encoding="utf-8") as file:
            file.write(f"{aipass_time(datetime.now())} - captured_{self.name} - {level} - {text}\n")
            file.writelines(f"{each}\n" for each in more)

    def say(self, text: str) -> None:
        """Standard output: the supervisor's sign of life."""
        print(text, flush=True)

    def use_tool(self, seconds: float) -> None:
        """One tool call of about this length."""
        name, key, choices = self.random.choice(TOOLS)
        call = {
            "tool_name": name,
            "tool_input": {key: self.random.choice(choices)},
            "tool_use_id": f"toolu_{uuid.uuid4().hex[:12]}",
        }
        self.hook("PreToolUse", **call)
        time.sleep(seconds * self.random.uniform(0.6, 1.4))
        self.hook("PostToolUse", **call, tool_response={}, duration_ms=int(seconds * 1000))

    def work(self, steps: int, what: str) -> None:
        """Paced work: tools, pauses to think, a log line each."""
        for step in range(1, steps + 1):
            self.use_tool(self.random.uniform(0.8, 2.2))
            self.log("INFO", f"{what}: step {step} of {steps}")
            self.say(f"{what}: step {step} of {steps}")
            time.sleep(self.random.uniform(0.2, 0.8))

    @property
    def memory(self) -> dict[str, Any]:
        """`local.json`, the agent's memories."""
        memory: dict[str, Any] = json.loads((self.branch / ".trinity/local.json").read_text(encoding="utf-8"))
        return memory

    def remember(self, summary: str, **facts: Any) -> None:
        """Put a session on top of the memories, and facts beside it."""
        memory = self.memory | facts
        sessions = memory.get("sessions", [])
        entry: dict[str, Any] = {
            "number": sessions[0]["number"] + 1 if sessions else 1,
            "date": registry_date(datetime.now()),
            "summary": summary,
            "status": "completed",
            "tags": [],
        }
        memory["sessions"] = [entry, *sessions][:10]
        replace(self.branch / ".trinity/local.json", json.dumps(memory, indent=2, ensure_ascii=False).encode())

    def fail(self, text: str, code: int) -> None:
        """Die as programs do: a word on standard error, an exit code."""
        self.say(text.splitlines()[-1])
        print(text, file=sys.stderr, flush=True)
        raise SystemExit(code)
