"""Who takes part, and where each keeps its files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

OPERATOR = "@operator"
"""The person at the screen. Reserved: no registry row may take it."""
WATCHER = "@error-watcher"
"""Who mails agents about repeated errors: no program of anybody's. Reserved, too."""
SESSION_SIGN = "~"
"""Before the name of a session that goes on in the project and is no agent's, in the place of an address's `@`."""
RUN_JOURNAL = "run.jsonl"
"""The name of a run's journal, in its directory below `Agent.runs_dir`."""


@dataclass(frozen=True)
class Agent:
    """One registered participant. The branch is its directory; file places are AIPass's (contract sections 1 and 2)."""

    address: str
    """`@writer`, lower case."""
    name: str
    """As the registry spells it, e.g. `WRITER`."""
    branch: Path
    """Absolute directory of the agent."""
    role: str = ""
    """From the passport; empty where it says nothing."""
    root: Path = Path()
    """The workspace's directory: what leaves it is refused, and its mail shares one count."""
    host: str = ""
    """The linked host on which it lives; empty: this one. Of another's, `branch` is where a copy of what was asked for
    of its files is kept: nothing written there reaches it."""
    worktree: bool = False
    """Its directory lies in a linked git worktree of the project's repository, and maybe outside of `root`."""
    mirrors: Path | None = None
    """The same place in the project's own checkout, of one whose directory lies in a worktree."""
    program: str = ""
    """Of a session that is no agent's: its program. `branch` is where it was begun."""
    session: str = ""
    """Of such a one: its id; empty: not known yet."""

    @property
    def boundary(self) -> Path:
        """The directory that none of its files may leave: the project's; its own, where that is a worktree."""
        return self.branch if self.worktree else self.root

    @cached_property
    def mail_dir(self) -> Path:
        """Everything of this agent's mail and runs."""
        return self.branch / ".ai_mail.local"

    @cached_property
    def inbox(self) -> Path:
        """Open mail, one JSON file."""
        return self.mail_dir / "inbox.json"

    @cached_property
    def sent_dir(self) -> Path:
        """One JSON file for each mail this agent sent."""
        return self.mail_dir / "sent"

    @cached_property
    def archive_dir(self) -> Path:
        """Closed mail, AIPass's `deleted/`."""
        return self.mail_dir / "deleted"

    @cached_property
    def dispatch_lock(self) -> Path:
        """Present while a supervisor (ours or AIPass's) works on this branch."""
        return self.mail_dir / ".dispatch.lock"

    @cached_property
    def runs_dir(self) -> Path:
        """One directory a run, named by its id."""
        return self.mail_dir / "runs"

    @cached_property
    def wake_mark(self) -> Path:
        """Written anew by each wake that found no mail to begin a run for: so a timer is known to be alive."""
        return self.mail_dir / ".woken"

    @cached_property
    def logs_dir(self) -> Path:
        """The agent's own logs, `hooks.jsonl` among them."""
        return self.branch / "logs"

    @cached_property
    def hooks_log(self) -> Path:
        """Hook events of the agent's program, one JSON object a line."""
        return self.logs_dir / "hooks.jsonl"

    @cached_property
    def former_hooks_log(self) -> Path:
        """Those that were noted before it was begun anew."""
        return self.logs_dir / "hooks.jsonl.1"

    @cached_property
    def passport(self) -> Path:
        """Who the agent is; its presence makes a directory a branch."""
        return self.branch / ".trinity" / "passport.json"

    @property
    def is_remote(self) -> bool:
        """True of one that lives on another host: only that host reads its files, and starts and ends it."""
        return bool(self.host)

    @property
    def is_session(self) -> bool:
        """True of a session that goes on in the project and is no agent's: it is shown, and nothing of it acted on."""
        return self.address.startswith(SESSION_SIGN)

    @property
    def is_operator(self) -> bool:
        """True of the reserved entry for the person at the screen."""
        return self.address == OPERATOR

    @property
    def is_reserved(self) -> bool:
        """True of whom no registry lists and nothing starts: the operator, and the watcher of errors."""
        return self.address in (OPERATOR, WATCHER)
