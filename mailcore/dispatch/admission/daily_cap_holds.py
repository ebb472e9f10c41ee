"""Hold an agent that reached its daily cap, where `[usage] hold` says so. Checked at each start, without a screen.

An agent is held once a day: after a release it may go on until the day ends. Nothing is read where config.toml sets no
cap.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from mailcore.config import Config
from mailcore.dispatch.admission.hold import WHOLE_WORKSPACE, hold_directory, place_hold
from mailcore.model.agent import OPERATOR, Agent
from mailcore.model.usage import Usage
from mailcore.system import self_ignore
from mailcore.system.safe_open import read_bytes
from mailcore.system.writing import replace
from mailcore.text import units
from mailcore.workspace.find import Workspace
from mailcore.workspace.holds import hold_text

CAP_MARK = ".capped"
"""Beside the hold: the day on which a cap put it there."""


def enforce_daily_caps(workspace: Workspace, config: Config, agent: Agent) -> None:
    """Hold the agent if it has used what it may today, and every agent if all together have.

    Reads what today's session files say, of all agents where the fleet has a cap. What is estimated counts.
    """
    allowed = config.usage
    if not (allowed.hold and allowed.capped) or agent.is_operator or not agent.branch.is_dir():
        return
    from mailcore.accounts.account import accounts
    from mailcore.observe.daily_caps import fullest
    from mailcore.observe.usage_ledger import ledger
    from mailcore.observe.usage_sum import local_date, local_midnight
    from mailcore.programs.prices import Prices

    now = time.time()
    alone, together = _free(workspace, agent.address, now), allowed.of_fleet and _free(workspace, WHOLE_WORKSPACE, now)
    if not (alone or together):
        return
    everyone = [one for one in workspace.agents if not one.is_operator]
    whose, prices = everyone if together else [agent], Prices(config.prices)
    found = ledger(whose, local_midnight(now), everyone, accounts(config), prices)
    today = [entry for entry in found.entries if entry.day == local_date(now)]
    own = sum((entry.usage for entry in today if entry.agent == agent.address), Usage())
    cap = fullest(own, allowed)
    if alone and cap is not None and cap.reached:
        hold_at_cap(workspace, agent.address, f"daily cap reached: {cap.used}", now)
    cap = fullest(sum((entry.usage for entry in today), Usage()), allowed, fleet=True)
    if together and cap is not None and cap.reached:
        hold_at_cap(workspace, WHOLE_WORKSPACE, f"daily cap of the fleet reached: {cap.used}", now)


def hold_at_cap(workspace: Workspace, target: str, why: str, now: float) -> None:
    """Hold `target` (an address, or WHOLE_WORKSPACE) for a cap, unless it is held, or a cap held it today already."""
    if not _free(workspace, target, now):
        return
    directory = hold_directory(workspace, target)
    place_hold(workspace, OPERATOR, target, why)
    self_ignore.make_ignored(directory)
    replace(directory / CAP_MARK, _day(now))


def _free(workspace: Workspace, target: str, now: float) -> bool:
    directory = hold_directory(workspace, target)
    return not hold_text(directory, target) and _held_on(directory) != _day(now)


def _held_on(directory: Path) -> bytes:
    """The day on which a cap put its last hold there; empty if none did."""
    with suppress(OSError):
        return read_bytes(directory / CAP_MARK).strip()
    return b""


def _day(now: float) -> bytes:
    return units.date(now).encode()
