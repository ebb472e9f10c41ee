"""What `mailcore VERB --help` says at its end: exit statuses where they are special, and examples.

Each example is a command line that the verb accepts, its comment after it.
"""

from __future__ import annotations

ORDINARY = "0 done, 2 usage, 3 refused, 4 failed"

STATUSES = {
    "send": f"{ORDINARY} (one could not be reached: what became of each is said)",
    "dispatch": f"{ORDINARY}; 3 too where one is busy: its mail is delivered, and with --queue that is 0",
    "review": f"{ORDINARY}; 3 too where the reviewer is busy: its mail is delivered all the same",
    "reopen": f"{ORDINARY}; 3 too where the agent is busy: its mail is delivered all the same",
    "wait": (
        "0 each that settled came to what was waited for (done, or a run that ended well; without --for any answer),\n"
        "2 usage, 3 refused, 4 one came to another end (blocked, declined, denied, bounced, killed), 5 timed out"
    ),
    "wake": f"{ORDINARY}; 3 with code busy if it works already",
    "queue": f"{ORDINARY}; 3 too of `now` where it waits on: it is the next of its agent",
    "kill": "0 nothing of it is left, 2 usage, 3 refused (nothing runs), 4 a process could not be ended",
    "config": "0 done, 2 usage: the file has faults, and all of them are said; or no such KEY",
    "hooks": f"{ORDINARY} (one could not be done; the others are)",
    "doctor": "0 all in order, 4 something is to mend",
    "logs": f"{ORDINARY}; 130 after Ctrl-C, which ends --follow",
    "watch": "130 after Ctrl-C, which ends it",
}

EXAMPLES = {
    "send": (
        'mailcore send @writer @editor "Style" "British spelling, please."',
        'mailcore send @writer "Style" "And no jokes." --reply-to 12',
        'mailcore send @all "Freeze" - --priority high   # the body from standard input',
        'mailcore send @writer "Style" "British." --undo-for 30s   # until then `mailcore unsend` takes it back',
    ),
    "inbox": ("mailcore inbox", "mailcore inbox @writer"),
    "read": ("mailcore read 12", "mailcore read 5b22 c81f9a30", "mailcore read latest"),
    "view": ("mailcore view 12", "mailcore view latest"),
    "thread": ("mailcore thread 12",),
    "sent": ("mailcore sent", "mailcore sent --limit 5"),
    "unsend": ("mailcore unsend", "mailcore unsend 5b22c81f", "mailcore unsend --list"),
    "reply": ('mailcore reply 12 "Yes, both."',),
    "forward": ('mailcore forward 12 @editor "Can you take this?"',),
    "close": ("mailcore close 12 13", "mailcore close --all"),
    "search": (
        "mailcore search invoice may",
        "mailcore search deploy --agent @writer --since 7d --open",
    ),
    "archive": (
        "mailcore archive search invoice",
        "mailcore archive restore 5b22",
        "mailcore archive list --of @writer",
    ),
    "trace": ("mailcore trace 12",),
    "watch": ("mailcore watch", "mailcore watch --jsonl"),
    "topic": (
        'mailcore topic create release --about "what was released" --schema release.json --retain 3',
        "mailcore topic subscribe release",
        "mailcore topic publish release 1.2 --data release-1.2.json",
        'mailcore topic publish "#news" "Tomorrow" "The server is moved at ten."',
        "mailcore topic list",
        "mailcore topic show release",
    ),
    "feedback": ('mailcore feedback ../other "A bug" "The parser drops tabs." --issue',),
    "ack": ("mailcore ack 12",),
    "done": ('mailcore done 12 "deployed at 14:02"', "mailcore done 12 -   # the result from standard input"),
    "blocked": ('mailcore blocked 12 "need the key of the test server first"',),
    "declined": ('mailcore declined 12 "not mine: @editor does releases"',),
    "escalate": (
        'mailcore escalate 12 "too big for me"',
        'mailcore escalate 12 13 "one says tabs, the other spaces"   # none of them starts until it is chosen',
    ),
    "accept": ("mailcore accept 12", "mailcore accept 12 --checks", "mailcore accept 12 --commit --merge"),
    "reopen": (
        'mailcore reopen 12 "the second half is missing"',
        'mailcore reopen 15 "mend these"   # 15 answers a review: what it found goes to whose work it was of',
    ),
    "ask": ('mailcore ask @operator "Spend 20 dollars" "For the load test." --tier 2',),
    "approve": (
        'mailcore approve 12 "up to 20 dollars"',
        'mailcore approve 12 "spaces" --choose 13   # of the tasks that conflict',
    ),
    "deny": ('mailcore deny 12 "not this month"',),
    "wait": (
        "mailcore wait 12 --for done && ./deploy",
        "mailcore wait 12 13 --all --timeout 600",
        "mailcore wait --any   # mail, or the end of a run that you asked for",
    ),
    "dispatch": (
        'mailcore dispatch @writer "Release notes" "Write them from git log."',
        'mailcore dispatch @writer "Hotfix" "The login fails." --priority high',
        'mailcore dispatch @writer "Chapter 3" "Go on." --resume --model small',
        'mailcore dispatch @all "Status" "Say where you stand, in three lines."',
        'mailcore dispatch @writer "Report" - --expect "a file report.md"   # the body from stdin',
    ),
    "tasks": ("mailcore tasks", "mailcore tasks @writer"),
    "wake": (
        "mailcore wake @writer",
        'mailcore wake @writer "Go on with the report."',
        "mailcore wake --from @operator @writer --if-mail",
    ),
    "kill": ("mailcore kill @writer",),
    "retry": ("mailcore retry @writer", "mailcore retry @writer --mode fresh", "mailcore retry @writer --account work"),
    "runs": ("mailcore runs", "mailcore runs @writer"),
    "run": ("mailcore run @writer   # its last run",),
    "review": (
        "mailcore review @writer --by @editor   # its last run",
        "mailcore review 20261129T060136_000001-5b22c81f   # of that run, by the orchestrator",
    ),
    "errors": (
        "mailcore errors",
        "mailcore errors show 3f2a91c07d4e   # its text, where, which runs, what was done; its first letters do",
        'mailcore errors resolve 3f2a91c07d4e "the price list is read whole"',
        "mailcore errors mute 3f2a91c07d4e --minutes 60",
        "mailcore errors investigate 3f2a91c07d4e   # start its agent to look at it now",
    ),
    "hold": ('mailcore hold @writer "until the review"', "mailcore hold --all"),
    "release": ("mailcore release @writer", "mailcore release --all"),
    "queue": (
        "mailcore queue",
        "mailcore queue cancel 5b22c81f",
        "mailcore queue move 5b22c81f first   # or up, down, last, a number",
        "mailcore queue now 5b22c81f   # the next of its agent; at once, where nothing is in its way",
    ),
    "init": (
        "mailcore init . --agent writer=agents/writer --agent coder=agents/coder",
        'mailcore init . --agent writer=agents/writer --role "technical writer" --purpose "keeps docs/ true"',
        'mailcore init . --agent writer=a/writer --agent coder=a/coder --role writer="technical writer"',
    ),
    "agents": ("mailcore agents", "mailcore agents --json"),
    "lease": (
        'mailcore lease src/web README.md --for 2h --why "the new login"',
        "mailcore lease   # who has what",
        "mailcore lease --end src/web",
    ),
    "agent": (
        "mailcore agent add editor=agents/editor",
        "mailcore agent add writer --worktree",
        "mailcore agent adopt ../site-fix --name fixer",
        "mailcore agent remove @editor",
    ),
    "config": ("mailcore config", "mailcore config --explain alarms.repeat", "mailcore config --explain sound"),
    "whoami": ("mailcore whoami --explain",),
    "trust": ("mailcore trust --show", "mailcore trust"),
    "operator": ("mailcore operator passphrase", "mailcore operator off"),
    "away": ('mailcore away "Monday"', "mailcore away --back"),
    "logs": (
        "mailcore logs @writer --errors --since 2h",
        "mailcore logs --all --grep 'timeout|refused' -n 20",
        "mailcore logs --follow --jsonl   # your own branch's, until Ctrl-C",
    ),
    "history": ("mailcore history --since 2h",),
    "link": (
        "mailcore link serve --host alpha   # the first time it makes the link, whose hub this host is",
        "mailcore link invite beta   # prints a token, good once, for a day",
        "mailcore link join -   # on the other host; the token comes by standard input, or is asked for",
        "mailcore link join ssh://me@alpha/srv/project --host beta   # both at once, and reached by ssh from then on",
        "mailcore link run",
        "mailcore link status --json",
        "mailcore link revoke beta",
        "mailcore link doctor",
    ),
    "attach": ("mailcore attach @writer",),
    "hooks": (
        "mailcore hooks install --all",
        "mailcore hooks status @writer",
        "mailcore hooks plugin   # the directory to name to the agent's program as a marketplace",
    ),
    "mcp": (
        "mailcore mcp   # in an agent's directory; its MCP client starts it",
        "mailcore mcp key new @lead   # shown only now: into a file that only you can read",
        "mailcore mcp key new @operator --may inbox,read,approve",
        "mailcore mcp key list",
        "mailcore mcp key revoke 5b22c81f",
    ),
    "permission": ("mailcore permission", "mailcore permission allow 1a2b --always"),
    "limits": ("mailcore limits", "mailcore limits --json"),
    "usage": ("mailcore usage --days 30 --by task", "mailcore usage @writer"),
    "completion": (
        'mailcore completion bash   # eval "$(mailcore completion bash)" in ~/.bashrc',
        "mailcore completion fish",
    ),
    "doctor": ("mailcore doctor", "mailcore doctor --live   # mail is sent, and has to come back"),
    "prune": ("mailcore prune --older 30d --dry-run",),
    "repair": ("mailcore repair --dry-run", "mailcore repair @writer"),
}


def epilog(verb: str) -> str:
    """The end of a verb's help."""
    statuses = STATUSES.get(verb, ORDINARY).replace("\n", "\n  ")
    return "\n".join(["exit status:", f"  {statuses}", "", "examples:", *(f"  {line}" for line in EXAMPLES[verb])])
