"""The identity table: each way in, whom the caller is taken for, which classes of verbs it has. Docs come from it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from mailcore.identity import client_keys
from mailcore.mcp.tools import SERVED
from mailcore.system import PORTABLE
from mailcore.workspace.variables import AGENT, NONCE, RUN_ID
from tests.mailcore.conftest import wait_until
from tests.mailcore.identity.lab import Enter, Lab

CLASSES = (
    "look", "all mail", "own mail", "send", "dispatch", "hold", "approve", "release", "kill", "prune", "trust",
)  # fmt: skip
ALL = frozenset(CLASSES)
MINE = frozenset({"look", "own mail", "send", "dispatch", "hold", "prune"})
"""An agent's: its own mail, its own acts, its own archive."""
WRITES = ALL - {"approve", "release", "kill", "prune", "trust"}
"""Of the operator, less what no agent may do in its name."""
LOOKS = frozenset({"look", "all mail"})
NOTHING = frozenset[str]()

OPERATOR, WRITER, EDITOR = "--from=@operator", "--from=@writer", "--from=@editor"
PHRASE = "a good passphrase"


@dataclass(frozen=True)
class Way:
    """One way in."""

    name: str
    """For people, as the row's head."""
    who: str
    """Address and proof, `@writer run`; `nobody`."""
    has: frozenset[str]
    """The classes of verbs that it is let into."""
    enter: Enter
    needs: str = ""
    """What the machine must have: tmux, unshare, root, proc."""

    @property
    def missing(self) -> str:
        """Why it cannot be tried here; empty if it can."""
        return MISSING.get(self.needs, lambda: "")()


def _unshare() -> str:
    words = ["unshare", "-Urpf", "--mount-proc", "true"]
    works = shutil.which("unshare") and not PORTABLE and subprocess.run(words, capture_output=True).returncode == 0
    return "" if works else "no PID namespace can be made here, or the portable backend knows of none"


MISSING: dict[str, Callable[[], str]] = {
    "tmux": lambda: "" if shutil.which("tmux") else "tmux is not installed",
    "screen": lambda: "" if shutil.which("screen") else "GNU screen is not installed",
    "unshare": _unshare,
    "root": lambda: "" if os.geteuid() == 0 else "only root can give a directory to another user",
    "tmux linux": lambda: MISSING["tmux"]() or MISSING["linux"](),
    "linux": lambda: "the portable backend adopts no orphans, and sees no ancestors of a daemon" if PORTABLE else "",
}


def script(*options: str, **more: object) -> Enter:
    return lambda lab: lab.script(*options, **more)  # type: ignore[arg-type]


def terminal(*options: str, **more: object) -> Enter:
    return lambda lab: lab.terminal(*options, **more)  # type: ignore[arg-type]


def run(*options: str, prefix: str = "", cleared: str = "") -> Enter:
    """The program of @writer's run starts the driver, in its branch or, `cleared`, elsewhere and by other means."""

    def enter(lab: Lab) -> None:
        lab.begin()
        driver = shlex.join(lab.words(*options))
        if cleared:
            daemon = cleared.format(driver=driver, quoted=shlex.quote(driver), lab=lab, home=lab.home, root=lab.root)
            lab.within(f"cd {shlex.quote(str(lab.root))}; {daemon}")
        else:
            lab.within(f"{prefix} {driver}")

    return enter


def assume_nothing(lab: Lab) -> None:
    lab.configure("[operator]\nassume = false")
    lab.terminal()


def below_claude(lab: Lab) -> None:
    program = lab.root.parent / "claude"
    shutil.copy(os.path.realpath("/bin/sh"), program)
    lab.terminal(around=[str(program), "-c", '"$@"; true', "claude"])


def cron(*options: str) -> Enter:
    return lambda lab: lab.server("cron", lab.line(*options))


def nested(lab: Lab) -> None:
    lab.begin()
    lab.within(f"{sys.executable} -m mailcore.cli dispatch @editor sub b >/dev/null; sleep 60")
    runs = lab.agent("@editor").runs_dir
    begun = wait_until(lambda: [one.name for one in runs.glob("*")], what="@editor's run begins")
    lab.works("@editor", begun[0])
    lab.within(shlex.join(lab.words()), "@editor")


def stolen(*options: str, within: bool) -> Enter:
    """The nonce of @editor's run, as it stands in its program's environment, in another's hands."""

    def enter(lab: Lab) -> None:
        lab.begin("@editor")
        theirs = lab.secret("@editor")
        if not within:
            lab.script(*options, variables=theirs)
            return
        lab.begin()
        words = shlex.join(f"{name}={value}" for name, value in theirs.items())
        lab.within(f"cd {lab.root}; env -u AIPASS_BRANCH_NAME {words} {shlex.join(lab.words(*options))}")

    return enter


def from_its_lock(lab: Lab) -> None:
    """What every agent can read of @editor's run, in @writer's hands."""
    from mailcore.workspace.lock_reader import read_lock

    lab.begin("@editor")
    lab.begin()
    held = read_lock(lab.agent("@editor").dispatch_lock)
    assert held is not None
    words = f"env -i PATH=$PATH {RUN_ID}={held.run_id} {NONCE}={held.nonce} {AGENT}=@editor"
    lab.within(f"cd {lab.root}; {words} {shlex.join(lab.words())}")


def over(*options: str) -> Enter:
    """Variables of a run that is over, in a person's script."""
    stale = {RUN_ID: "20200101T000000_000000-00000000", NONCE: "n", AGENT: "@writer"}
    return script(*options, variables=stale)


def lost(come: Enter) -> Enter:
    """A run of @writer's stands open whose supervisor is gone, and the caller's session is younger than it."""

    def enter(lab: Lab) -> None:
        from mailcore.dispatch.runs import branch_lock
        from mailcore.formats import journal
        from mailcore.system.processes import boot_id
        from mailcore.system.writing import replace

        gone = subprocess.Popen(["true"])
        gone.wait()
        agent, run_id = lab.agent("@writer"), "20261128T120000_000000-0a0b0c0d"
        first = {"event": "queued", "run_id": run_id, "target": "@writer", "sender": "@operator", "nonce": "n"}
        (agent.runs_dir / run_id).mkdir(parents=True)
        events = (first, {"event": "supervised", "pid": gone.pid}, {"event": "attempt", "n": 1, "pid": gone.pid})
        for event in events:
            journal.append_record(agent.runs_dir / run_id / "run.jsonl", event)
        assert branch_lock.acquire_lock(agent, run_id, "n", "a task") is None
        text = agent.dispatch_lock.read_text()
        replace(agent.dispatch_lock, text.replace(f'"pid": {os.getpid()}', f'"pid": {gone.pid}').encode())
        assert boot_id() in text
        come(lab)

    return enter


def tmux_keys(*options: str) -> Enter:
    def enter(lab: Lab) -> None:
        lab.tmux("new-session", "-d", "-x", "300", "sh")
        lab.begin()
        typed = shlex.quote(lab.line(*options))
        lab.within(f"env -i PATH=$PATH tmux -S {lab.root.parent}/tmux send-keys {typed} Enter")

    return enter


def ssh(*options: str) -> Enter:
    """Asked for by whoever has a key to this machine, with no terminal: `ssh localhost mailcore …`."""
    return lambda lab: lab.server("sshd", lab.line(*options))


def gnu_screen(*options: str, attached: bool = False) -> Enter:
    """The operator's GNU screen, into which an agent, or the one who sits at it, types."""

    def enter(lab: Lab) -> None:
        own = lab.root.parent / "screens"
        own.mkdir(mode=0o700)
        variables = {**lab.environment, "SCREENDIR": str(own), "TERM": "xterm"}
        start = ["screen", "-c", "/dev/null", "-dmS", "own", "sh"]
        subprocess.run(start, cwd=lab.root, env=variables, check=True, stdin=subprocess.DEVNULL)
        if attached:
            lab.beside(["screen", "-r", "own"], {"TERM": "xterm", "SCREENDIR": str(own)})
            listed = ["screen", "-ls"]
            wait_until(
                lambda: b"(Attached)" in subprocess.run(listed, env=variables, capture_output=True).stdout,
                what="somebody is attached",
            )
        typed = ["screen", "-S", "own", "-p", "0", "-X", "stuff", f"{lab.line(*options)}\n"]
        subprocess.run(typed, env=variables, check=True, stdin=subprocess.DEVNULL)

    return enter


def tmux_attached(lab: Lab) -> None:
    """A person looks at the session and types."""
    lab.tmux("new-session", "-d", "-x", "300", "sh")
    socket = str(lab.root.parent / "tmux")
    lab.beside(["tmux", "-S", socket, "attach"], {"TERM": "xterm"})
    words = ["tmux", "-S", socket, "list-clients"]
    wait_until(lambda: subprocess.run(words, capture_output=True).stdout, what="somebody is attached")
    lab.tmux("send-keys", lab.line(), "Enter")


def tmux_shell(*options: str) -> Enter:
    def enter(lab: Lab) -> None:
        lab.tmux("new-session", "-d", "sh")
        lab.begin()
        command = shlex.quote(lab.line(*options))
        lab.within(f"env -i PATH=$PATH tmux -S {lab.root.parent}/tmux run-shell -b {command}")

    return enter


def proved(come: Callable[..., None], phrase: str) -> Enter:
    """The workspace asks for the passphrase, and the caller hands one over."""

    def enter(lab: Lab) -> None:
        lab.configure('[operator]\nproof = "passphrase"')
        typed = lab.root.parent / "typed"
        typed.write_text(PHRASE)
        command = f"{sys.executable} -m mailcore.cli operator passphrase --from @operator --proof-fd 3 3<{typed}"
        subprocess.run(["sh", "-c", command], cwd=lab.root, env=lab.environment, check=True, capture_output=True)
        typed.write_text(phrase)
        come(lab, str(typed))

    return enter


def anothers(variables: dict[str, str]) -> Enter:
    """The workspace belongs to another user."""

    def enter(lab: Lab) -> None:
        subprocess.run(["chown", "-R", "65534", str(lab.root)], check=True)
        lab.terminal(variables=variables)

    return enter


def client(owner: str = "", *may: str, cwd: str = "", revoked: bool = False, within: str = "") -> Enter:
    """A client of the MCP server, with a key of that owner, if it has one; `within`: what a run starts it by."""

    def enter(lab: Lab) -> None:
        found = {}
        if owner:
            key, text = client_keys.issue_key(lab.workspace, lab.agent(owner), may, SERVED)
            path = lab.home / "key"
            path.touch(0o600)
            path.write_text(text)
            found = {client_keys.FILE_VARIABLE: str(path)}
            if revoked:
                client_keys.revoke_key(lab.workspace, key.id)
        if not within:
            lab.script("--client", cwd=cwd, variables=found)
            return
        lab.begin()
        words = shlex.join(f"{name}={value}" for name, value in found.items())
        driver = f"env {words} {shlex.join(lab.words('--client'))}"
        lab.within(f"cd {shlex.quote(str(lab.root))}; {within.format(driver=driver, home=lab.home)}")

    return enter


CLEARED = "env -i PATH=$PATH HOME={home} {driver}"
SETSID = "env -i PATH=$PATH HOME={home} setsid {driver}"
DAEMON = "(env -i PATH=$PATH HOME={home} setsid -f sh -c {quoted} &) ; sleep 0.1"
NO_LOCK = "mv agents/writer/.ai_mail.local/.dispatch.lock {home}/lock; " + DAEMON
ANOTHER_LOCK = "cp agents/editor/.ai_mail.local/inbox.json agents/writer/.ai_mail.local/.dispatch.lock; " + DAEMON
OWN_TMUX = "env -i PATH=$PATH tmux -S {home}/own -f /dev/null new-session -d {quoted}"
NAMESPACE = "env -i PATH=$PATH HOME={home} unshare -Urpf --mount-proc {driver}"
INNER_NAMESPACE = "env -i PATH=$PATH HOME={home} unshare -Urpf --mount-proc setsid -w {driver}"
OWN_BOOT = (
    "echo another >{home}/boot; env -i PATH=$PATH HOME={home} unshare -Urpf --mount-proc sh -c "
    "'mount --bind {home}/boot /proc/sys/kernel/random/boot_id; exec setsid -w \"$@\"' sh {driver}"
)
HIDDEN = "env -i PATH=$PATH HOME={home} unshare -Urm sh -c 'mount -t tmpfs none /proc; \"$@\"' sh {driver}"
ROUTED = "env -i PATH=$PATH AIPASS_CALLER_BRANCH=operator {driver}"

WAYS = (
    Way("a terminal, at the root", "@operator terminal", ALL, terminal()),
    Way("the same, `[operator] assume = false`", "nobody", LOOKS, assume_nothing),
    Way("the same, `--from @operator`", "@operator declared", ALL, terminal(OPERATOR)),
    Way("the same, `--from @editor`", "@editor declared", MINE, terminal(EDITOR)),
    Way("a terminal, in an agent's directory", "@editor passport", MINE, terminal(cwd="agents/editor")),
    Way("the same, `--from @operator`", "@operator declared", WRITES, terminal(OPERATOR, cwd="agents/editor")),
    Way("a terminal, an agent's program's variable set", "nobody", LOOKS, terminal(variables={"CLAUDECODE": "1"})),
    Way("a terminal, below an agent's program", "nobody", LOOKS, below_claude),
    Way("a terminal, `AIPASS_CALLER_BRANCH=operator`", "nobody", NOTHING,
        terminal(variables={"AIPASS_CALLER_BRANCH": "operator"})),
    Way("no terminal (a script), at the root", "nobody", LOOKS, script()),
    Way("the same, `--from @operator`", "@operator declared", ALL, script(OPERATOR)),
    Way("the same, `--from @editor`", "@editor declared", MINE, script(EDITOR)),
    Way("a script in an agent's directory", "@editor passport", MINE, script(cwd="agents/editor")),
    Way("a script, `AIPASS_BRANCH_NAME=EDITOR`", "@editor router", MINE,
        script(variables={"AIPASS_BRANCH_NAME": "EDITOR"})),
    Way("a script, `AIPASS_CALLER_BRANCH=operator`", "nobody", NOTHING,
        script(variables={"AIPASS_CALLER_BRANCH": "operator"})),
    Way("a script, a router's caller by `IDENTITY_SOURCE=project`", "nobody", NOTHING,
        script(variables={"AIPASS_CALLER_BRANCH": "EDITOR", "AIPASS_CALLER_IDENTITY_SOURCE": "project"})),
    Way("a script, a router's caller from outside (`CALLER_CWD`)", "nobody", NOTHING,
        script(variables={"AIPASS_CALLER_BRANCH": "EDITOR", "AIPASS_CALLER_CWD": "/"})),
    Way("a script, variables of a run that is over", "nobody", NOTHING, over()),
    Way("the same, `--from @operator`", "@operator declared", WRITES, over(OPERATOR)),
    Way("cron, at the root", "nobody", LOOKS, cron()),
    Way("the same, `--from @operator`", "@operator declared", WRITES, cron(OPERATOR)),
    Way("ssh without a terminal, at the root, `--from @operator`", "@operator declared", WRITES, ssh(OPERATOR)),
    Way("a run's program", "@writer run", MINE, run()),
    Way("the same, `--from @operator`", "nobody", NOTHING, run(OPERATOR)),
    Way("the same, `--from @editor`", "nobody", NOTHING, run(EDITOR)),
    Way("the same, `--from` its own name", "@writer run", MINE, run(WRITER)),
    Way("a run's program, `AIPASS_CALLER_BRANCH=operator`", "nobody", NOTHING,
        run(prefix="AIPASS_CALLER_BRANCH=operator")),
    Way("a run's child, variables cleared, at the root", "@writer run", MINE, run(cleared=CLEARED)),
    Way("the same, `--from @operator`", "nobody", NOTHING, run(OPERATOR, cleared=CLEARED)),
    Way("the same, `AIPASS_CALLER_BRANCH=operator`", "nobody", NOTHING, run(cleared=ROUTED)),
    Way("a run's child, cleared, in a session of its own", "@writer run", MINE, run(cleared=SETSID)),
    Way("a run's daemon, cleared, forked twice", "@writer run", MINE, run(cleared=DAEMON), "linux"),
    Way("the same, `--from @operator`", "nobody", NOTHING, run(OPERATOR, cleared=DAEMON), "linux"),
    Way("the same, the lock moved away, `--from @operator`", "nobody", NOTHING,
        run(OPERATOR, cleared=NO_LOCK), "linux"),
    Way("the same, the lock overwritten, `--from @operator`", "nobody", NOTHING,
        run(OPERATOR, cleared=ANOTHER_LOCK), "linux"),
    Way("a tmux server that a run started, `--from @operator`", "nobody", NOTHING,
        run(OPERATOR, cleared=OWN_TMUX), "tmux linux"),
    Way("the operator's tmux, who is attached to it", "@operator terminal", ALL, tmux_attached, "tmux"),
    Way("the operator's tmux, `run-shell`", "nobody", LOOKS, tmux_shell(), "tmux"),
    Way("the same, `--from @operator`", "@operator declared", WRITES, tmux_shell(OPERATOR), "tmux"),
    Way("the operator's tmux, `send-keys`, nobody attached", "@operator terminal", WRITES, tmux_keys(), "tmux"),
    Way("the same, `--from @operator`", "@operator declared", WRITES, tmux_keys(OPERATOR), "tmux"),
    Way("the operator's GNU screen, who is attached to it", "@operator terminal", ALL, gnu_screen(attached=True),
        "screen"),
    Way("the operator's GNU screen, `-X stuff`, nobody attached", "@operator terminal", WRITES, gnu_screen(),
        "screen"),
    Way("a run's sandbox (a PID namespace), variables kept", "@writer run", MINE,
        run(prefix="unshare -Urpf --mount-proc"), "unshare"),
    Way("the same, `--from @operator`", "nobody", NOTHING,
        run(OPERATOR, prefix="unshare -Urpf --mount-proc"), "unshare"),
    Way("a PID namespace, variables cleared", "nobody", NOTHING, run(cleared=NAMESPACE), "unshare"),
    Way("the same, `--from @operator`", "@operator declared", WRITES - {"kill"},
        run(OPERATOR, cleared=NAMESPACE), "unshare"),
    Way("the same, in a session of its own", "@operator declared", WRITES,
        run(OPERATOR, cleared=INNER_NAMESPACE), "unshare"),
    Way("the same, with a boot id of its own", "@operator declared", WRITES,
        run(OPERATOR, cleared=OWN_BOOT), "unshare"),
    Way("/proc hidden, variables cleared", "nobody", NOTHING, run(cleared=HIDDEN), "unshare"),
    Way("the same, `--from @operator`", "@operator declared", WRITES, run(OPERATOR, cleared=HIDDEN), "unshare"),
    Way("a run within a run", "@editor run", MINE, nested),
    Way("a run with what another's lock holds", "nobody", NOTHING, from_its_lock),
    Way("a run with the nonce out of another's environment", "nobody", NOTHING, stolen(within=True)),
    Way("a script with the nonce out of a run's environment", "nobody", NOTHING, stolen(within=False), "linux"),
    Way("the same, `--from @operator`", "@operator declared", WRITES, stolen(OPERATOR, within=False), "linux"),
    Way("a script while a run's supervisor is gone, `--from @operator`", "@operator declared", WRITES | {"kill"},
        lost(script(OPERATOR))),
    Way("a terminal younger than that run", "nobody", LOOKS, lost(terminal())),
    Way("another user's workspace, at a terminal", "@operator terminal", ALL - {"dispatch", "release"},
        anothers({}), "root"),
    Way("the same, by the owner's `sudo`", "@operator terminal", ALL, anothers({"SUDO_UID": "65534"}), "root"),
    Way("a script with the passphrase, `--from @operator`", "@operator declared", ALL,
        proved(lambda lab, typed: lab.script(OPERATOR, phrase=typed), PHRASE)),
    Way("a script with another passphrase, `--from @operator`", "@operator declared", WRITES,
        proved(lambda lab, typed: lab.script(OPERATOR, phrase=typed), "a guess at it")),
    Way("a script without it, `--from @operator`", "@operator declared", WRITES,
        proved(lambda lab, _: lab.script(OPERATOR), PHRASE)),
    Way("a client of the MCP server, at the root", "nobody", NOTHING, client()),
    Way("a client of the MCP server, in an agent's directory", "@editor passport", MINE, client(cwd="agents/editor")),
    Way("a client with a key of @editor, at the root", "@editor key", MINE, client("@editor")),
    Way("a client with a key of @editor, in another's directory", "@editor key", MINE,
        client("@editor", cwd="agents/lead")),
    Way("a client with a key of @editor that was revoked", "nobody", NOTHING, client("@editor", revoked=True)),
    Way("a client with a key of the person, for every verb", "@operator key", ALL - {"trust"},
        client("@operator", *SERVED)),
    Way("a client with a key of the person, for every verb, in an agent's directory", "@operator key", WRITES,
        client("@operator", *SERVED, cwd="agents/editor")),
    Way("a client with a key of the person, for four verbs", "@operator key", LOOKS | {"own mail", "send"},
        client("@operator", "tasks", "inbox", "read", "send")),
    Way("a run's client, with a key of the person for every verb", "nobody", NOTHING,
        client("@operator", *SERVED, within=CLEARED)),
    Way("a run's client, with that key, in a PID namespace, variables cleared", "@operator key", WRITES - {"kill"},
        client("@operator", *SERVED, within=NAMESPACE), "unshare"),
)  # fmt: skip


def table() -> str:
    """The table as Markdown, with what `the same` stands for."""
    head = ["way in", "taken for", *CLASSES]
    before = ""
    rows = ["| " + " | ".join(head) + " |", "| " + " | ".join(["---"] * len(head)) + " |"]
    for way in WAYS:
        marks = ["yes" if name in way.has else "–" for name in CLASSES]
        before = name = way.name.replace("the same", before) if way.name.startswith("the same") else way.name
        before = before.partition(", `--from")[0]
        rows.append("| " + " | ".join([name, way.who, *marks]) + " |")
    return "\n".join(rows)
