"""The one `sh` line that an agent's program runs at each event: it notes the event, and delivers the mail that waits.

POSIX sh; beyond it `head -c`, and `flock`, without which it appends unlocked, and `-nt` of `test`, which dash, bash and
busybox have. Exit status 0 and silence, save for the mail that it delivers, whatever the disk or the machine does.
"""

from __future__ import annotations

import shlex

from mailcore.model.agent import Agent
from mailcore.system.python_child import child

EVENTS = (
    "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest",
    "Notification", "SubagentStart", "SubagentStop", "PreCompact", "PostCompact", "Stop", "StopFailure", "SessionEnd",
)  # fmt: skip
"""Those that the screen knows (contract claude-code, "Hooks")."""

STAMPS = {"PostToolUse": ".ear.step", "SessionStart": ".ear.turn", "Stop": ".ear.turn"}
"""Events at which mail is delivered, and the file in the mail directory that bears the time of the mailbox then known.
"""

HOOK_MARK = ": mailcore hook made "
"""How each of our lines begins."""

MAX_EVENT = 128 * 1024
"""Bytes of an event that are noted: a larger one, mostly a tool's response, costs time and disk, and is cut there."""

TIMEOUT = 10
"""Seconds after which the program gives a hook up; 250 times what ours takes with mail waiting."""

# `ts` and the two equal numbers go around the event's own keys. One write that begins with a newline (${IFS#??}): a
# line that another writer left torn ends there. `tr` takes out what would end the line, so 64 bytes less are "full".
_NOTE = (
    r"{mark}{made}; b={branch}; f=$b/logs/hooks.jsonl; LC_ALL=C; {{ "
    r"e=$(head -c {longest} | tr -d '\r\n\000'); [ ${{#e}} -lt {full} ] || cat >/dev/null; "
    r"case $e in '{{'*) ;; *) exit 0;; esac; e=${{e#?}}; "
    r"t=$(date +%s.%N); case $t in *[!0-9.]*|*.) t=${{t%%.*}};; esac; "
    r'[ -d "$b/logs" ] || mkdir "$b/logs"; '
    r'if [ -f "$f" ] || [ ! -e "$f" ]; then {{ flock -w 1 9; printf %s '
    r'"${{IFS#??}}{{\"ts\":${{t:-0}},\"hook_pid\":$$,${{e%?}},\"hook_end\":$$}}${{IFS#??}}" >&9; }} 9>>"$f"; fi; '
    r"{delivery}}} 2>/dev/null; exit 0"
)

_DELIVERY = (
    r"m=$b/.ai_mail.local; i=$m/inbox.json; s=$m/{stamp}; "
    r'if [ -f "$i" ] && {{ [ ! -e "$s" ] || [ "$i" -nt "$s" ]; }}; then '
    r'printf %s "{{$e" | {program} {address} {branch} {root}; fi; '
)


def command(agent: Agent, event: str, made: str) -> str:
    """The line for one event of EVENTS. `made`, one of `settings.MADE`, is kept in it for when it is removed."""
    branch = shlex.quote(str(agent.branch))
    delivery = ""
    if event in STAMPS:
        delivery = _DELIVERY.format(
            stamp=STAMPS[event],
            program=shlex.join(child("mailcore.hooks.deliver")),
            address=shlex.quote(agent.address),
            branch=branch,
            root=shlex.quote(str(agent.root)),
        )
    return _NOTE.format(
        mark=HOOK_MARK, made=made, branch=branch, longest=MAX_EVENT, full=MAX_EVENT - 64, delivery=delivery
    )
