"""Which account an agent works with."""

from __future__ import annotations

from mailcore.config import Config
from mailcore.model.account import Account


def account_of(config: Config, address: str, program_name: str) -> Account:
    """The account with which an agent's program works."""
    del config, address
    return Account(program_name)
