"""The `mailcore` command. Each verb lies in a module that is imported when the verb is used."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from mailcore.cli import output

GROUPS = {
    "Mail": {
        "send": ("mail", "mail: send @a… SUBJECT BODY (BODY - reads standard input; @all is everyone)"),
        "inbox": ("mail", "open mail, newest first: inbox [@a]; looking is not reading"),
        "read": ("mail", "read messages, or what you sent: read ID…|latest"),
        "view": ("mail", "the same as read: view ID…|latest"),
        "thread": ("thread", "all mails that answer each other, with their texts: thread ID"),
        "sent": ("thread", "what you sent, newest first, and what became of it: sent [--limit N]"),
        "unsend": ("unsend", "take back what waits in your outbox (send --undo-for 10s): unsend [ID] [--list]"),
        "reply": ("mail", "answer and close a message: reply ID BODY"),
        "forward": ("mail", "pass a message on: forward ID @a… [NOTE]"),
        "close": ("mail", "archive messages: close ID…, or all of yours: close --all"),
        "search": ("search", "find mail by its words, open and archived: search WORDS… [--agent @a] [--since 2h]"),
        "archive": ("archive", "closed mail: archive [list | search TEXT | restore ID]"),
        "trace": ("history", "where a message stands, with times: trace ID"),
        "watch": ("wait", "stream mail events as they come: watch [--jsonl]"),
        "topic": ("topic", "what agents subscribe to: topic create|subscribe|unsubscribe|publish|list|show NAME …"),
        "feedback": ("feedback", "write to another project's orchestrator: feedback PROJECT SUBJECT BODY [--issue]"),
    },
    "Answers to a task": {
        "ack": ("answer", "take a message on: ack ID"),
        "done": ("answer", 'say that a task is done: done ID "deployed at …"'),
        "blocked": ("answer", 'say what a task waits for: blocked ID "need X first"'),
        "declined": ("answer", 'say why a task will not be done: declined ID "why"'),
        "escalate": ("answer", 'hand a message up, or tasks that conflict: escalate ID [OTHER…] "why"'),
        "accept": ("answer", "be content with what was done: accept ID [--commit] [--merge|--pr] [--checks]"),
        "reopen": ("answer", 'dispatch it again, in its thread: reopen ID "why"'),
        "ask": ("answer", "ask for approval: ask @operator SUBJECT BODY --tier N"),
        "approve": ("answer", 'the approver grants a request: approve ID "why"'),
        "deny": ("answer", 'the approver refuses a request: deny ID "why"'),
        "wait": (
            "wait",
            "block until messages are answered: wait ID… [--all] [--for reply|done|approval] [--timeout S]; or --any",
        ),
    },
    "Dispatch": {
        "dispatch": ("dispatch", "mail a task and wake the agents: dispatch @a… SUBJECT BODY"),
        "tasks": ("history", "what nobody has answered yet, tasks, requests, urgent questions: tasks [@a]"),
        "review": ("review", "another agent audits what a run did, and says what it found: review @a|RUN [--by @b]"),
        "wake": ("dispatch", 'start an idle agent: wake @a ["what it is to do"]'),
        "kill": ("dispatch", "end a run and its whole process tree: kill @a|RUN"),
        "retry": ("dispatch", "run the last task once more, or go on now that waits for a limit: retry @a|RUN"),
        "runs": ("dispatch", "runs, newest first: runs [@a]"),
        "run": ("dispatch", "a run's story on one page, as Markdown: run RUN|@a"),
        "hold": ("dispatch", "nothing starts, mail arrives: hold @a|--all [WHY]"),
        "release": ("dispatch", "let it start again, with what waited: release @a|--all"),
        "queue": ("queue", "starts that wait, and for what: queue [cancel ID|move ID first|now ID]"),
    },
    "Workspace": {
        "init": ("workspace", "make a workspace: init [DIR] --agent writer=agents/writer …"),
        "agents": ("workspace", "who takes part, who works, who is there, and how their mail stands"),
        "agent": ("agent", "change who takes part: agent add NAME=PATH · adopt DIR|SESSION · remove @a"),
        "config": ("config", "every setting and where it comes from; what one means: config [--explain KEY]"),
        "trust": ("trust", "follow what a config from elsewhere starts: trust [--show|--revoke]"),
        "operator": ("trust", "the proof that you are the operator: operator passphrase|off"),
        "whoami": ("workspace", "who mailcore takes the caller for (--explain: why)"),
        "away": ("workspace", "the operator is away: away [UNTIL]; back: away --back"),
        "logs": ("logs", "what agents' programs logged and printed: logs [@a…] [--errors] [--grep RE] [--follow]"),
        "errors": ("errors", "errors that repeat, and whose they are: errors [show|resolve|mute|investigate ID]"),
        "history": ("history", "every send, transition, run and act: history [--since 2h]"),
    },
    "Other hosts": {
        "link": ("link", "this project on several hosts: link serve | invite HOST | join TOKEN | run | status | …"),
    },
    "Agents' programs": {
        "attach": ("attach", "go on yourself in an agent's last session, at this terminal: attach @a"),
        "permission": ("permission", "what a program asks for first: permission [allow ID [--always] | deny ID WHY]"),
        "hooks": ("hooks", "what a program tells at each step: hooks install|status|remove [@a|--all] | plugin"),
        "mcp": (
            "mailcore.mcp.verb",
            "serve these verbs over MCP, on standard input and output; its clients' keys: mcp key new @a",
        ),
        "limits": ("limits", "usage limits of the accounts, their resets, and who waits for them"),
        "usage": ("usage", "cost and tokens: usage [@a…] [--days N] [--by agent|task|day]"),
    },
    "Upkeep": {
        "completion": (
            "completion",
            "let a shell complete verbs, agents and message numbers: completion bash|zsh|fish",
        ),
        "lease": (
            "lease",
            "say which files you change, others are warned: lease [PATH…] [--for 1h] [--end]",
        ),
        "doctor": ("doctor", "check programs, hooks, sound, limits and rights, and say the fix"),
        "prune": ("archive", "remove archived mail, never unasked: prune --older 30d [--dry-run]"),
        "repair": ("archive", "recover mailboxes that cannot be read: repair [@a] [--dry-run]"),
    },
}
"""Heading → verb → its module and what it does, in the order in which `--help` lists them."""

VERBS = {verb: entry for verbs in GROUPS.values() for verb, entry in verbs.items()}

LEADING = {"--json": 1, "-C": 2, "--from": 2}
"""Options that may stand before the verb, with how many words each is."""

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 and SIGINT's number, as a shell says it."""

UNTIL_INTERRUPTED = ("watch", "logs", "attach", "mcp", "link")
"""Verbs of which Ctrl-C is the ordinary end."""


def usage_text() -> str:
    """What `mailcore --help` prints."""
    lines = [
        "usage: mailcore [-C DIR] VERB …   (--json with every verb; mailcore VERB --help says more, with examples)"
    ]
    for heading, verbs in GROUPS.items():
        lines += ["", f"{heading}:", *(f"  {verb:<9} {text}" for verb, (_, text) in verbs.items())]
    lines += [
        "",
        "At a terminal of your own, outside the agents' directories, you are @operator; whoami --explain says",
    ]
    lines += ["why. A script of yours says --from @operator, before or after the verb, and its mail is stamped so."]
    lines += ["The workspace is the one that -C DIR is in, else MAILCORE_ROOT's, else that of the working directory."]
    lines += ["Where a text is due it may begin with -; after -- nothing is an option."]
    lines += ["Exit status: 0 done, 2 usage, 3 refused, 4 failed, 5 a wait that timed out, 130 Ctrl-C."]
    return "\n".join(lines)


def _verb_first(words: list[str]) -> list[str]:
    """The verb, and then the options that stood before it."""
    at = 0
    while at < len(words) and (taken := LEADING.get(words[at].partition("=")[0])) is not None:
        at += 1 if "=" in words[at] else taken
    return [*words[at : at + 1], *words[:at], *words[at + 1 :]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb. Exit status: 0 done, 2 usage, 3 refused, 4 failed, 5 a `wait` that timed out, 130 Ctrl-C."""
    if os.getpid() == 1:
        from mailcore.system.pid1 import stay
        from mailcore.workspace.variables import SUPERVISES

        stay(SUPERVISES)
    if argv is None and sys.getfilesystemencoding() != "utf-8":
        from mailcore.system.python_child import restart_in_utf8

        restart_in_utf8()
    words = _verb_first(list(sys.argv[1:] if argv is None else argv))
    output.keep_standard_descriptors()
    if words[:1] == ["_complete"]:
        from pathlib import Path

        from mailcore.cli.completing import answer_shell

        answer_shell(Path(__file__).with_name("command_line.json"), words[1:])
        return 0
    if words[:1] == ["_lines"]:
        from mailcore.hooks.plugin_lines import main as write_plugin_lines

        return write_plugin_lines(words[1:])
    if words[:1] == ["help"] and len(words) > 1:
        words = [words[1], "--help"]
    if not words or words[0] in ("-h", "--help", "help"):
        output.print_stdout(usage_text().encode())
        return 0 if words else 2
    if words[0] in ("-V", "--version"):
        from importlib.metadata import version

        output.print_stdout(f"mailcore {version('praxmonitor')}".encode())
        return 0
    if os.environ.get("PYTHONPATH"):  # a project's own modules come after all that is imported from here on
        from mailcore.system.python_child import put_pythonpath_last

        put_pythonpath_last()
    # A command lives for milliseconds: looking for garbage while it imports and when it ends takes 9 of its 70.
    gc.set_threshold(100_000)
    try:
        from mailcore.cli.call import run_verb

        status = run_verb(words[0], VERBS.get(words[0], ("", ""))[0], words[1:])
    except KeyboardInterrupt:
        status = INTERRUPTED
        if output.is_seen() and words[0] not in UNTIL_INTERRUPTED:
            output.print_note(f"mailcore {words[0]}: stopped. What was done stays; say the same again to go on")
    finally:
        output.flush_stdout()
    gc.freeze()
    return status
