"""The `sh` lines that an agent's program runs at its events: one notes the event and delivers the mail that waits, one
sleeps beside an idle session until mail comes.

POSIX sh; beyond it `head -c`, and `flock`, without which it appends unlocked and rotates nothing, and `-nt` and `-ef`
of `test`, which dash, bash and busybox have. Exit status 0 and silence, save for the mail that it delivers, whatever
the disk or the machine does.
"""

from __future__ import annotations

import shlex
from enum import StrEnum
from typing import Any, NamedTuple

from mailcore.mail.bell import SUFFIX, WAITING
from mailcore.model.agent import Agent
from mailcore.permissions.store import MAX_REQUEST, PERMISSIONS
from mailcore.programs.base import Hooks
from mailcore.programs.hook_lines import DECIDED
from mailcore.system.python_child import child
from mailcore.workspace.presence import WATCHER_ENDING, WATCHERS
from mailcore.workspace.variables import RUN_ID

STAMPS = {"PostToolUse": ".ear.step", "SessionStart": ".ear.start", "Stop": ".ear.turn"}
"""Events at which mail is delivered, and the file in the mail directory that bears the time of the mailbox in which
nothing was found then.
"""

WAIT_EVENTS = ("SessionStart", "Stop")
"""Events after which a session may sit idle."""

PERMISSION_REQUEST = "PermissionRequest"
"""The event at which the operator is asked."""
SETTLING = (
    PERMISSION_REQUEST,
    "PostToolUse",
    "PostToolUseFailure",
    "Stop",
    "StopFailure",
    "UserPromptSubmit",
    "SessionEnd",
)
"""Events that may say that what was asked was answered at the program's own terminal."""

HOOK_MARK = ": mailcore hook made "
"""How each of our lines begins."""

MAX_EVENT = 128 * 1024
"""Bytes of an event that are noted: a larger one, mostly a tool's response, costs time and disk, and is cut there."""

ROTATE_EVENTS = ("SessionStart", "Stop")
"""Events at which the noted events are looked at, and begun anew where they are too many: each is another process."""
ROTATE_BLOCKS = 16 * 1024 * 2
"""Blocks of 512 bytes, 16 MB, after which they are; what was before stays beside it until the next time."""

TIMEOUT = 10
"""Seconds after which the program gives a hook up; 250 times what ours takes with mail waiting."""
SLEEPER_PERIOD = 60
"""Seconds after which what sleeps beside a session looks whether that is there."""
LONGEST_WAIT = 30 * 86400
"""Seconds for which one sleeps beside an idle session at most: a month."""
LEAVING = 10
"""Seconds in which a sleeper that was rung finds that its program is gone, and goes."""

_TOOLS = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest")


class HookRole(StrEnum):
    """What an entry of ours is for."""

    NOTE = "note"
    """It notes the event, and delivers mail; of a request for permission it also has it decided."""
    SLEEP = "sleep"
    """It sleeps beside the session until mail comes."""


class HookEntry(NamedTuple):
    """One entry of ours in a program's settings."""

    event: str
    role: HookRole = HookRole.NOTE


def hook_entries(hooks: Hooks) -> tuple[HookEntry, ...]:
    """All that are put into the settings of a program."""
    sleepers = WAIT_EVENTS if _wakes(hooks) else ()
    return (*map(HookEntry, hooks.events), *(HookEntry(event, HookRole.SLEEP) for event in sleepers))


def _wakes(hooks: Hooks) -> bool:
    """True if an idle session of the program can be woken."""
    return hooks.rewakes or hooks.queue is not None


# `ts` and the two equal numbers go around the event's own keys. One write that begins with a newline (${IFS#??}): a
# line that another writer left torn ends there. `tr` takes out what would end the line, so 64 bytes less are "full".
_NOTE = (
    r"{mark}{made}; b={branch}; f=$b/logs/hooks.jsonl; LC_ALL=C; {{ "
    r"e=$(head -c {longest} | tr -d '\r\n\000'); [ ${{#e}} -lt {full} ] || cat >/dev/null; "
    r"case $e in '{{'*) ;; *) exit 0;; esac; {policy}e=${{e#?}}; "
    r"t=$(date +%s.%N); case $t in *[!0-9.]*|*.) t=${{t%%.*}};; esac; "
    r'[ -d "$b/logs" ] || mkdir "$b/logs"; '
    r'if [ -f "$f" ] || [ ! -e "$f" ]; then for n in 1 2; do {{ flock -w 1 9; l=$?; '
    r'[ $n = 2 ] || [ "$f" -ef /dev/fd/9 ] || continue; printf %s '
    r'"${{IFS#??}}{{\"ts\":${{t:-0}},\"hook_pid\":$$,{decided}${{e%?}},\"hook_end\":$$}}${{IFS#??}}" >&9; '
    r'{rotate}break; }} 9>>"$f"; done; '
    r"fi; {delivery}}} 2>/dev/null; exit 0"
)
# Under the lock; who waited for it meanwhile finds that the file has another name, and opens the new one.
_ROTATE = r'[ $l != 0 ] || [ -d "$f.1" ] || [ -z "$(find "$f" -size +{blocks})" ] || mv -f "$f" "$f.1"; '

_DELIVERY = (
    r"m=$b/.ai_mail.local; i=$m/inbox.json; s=$m/{stamp}; "
    r'if [ -f "$i" ] && {{ [ ! -e "$s" ] || [ "$i" -nt "$s" ]; }}; then '
    r'printf %s "{{$e" | {program} {address} {branch} {root}; fi; '
)

# One sleeper a session: it holds the lock, in which the program stands. That of another program than this one was
# killed, or goes on beside it: it is rung, and its place taken if it goes. A sleeper wakes those of the agent's other
# sessions, as one that was killed told nobody. The pipe is open for reading and writing, so nothing that is rung is
# lost, and it never ends. For what is due later it sleeps no longer than that. What it says on standard error is what
# the agent is given; exit status 2 wakes the session with it.
_WAIT = (
    r'{mark}{made}; [ -z "${run}" ] || exit 0; {attended}b={branch}; LC_ALL=C; m=$b/.ai_mail.local; w=$m/{waiting}; '
    r"e=$(head -c 65536 | tr -d '\r\n\000'); p=$PPID; {session}; {begin}"
    r'l=$w/$s.lock; {{ [ -d "$m" ] && {{ [ -d "$w" ] || mkdir -p "$w"; }} && exec 9>>"$l" && '
    r'{{ flock -n 9 || {{ read -r x <"$l"; echo "$p" >"$l"; [ "$x" != "$p" ] && '
    r'{{ [ ! -p "$w/$s{suffix}" ] || echo 1<>"$w/$s{suffix}"; }} && flock -w {leaving} 9 && exec 9>>"$l" && '
    r'flock -n 9; }}; }} && echo "$p" >"$l" || exit 0; '
    r'for o in "$w"/*{suffix}; do [ ! -p "$o" ] || echo 1<>"$o"; done; '
    r'rm -f "$w/$s{suffix}"; mkfifo -m 600 "$w/$s{suffix}" && exec 8<>"$w/$s{suffix}" || exit 0; }} 2>/dev/null; '
    r"{until_rung}"
    r'i=$m/inbox.json; t=$m/{stamp}; if [ -e "$t" ] && ! [ "$i" -nt "$t" ]; then z; fi; '
    r"while :; do "
    r'q=$(printf %s "$e" | {program} {address} {branch} {root} {name} "$p"); r=$?; '
    r"case $r in 0) z;; 4) {{ command -v timeout >/dev/null && "
    r'timeout "$q" head -c 1 <&8 9>&- >/dev/null || [ $? = 124 ] || sleep "$q"; }} 2>/dev/null;; '
    r'2) rm -f "$w/$s{suffix}" "$l"; exit 2;; *) rm -f "$w/$s{suffix}" "$l"; exit 0;; esac; '
    r"done{end}"
)
# `k` finds when the session's program began. `z` sleeps until it is rung, and ends all where that program is gone: who
# is killed tells nobody. What sleeps for it does not hold the lock, as it may outlive the shell.
_UNTIL_RUNG = (
    r'k() {{ y=; if [ -d /proc/self ]; then read -r y <"/proc/$p/stat" || return; y=${{y##*) }}; set -- $y; y=; '
    r'[ $# -ge 20 ] && [ "$1" != Z ] || return; shift 19; y=$1; else kill -0 "$p" && y=1; fi; }} 2>/dev/null; k; u=$y; '
    r"z() {{ command -v timeout >/dev/null || {{ read -r x <&8; return; }}; while :; do "
    r"timeout {look} head -n 1 <&8 9>&- >/dev/null; "
    r"case $? in 0) return;; 124|143) ;; *) read -r x <&8; return;; esac; "
    r'k; [ "$y" = "$u" ] || {{ rm -f "$w/$s{suffix}" "$l"; exit 0; }}; done; }} 2>/dev/null; '
)
_LEASE = (
    r"if [ -s {root}/.praxmonitor/leases.json ]; then case $e in *_path*|*'*** '*) "
    r'printf %s "{{$e" | {program} {address} {branch} {root};; esac; fi; '
)
"""Before a tool: while anything is leased, and it may be one that writes a file, is that another's?"""
_SESSION = r"s=${e#*\"session_id\":}; s=${s#*\"}; s=${s%%\"*}; case $s in ''|*[!0-9A-Za-z-]*) exit 0;; esac"
"""The session's id out of the event."""
_LAST_RING = r'w=$b/.ai_mail.local/{waiting}; {session}; [ ! -p "$w/$s{suffix}" ] || echo 1<>"$w/$s{suffix}"; '
"""What is told at a session's end to what sleeps beside it."""
# No Python is started where config.toml does not speak of permissions and nobody watches.
_POLICY = (
    r"w=$e; d=; j=; r={root}; "
    r'if grep -q "^[^#]*permissions" "$r/.praxmonitor/config.toml"; then '
    r'd=$(printf %s "$w" | {policy} {address} {branch} {root} {name}); fi; '
    r"""[ -z "$d" ] || j='"{decided}":true,'; """
    r'[ ${{#e}} -lt {longest} ] || e=$(printf %s "$e" | head -c {longest}); '
)
_ASK = (
    r'[ -z "$d" ] || {{ printf %s "$d"; exit 0; }}; '
    r'set -- "$r"/.praxmonitor/{watchers}/*{ending}; '
    r'[ ! -e "$1" ] || printf %s "$w" | {ask} {address} {branch} {root} {name} "$PPID"; '
)
_SETTLE = r'for p in "$b"/.ai_mail.local/{directory}/*{suffix}; do [ ! -p "$p" ] || echo 1<>"$p"; done; '
"""What wakes the hooks that wait for an answer: the call may have gone on without them."""
_NOT_BETWEEN_QUOTES = str.maketrans({"'": "'\"'\"'", "\\": "'\"\\\\\"'"})
_DETACHED = (r"( ", r" ) </dev/null >/dev/null 2>&1 & exit 0")
"""What goes around it where the program waits for each hook: it goes on without it."""


def handler(agent: Agent, hooks: Hooks, entry: HookEntry, made: str) -> dict[str, Any]:
    """An entry as it stands in the program's settings.

    `made`, one of `settings.MADE`, is kept in its line for when it is removed.
    """
    words: dict[str, Any] = {"type": "command", "command": command(agent, hooks, entry, made), "timeout": TIMEOUT}
    beside = entry.role is HookRole.SLEEP and hooks.rewakes
    if beside or entry.event == PERMISSION_REQUEST:
        words["timeout"] = LONGEST_WAIT
    if beside:
        words["asyncRewake"] = True
    return words


def own_group(entry: HookEntry, one: dict[str, Any]) -> dict[str, Any]:
    """The group that holds an entry's handler alone."""
    return {**({"matcher": "*"} if entry.event in _TOOLS else {}), "hooks": [one]}


def command(agent: Agent, hooks: Hooks, entry: HookEntry, made: str) -> str:
    """The line of an entry."""
    words = _command(agent, hooks, entry, made)
    if not hooks.persons_shell:
        return words
    mark = f"{HOOK_MARK}{made}; "
    return f"{mark}exec sh -c {_quoted_everywhere(words.removeprefix(mark))}"


def _quoted_everywhere(text: str) -> str:
    """The text as one word of any shell: in fish a backslash between single quotes means something."""
    return f"'{text.translate(_NOT_BETWEEN_QUOTES)}'"


def _command(agent: Agent, hooks: Hooks, entry: HookEntry, made: str) -> str:
    place = {
        "mark": HOOK_MARK,
        "made": made,
        "branch": shlex.quote(str(agent.branch)),
        "address": shlex.quote(agent.address),
        "root": shlex.quote(str(agent.root)),
        "name": shlex.quote(hooks.settings),
    }
    if entry.role is HookRole.SLEEP:
        begin, end = ("", "") if hooks.rewakes else _DETACHED
        attended = f'[ "${hooks.attended}" = 1 ] || exit 0; ' if hooks.attended else ""
        return _WAIT.format(
            **place,
            run=RUN_ID,
            attended=attended,
            session=_SESSION,
            waiting=WAITING,
            suffix=SUFFIX,
            leaving=LEAVING,
            stamp=STAMPS["Stop"],
            begin=begin,
            end=end,
            until_rung=_UNTIL_RUNG.format(look=SLEEPER_PERIOD, suffix=SUFFIX),
            program=shlex.join(child("mailcore.hooks.wake")),
        )
    delivery = ""
    if entry.event in SETTLING:
        delivery = _SETTLE.format(directory=PERMISSIONS, suffix=SUFFIX)
    if entry.event == "SessionEnd" and _wakes(hooks):
        delivery += _LAST_RING.format(waiting=WAITING, session=_SESSION, suffix=SUFFIX)
    if entry.event == "PreToolUse":
        delivery = _LEASE.format(**place, program=shlex.join(child("mailcore.hooks.lease")))
    if entry.event in STAMPS:
        delivery += _DELIVERY.format(
            **place, stamp=STAMPS[entry.event], program=shlex.join(child("mailcore.hooks.deliver"))
        )
    if entry.event == PERMISSION_REQUEST:
        delivery += _ASK.format(
            **place, watchers=WATCHERS, ending=WATCHER_ENDING, ask=shlex.join(child("mailcore.hooks.permission"))
        )
        policy = _POLICY.format(
            **place, policy=shlex.join(child("mailcore.hooks.policy")), decided=DECIDED, longest=MAX_EVENT - 64
        )
        return _NOTE.format(
            **place, longest=MAX_REQUEST, full=MAX_REQUEST - 64, policy=policy, decided="$j", rotate="",
            delivery=delivery,
        )  # fmt: skip
    rotate = _ROTATE.format(blocks=ROTATE_BLOCKS) if entry.event in ROTATE_EVENTS else ""
    return _NOTE.format(
        **place, longest=MAX_EVENT, full=MAX_EVENT - 64, policy="", decided="", rotate=rotate, delivery=delivery
    )
