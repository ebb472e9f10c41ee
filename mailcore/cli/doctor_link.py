"""What `doctor` and `link doctor` look at of a link: libraries, keys, process, server, hosts."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from mailcore.cli.doctor_checks import Check
from mailcore.config import Link
from mailcore.exceptions import MailcoreError
from mailcore.hosts.channel import channels, waiting
from mailcore.hosts.directory import read_host, read_hosts
from mailcore.hosts.keys import HOST_KEY, load_key
from mailcore.hosts.link_status import read_link_status
from mailcore.hosts.membership import HUB, Membership, dotted_agents, link_directory, read_membership
from mailcore.text import counted, line
from mailcore.text.units import date_and_time, duration, size
from mailcore.workspace.find import Workspace

SKEW = 30.0
"""Seconds by which two clocks may differ."""
LITTLE_SPACE = 512 << 20


def link_checks(workspace: Workspace, config: Link) -> Iterator[Check]:
    """All of them; none where this workspace belongs to no link."""
    try:
        membership = read_membership(workspace)
    except MailcoreError as error:
        yield Check("link", False, str(error), "mailcore link leave, and join it anew")
        return
    if membership is None:
        return
    yield from _installed(membership, config)
    yield from _files(workspace)
    yield from _process(workspace, membership)
    yield from _server(workspace, membership, config)
    yield from _hosts(workspace)


def _installed(membership: Membership, config: Link) -> Iterator[Check]:
    missing = [name for name in ("nats", "nkeys") if find_spec(name) is None]
    found = f"{' and '.join(missing)} missing" if missing else "its libraries are there"
    yield Check("link libraries", not missing, found, "pip install 'praxmonitor[link]'" if missing else "")
    if membership.role == HUB and not config.server:
        from mailcore.link.server import server_program

        try:
            yield Check("link server", True, server_program())
        except MailcoreError as error:
            yield Check("link server", False, str(error), "pip install 'praxmonitor[link]', or [link] server")
    if membership.ssh and shutil.which("ssh") is None:
        yield Check("ssh", False, "the hub is reached by ssh, and there is no ssh", "install it")


def _files(workspace: Workspace) -> Iterator[Check]:
    path = link_directory(workspace)
    loose = path.stat().st_mode & 0o077
    yield Check("link directory", not loose, f"{path}{': others may look into it' if loose else ''}",
                f"chmod 700 {path}" if loose else "")  # fmt: skip
    try:
        load_key(path / HOST_KEY)
    except MailcoreError as error:
        yield Check("link key", False, str(error), "mend its rights; if it is lost, leave, and join anew")
    if dotted := dotted_agents(workspace):
        yield Check("link names", False, f"{' '.join(dotted)}: a dot separates the host's name", "give other names")


def _process(workspace: Workspace, membership: Membership) -> Iterator[Check]:
    status = read_link_status(workspace)
    report = status.report if status is not None else None
    what = "serve" if membership.role == HUB else "run"
    if report is None:
        fix = f"mailcore link {what}; for good: mailcore link service"
        yield Check("link process", False, "it does not run: what is for other hosts waits here", fix)
        return
    yield Check("link process", True, f"PID {report.pid} since {date_and_time(report.since)}")
    if report.connected:
        from mailcore.link.streams import payload_words

        yield Check("link connection", True, f"{report.server}, since {date_and_time(report.changed_at)}")
        if words := payload_words(report.max_payload):
            yield Check("link payload", False, words, "set max_payload in the server's configuration, and reload it")
        return
    if "key" in report.trouble and "does not take" in report.trouble:
        fix = "ask for another token on the hub (mailcore link invite), leave, and join with it"
    else:
        fix = "see that the hub runs (mailcore link serve) and is reached from here"
    yield Check("link connection", False, line(report.trouble, 300) or "not connected", fix)


def _server(workspace: Workspace, membership: Membership, config: Link) -> Iterator[Check]:
    if membership.role != HUB:
        return
    from mailcore.link.founding import ANYWHERE, LISTEN, LOOPBACK, host_and_port, listen_address

    place = link_directory(workspace) / "server"
    free = shutil.disk_usage(place).free
    yield Check("link store", free > LITTLE_SPACE, f"{size(free)} are free", "" if free > LITTLE_SPACE else
                "make room: the server takes nothing on a full disk")  # fmt: skip
    if config.server or not (place / LISTEN).is_file():
        return
    host, port = host_and_port(listen_address(place))
    if host not in (LOOPBACK, "localhost", "[::1]") and not config.certificate:
        reach = "every network of this machine" if host in ANYWHERE else host
        yield Check("link encryption", False, f"the server listens at {reach}, port {port}, and nothing is encrypted",
                    "[link] certificate and certificate_key, or only 127.0.0.1 and ssh://")  # fmt: skip
    for name in (config.certificate, config.certificate_key):
        if name and not Path(name).is_file():
            yield Check("link encryption", False, f"{name} is missing", "mend [link] in config.toml")


def _hosts(workspace: Workspace) -> Iterator[Check]:
    now = time.time()
    for record in read_hosts(workspace):
        if record.revoked:
            continue
        if record.skew is not None and abs(record.skew) > SKEW:
            found = f"its clock is {duration(abs(record.skew))} {'ahead' if record.skew > 0 else 'behind'}"
            yield Check(f"host {record.name}", False, found, "let both set their clocks by the network")
        elif record.away_since:
            left = waiting(workspace, record.name).count
            waits = f"; {counted(left, 'envelope')} waits for it" if left == 1 else f"; {left} envelopes wait for it"
            found = f"away since {date_and_time(record.away_since)}{waits if left else ''}"
            yield Check(f"host {record.name}", now - record.away_since < 86400.0, found, "")
        else:
            yield Check(f"host {record.name}", True, counted(len(record.agents), "agent"))
    for name in channels(workspace):
        known = read_host(workspace, name)
        left = waiting(workspace, name).count
        if left and (known is None or known.revoked):
            found = f"{counted(left, 'envelope')} for {name}, which is no host of the link"
            yield Check(f"host {name}", False, found, f"they go if {name} joins again; else remove its channel")
