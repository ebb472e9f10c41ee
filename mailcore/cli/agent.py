"""`agent`."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import sender_option
from mailcore.cli.workspace import name_and_path, texts_by_address, who_options
from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.model.agent import Agent
from mailcore.text import counted, line
from mailcore.workspace.find import Workspace
from mailcore.workspace.registry import normal_address


def arguments(verb: str, parser: Parser) -> None:
    """`agent add NAME=PATH`, `agent add NAME --worktree`, `agent adopt DIR|SESSION`, `agent remove @a`."""
    del verb
    parser.add_argument("what", choices=("add", "adopt", "remove"), help="remove leaves its files alone")
    parser.add_argument(
        "which", metavar="NAME=PATH|DIR|SESSION|@a",
        help="whom to add, and its directory; the directory, or session, to make an agent of; or whom to remove",
    )  # fmt: skip
    who_options(parser)
    parser.add_argument(
        "--worktree", action="store_true",
        help="add: in a git worktree of its own, beside the project or at PATH; remove: its worktree too, if no work "
        "would be lost",
    )  # fmt: skip
    parser.add_argument("--keep", action="store_true", help="remove: its worktree stays")
    parser.add_argument("--branch", default="", help="add --worktree: git's branch there; else a new one of its name")
    parser.add_argument("--name", default="", help="adopt: what it is called; else as its directory")
    sender_option(parser)


def agent(call: Call) -> VerbResult:
    """Add an agent and make its branch, make one of a directory, or take one out of the registry, whose files stay."""
    from mailcore.workspace import audit

    a, by = call.arguments, call.viewer.address  # first: whoever is refused has changed nothing
    if (a.branch and not (a.what == "add" and a.worktree)) or (a.name and a.what != "adopt"):
        raise UsageError("--branch goes with add --worktree, --name with adopt")
    if a.keep and (a.what != "remove" or a.worktree):
        raise UsageError("--keep goes with remove, and without --worktree")
    if a.worktree and a.what == "adopt":
        raise UsageError("adopt sees for itself whether a directory is a worktree")
    act = {"add": _add, "adopt": _adopt, "remove": _remove}[a.what]
    changed, found, text = act(call)
    audit.record(call.workspace, by, f"agent {a.what}", agent=found.address)
    if a.what == "remove" and (waited := _notify_waiting_senders(call, changed, found.address)):
        text += f"\n{waited}"
    value = {"address": found.address, "branch": str(found.branch), "worktree": found.worktree}
    return value | {"agents": len(changed.agents)}, text


def _add(call: Call) -> tuple[Workspace, Agent, str]:
    from mailcore.workspace import create

    a = call.arguments
    if not a.worktree:
        name, path = name_and_path(a.which)
        changed = create.add_agent(call.workspace, name, path, *_who(call, name))
        found = changed.agent(name)
        return changed, found, f"{found.address} {found.branch}"
    from mailcore.workspace.agent_worktree import add_worktree, discard_worktree

    name, _, place = a.which.partition("=")
    who = _who(call, name)
    create.check_new_agent(call.workspace, name)
    made = add_worktree(call.workspace, name, place, a.branch)
    try:
        changed = create.add_agent(call.workspace, name, _row_path(call.workspace, made.directory), *who, worktree=True)
    except (MailcoreError, OSError):
        discard_worktree(call.workspace, made)
        raise
    found = changed.agent(name)
    return changed, found, f"{found.address} {found.branch}, a worktree on the branch {line(made.branch, 80)}"


def _adopt(call: Call) -> tuple[Workspace, Agent, str]:
    """Make an agent of a directory, or of the one that a session was begun in."""
    from mailcore.system.linked_worktrees import linked_worktree
    from mailcore.workspace import create
    from mailcore.workspace.agent_worktree import lock_worktree
    from mailcore.workspace.worktree import is_own_worktree

    a, workspace = call.arguments, call.workspace
    directory, session = _place_to_adopt(call)
    linked = is_own_worktree(directory, workspace.root)
    if not linked and not directory.is_relative_to(workspace.root):
        raise Refused(f"{directory} is neither in {workspace.root} nor in a git worktree of its repository", "boundary")
    name = a.name or re.sub(r"[^a-z0-9_-]+", "-", directory.name.lower()).strip("-_")
    if not name:
        raise UsageError(f"{directory} has no name for an agent in it: --name NAME")
    path = _row_path(workspace, directory)
    changed = create.add_agent(workspace, name, path, *_who(call, name), worktree=linked)
    found = changed.agent(name)
    if linked and (tree := linked_worktree(directory)) is not None:
        lock_worktree(workspace, tree.top, found.address, lenient=True)
    text = f"{found.address} {found.branch}" + (f", where session {line(session, 80)} was begun" if session else "")
    return changed, found, f"{text}\nnext: mailcore hooks install {found.address}, and its sessions hear of mail"


def _place_to_adopt(call: Call) -> tuple[Path, str]:
    """The directory, as it really is, and the session that was named."""
    which = call.arguments.which
    place = Path(os.path.expanduser(which))  # noqa: PTH111 (it raises nothing of a user that is not known)
    if place.is_dir():
        return place.resolve(), ""
    from mailcore.accounts.session_lookup import session_directory

    found = session_directory(call.config, which)
    if not found:
        raise Refused(f"{line(which, 200)!r} is no directory, and no session of that id is known", "no_session")
    if not Path(found).is_dir():
        raise Refused(f"the session was begun in {line(found, 300)}, which is gone", "no_session")
    return Path(found).resolve(), which


def _remove(call: Call) -> tuple[Workspace, Agent, str]:
    from mailcore.workspace import create

    workspace, a = call.workspace, call.arguments
    found = workspace.agent(a.which)
    if not call.viewer.is_operator and call.viewer.address != found.address:
        raise Refused(f"{call.viewer.address} cannot take {found.address} out; only the operator can", "identity")
    if (a.worktree or a.keep) and not found.worktree:
        raise UsageError(f"{found.branch} is no worktree of {found.address}'s own")
    if not found.worktree or not found.branch.is_dir():
        changed = create.remove_agent(workspace, found.address)
        return changed, found, f"{found.address} is out of {changed.registry.name}; {found.branch} stays as it is"
    from mailcore.mail.bell import remove_bells
    from mailcore.workspace.agent_worktree import note_former, remove_worktree, unmerged_work

    settings = _hook_settings()
    lost = unmerged_work(workspace, found, settings)
    if a.worktree and lost:
        raise Refused(f"{found.branch} stays, and so does {found.address}: {'; '.join(lost)}", "unmerged")
    if not a.worktree and not a.keep:
        offer = f"--keep leaves it: {'; '.join(lost)}" if lost else "--worktree removes it too, --keep leaves it"
        raise UsageError(f"{found.branch} is a git worktree; {offer}")
    if a.keep:
        changed = create.remove_agent(workspace, found.address)
        return changed, found, f"{found.address} is out of {changed.registry.name}; its worktree {found.branch} stays"
    create.refuse_at_work(found)
    remove_bells(found)
    kept = remove_worktree(workspace, found, settings)  # first: what git refuses leaves all as it was
    changed = create.remove_agent(workspace, found.address)
    note_former(changed, found, kept)
    out = f"{found.address} is out of {changed.registry.name}, and its worktree is removed"
    return changed, found, f"{out}; its mail, memories and logs lie in {kept}"


def _hook_settings() -> list[str]:
    from mailcore.programs.registry import programs

    return [one.hooks.settings for one in programs() if one.hooks is not None]


def _who(call: Call, name: str) -> tuple[str, str]:
    """The role and the purpose that are given to one agent."""
    address = normal_address(name)
    role, purpose = (
        texts_by_address(texts, [address]).get(address, "") for texts in (call.arguments.role, call.arguments.purpose)
    )
    return role, purpose


def _row_path(workspace: Workspace, directory: Path) -> str:
    """As it is written into the registry: below the root or beside it, so that both can be moved together."""
    return os.path.relpath(directory, workspace.root)


def _notify_waiting_senders(call: Call, changed: Workspace, address: str) -> str:
    """Notify the senders of the tasks that waited for an agent which is out of the registry; who was
    notified, in words."""
    from mailcore.dispatch.lifecycle.after_run import start_all_waiting
    from mailcore.dispatch.queueing import queue

    waited = [line for _, line in queue.lost_tasks(changed) if line.get("agent") == address]
    if not waited:
        return ""
    start_all_waiting(changed, call.config)
    senders = ", ".join(dict.fromkeys(str(line.get("sender")) for line in waited))
    return f"{counted(len(waited), 'task')} waited there and will not start: told to {senders}"
