"""A stand-in for Claude Code, as far as AIPass's dispatch and ours look at it: a program `claude` of its own.

Its transcript grows, it writes a line of the file `started` in its directory, and ends with the code in the file `go`,
as soon as there is one, and a result object. With a file `daemonise` there, it leaves a daemon behind.
"""

import json
import os
import re
import subprocess
import sys
import threading
import uuid
from pathlib import Path


def main(words: list[str]) -> int:
    named = [words[words.index(flag) + 1] for flag in ("--session-id", "--resume") if flag in words]
    transcripts = Path.home() / ".claude" / "projects" / re.sub(r"[/\\:_.]", "-", str(Path.cwd()))
    transcripts.mkdir(parents=True, exist_ok=True)
    session = [*named, *(path.stem for path in transcripts.glob("*.jsonl")), str(uuid.uuid4())][0]
    with (transcripts / f"{session}.jsonl").open("a") as transcript:
        transcript.write(json.dumps({"type": "user", "sessionId": session}) + "\n")
    if Path("daemonise").exists():
        subprocess.run(["setsid", "sh", "-c", "(sleep 600 > /dev/null 2>&1 &)"], check=True)
    with Path("started").open("a") as started:
        started.write(json.dumps({"pid": os.getpid(), "prompt": words[words.index("-p") + 1]}) + "\n")
    while not Path("go").exists():
        threading.Event().wait(0.05)
    code = int(Path("go").read_text() or 0)
    result = {
        "type": "result",
        "subtype": "error_during_execution" if code else "success",
        "is_error": code != 0,
        "api_error_status": None,
        "result": "broke" if code else "did the work",
        "total_cost_usd": 0.0123,
        "num_turns": 3,
        "usage": {"output_tokens": 42},
        "session_id": session,
    }
    print(json.dumps(result))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
