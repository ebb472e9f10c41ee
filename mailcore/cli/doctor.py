"""`doctor`: what stands in the way on this machine and in this workspace, and what to do about it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from shlex import quote

from mailcore.accounts.account import account_of, accounts, require_account
from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.doctor_checks import Check, check_lines, trusted
from mailcore.cli.doctor_link import link_checks
from mailcore.cli.doctor_parts import part_checks
from mailcore.cli.doctor_restart import after_restart
from mailcore.cli.doctor_sessions import session_checks
from mailcore.cli.options import sender_option
from mailcore.config import Config, read_config
from mailcore.dispatch.runs.run_list import run_ids
from mailcore.exceptions import ConfigError, MailcoreError
from mailcore.mail.mailbox_reader import absent, read_mailbox
from mailcore.model.agent import OPERATOR, RUN_JOURNAL, Agent
from mailcore.model.lock import Holder
from mailcore.programs import registry
from mailcore.programs.base import Program
from mailcore.programs.choose import select
from mailcore.system import BACKENDS, PORTABLE, VARIABLE, user_directories
from mailcore.system.processes import MISSING, has_sound_card, watch_limits
from mailcore.text import counted
from mailcore.text.progress import step
from mailcore.workspace.find import Workspace
from mailcore.workspace.lock_reader import read_lock, why_stranger

CONFIG = ".praxmonitor/config.toml"


def arguments(verb: str, parser: Parser) -> None:
    """`doctor [--live]`."""
    del verb
    parser.add_argument(
        "--live",
        action="store_true",
        help="prove it by round trips too; each idle session that can be woken is sent a mail, which is a turn of it",
    )
    sender_option(parser)


def doctor(call: Call) -> VerbResult:
    """All checks; exit 4 if one is not in order."""
    agents = [agent for agent in call.workspace.agents if agent.branch.is_dir()]
    try:
        config = registry.checked_config(read_config(call.workspace.config_file), call.workspace.config_file)
        programs = [*_programs(config, agents), *_settings(call.workspace, config)]
        programs += [
            Check("config", False, warning, f"mend {CONFIG}")
            for warning in call.workspace.unknown_sections(config.agents)
        ]
    except ConfigError as error:
        config = Config()
        programs = [Check("config", False, str(error), "mend it; no agent can be started meanwhile")]
    step("the machine")
    checks = [*_machine()]
    step("the workspace")
    checks += [*_workspace(call.workspace), *trusted(call.workspace), after_restart(call.workspace), *programs]
    step("sessions of the agents' programs")
    checks += session_checks([agent for agent in call.workspace.agents if not agent.is_operator], accounts(config))
    for number, agent in enumerate(call.workspace.agents, 1):
        step(agent.address, number, len(call.workspace.agents))
        checks += _agent(agent, config)
    checks += link_checks(call.workspace, config.link)
    if call.arguments.live:
        from mailcore.cli.doctor_live import live_checks

        call.require(prove=False)
        step("round trips")
        kinds = (_kind(agent, config) for agent in agents)
        checks += live_checks(
            call.workspace, {kind.name: kind.hooks for kind in kinds if kind is not None and kind.hooks is not None}
        )
    bad = sum(not check.ok for check in checks)
    return {"checks": [asdict(check) for check in checks], "exit": 4 if bad else 0}, "\n".join(check_lines(checks))


def _machine() -> Iterator[Check]:
    for name in registry.program_names():
        try:
            words = registry.program(name).executables
        except MailcoreError as error:
            yield Check(name, False, str(error), "mend that package, or uninstall it")
            continue
        where = next(filter(None, map(shutil.which, words)), "")
        if words:
            yield Check(name, True, where or "not on PATH (needed only by agents that use it)")
    yield Check("system", True, _backend())
    if (limits := watch_limits()) is not None:
        watches, watchers = limits
        yield Check(
            "file watches",
            watches >= 8192,
            f"{watches} allowed to this user",
            "" if watches >= 8192 else "sudo sysctl fs.inotify.max_user_watches=524288",
        )
        yield Check(
            "watchers",
            watchers >= 64,
            f"{watchers} allowed to this user; each starting run and each screen takes one",
            "" if watchers >= 64 else "sudo sysctl fs.inotify.max_user_instances=512",
        )
    pulse = Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent")) / "pulse" / "native"
    found = pulse.exists() or "PULSE_SERVER" in os.environ or has_sound_card()
    yield Check("sound", True, "a sound server or card is there" if found else "no device: the terminal bell is used")


def _workspace(workspace: Workspace) -> Iterator[Check]:
    yield Check("workspace", True, f"{workspace.root}: {counted(len(workspace.agents), 'agent')}")
    for refused in workspace.refused:
        yield Check("registry", False, refused, f"mend that row of {workspace.registry}")
    for note in workspace.notes:
        yield Check("registry", workspace.registry.exists(), note)
    yield from _git(workspace)
    writable = os.access(workspace.root, os.W_OK)
    yield Check(
        "rights",
        writable,
        f"{workspace.root} can {'' if writable else 'not '}be written",
        "" if writable else f"chown it to yourself, or run as its owner; {workspace.state_dir} has to be made there",
    )


def _git(workspace: Workspace) -> Iterator[Check]:
    """Is what git would rewind, with each change of branches, known to it?"""
    from mailcore.cli.doctor_git import tracked, unignored

    tracked_places = tracked(workspace)
    if tracked_places:
        places = " ".join(quote(place) for place in tracked_places)
        yield Check(
            "git", False, f"git tracks state: {' '.join(tracked_places)}; a checkout or stash rewinds mail and runs",
            f"git rm -r -q --cached -- {places} && git commit -m 'Mail is state, not source'; what older commits hold "
            "stays a danger: a checkout of them puts that mail in the place of yours",
        )  # fmt: skip
    for place in unignored(workspace):
        found = f"git does not ignore {place}: git stash -u and git clean take it away"
        yield Check("git", False, found, f"a line with * in {place}/.gitignore; mailcore makes one where there is none")


def _programs(config: Config, agents: Iterable[Agent]) -> Iterator[Check]:
    """The program of each agent; all that lack the same one are a single check."""
    without: dict[tuple[str, str], tuple[list[str], str, str]] = {}
    for agent in agents:
        name = agent.address
        settings = config.agent(name)
        try:
            kind = select(agent, config)
        except MailcoreError as error:
            fix = f"install it, or set another for every agent under [agents] in {CONFIG}, or for one: [agents.NAME]"
            without.setdefault((settings.program, ""), ([], str(error), fix))[0].append(name)
            continue
        word = "" if kind.executables else next(iter(settings.command), "")
        if word and not shutil.which(str(agent.branch / word) if "/" in word else word):
            finding, fix = f"command {word!r} is not found", f"mend command in {CONFIG}, of [agents] or [agents.NAME]"
            without.setdefault((kind.name, word), ([], finding, fix))[0].append(name)
        else:
            yield _account(config, agent, kind)
    for names, finding, fix in without.values():
        yield Check(" ".join(names), False, finding, fix)


def _account(config: Config, agent: Agent, kind: Program) -> Check:
    """Its program, and whose credentials that works with."""
    try:
        account = require_account(config, agent.address, kind.name)
    except MailcoreError as error:
        return Check(agent.address, False, str(error), f"mend {CONFIG}")
    return Check(agent.address, True, f"program {kind.name}{f', account {account.name}' if account.name else ''}")


def _settings(workspace: Workspace, config: Config) -> Iterator[Check]:
    """What config.toml names that is not there."""
    for key in ("orchestrator", "approver"):
        address = getattr(config.mail, key)
        try:
            workspace.agent(address or OPERATOR)
        except MailcoreError as error:
            yield Check("config", False, f"[mail] {key} = {address!r}: {error}", f"mend {CONFIG}")
    for key in ("on_alarm", "on_heartbeat"):
        word = next(iter(getattr(config.alarms, key)), "")
        if word and not shutil.which(str(workspace.root / word) if "/" in word else word):
            yield Check("config", False, f"[alarms] {key}: {word!r} is not found", f"mend {CONFIG}")
    homes = _pack_homes(workspace)
    if homes and not any((home / config.sound.pack / "openpeon.json").is_file() for home in homes):
        found = f"[sound] pack = {config.sound.pack!r} is in none of {', '.join(map(str, homes))}"
        yield Check("config", False, found, "put it there, or see `praxmonitor sounds list` for those that are")


def _pack_homes(workspace: Workspace) -> list[Path]:
    """Where the screen looks for sound packs: the project's, the user's, its own; nowhere if it is not installed."""
    from importlib.util import find_spec

    screen = find_spec("praxmonitor")  # this imports nothing of it
    if screen is None or screen.origin is None:
        return []
    package = Path(screen.origin).parent
    shipped = next(home for home in (package / "share" / "sounds", package.parent / "sounds") if home.is_dir())
    return [*(home / ".openpeon" / "packs" for home in (workspace.root, user_directories.home())), shipped]


def _kind(agent: Agent, config: Config) -> Program | None:
    """The agent's program, which hooks are put in for; None where it has none that is there."""
    try:
        return select(agent, config)
    except MailcoreError:
        return None


def _agent(agent: Agent, config: Config) -> Iterator[Check]:
    name = agent.address
    if not agent.branch.is_dir():
        yield Check(name, False, f"{agent.branch} is gone", "restore it, or take its row out of the registry")
        return
    if lacks := absent(agent):
        yield Check(name, False, lacks, "git, a backup or a hand took it away")
    box = read_mailbox(agent.inbox)
    if box.reason:
        yield Check(name, False, box.reason, "nothing is written over it; restore the file or set it aside")
    if not os.access(agent.mail_dir if agent.mail_dir.exists() else agent.branch, os.W_OK):
        yield Check(name, False, f"{agent.mail_dir} cannot be written", "mend its rights: no mail can be delivered")
    yield from _runs(agent)
    kind = _kind(agent, config)
    place = registry.hooks_of(config.agent(name).program or (kind.name if kind is not None else ""))
    home = account_of(config, name, kind.name).home if kind is not None and registry.has_home(kind.name) else None
    yield from part_checks(agent, place, home)


def _runs(agent: Agent) -> Iterator[Check]:
    """Its dispatch lock, where something is wrong with it, and journals that nobody can read."""
    lock, path = read_lock(agent.dispatch_lock), agent.dispatch_lock
    kill = f"mailcore kill {agent.address}"
    if lock is not None and lock.holder is Holder.DEAD:
        what = lock.subject if not lock.pid else f"it names PID {lock.pid}, which is gone or another's"
        yield Check(agent.address, False, f"{path}: {what}", f"{kill} clears it away, as the next start does")
    elif lock is not None and lock.holder is Holder.UNKNOWN:
        remedy = "wait half a minute; then the next start clears it away" if lock.at else f"remove {path}, if it stays"
        yield Check(agent.address, False, f"{path}: {lock.subject}", remedy)
    elif lock is not None and lock.holder is Holder.ELSEWHERE:
        where = ", ".join(filter(None, (lock.host, lock.namespace))) or "another PID namespace"
        yield Check(agent.address, True, f"works on {lock.subject!r} elsewhere ({where}); end it there")
    elif lock is not None and (why := why_stranger(lock)):
        yield Check(agent.address, False, f"{path} {why}", f"remove {path} if nothing works there")
    for run_id in reversed(run_ids(agent)):
        journal = agent.runs_dir / run_id / RUN_JOURNAL
        if journal.is_symlink() or not journal.is_file():
            found = "a link" if journal.is_symlink() else "no file" if journal.exists() else "gone"
            yield Check(
                agent.address, False, f"{journal} is {found}", f"nothing is known of that run; remove {journal.parent}"
            )


def _backend() -> str:
    """Which backend looks at this machine, and what it cannot promise."""
    wanted = os.environ.get(VARIABLE, "")
    name = BACKENDS[PORTABLE]
    unknown = f" ({VARIABLE}={wanted!r} is not known; there are {' and '.join(BACKENDS)})"
    lacks = f"; without what only Linux's can promise: {'; '.join(MISSING)}" if MISSING else ""
    return name + (unknown if wanted not in ("", *BACKENDS) else "") + lacks
