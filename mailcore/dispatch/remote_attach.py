"""Going on in the session of an agent on another host: by ssh, as the person there, with the verb of that host."""

from __future__ import annotations

import json
import os
import shlex
import shutil

from mailcore.config import Config
from mailcore.dispatch.attach import Attachment
from mailcore.exceptions import MailcoreError
from mailcore.hosts.ask_socket import ask_host
from mailcore.hosts.names import split_address
from mailcore.model.account import Account
from mailcore.model.agent import Agent
from mailcore.workspace.find import Workspace


def remote_attachment(workspace: Workspace, config: Config, agent: Agent) -> Attachment:
    """What a terminal is to run to become that agent's program on its own host.

    `[link] ssh` says where ssh reaches the host, `me@beta` or `me@beta:/srv/project`; without the directory the host is
    asked for it. MailcoreError (code `no_program`) where there is no ssh.
    """
    ssh = shutil.which("ssh")
    if ssh is None:
        raise MailcoreError(f"{agent.address} lives on {agent.host}, and no ssh is on PATH", "no_program")
    place, _, directory = config.link.ssh.get(agent.host, agent.host).partition(":")
    root = directory or _root_there(workspace, agent.host)
    command = shlex.join(["mailcore", "-C", root, "attach", split_address(agent.address)[0]])
    argv = (ssh, "-t", "--", place, command)
    return Attachment(agent.address, argv, workspace.root, dict(os.environ), Account("ssh", "", workspace.root, ""), {})


def _root_there(workspace: Workspace, host: str) -> str:
    """The directory of that host's workspace, as it says. MailcoreError (code `answer`) where it says none."""
    try:
        root = json.loads(ask_host(workspace, host, "where", {}))["root"]
    except (ValueError, KeyError, TypeError, RecursionError):
        root = None
    if not isinstance(root, str) or not root.startswith("/"):
        raise MailcoreError(
            f"{host} does not say where its workspace lies; [link] ssh can: me@{host}:/DIRECTORY", "answer"
        )
    return root
