"""Note the usage limits that are seen in sessions, whoever began those: they count for their account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

from mailcore.accounts.limit_store import record_limits
from mailcore.exceptions import MailcoreError
from mailcore.model.account import Account
from mailcore.model.limit import Limit


def note_seen(found: Iterable[tuple[Account, Limit]]) -> None:
    """Note them; what cannot be written is not known elsewhere, and is seen again with the next report."""
    by_account: defaultdict[Account, list[Limit]] = defaultdict(list)
    for account, limit in found:
        by_account[account].append(limit)
    for account, limits in by_account.items():
        with suppress(OSError, MailcoreError):
            record_limits(account, limits)
