"""An agent's settings of its program: our hooks put in, looked for and taken out again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailcore.exceptions import MailcoreError
from mailcore.hooks import settings
from mailcore.hooks.line import STAMPS, HookEntry, handler, hook_entries
from mailcore.hooks.settings import HookPlan
from mailcore.mail.bell import remove_bells
from mailcore.model.agent import Agent
from mailcore.permissions.store import remove_requests
from mailcore.programs.base import Hooks
from mailcore.system import safe_open, writing
from mailcore.system.writing import make_directory


@dataclass(frozen=True, slots=True)
class HookState:
    """How it stands with one agent's hooks."""

    state: str
    """`installed`, `outdated` (of another place or release, or not all of them), `none` or `broken`."""
    why: str = ""
    """What is wrong, in words."""

    @property
    def at_work(self) -> bool:
        """True if at least some of our hooks run."""
        return self.state in ("installed", "outdated") and not self.why


NO_HOOKS = HookState("none")


def settings_file(agent: Agent, hooks: Hooks) -> Path:
    """Where hooks are put: the agent's own settings, which are not committed."""
    return agent.branch / hooks.settings


def hook_plan(agent: Agent, hooks: Hooks) -> HookPlan:
    """What is to stand in the agent's settings of that program."""

    def one(entry: HookEntry, made: str) -> dict[str, Any]:
        return handler(agent, hooks, entry, made)

    return HookPlan(hook_entries(hooks), one)


def hook_state(agent: Agent, hooks: Hooks) -> HookState:
    """How it stands. Never raises, writes nothing."""
    path = settings_file(agent, hooks)
    try:
        with _words(path):
            text = _read(path)
            if text is None:
                return NO_HOOKS
            plan = hook_plan(agent, hooks)
            settings.parse_settings(text, plan.events)
            if not settings.our_commands(text):
                return NO_HOOKS
            off = bool(hooks.off) and settings.parse_settings(text).get(hooks.off) is True
            state = "installed" if settings.is_complete(text, plan) else "outdated"
    except MailcoreError as error:
        return HookState("broken", str(error))
    return HookState(state, f'{path} says "{hooks.off}"' if off else "")


def install_hooks(agent: Agent, hooks: Hooks) -> bool:
    """Put our entries in, or renew them; False if they stand there already. MailcoreError, and nothing written, if the
    file is no settings, cannot be written, or lies outside the project.
    """
    path = settings_file(agent, hooks)
    if not agent.branch.is_dir():
        raise MailcoreError(f"{agent.branch} is gone; no hooks for {agent.address}", "no_branch")
    plan = hook_plan(agent, hooks)
    with _words(path):
        before = _read(path)
        made = not path.parent.exists()
        after = (
            settings.new_settings(plan, "directory" if made else "file")
            if before is None
            else settings.add_our_entries(before, plan)
        )
        if after == before:
            return False
        safe_open.inside(agent.boundary, path)
        make_directory(path.parent)
        try:
            _write(agent, path, after)
        except OSError:
            if made:
                path.parent.rmdir()
            raise
    return True


def remove_hooks(agent: Agent, hooks: Hooks) -> bool:
    """Take our entries out, and what was made for them; False if there are none. Raises as `install_hooks` does."""
    path = settings_file(agent, hooks)
    with _words(path):
        before = _read(path)
        after, made = settings.remove_our_entries(before) if before is not None else ("", "")
        if not made:
            return False
        safe_open.inside(agent.boundary, path)
        if made in settings.MADE[3:] and settings.is_empty(after):
            writing.remove_file(path, agent.boundary)
            if made == "directory":
                with contextlib.suppress(OSError):  # something else lies there now
                    path.parent.rmdir()
        else:
            _write(agent, path, after)
        for name in STAMPS.values():
            (agent.mail_dir / name).unlink(missing_ok=True)
        remove_bells(agent)
        remove_requests(agent)
    return True


def _read(path: Path) -> str | None:
    """The file's text as it stands, ends of lines included; None if there is none."""
    try:
        return safe_open.read_bytes(path).decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise settings.BrokenSettings(f"is not UTF-8: {error}", "settings") from error


def _write(agent: Agent, path: Path, text: str) -> None:
    # A link within the project is kept, and what it names is written.
    writing.replace(path.resolve(), text.encode(), root=agent.boundary)


@contextlib.contextmanager
def _words(path: Path) -> Iterator[None]:
    """What the disk or the settings refuse, in words that name the file."""
    try:
        yield
    except OSError as error:
        raise MailcoreError(f"{path}: {error.strerror}; nothing was written") from error
    except settings.BrokenSettings as error:
        raise settings.BrokenSettings(
            f"{path} {error}; mend it or move it away, nothing was written", "settings"
        ) from error
