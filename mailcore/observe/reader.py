"""Reads a workspace and what changed in it: paths in, facts out. Stateful, one thread at a time, writes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path

from mailcore.accounts.account import accounts, default_accounts
from mailcore.exceptions import MailcoreError
from mailcore.model.account import Account
from mailcore.model.agent import Agent
from mailcore.model.limit import Limit
from mailcore.model.run import Run
from mailcore.observe.activities import neutral
from mailcore.observe.agent_reader import AgentReader
from mailcore.observe.elsewhere import BranchReader, StrayLook, StrayReader
from mailcore.observe.facts import Fact, Roster, Used
from mailcore.observe.file_stamps import FileStamps, inode
from mailcore.observe.format_drift import ReportedDrifts
from mailcore.observe.host_reader import LINK_PATIENCE, HostsReader
from mailcore.observe.limit_reader import LimitReader
from mailcore.observe.live_sessions import LiveSessionReader
from mailcore.observe.register_reader import RegisterReader
from mailcore.observe.session_discovery import FoundSession, SessionDiscovery
from mailcore.observe.session_status import StatusReader
from mailcore.observe.watched_directories import WatchedDirectories
from mailcore.programs.base import Program, ProgramFailed
from mailcore.programs.prices import Prices
from mailcore.programs.registry import built_in, used_programs
from mailcore.system.open_files import OpenFiles
from mailcore.workspace import find as workspaces
from mailcore.workspace import trust
from mailcore.workspace.find import Workspace
from mailcore.workspace.holds import hold_text

CATCH_UP = 8 * 1024 * 1024
"""Bytes of earlier session lines that one sweep reads for what they used today: a gigabyte takes minutes, and no CPU
that anybody would notice."""
MAX_NAMED = 300
"""Session files that one sweep asks whose they are, of those that are only counted: some 50 ms."""
FOLLOWED_AGE = 3600.0
"""Seconds: what was written since is followed, as far as there is room for it, and not only counted."""


class WorkspaceReader:
    """The reader of one workspace. `initial` first, then `changed` and `sweep` as the watcher says."""

    def __init__(self, workspace: Workspace, *, hosts: bool = True, patience: float = LINK_PATIENCE) -> None:
        """`hosts`: what other hosts of its link tell is read too; else it reads to tell them, and holds no more of mail
        than may be told. `patience`: as of `HostsReader`."""
        self.workspace = workspace
        self._hosts = HostsReader(workspace, patience) if hosts else None
        self._remote: tuple[Agent, ...] = ()
        """The agents of other hosts, as the roster had them last."""
        self._stamps = FileStamps()
        self._held = OpenFiles()
        self._accounts: tuple[Account, ...] | None = None
        self._discovery = SessionDiscovery()
        self._statuses = StatusReader(self._discovery)
        self._live_sessions = LiveSessionReader(self._discovery, self._statuses.status_of)
        self._strays = StrayLook(workspace.root, self._discovery.owner_of)
        self._programs: tuple[Program, ...] = ()
        self._register = RegisterReader(workspace.aipass_dir)
        self._limits = LimitReader()
        self._branches: dict[str, BranchReader] = {}
        """By address; those of sessions that are no agent's among them."""
        self._places: dict[Path, BranchReader] = {}
        self._watched = WatchedDirectories(workspace.root)
        self._prices = Prices()
        self._broken = ""
        self._remark = ""
        self._drifts = ReportedDrifts()
        self._unfinished: dict[str, bool] = {}
        """By address: whether it was reported last that more of today is to be counted."""
        self._failed: dict[str, str] = {}
        """By address, whose files could not be read, and why."""
        self._touched: dict[int, BranchReader] = {}
        """Whose files were read since the last look, by `id`."""
        self._said: tuple[str, ...] = ()
        self._read_lately: dict[str, BranchReader] = {}
        """By address, whose files were read since the usage limits that they reported were taken."""

    def close(self) -> None:
        """Close the files that stayed open; it can still be asked."""
        self._held.close()

    def initial(self, *, read_before: bool = False) -> list[Fact]:
        """Everything. The registry is the one that `workspace` was read from; `read_before`: a while ago, and the next
        look reads it again."""
        self._stamps.moved(self.workspace.registry)
        self._read_config()
        told = self._hosts.read() if self._hosts is not None else []
        facts = [self._roster(), *told, *self._look(), *self._progress(self._branches)]
        if read_before:
            self._stamps.distrust(self.workspace.registry)
        return facts

    def changed(self, names: Iterable[Path | str]) -> list[Fact]:
        """The facts that those files concern: of an agent, all of its files that moved. Foreign ones say nothing."""
        facts, paths = self._glimpses(names)
        touched = {id(branch): branch for path in paths if (branch := self._place(path)) is not None}
        stated = self._statuses.changed(paths)
        found = self._discovery.changed(paths)
        if found or self._statuses.news():
            facts += self._look_elsewhere(found)
        touched |= {id(branch): branch for branch in self._follow(found)}
        if any(path.parent == self.workspace.root for path in paths):
            facts += self._read_registry()
            touched |= {id(branch): branch for branch in self._branches.values() if branch.fresh}
        if any(path.parent == self.workspace.state_dir for path in paths):
            self._read_config()
            touched |= {id(branch): branch for branch in self._read_hold()}
        if any(self.workspace.aipass_dir in (path, path.parent) for path in paths):
            touched |= {id(branch): branch for branch in self._read_register()}
        self._touched |= touched
        facts += [*(fact for branch in touched.values() for fact in self._read(branch, branch.refresh)), *stated]
        if self._hosts is not None and (hosts := self._hosts.concerned(paths)):
            facts += self._read_hosts(hosts)
        if any(path.parent == self._limits.directory for path in paths):
            facts += self._limits.read(self._account_keys())
        return facts + self._progress(self._read_lately) + self._changed_roster()

    def sweep(self) -> list[Fact]:
        """The facts of all that moved, watched or not: a stat of every known file, and a look at the locks' holders."""
        return self._look() + self.live_sessions() + self._catch_up() + self._progress(self._branches)

    def glance(self) -> list[Fact]:
        """The facts of whoever's files were reported as changed since the last look, save what sessions grew by, which
        is read; of session files that are new or took another's place, and of what no file tells: for where the kernel
        tells of all that changes, between two sweeps."""
        self._held.tidy()
        looked_at, self._touched = self._touched, {}
        found, stated = self._discovery.sweep(), self._statuses.sweep()
        facts = self._look_elsewhere(found)
        looked_at |= {id(branch): branch for branch in self._follow(found)}
        looked_at |= {id(branch): branch for branch in self._branches.values() if branch.waits}
        facts += [fact for branch in looked_at.values() for fact in self._read(branch, branch.refresh)]
        facts += [*stated, *self._changed_roster()]
        return facts + self.live_sessions() + self._catch_up() + self._progress(self._branches)

    def waits(self) -> bool:
        """Whether something is to be looked at soon that no file tells: a process, or what one look left."""
        unsettled = (
            self._failed or self._broken or not self._discovery.complete or self._live_sessions.any or self._strays.any
        )
        return bool(unsettled) or any(branch.waits or branch.sessions.behind for branch in self._branches.values())

    def live_sessions(self) -> list[Fact]:
        """Of whom it changed what sessions a person has at a terminal: a look at all processes, in a sweep too."""
        return [*self._live_sessions.sweep(self._programs), *self._look_elsewhere(())]

    def _look(self) -> list[Fact]:
        self._held.tidy()
        self._touched = {}
        self._read_config()
        facts = self._read_registry()
        self._read_register()
        self._read_hold()
        found = self._discovery.sweep()
        stated = self._statuses.sweep()
        facts += self._look_elsewhere(found)
        self._follow(found)
        facts += [fact for branch in self._branches.values() for fact in self._read(branch, branch.refresh)]
        facts += stated
        facts += self._limits.read(self._account_keys())
        facts += self._read_hosts()
        self._drifts.look(branch.sessions.drift for branch in self._branches.values())
        return facts + self._changed_roster()

    def _read(self, branch: BranchReader, read: Callable[[], list[Fact]]) -> list[Fact]:
        """What reading one agent's files brings. Whatever they hold, the others' are read: a failure is a note."""
        address = branch.agent.address
        self._read_lately[address] = branch
        try:
            facts = read()
        except Exception as error:
            branch.distrust()
            self._failed[address] = f"{address} cannot be read: {type(error).__name__}: {neutral(str(error))}"
            return []
        self._failed.pop(address, None)
        return facts

    def _changed_roster(self) -> list[Fact]:
        """The roster again, if the notes about the reading changed, or who is there on other hosts."""
        remote = self._hosts.agents if self._hosts is not None else ()
        return [self._roster()] if self._notes() != self._said or remote is not self._remote else []

    def _read_hosts(self, hosts: Collection[str] | None = None) -> list[Fact]:
        """What those other hosts tell, None: all; who is there comes first."""
        told = self._hosts.read(hosts) if self._hosts is not None else []
        return [*self._changed_roster(), *told] if told else told

    def _glimpses(self, names: Iterable[Path | str]) -> tuple[list[Fact], list[Path]]:
        """The facts of the session files that are followed, and the other paths."""
        grown: dict[BranchReader, list[str]] = {}
        others = []
        for name in map(str, names):
            if (branch := self._follower(name)) is not None:
                grown.setdefault(branch, []).append(name)
            else:
                others.append(Path(name))
        facts: list[Fact] = []
        for branch, moved in grown.items():
            facts += self._read(branch, partial(branch.sessions.refresh_sessions, moved))
        return facts, others

    def _look_elsewhere(self, found: Iterable[FoundSession]) -> list[Fact]:
        """What sessions go on in the project that are no agent's, and in what processes."""
        facts: list[Fact] = []
        if self._strays.look(found, self._statuses.said, self._live_sessions.strays, self._discovery.strays.get):
            facts.append(self._roster())
            for branch in self._follow(self._strays.begun):
                facts += self._read(branch, branch.refresh)
        return facts + self._strays.facts()

    def _follow(self, sessions: Iterable[FoundSession]) -> list[BranchReader]:
        """Hand each branch its session files; returns those branches."""
        followed: dict[BranchReader, None] = {}
        for address, path, files, account in sessions:
            branch = self._branches.get(address)
            if branch is None:
                continue
            try:
                if branch.sessions.follow(path, files, account, self._discovery.is_new(path)):
                    followed[branch] = None
            except ProgramFailed as error:
                self._failed[address] = f"{address}: {error}"
        return list(followed)

    def _catch_up(self) -> list[Fact]:
        """A further piece of what was used today in session files that are not followed, or before they were."""
        taken_up = self._count(self._discovery.census(MAX_NAMED))
        facts = [fact for branch in taken_up for fact in self._read(branch, branch.refresh)]
        left = CATCH_UP
        for address, branch in self._branches.items():
            if left > 0:
                spent, took = branch.sessions.catch_up(left)
                left -= took
                if spent:
                    facts.append(Used(address, tuple(spent)))
        return facts

    def _count(self, sessions: Iterable[FoundSession]) -> list[BranchReader]:
        """Hand each branch the session files that it may not know; returns those that follow one more."""
        now, taken_up = time.time(), dict[BranchReader, None]()
        for address, path, files, account in sessions:
            branch = self._branches.get(address)
            if branch is None:
                continue
            try:
                lately = now - path.stat().st_mtime < FOLLOWED_AGE
                if lately and branch.sessions.has_room and branch.sessions.follow(path, files, account):
                    taken_up[branch] = None
                else:
                    branch.sessions.count(path, files)
            except ProgramFailed as error:
                self._failed[address] = f"{address}: {error}"
            except OSError:
                continue  # it is gone
        return list(taken_up)

    def _progress(self, branches: Mapping[str, BranchReader]) -> list[Fact]:
        """Of whom among these it is new that all of today is counted, or that it is not."""
        facts: list[Fact] = []
        for address, branch in branches.items():
            unfinished = branch.sessions.behind or (branch.sessions.any and not self._discovery.complete)
            if not branch.agent.is_operator and unfinished != self._unfinished.get(address, False):
                self._unfinished[address] = unfinished
                facts.append(Used(address, (), unfinished))
        return facts

    def _account_keys(self) -> frozenset[str]:
        """Keys of the accounts in which agents of the workspace work, as their sessions and newest runs say."""
        branches = self._branches.values()
        runs = {(run.program, run.account) for branch in branches if (run := branch.run) is not None}
        of_runs = (one.key for one in self._accounts or () if (one.program, one.name) in runs)
        return frozenset((*of_runs, *(key for branch in branches for key in branch.sessions.account_keys)))

    def take_limits(self) -> list[tuple[Account, Limit]]:
        """The usage limits that session files reported since the last call, each with its account."""
        found: list[tuple[Account, Limit]] = []
        for branch in self._read_lately.values():
            if branch.sessions.limits:
                found += branch.sessions.limits
                branch.sessions.limits.clear()
        self._read_lately = {}
        return found

    def set_remark(self, text: str) -> list[Fact]:
        """Let the fleet's notes say `text` of the reading itself; empty: no more."""
        self._remark = text
        return self._changed_roster()

    def follows(self, path: Path) -> bool:
        """True of a session file that is followed: whatever it grows by is reported."""
        return self._follower(str(path)) is not None

    def _follower(self, name: str) -> BranchReader | None:
        branch = self._branches.get(self._discovery.owner(name))
        return branch if branch is not None and branch.sessions.follows(name) else None

    def watch_paths(self) -> dict[str, int]:
        """The directories to watch, flat, with their inodes; for a missing one the nearest above in the workspace."""
        own = (self.workspace.root, self.workspace.aipass_dir, self.workspace.state_dir)
        found = self._watched.existing(own) | self._watched.of(self._branches)
        beside = (self._limits.directory, *self._statuses.directories())
        if self._hosts is not None:
            found |= self._watched.existing(self._hosts.directories())
        return found | self._discovery.directories() | {str(place): inode(place) for place in beside}

    def _roster(self) -> Roster:
        agents = (*self.workspace.agents, self.workspace.operator)
        branches: dict[str, BranchReader] = {}
        for agent in (*agents, *self._strays.agents):
            branch = self._branches.get(agent.address)
            if branch is None or branch.agent.branch != agent.branch:
                words = agent, self._held, self._prices
                branch = StrayReader(*words) if agent.is_session else AgentReader(*words, to_tell=self._hosts is None)
            branch.agent = agent
            branches[agent.address] = branch
        self._branches = branches
        self._discovery.enroll(agents)
        self._places = {
            place: branch
            for branch in branches.values()
            if not branch.agent.is_session
            for place in (branch.agent.branch, branch.agent.mail_dir, branch.agent.logs_dir, branch.agent.runs_dir)
        }
        self._said = self._notes()
        self._remote = self._hosts.agents if self._hosts is not None else ()
        return Roster((*agents, *self._remote), self._said, self._strays.agents)

    def _notes(self) -> tuple[str, ...]:
        own = (*filter(None, (self._broken, self._remark)), *(self._hosts.notes if self._hosts is not None else ()))
        troubles = map(neutral, dict.fromkeys(self._discovery.troubles.values()))
        drifts = self._drifts.notes()
        return (*self.workspace.refused, *self.workspace.notes, *own, *drifts, *troubles, *self._failed.values())

    def _place(self, path: Path) -> BranchReader | None:
        """Whose file it is: in the branch, in a directory that we know of it, or in one of its runs."""
        for place in (path, path.parent, path.parent.parent):
            if place in self._places:
                return self._places[place]
        return None

    def _read_registry(self) -> list[Fact]:
        if not self._stamps.moved(self.workspace.registry):
            return []
        try:
            self.workspace = workspaces.load_workspace(self.workspace.registry)
            self._broken = ""
        except MailcoreError as error:
            self._broken = f"{error}; the agents known before are shown"
            self._stamps.distrust(self.workspace.registry)
        roster = self._roster()
        if any(branch.fresh for branch in self._branches.values()):
            self._stamps.distrust(self._register.path)  # it may report the new agents too
            self._read_register()
        return [roster]

    def _read_config(self) -> None:
        """Accounts and prices as config.toml says them now; where it has a fault, what it said before holds."""
        if not self._stamps.moved(self.workspace.config_file) and self._accounts is not None:
            return
        try:
            config = trust.trusted_config(self.workspace)[0]
        except (MailcoreError, OSError):
            found = self._accounts or default_accounts()
            self._programs = self._programs or built_in()
        else:
            self._prices.own(config.prices)
            self._programs = used_programs(config)
            found = accounts(config)
        if found != self._accounts:
            self._accounts = found
            self._discovery.look_in(found)
            self._statuses.look_in(found)

    def _read_hold(self) -> list[BranchReader]:
        """Tell each agent's reader whether every agent is held; returns those for which it changed."""
        hold = hold_text(self.workspace.state_dir, "every agent")
        changed = [branch for branch in self._branches.values() if branch.all_held != hold]
        for branch in changed:
            branch.all_held = hold
        return changed

    def _read_register(self) -> list[BranchReader]:
        """Hand each branch its newest registered run; returns those for which it changed."""
        if not self._stamps.moved(self._register.path):
            return []
        runs = self._register.read()
        changed = []
        for address, branch in self._branches.items():
            run: Run | None = runs.get(address)
            if run != branch.registered:
                branch.registered = run
                changed.append(branch)
        return changed
