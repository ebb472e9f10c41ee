"""Whose acts on the screen are, and what proves that the operator sits there: the passphrase, where one is wanted."""

from __future__ import annotations

import os
from pathlib import Path

from mailcore.config import Config
from mailcore.exceptions import Refused
from mailcore.model.agent import OPERATOR
from mailcore.system.safe_open import own_directory
from mailcore.workspace.find import Workspace

_UNLOCKED: set[Path] = set()
"""Workspaces for which the operator's passphrase was typed in this process."""


def me(workspace: Workspace) -> str:
    """Whose acts these are: the operator's. Refused where this screen was started within an agent's run."""
    from mailcore.identity.ancestry import walk_ancestors
    from mailcore.workspace import audit

    run = walk_ancestors(workspace).run
    if run is not None:
        raise Refused(f"this screen was started within a run of {run.words}: there it only looks", "identity")
    audit.current_proof.set("passphrase" if workspace.root in _UNLOCKED else "screen")
    return OPERATOR


def entitle(
    workspace: Workspace, config: Config, entitled: str = OPERATOR, *, outlived: bool = True, secret: str = "none"
) -> None:
    """Refused unless the operator sits here beyond doubt, or the passphrase has proved it: for what no agent may do.

    `secret`: the proof that this act asks for, beside what config asks for anyhow.
    """
    from mailcore.identity import passphrase
    from mailcore.identity.ancestry import walk_ancestors
    from mailcore.identity.caller import Identity
    from mailcore.identity.operator import require_entitled

    me(workspace)
    caller = Identity(workspace.operator, "screen", (), ancestry=walk_ancestors(workspace))
    proved = secret == "passphrase" or passphrase.is_wanted(workspace, config.operator.proof)
    if proved and workspace.root not in _UNLOCKED:
        raise Refused("this screen is locked: it wants the operator's passphrase", "proof")
    require_entitled(
        workspace, caller, os.environ, own_directory(), entitled, at_screen=True, proved=proved, outlived=outlived
    )


def is_locked(workspace: Workspace, config: Config, tier: int = 0) -> bool:
    """Whether what no agent may do wants the operator's passphrase here, and was not given it.

    `tier`: that of the approval that is to be decided, if it is one.
    """
    from mailcore.identity import passphrase

    secret = tier in config.tiers and config.tiers[tier].proof == "passphrase"
    return workspace.root not in _UNLOCKED and (secret or passphrase.is_wanted(workspace, config.operator.proof))


def prove(workspace: Workspace, phrase: str) -> None:
    """Refused unless it is the operator's passphrase."""
    from mailcore.identity import passphrase

    me(workspace)
    passphrase.require_passphrase(workspace, iter([phrase]))
    _UNLOCKED.add(workspace.root)
