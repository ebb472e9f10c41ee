"""What is known of accounts' usage limits: a file for each account in the user's state directory.

An account is the user's, whatever workspace its agents are in; so what one workspace learns, all know. Written under a
flock, replaced whole. What cannot be read is no knowledge: the next report writes it anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mailcore.model.account import Account
from mailcore.model.limit import FARTHEST_RESET, MAX_LIMIT_WORDS, SERVICE, AccountLimits, Certainty, Limit
from mailcore.system.locks import locked
from mailcore.system.safe_open import read_bytes
from mailcore.system.user_directories import state_home
from mailcore.system.writing import make_directory, replace

MAX_FILE = 1 << 20
"""Bytes of a file that are read."""
MAX_LIMITS = 16
"""Limits of one account that are remembered, the newest."""
MOST_SHARE = 100.0
"""The share of a limit that may be used, where what exceeds it is paid for."""
MAX_SCOPE = 60
"""Characters of what a limit is of."""
SAME_SHARE = 0.005
"""A share that grew by less is no news: a busy session reports one with every message."""
SAME_RESET, SAME_REACHED = 90.0, 2.0
"""Seconds: two reports of one reset differ by so much at most; and of one that runs wait for."""
NEXT_REPORT = 60.0
"""Seconds after which the same is noted again, so that its age is known."""
UNKNOWN_RESET = 60.0
"""Seconds for which a limit whose reset nobody knows prevents new starts."""


def bounded(limit: Limit, now: float) -> Limit:
    """A limit as it may be: what a file or anybody's plug-in says beyond that is unknown, or cut."""
    seen_at = limit.seen_at if 0 <= limit.seen_at <= now else now
    if not 0 <= limit.resets_at <= now + FARTHEST_RESET:
        limit = msgspec.structs.replace(limit, resets_at=0.0, certainty=Certainty.UNKNOWN)
    share = limit.used if limit.used is None or 0 <= limit.used < MOST_SHARE else None
    words, scope, model = limit.words[:MAX_LIMIT_WORDS], limit.scope[:MAX_SCOPE], limit.model[:MAX_SCOPE]
    return msgspec.structs.replace(limit, seen_at=seen_at, used=share, words=words, scope=scope, model=model)


def store_directory() -> Path:
    """Where the files lie; it may not be there."""
    return state_home() / "limits"


def account_file(account: Account) -> Path:
    """The file of one account."""
    return store_directory() / f"{account.key}.json"


def read_limits(account: Account) -> AccountLimits:
    """What is known of one account."""
    return _read(account_file(account)) or AccountLimits(account.key, account.program, account.label)


def read_all_limits() -> list[AccountLimits]:
    """What is known of every account of this user, by key."""
    try:
        files = sorted(store_directory().glob("*.json"))
    except OSError:
        return []
    return [found for path in files if (found := _read(path)) is not None]


def record_limits(account: Account, limits: Iterable[Limit]) -> bool:
    """Note what a program reported of an account; True if that was news. OSError, MailcoreError of the file."""
    limits = [bounded(one, time.time()) for one in limits]
    known = read_limits(account)
    if not _is_news(known, limits):
        return False
    with changing_limits(account) as change:
        return change(lambda state: msgspec.structs.replace(state, limits=_merged(state.limits, limits)))


def lift_limits(account: Account, since: float) -> None:
    """An attempt that began then did its work: what was reported before does not stand any more."""
    if any(limit.reached and limit.seen_at <= since for limit in read_limits(account).limits):
        with changing_limits(account) as change:
            change(lambda state: msgspec.structs.replace(state, limits=_lifted(state.limits, since)))


def standing_limit(known: AccountLimits, now: float, model: str = "") -> Limit | None:
    """The reached limit that is lifted last, of those that concern a model; None where work may begin.

    An overload is no limit of the account. A limit without a known reset stands for UNKNOWN_RESET seconds.
    """
    found = [one for one in known.limits if one.reached and _concerns(one, model) and lifted_at(one) > now]
    return max(found, key=lifted_at, default=None)


def lifted_at(limit: Limit) -> float:
    """When a limit is taken to be lifted, in seconds since the epoch."""
    return limit.resets_at or limit.seen_at + UNKNOWN_RESET


@contextmanager
def changing_limits(account: Account) -> Iterator[Callable[[Callable[[AccountLimits], AccountLimits]], bool]]:
    """Change what is known of an account, under its lock: call what is given with what makes the new of the old."""
    path = account_file(account)
    make_directory(path.parent, parents=True)
    with locked(path.with_suffix(".lock")):

        def change(make: Callable[[AccountLimits], AccountLimits]) -> bool:
            old = read_limits(account)
            new = msgspec.structs.replace(make(old), account=account.label)
            if new != old or not path.exists():
                replace(path, msgspec.json.format(msgspec.json.encode(new), indent=1), durable=False)
            return new != old

        yield change


def _read(path: Path) -> AccountLimits | None:
    now = time.time()
    try:
        found = msgspec.json.decode(read_bytes(path, most=MAX_FILE), type=AccountLimits)
        return msgspec.structs.replace(found, limits=tuple(bounded(one, now) for one in found.limits[-MAX_LIMITS:]))
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return None


def _concerns(limit: Limit, model: str) -> bool:
    """A limit of one model does not concern an agent that is set to another; an overload concerns no start."""
    if limit.scope == SERVICE:
        return False
    return not (limit.model and model) or limit.model.lower() in model.lower()


def _is_news(known: AccountLimits, limits: Iterable[Limit]) -> bool:
    by_scope = {one.scope: one for one in known.limits}
    return any(_differs(by_scope.get(one.scope), one) for one in limits)


def _differs(old: Limit | None, new: Limit) -> bool:
    if old is None or old.reached != new.reached or new.seen_at > old.seen_at + NEXT_REPORT:
        return old is None or new.seen_at >= old.seen_at
    if new.seen_at < old.seen_at:
        return False
    return (
        abs((new.used or 0.0) - (old.used or 0.0)) >= SAME_SHARE
        or abs(new.resets_at - old.resets_at) > (SAME_REACHED if new.reached else SAME_RESET)
        or (old.certainty is not new.certainty and new.certainty is not Certainty.UNKNOWN)
    )


def _merged(known: Iterable[Limit], limits: Iterable[Limit]) -> tuple[Limit, ...]:
    found = {one.scope: one for one in known}
    for new in limits:
        old = found.pop(new.scope, None)
        if old is not None and old.seen_at > new.seen_at:
            new = old
        elif old is not None and new.reached and not new.resets_at and old.resets_at > new.seen_at:
            # Said again in fewer words: what was known of its reset still holds.
            new = msgspec.structs.replace(new, resets_at=old.resets_at, certainty=old.certainty)
        found[new.scope] = new
    return tuple(found.values())[-MAX_LIMITS:]


def _lifted(known: Iterable[Limit], since: float) -> tuple[Limit, ...]:
    return tuple(
        msgspec.structs.replace(one, reached=False, used=None) if one.reached and one.seen_at <= since else one
        for one in known
    )
