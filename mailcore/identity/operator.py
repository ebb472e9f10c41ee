"""What is a person's alone: when the caller is taken for one, and what an act that no agent may do asks for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mailcore.exceptions import Refused
from mailcore.identity.ancestry import Ancestry, service
from mailcore.identity.caller import Identity
from mailcore.identity.evidence import from_passport, from_run
from mailcore.model.agent import OPERATOR
from mailcore.system.processes import command_line, control_group, environment, look
from mailcore.workspace.find import Workspace
from mailcore.workspace.variables import ROUTER_NAMES, RUN_ID


@dataclass(frozen=True, slots=True)
class AgentSigns:
    """How an agent's program, also one that a person started by hand, is known."""

    variables: frozenset[str]
    """Names of environment variables that it sets for what it starts."""
    is_agent: Callable[[str, list[str]], bool]
    """Whether a process of that name and command line is one."""


def why_no_person(
    workspace: Workspace,
    variables: Mapping[str, str],
    ancestry: Ancestry,
    signs: Callable[[], AgentSigns],
    assume: bool,
) -> str:
    """Why the caller cannot be taken for a person at a terminal; empty if it can."""
    from mailcore.identity.orphaned_caller import surviving_run
    from mailcore.system.terminal import interactive

    if not interactive():
        return "no terminal that it was called at"
    if not assume:
        return "[operator] assume = false"
    if set_ := [name for name in (RUN_ID, *ROUTER_NAMES) if variables.get(name)]:
        return f"{set_[0]} is set"
    if ancestry.runs:
        return f"started by {ancestry.runs[0].words}"
    if ancestry.doubt:
        return ancestry.doubt
    if ancestry.unattended:
        return f"started by {ancestry.unattended}"
    return _program_above(variables, ancestry, signs()) or surviving_run(workspace, ancestry.pids)


def _program_above(variables: Mapping[str, str], ancestry: Ancestry, signs: AgentSigns) -> str:
    """The sign of an agent's program in this environment or above; empty if there is none."""
    if found := sorted(signs.variables & variables.keys()):
        return f"{found[0]} is set, as an agent's program does"
    for pid in ancestry.pids:
        names = {one.partition(b"=")[0].decode("utf-8", "replace") for one in environment(pid) or ()}
        if found := sorted(signs.variables & names):
            return f"process {pid} above has {found[0]}, as an agent's program sets it"
        process = look(pid)
        words = [word.decode("utf-8", "replace") for word in command_line(pid) or ()]
        if process is not None and signs.is_agent(process.name, words):
            return f"process {pid} above is {process.name}, an agent's program"
    return ""


COMMAND_SERVERS = ("tmux: server", "screen", "SCREEN", "sshd", "dropbear", "mosh-server", "emacs", "inetd", "xinetd")
"""Names, or their beginnings, of servers that start a command for whoever asks them, an agent too. A person who does
has a terminal."""


def require_entitled(
    workspace: Workspace,
    identity: Identity,
    variables: Mapping[str, str],
    directory: Path,
    entitled: str,
    *,
    at_screen: bool = False,
    proved: bool = False,
    outlived: bool = True,
) -> None:
    """Refused unless the caller is `entitled` and nothing says that it is another: for acts that no agent may fake.

    Declaring `--from` proves nothing here. Whoever runs inside another agent's run (by variable, or by any ancestor
    process, which clearing the environment does not change) or in another agent's branch is that agent; whoever may be
    what a dead supervisor left, whose ancestors cannot all be seen, or whom a server started that serves nobody in
    sight, is not taken for anybody. `at_screen`: the caller is a screen, whose terminal may be looked at by nobody.
    `proved`: it is asked for a passphrase besides, which leaves of all that only what names another. Without `outlived`
    what a dead supervisor left may do it too: as a kill, which clears that away.
    """
    from mailcore.identity.orphaned_caller import surviving_run

    if identity.address != entitled:
        raise Refused(f"only {entitled} can do this, and the caller is {identity.address}", "identity")
    why = _another(workspace, identity, variables, directory, entitled)
    if why := why or ("" if proved or identity.how == "run" else _nobody(identity, at_screen)):
        raise Refused(f"only {entitled} can do this, and {why}", "identity")
    if outlived and not proved and identity.how != "run" and (why := surviving_run(workspace, identity.ancestry.pids)):
        raise Refused(f"only {entitled} can do this, and {why}", "identity")


def require_from_host(host: str, entitled: str, *, proved: bool) -> None:
    """Refused unless the operator of a linked host, who signed what they ask for, may do it here.

    `proved`: this host wants its passphrase for it, which is typed here and nowhere else.
    """
    if entitled != OPERATOR:
        raise Refused(f"only {entitled} can do this, and the caller is the operator of {host}", "identity")
    if proved:
        raise Refused("this host asks for its operator's passphrase, which is typed there alone: do it there", "proof")


def _another(
    workspace: Workspace, identity: Identity, variables: Mapping[str, str], directory: Path, entitled: str
) -> str:
    """What says that the caller is somebody else, in words; empty if nothing does."""
    if identity.how == "run":
        return ""
    evidence: list[str] = []
    found = from_run(workspace, variables, evidence, identity.ancestry)
    actual = found[0] if found else from_passport(workspace, directory, evidence)
    if actual is not None and actual.address != entitled:
        return evidence[-1]
    others = [run for run in identity.ancestry.runs if run.agent is None or run.agent.address != entitled]
    return f"the caller was started by {others[0].words}" if others else ""


def _nobody(identity: Identity, at_screen: bool) -> str:
    """Why the caller may be anybody's, in words; empty if it may not. A key stands for who is not there."""
    from mailcore.system.terminal import deserted, interactive

    ancestry = identity.ancestry
    if ancestry.doubt or identity.how == "key":
        return ancestry.doubt
    if ancestry.unattended:
        return f"{ancestry.unattended} started it, when nobody need be there"
    terminal = interactive()
    if named := service(control_group(os.getpid()), terminal):
        return f"it belongs to the service {named}, at which nobody sits"
    names = [process.name for pid in ancestry.pids if (process := look(pid)) is not None]
    if not terminal and (server := next((name for name in names if name.startswith(COMMAND_SERVERS)), "")):
        return f"{server} started it, and no terminal is there"
    return deserted(ancestry.pids) if terminal and not at_screen else ""
