"""`link`: one project on several hosts: the server, who belongs to it, and how it stands."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import proof_option, sender_option
from mailcore.exceptions import Refused, UsageError
from mailcore.hosts.membership import HUB, member, read_membership
from mailcore.text import counted, line
from mailcore.text.units import date_and_time, duration

if TYPE_CHECKING:
    from mailcore.config import Link

WHAT = {
    "serve": "found a link, and run its server and this host's part, until Ctrl-C",
    "run": "run this host's part alone",
    "invite": "print a token by which HOST may join, once, within a day",
    "join": "join by a TOKEN (- reads it), or ssh://host/directory",
    "status": "how it stands; what else is said of the link's hosts",
    "revoke": "HOST belongs to the link no more, at once",
    "leave": "this host belongs to it no more",
    "doctor": "look for what stands in its way, and say the fix",
    "acts": "what was asked of other hosts from here; acts cancel ID takes one back that waits",
    "service": "print a unit for systemd that runs it",
}
"""What `link` may be told → what it does."""


def arguments(verb: str, parser: Parser) -> None:
    """`link [serve|run|invite HOST|join TOKEN|status|revoke HOST|leave|doctor|acts|service]`."""
    del verb
    parser.add_argument(
        "what", nargs="?", default="status", choices=tuple(WHAT), help="; ".join(f"{k}: {v}" for k, v in WHAT.items())
    )
    parser.add_argument("which", nargs="?", default="", metavar="HOST|TOKEN", help="of invite, revoke, join")
    parser.add_argument("rest", nargs="*", default=[], metavar="ID", help="of acts cancel")
    parser.add_argument("--host", default="", metavar="NAME", help="what this host is called, when it founds or joins")
    parser.add_argument("--listen", default="", metavar="HOST:PORT", help="where the server listens (serve)")
    parser.add_argument(
        "--server", action="append", default=[], metavar="HOST:PORT", help="where others reach the server (invite)"
    )
    parser.add_argument("--with-parent", action="store_true", help="end when standard input closes (serve, run)")
    sender_option(parser)
    proof_option(parser)


def link(call: Call) -> VerbResult:
    """Do what is asked of the link."""
    what = call.arguments.what
    takes = ("invite", "revoke", "join", "acts")
    if (call.arguments.which and what not in takes) or (call.arguments.rest and what != "acts"):
        raise UsageError(f"link {what} takes no {call.arguments.which!r}")
    if what in ("invite", "revoke") and not call.arguments.which:
        raise UsageError(f"link {what} HOST: say which")
    act: VerbResult = _ACTS[what](call)
    return act


def link_config(call: Call) -> Link:
    """What config.toml says of the link. Refused (code `trust`) where that is withheld."""
    from mailcore.workspace import trust

    config, status = trust.trusted_config(call.workspace, remember=True)
    if status.why and any(name.startswith("link.") for name in status.rights):
        raise Refused(trust.refusal_text(call.workspace, status), "trust")
    return config.link


def _serve(call: Call) -> VerbResult:
    from mailcore.link.founding import found_link

    there = read_membership(call.workspace)
    a = call.arguments
    if there is None or a.listen or a.host:
        by = call.require().address
        made = found_link(call.workspace, link_config(call), host=a.host, listen=a.listen)
        if made != there:
            _record(call, by, "link serve", host=made.host, project=made.project, server=list(made.server))
    else:
        found_link(call.workspace, link_config(call))
    return _run(call)


def _run(call: Call) -> VerbResult:
    """Run until told to end."""
    import asyncio

    from mailcore.link.process import run_link
    from mailcore.text.terminal import Lines

    membership = member(call.workspace)
    if call.served is not None:
        raise UsageError("the link is run by a person, at a shell")
    log = Lines()
    if not call.as_json:
        log.say(f"mailcore link: {membership.host}, {membership.role} of {membership.project}; until Ctrl-C")

    def say(text: str) -> None:
        if not call.as_json:
            log.say(f"{date_and_time(time.time())} {line(text, 500)}")

    asyncio.run(run_link(call.workspace, link_config(call), say, with_parent=call.arguments.with_parent))
    return {"host": membership.host}, ""


def _invite(call: Call) -> VerbResult:
    from mailcore.link.inviting import invite, wait_until_applied

    by = call.require().address
    word, token = invite(call.workspace, link_config(call), call.arguments.which, tuple(call.arguments.server))
    _record(call, by, "link invite", host=token.host)
    runs = wait_until_applied(call.workspace)
    value = {"token": word, "host": token.host, "server": list(token.server), "until": token.until, "served": runs}
    told = [] if runs else ["it is good once `mailcore link serve` runs here"]
    hint = f"on {token.host}, once, until {date_and_time(token.until)}: mailcore link join - (and the token)"
    return value, "\n".join([word, "", hint, *told])


def _join(call: Call) -> VerbResult:
    from mailcore.link import join as joining
    from mailcore.link.forward import ssh_place
    from mailcore.link.founding import machine_name
    from mailcore.link.joining import decode_token

    by = call.require().address
    joining.may_join(call.workspace)
    which = call.arguments.which
    if which.startswith("ssh://"):
        place = ssh_place(which)
        token = joining.token_over_ssh(place, call.arguments.host or link_config(call).host or machine_name())
        made = joining.join(call.workspace, token, place)
    else:
        token = decode_token(joining.token_text(which, _ask_token))
        if call.arguments.host and call.arguments.host != token.host:
            raise Refused(f"that token is for {token.host}: the hub gives the name", "host")
        made = joining.join(call.workspace, token)
    _record(call, by, "link join", host=made.host, project=made.project, hub=token.hub)
    text = f"this host is {made.host} in the link {made.project}, whose hub is {token.hub}\n{_how_to_run()}"
    return {"host": made.host, "project": made.project, "hub": token.hub, "server": list(made.server)}, text


def _how_to_run() -> str:
    return "run it: mailcore link run (or a guard, or a screen on duty, does; for systemd: mailcore link service)"


def _ask_token() -> str:
    """The token from standard input: on a terminal one line, that is not shown."""
    if sys.stdin is None:
        raise UsageError("the token is read from standard input, and that is closed")
    if sys.stdin.isatty():
        from getpass import getpass

        return getpass("token: ")
    return sys.stdin.read(1 << 20)


def _status(call: Call) -> VerbResult:
    from mailcore.hosts.channel import waiting
    from mailcore.hosts.directory import read_hosts
    from mailcore.hosts.link_status import read_link_status

    found = read_link_status(call.workspace)
    if found is None:
        text = "no link: mailcore link serve makes one, mailcore link join TOKEN joins one"
        return {"host": None, "hosts": []}, text
    report, now = found.report, time.time()
    rows, lines = [], []
    for record in read_hosts(call.workspace):
        left = waiting(call.workspace, record.name)
        rows.append(
            {
                "host": record.name, "agents": list(record.agents), "revoked": record.revoked,
                "seen_at": record.seen_at or None, "away_since": record.away_since or None, "skew": record.skew,
                "waiting": left.count, "waiting_since": left.since or None, "version": record.version,
            }
        )  # fmt: skip
        lines.append(f"  {record.name:<16} {_standing(record)}{_waits(left.count, left.since, now)}")
    state = "not running" if report is None else "connected" if report.connected else "not connected"
    since = f" since {date_and_time(report.changed_at)}" if report is not None and report.changed_at else ""
    head = [f"{found.host}, {found.role} of {found.project}: {state}{since}; server {' '.join(found.server)}"]
    if report is None:
        head.append(f"  {_how_to_run()}" if found.role != HUB else "  run it: mailcore link serve")
    elif report.trouble:
        head.append(f"  {'last: ' if report.connected else ''}{line(report.trouble, 300)}")
    value: dict[str, Any] = {
        "host": found.host, "project": found.project, "role": found.role, "server": list(found.server),
        "running": report is not None, "connected": found.is_connected,
        "trouble": report.trouble if report is not None else "", "pid": report.pid if report is not None else None,
        "hosts": rows,
    }  # fmt: skip
    return value, "\n".join([*head, *lines])


def _standing(record: Any) -> str:
    if record.revoked:
        return "revoked"
    agents = counted(len(record.agents), "agent")
    if not record.seen_at:
        return f"never heard; {agents}"
    if record.away_since:
        return f"away since {date_and_time(record.away_since)}; {agents}"
    skew = f"; its clock is {duration(abs(record.skew))} {'ahead' if record.skew > 0 else 'behind'}"
    return f"there; {agents}{skew if record.skew is not None and abs(record.skew) >= 2 else ''}"


def _waits(count: int, since: float, now: float) -> str:
    return f"; {counted(count, 'envelope')} for it, the oldest for {duration(max(0.0, now - since))}" if count else ""


def _revoke(call: Call) -> VerbResult:
    from mailcore.link.inviting import revoke, wait_until_applied

    by = call.require().address
    known = revoke(call.workspace, call.arguments.which)
    host = call.arguments.which.lower()
    if known:
        _record(call, by, "link revoke", host=host)
    runs = wait_until_applied(call.workspace)
    when = "" if runs else ", once `mailcore link serve` runs here"
    text = f"{host} belongs to the link no more{when}" if known else f"{host} did not belong to the link"
    return {"host": host, "revoked": known, "served": runs}, text


def _leave(call: Call) -> VerbResult:
    from mailcore.hosts.channel import channels, waiting
    from mailcore.hosts.link_status import link_runs
    from mailcore.hosts.membership import end_membership

    by = call.require().address
    found = member(call.workspace)
    if link_runs(call.workspace):
        raise Refused("the link's process runs: end it first", "busy")
    left = sum(waiting(call.workspace, host).count for host in channels(call.workspace))
    end_membership(call.workspace)
    _record(call, by, "link leave", host=found.host, project=found.project)
    stays = f"; {counted(left, 'envelope')} for other hosts stay where they are" if left else ""
    also = f". On the hub: mailcore link revoke {found.host}" if found.role != HUB else ""
    return {"host": found.host, "waiting": left}, f"{found.host} has left the link {found.project}{stays}{also}"


def _doctor(call: Call) -> VerbResult:
    from dataclasses import asdict

    from mailcore.cli.doctor_checks import check_lines
    from mailcore.cli.doctor_link import link_checks

    checks = list(link_checks(call.workspace, link_config(call)))
    bad = sum(not check.ok for check in checks)
    return {"checks": [asdict(check) for check in checks], "exit": 4 if bad else 0}, "\n".join(check_lines(checks))


def _list_acts(call: Call) -> VerbResult:
    from mailcore.cli.link_acts import acts

    return acts(call)


def _service(call: Call) -> VerbResult:
    from mailcore.link.service import unit_text

    found = member(call.workspace)
    text = unit_text(call.workspace.root, found)
    return {"unit": text}, text


def _record(call: Call, by: str, verb: str, **facts: Any) -> None:
    from mailcore.workspace import audit

    audit.record(call.workspace, by, verb, **facts)


_ACTS = {
    "serve": _serve, "run": _run, "invite": _invite, "join": _join, "status": _status, "revoke": _revoke,
    "leave": _leave, "doctor": _doctor, "acts": _list_acts, "service": _service,
}  # fmt: skip
