"""Tells two agents that they change the same file."""

from __future__ import annotations

from mailcore.mail import post
from mailcore.model.agent import WATCHER
from mailcore.model.file_write import SharedFile
from mailcore.text import line
from mailcore.text.frames import quoted
from mailcore.workspace.find import Workspace


def tell_shared(workspace: Workspace, shared: SharedFile) -> list[str]:
    """Mail both, of high priority: who is at work hears it at its next step. Who could not be told, in words."""
    failed = []
    for one, other in ((shared.first, shared.second), (shared.second, shared.first)):
        how = (
            "Each has it in a worktree of its own: both changes stand, and will have to be merged."
            if shared.apart
            else "Both work in one directory: who writes last may undo what the other wrote."
        )
        body = (
            f"{quoted(shared.path, 300)} was changed by you and by {other}, within the last hour. {how}\n\nAgree with "
            f"{other} who goes on with it (mailcore send {other}). Whoever does can lease it, which warns others: "
            "`mailcore lease PATH --for 1h`."
        )
        sent = post.send_mail(
            workspace, WATCHER, [one], f"Same file: {line(shared.path, 120)}, as {other}", body, priority="high",
            key=f"same file {other} {shared.path}"[:200],
        )[0]  # fmt: skip
        if not sent.delivered:
            failed.append(f"{one}: {sent.error}")
    return failed
