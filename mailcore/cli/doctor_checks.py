"""What `doctor` looks at, one by one; here, whether what lies on disk came by mailcore, and may be followed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailcore.config.reader import read_settings
from mailcore.exceptions import ConfigError, MailcoreError
from mailcore.formats import journal
from mailcore.identity import passphrase
from mailcore.mail.mailbox_reader import read_mailbox
from mailcore.text import counted, line
from mailcore.workspace import audit, trust
from mailcore.workspace.find import Workspace

MAX_LISTED = 3
"""Findings of one kind that are listed; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    finding: str
    fix: str = ""


def check_lines(checks: Sequence[Check]) -> Iterator[str]:
    """The checks for people: each with its fix, and how many are to mend."""
    for check in checks:
        yield f"{'ok  ' if check.ok else 'FIX '} {check.name}: {check.finding}"
        if check.fix:
            yield f"      {check.fix}"
    yield f"{counted(len(checks), 'check')}, {sum(not check.ok for check in checks)} to mend"


def trusted(workspace: Workspace) -> Iterator[Check]:
    """The audit's chain, mail that no line of it reports, what config.toml starts, the operator's passphrase."""
    path = workspace.state_dir / audit.FILE
    try:
        found = list(audit.broken_links(workspace.state_dir))
        forged = list(_unaudited(workspace))
    except OSError as error:
        yield Check("audit", False, f"{path}: {error.strerror}", "mend its rights: no act can be noted meanwhile")
    else:
        whole = f"{path.name}: each line follows from the one before"
        fix = f"look at {path} and at who could write it; from that line on it cannot be relied on" if found else ""
        yield Check("audit", not found, _listed(found) or whole, fix)
        if forged:
            yield Check("mail", False, _listed(forged), "no act put it there: ask who is named as its sender")
        yield from _keys(workspace)
    with_config = _config(workspace)
    if with_config is not None:
        yield with_config


def _listed(found: list[str]) -> str:
    more = f"; and {counted(len(found) - MAX_LISTED, 'more', 'more')}" if len(found) > MAX_LISTED else ""
    return "; ".join(found[:MAX_LISTED]) + more


def _unaudited(workspace: Workspace) -> Iterator[str]:
    """Open mail that says what proved its sender, and that no line of the audit reports."""
    known = {
        (str(act.get("id")), str(act.get("sent_id"))) for act in journal.read_records(workspace.state_dir / audit.FILE)
        if act.get("verb") in ("send", "feedback")
    }  # fmt: skip
    for agent in (*workspace.agents, workspace.operator):
        for message in read_mailbox(agent.inbox).messages:
            if message.proof and (message.id, message.sent_id) not in known:
                yield f"{agent.address} has {line(message.id, 20)} from {line(message.sender, 40)}, put there by hand"


def _keys(workspace: Workspace) -> Iterator[Check]:
    """Keys of the MCP server's clients that nobody issued."""
    from mailcore.identity import client_keys

    try:
        found = [
            f"key {line(key.id, 20)} of {line(key.agent, 40)} was put there by hand"
            for key in client_keys.unissued_keys(workspace)
        ]
    except (MailcoreError, OSError) as error:
        yield Check("keys", False, str(error), "remove the file, and issue new ones: mailcore mcp key new")
    else:
        if found:
            fix = f"it opens nothing; take it out of {workspace.state_dir / client_keys.FILE}, and ask who wrote there"
            yield Check("keys", False, _listed(found), fix)


def _config(workspace: Workspace) -> Check | None:
    try:
        tables, config, _ = read_settings(workspace.config_file)
    except ConfigError:
        return None  # said already
    status = trust.trust_status(workspace, tables)
    if status.why:
        return Check(
            "trust", False, trust.refusal_text(workspace, status), "mailcore trust --show, then mailcore trust"
        )
    if passphrase.is_wanted(workspace, config.operator.proof) and passphrase.stored_passphrase() is None:
        return Check(
            "operator", False, f"{passphrase.passphrase_file()}: no passphrase is set", "mailcore operator passphrase"
        )
    return None
