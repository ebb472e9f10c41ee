"""What config.toml says of approvals, tier by tier: `[approval.tiers.2]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mailcore.config.kinds import AddressOrNone, Proof, Seconds, describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What an approval of one tier needs, by its number; 2 stands for any.

    Tiers 1 to 3 are there without being named, 1 the lightest. Whatever is named here is one too.
    """

    proposal: Annotated[bool, describe("Whether the request has to say in its body what is to be done.")] = True
    expires: Annotated[
        Seconds,
        describe('Undecided for longer it lapses, and the asker is told. Or as "30m", "2h", "7d". 0: never.', 7200),
    ] = 0.0
    approver: Annotated[
        AddressOrNone, describe("The only one who decides it. Empty: [mail] approver.", "@lead")
    ] = ""  # fmt: skip
    proof: Annotated[
        Proof,
        describe("What deciding it asks the operator for, beside what [operator] proof does. none: nothing more; "
              "passphrase: the one that `mailcore operator passphrase` sets."),
    ] = "none"  # fmt: skip


KNOWN = (1, 2, 3)
"""The tiers that are there without being named."""
