"""Whether an act that came from another host may be carried out here: whose it is, and whether config allows it."""

from __future__ import annotations

import time

from mailcore.config import Config
from mailcore.exceptions import MailcoreError, Refused
from mailcore.hosts.act_rules import rule_of
from mailcore.hosts.acts import LEEWAY, LONGEST_KEEP, MOST_ACT_SKEW, ActOutcome, ActState, RemoteAct
from mailcore.hosts.directory import read_host
from mailcore.hosts.keys import verify
from mailcore.hosts.membership import member
from mailcore.hosts.names import HOST
from mailcore.model.link import HostRecord
from mailcore.text.units import clock_time, date_and_time
from mailcore.workspace.find import Workspace


class Late(Refused):
    """It came after the moment until which it was to begin."""


def prove_act(workspace: Workspace, config: Config, act: RemoteAct) -> HostRecord:
    """The host whose operator asked for this, proved by that one's key. Refused, saying why, in every other case.

    Late, where nothing else speaks against it.
    """
    here = member(workspace).host
    if act.to != here:
        raise Refused(f"it is for the host {act.to[:40]}, and this is {here}", "act_key")
    host = read_host(workspace, act.sender) if HOST.fullmatch(act.sender) else None
    if host is None or host.revoked:
        raise Refused(f"{act.sender[:40]} is no host of this link{' any more' if host else ''}", "act_key")
    if not host.operator_key:
        raise Refused(f"no key of the operator of {host.name} is known here: none may act from there", "act_key")
    if not verify(host.operator_key, act.signed, act.signature):
        raise Refused(f"it is not signed by the operator of {host.name}", "act_key")
    rule_of(act.argv)
    require_allowed(config, act.verb)
    require_in_time(act, host)
    return host


def require_allowed(config: Config, verb: str) -> None:
    """Refused (code `act_config`) unless config lets other hosts have that done here."""
    if not {"*", verb} & set(config.link.acts):
        raise Refused(f"[link] acts of this host does not allow {verb} from other hosts", "act_config")


def require_in_time(act: RemoteAct, host: HostRecord) -> None:
    """Late, if the act was to begin before now, by its sender's clock as far as that is known and believed; Refused as
    of `require_bounded`."""
    require_bounded(act, host)
    now = _now_there(host)
    leeway = LEEWAY if host.skew is None else 0.0
    if now > act.until + leeway:
        raise Late(f"it came at {clock_time(now)}, and was good until {clock_time(act.until)}", "late")


def require_bounded(act: RemoteAct, host: HostRecord) -> None:
    """Refused (code `act`) if it is good for longer than an act can be, from when it was asked for and from now."""
    if act.until > min(act.at, _now_there(host) + LEEWAY) + LONGEST_KEEP:
        raise Refused(f"it is good until {date_and_time(act.until)}: for longer than an act can be", "act")


def refusal(act: RemoteAct, error: MailcoreError) -> ActOutcome:
    """What became of an act that was not carried out."""
    state = ActState.LATE if isinstance(error, Late) else ActState.REFUSED
    return ActOutcome(act.id, state, Refused.exit_status, code=error.code, why=f"{act.words}: {error}")


def _now_there(host: HostRecord) -> float:
    return time.time() + min(max(host.skew or 0.0, -MOST_ACT_SKEW), MOST_ACT_SKEW)
