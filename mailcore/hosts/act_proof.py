"""Whether an act that came from another host may be carried out here: whose it is, and whether config allows it."""

from __future__ import annotations

import time

import msgspec

from mailcore.exceptions import ConfigError, MailcoreError, Refused
from mailcore.hosts.act_rules import rule_of
from mailcore.hosts.acts import LEEWAY, LONGEST_KEEP, MOST_ACT_SKEW, ActOutcome, ActState, RemoteAct
from mailcore.hosts.asked_acts import ACT_ID
from mailcore.hosts.directory import read_host
from mailcore.hosts.keys import verify
from mailcore.hosts.membership import member
from mailcore.hosts.names import HOST
from mailcore.model.link import HostRecord
from mailcore.text.units import clock_time, date_and_time
from mailcore.workspace import trust
from mailcore.workspace.find import Workspace


class Late(Refused):
    """It came after the moment until which it was to begin."""


def act_of(raw: object, sender: str) -> RemoteAct:
    """The act that a host sends. Refused (codes `act`, `act_key`) where it is none, or names another sender."""
    try:
        act = msgspec.convert(raw, RemoteAct)
    except msgspec.ValidationError as error:
        raise Refused(f"an act that is none: {error}", "act") from error
    if act.sender != sender:
        raise Refused(f"an act of {act.sender[:40]} that {sender} sends", "act_key")
    if not ACT_ID.fullmatch(act.id):
        raise Refused("an act without an id", "act")
    return act


def prove_act(workspace: Workspace, act: RemoteAct) -> HostRecord:
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
    _require_allowed(workspace, act.verb)
    require_in_time(act, host)
    return host


def _require_allowed(workspace: Workspace, verb: str) -> None:
    """Refused (code `act_config`) unless config lets other hosts have that done here."""
    try:
        config = trust.trusted_config(workspace)[0]
    except ConfigError as error:
        raise Refused(f"this host's config cannot be read: {error}", "act_config") from error
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
