"""A task for an agent on another host of the link: it travels as mail, and that host starts it by its own config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailcore.config import Config
from mailcore.dispatch.admission import nesting, refused_wakes
from mailcore.exceptions import MailcoreError, Refused, UsageError
from mailcore.hosts.names import split_address
from mailcore.mail import post
from mailcore.mail.outbox import Sent
from mailcore.model.agent import OPERATOR, Agent
from mailcore.workspace.find import Workspace

TERMS = "terms"
"""Key of a task that goes to another host: `program`, `model`, `mode`, where the sender says them."""


def check_remote_target(agent: Agent) -> None:
    """UsageError of whom nobody can dispatch, wherever they live."""
    if split_address(agent.address)[0] == OPERATOR:
        raise UsageError(f"{agent.address} cannot be dispatched; send a mail instead")


def send_task(
    workspace: Workspace,
    config: Config,
    sender: str,
    agent: Agent,
    subject: str,
    body: str,
    words: Mapping[str, Any],
    *,
    parent_run: str = "",
    priority: str = "normal",
    account: str | None = None,
    **terms: str,
) -> Sent:
    """Mail a task to an agent of another host, which starts it when it comes. Refused where that nests too deep here.

    `words` are further keys of the mail; `terms` as of `control.dispatch_task`, of which that host decides. An account
    is that host's own affair.
    """
    check_remote_target(agent)
    if account is not None:
        raise UsageError(f"--account: {agent.host} decides for which account {agent.address} works")
    stands = nesting.chain_place(workspace, workspace.agent(sender), parent_run)
    if stands.depth >= config.dispatch.wake_depth:
        refused_wakes.notify_nesting_limit(workspace, stands, agent, subject)
        raise Refused(f"this dispatch would nest {stands.depth + 1} deep; [dispatch] wake_depth is the limit", "limit")
    said = {name: value for name, value in terms.items() if value}
    extra = {**words, **({TERMS: said} if said else {})}
    sent = post.send_mail(
        workspace, sender, [agent.address], subject, body, priority=priority, is_task=True, extra=extra,
        facts=stands.facts if stands.root else {},
    )[0]  # fmt: skip
    if not sent.delivered:
        raise MailcoreError(sent.error)
    return sent
