"""`archive`, `prune`, `repair`: closed mail, and mailboxes that cannot be read."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from mailcore.cli.call import Call, Parser, VerbResult
from mailcore.cli.options import ID, proof_option, sender_option
from mailcore.exceptions import MailcoreError, UsageError, tolerated
from mailcore.mail import lookup, mailbox, message_text, post
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.message import Message
from mailcore.system.safe_open import inside
from mailcore.text import counted, line
from mailcore.text.progress import step


def arguments(verb: str, parser: Parser) -> None:
    """`archive [list|search TEXT|restore ID] [--of @a]`; `prune --older 30d`; `repair [@a]`."""
    if verb == "archive":
        parser.add_argument(
            "what", nargs="?", choices=("list", "search", "restore"), default="list", help="list if not said"
        )
        parser.add_argument(
            "text", nargs="?", default="", metavar="TEXT|ID", help="what to search for; for restore, " + ID
        )
        parser.add_argument("--of", metavar="@a", help="whose archive; else the caller's")
        sender_option(parser)
    elif verb == "prune":
        parser.add_argument("--older", required=True, metavar="30d", help="days; what is younger stays")
        parser.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
        sender_option(parser)
        proof_option(parser)
    else:
        parser.add_argument("address", nargs="?", metavar="@a", help="whose; without it everybody's")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")


def archive(call: Call) -> VerbResult:
    """List, search or restore closed mail."""
    a = call.arguments
    if a.what == "restore":
        agent = call.visible(a.of) if a.of else call.caller.agent
        if not a.text:
            raise UsageError("archive restore ID")
        message = post.restore(call.workspace, agent.address, a.text)
        return {"id": message.id, "status": message.status}, f"restored {message.id}: {line(message.subject)}"
    agent = call.visible(a.of) if a.of else call.viewer
    found = [raw for _, raw in lookup.archived_messages(agent) if a.what == "list" or _matches(raw, a.text)]
    text = message_text.message_list([Message.from_json(raw) for raw in found])
    return found, text or f"nothing in {agent.address}'s archive"


def _matches(raw: dict[str, Any], text: str) -> bool:
    wanted = text.casefold()
    return any(wanted in str(raw.get(key, "")).casefold() for key in ("subject", "message", "from", "id", "sent_id"))


def prune(call: Call) -> VerbResult:
    """Remove archived mail and records of sent mail older than so many days. Only ever when asked."""
    text = call.arguments.older.removesuffix("d")
    if not text.isdecimal() or len(text) > 6:
        raise UsageError(f"--older {call.arguments.older!r}: a number of days, like 30d")
    before = time.time() - int(text) * 86400
    agents = (*call.workspace.agents, call.workspace.operator)
    caller = call.caller.address
    if caller == OPERATOR:  # everybody's: for the person alone
        call.require()
    directories = [
        directory
        for agent in agents
        if caller in (agent.address, OPERATOR)
        for directory in (agent.archive_dir, agent.sent_dir)
    ]
    for directory in directories:
        inside(call.workspace.root, directory)
    expired = [path for directory in directories for path in sorted(directory.glob("*.json")) if _older(path, before)]
    if not call.arguments.dry_run:
        from mailcore.dispatch.aipass import recorder
        from mailcore.workspace import audit

        recorder.record_acts(call.workspace)  # what goes now is on record
        for number, path in enumerate(expired):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                left = f"{counted(number, 'file')} removed, {len(expired) - number} are left; say the same again"
                raise MailcoreError(f"{path}: {error.strerror}; {left}") from error
        with tolerated():
            audit.record(call.workspace, caller, "prune", files=len(expired), older=call.arguments.older)
    word = "would go" if call.arguments.dry_run else "removed"
    return {
        "files": [str(path) for path in expired],
        "removed": not call.arguments.dry_run,
    }, f"{counted(len(expired), 'file')} {word}"


def _older(path: Path, than: float) -> bool:
    try:
        return path.stat().st_mtime < than
    except FileNotFoundError:  # another prune was faster
        return False


def repair(call: Call) -> VerbResult:
    """Recover the whole messages of mailboxes that cannot be read; the files as they were are set aside."""
    from mailcore.workspace import registry

    agents: tuple[Agent, ...] = (*call.workspace.agents, call.workspace.operator)
    missing = not call.workspace.registry.exists()
    if missing and not call.arguments.dry_run:
        missing = registry.restore_registry(call.workspace.registry)
    if call.arguments.address:
        agents = (call.workspace.agent(call.arguments.address),)
    done = []
    for number, agent in enumerate(agents, 1):
        step(f"the mailbox of {agent.address}", number, len(agents))
        if (found := mailbox.repair_mailbox(agent, dry_run=call.arguments.dry_run)) is not None:
            done.append(found)
    rows = [
        {"path": str(d.path), "cause": d.cause, "recovered": d.recovered, "aside": str(d.set_aside or "")}
        | ({"archived": d.archived} if d.archived else {})
        for d in done
    ]
    earlier = [path for agent in agents for path in sorted(agent.mail_dir.glob("inbox.json.corrupt-*"))]
    now = {str(d.set_aside) for d in done}
    lines = [str(d) for d in done] or ["every mailbox can be read"]
    if missing:
        lines.insert(0, f"{call.workspace.registry} was gone: its copy is put in its place")
        rows.insert(0, {"path": str(call.workspace.registry), "cause": "gone", "recovered": 0, "aside": ""})
    lines += [f"set aside earlier: {path}" for path in earlier if str(path) not in now]
    return rows, "\n".join(lines)
