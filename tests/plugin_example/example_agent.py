"""The agent program itself: it notes what it does in its session file, and prints one object at its end."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """`prax-example SESSION PROMPT`."""
    session, prompt = sys.argv[1:3]
    home = Path(os.environ.get("EXAMPLE_HOME") or Path.home() / ".prax-example")
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"{session}.jsonl").open("a") as file:
        work = f"read {len(prompt)} characters"
        for did in ({"cwd": str(Path.cwd())}, {"did": work}, {"did": "the work", "tokens": 42}):
            file.write(json.dumps({"at": time.time(), **did}) + "\n")
    print(json.dumps({"outcome": "done", "text": "all of it is done"}))


if __name__ == "__main__":
    main()
