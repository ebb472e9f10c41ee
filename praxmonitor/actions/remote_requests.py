"""What the operator asks of agents on other hosts: the same acts, carried out there. Each is for a worker thread.

An act is signed with the operator's key, put on disk, and its answer waited for; where the host is away it is queued,
and that is said. What the other host refuses is raised in its own words.
"""

from __future__ import annotations

from collections.abc import Sequence

from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.names import split_address
from mailcore.text.units import clock_time
from mailcore.workspace.find import Workspace
from praxmonitor.actions.entitlement import entitle


def host_of(workspace: Workspace, address: str) -> str:
    """The other host of the link on which that agent lives; empty of one that lives here."""
    name, host = split_address(address)
    if not host or any(agent.address == address for agent in workspace.agents):
        return ""
    from mailcore.hosts.membership import read_membership

    membership = read_membership(workspace)
    return host if name and membership is not None and host != membership.host else ""


def ask_there(
    workspace: Workspace, address: str, verb: str, *texts: str, options: Sequence[str] = (), target: str = ""
) -> str:
    """Have a verb carried out where that agent lives, about it or else about `target`; what to say of it.

    Refused as of `entitlement.entitle`, and with what the other host refuses.
    """
    from mailcore.hosts.acts import KEEP, OUTCOME_TIMEOUT
    from mailcore.hosts.asked_acts import ask_act, sign_act
    from mailcore.hosts.asked_wait import wait_for_outcome
    from mailcore.hosts.directory import read_host
    from mailcore.workspace import trust

    name, host = split_address(address)
    entitle(workspace, trust.trusted_config(workspace)[0], outlived=verb != "kill")
    known = read_host(workspace, host)
    if known is None or known.revoked:
        raise Refused(f"{host} belongs to the link no more", "revoked")
    about = target.removesuffix(f".{host}") or name
    act = sign_act(workspace, host, [verb, *options, "--", about, *texts], KEEP)
    ask_act(workspace, act)
    outcome = wait_for_outcome(workspace, act, 0.0 if known.away_since else OUTCOME_TIMEOUT)
    if outcome is None:
        away = (
            f"{host} is away since {clock_time(known.away_since)}" if known.away_since else f"no word from {host} yet"
        )
        return f"{verb} {address}: {away}; queued until {clock_time(act.until, seconds=False)}"
    outcome.raise_failure()
    return f"{verb} {address}, done on {host}"


def story_there(workspace: Workspace, address: str) -> str:
    """The newest run of an agent on another host, on one page of Markdown."""
    from mailcore.hosts.ask_socket import look_there
    from mailcore.hosts.asked_acts import sign_act

    name, host = split_address(address)
    act = sign_act(workspace, host, ["run", "--", name])
    outcome = look_there(workspace, act)
    outcome.raise_failure()
    return outcome.text


def refuse_elsewhere(workspace: Workspace, address: str, what: str) -> None:
    """Refused if that agent lives on another host: `what` is done at a terminal, and how stands in it."""
    if host := host_of(workspace, address):
        raise MailcoreError(f"{address} lives on {host}: {what}", "elsewhere")
