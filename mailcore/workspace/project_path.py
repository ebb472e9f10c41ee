"""Where a file lies in the project's own checkout, whichever worktree it is seen from. Pure."""

from __future__ import annotations

import os

from mailcore.model.agent import Agent

_OWN = frozenset({".ai_mail.local", ".trinity", ".praxmonitor", ".git"})
"""Directories of an agent's own files, which each worktree has anew."""


def project_path(agent: Agent, name: str, directory: str = "") -> str:
    """The absolute path there of a file that an agent names; empty of one that lies elsewhere, or is an agent's own.

    `directory`: what a relative name is seen from, if that is not the agent's own.
    """
    branch, root = str(agent.branch), str(agent.root)
    path = os.path.normpath(os.path.join(directory or branch, name))  # noqa: PTH118 (a text: nothing is looked at)
    if agent.mirrors is not None and (path == branch or path.startswith(f"{branch}/")):
        path = os.path.normpath(f"{agent.mirrors}/{path[len(branch) :]}")
    if path != root and not path.startswith(f"{root}/"):
        return ""
    return path if _OWN.isdisjoint(path[len(root) :].split("/")) else ""
