"""One act for several agents: the marked ones. For a worker thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailcore.exceptions import MailcoreError


def of_each(addresses: Sequence[str], act: Callable[[str], str]) -> str:
    """Do it for each, also where it is refused for another. What was asked, in words; MailcoreError says what was not,
    and what was."""
    asked, troubles = [], []
    for address in addresses:
        try:
            asked.append(act(address))
        except (MailcoreError, OSError) as error:
            troubles.append(str(error))
    if troubles and len(addresses) > 1:
        raise MailcoreError("; ".join([*troubles, *(f"asked all the same: {said}" for said in asked)]))
    if troubles:
        raise MailcoreError(troubles[0])
    return "; ".join(asked)
