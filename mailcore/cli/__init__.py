"""The `mailcore` command. Each verb lies in a module that is imported when the verb is used."""

from __future__ import annotations

import sys
from collections.abc import Sequence

VERBS = {
    "init": ("workspace", "make a workspace: init [DIR] --agent writer=agents/writer …"),
    "agents": ("workspace", "who takes part, and how their mail stands"),
    "whoami": ("workspace", "who mailcore takes the caller for (--explain: why)"),
    "doctor": ("doctor", "check programs, hooks, sound, limits and rights, and say the fix"),
    "send": ("mail", "mail: send @a… SUBJECT BODY (BODY - reads standard input)"),
    "inbox": ("mail", "open mail, newest first: inbox [@a]; looking is not reading"),
    "read": ("mail", "read messages: read ID…"),
    "reply": ("mail", "answer and close a message: reply ID BODY"),
    "close": ("mail", "archive messages: close ID…"),
    "dispatch": ("dispatch", "mail a task and wake the agents: dispatch @a… SUBJECT BODY"),
    "wake": ("dispatch", "start an idle agent: wake @a"),
    "kill": ("dispatch", "end a run and its whole process tree: kill @a|RUN"),
    "retry": ("dispatch", "run the last task once more: retry @a|RUN"),
    "runs": ("dispatch", "runs, newest first: runs [@a]"),
}

USAGE = "usage: mailcore VERB …   (--json with every verb; mailcore VERB --help)\n\n" + "\n".join(
    f"  {verb:<9} {text}" for verb, (_, text) in VERBS.items()
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb. Exit status: 0 done, 2 usage, 3 refused, 4 failed."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0 if words else 2
    if words[0] in ("-V", "--version"):
        from importlib.metadata import version

        print(f"mailcore {version('praxmonitor')}")
        return 0
    if words[0] not in VERBS:
        print(f"mailcore: no verb {words[0]!r}\n\n{USAGE}", file=sys.stderr)
        return 2
    from mailcore.cli.call import run

    return run(words[0], VERBS[words[0]][0], words[1:])
