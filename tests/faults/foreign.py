"""Another program that writes mail as AIPass does, by the standard library alone: `python foreign.py INBOX`.

flock on `.inbox.lock`, read, rewrite in place with open("w"), no fsync (contract sections 0.1 and 2), until its
standard input is closed. Says each subject that it wrote.
"""

import fcntl
import json
import select
import sys
import uuid
from pathlib import Path

inbox = Path(sys.argv[1])
n = 0
while not select.select([sys.stdin], [], [], 0.005)[0]:
    subject = f"foreign-{n}"
    with open(inbox.with_name(".inbox.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(inbox, encoding="utf-8") as file:
            document = json.load(file)
        mail = {"id": str(uuid.uuid4())[:8], "from": "@x", "subject": subject, "message": "f" * 600, "status": "new"}
        document["messages"].insert(0, mail)
        document["total_messages"] += 1
        document["unread_count"] += 1
        with open(inbox, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2, ensure_ascii=False)
    print(subject, flush=True)
    n += 1
