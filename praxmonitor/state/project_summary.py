"""What is said of a project that is open while another is looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProjectSummary:
    """One of several workspaces on one screen."""

    name: str
    current: bool
    """It is the one that the views show."""
    agents: int = 0
    at_work: int = 0
    needing: int = 0
    """Agents that want the operator."""
    alarm: str = ""
    """The most urgent alarm that wants the operator, in words; empty if none does."""
    urgency: int = 0
    """That of the alarm: 1 low to 3 high; 0 for none."""
    alarms: int = 0
    """How many alarms want the operator."""
    unread: int = 0
    """Mails for the operator that were not opened."""
    known: bool = True
    """It was read; what is not known yet is not 0."""
    trouble: str = ""
    """Why it is not watched; empty if it is."""
