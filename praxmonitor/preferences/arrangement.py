"""How the operator wants the agents listed."""

from __future__ import annotations

import msgspec

REGISTRY, ATTENTION_FIRST = "registry", "attention first"
SORTS = (REGISTRY, ATTENTION_FIRST, "name", "state", "longest in it", "cost today", "longest quiet", "unread")
"""By what the agents can be sorted; the registry's order decides where two are alike."""
GROUPS = ("", "directory", "program", "state", "host")
"""By what they can stand together; empty: by nothing."""


class Arrangement(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the operator chose. A name that is not known here, as of a file of a later version, chooses nothing."""

    table: bool | None = None
    """A table, or cards; None: cards up to a dozen."""
    columns: tuple[str, ...] = ()
    """Of the table, from the left, after the name; empty: the usual ones."""
    sort: str = REGISTRY
    group: str = ""
    pinned: tuple[str, ...] = ()
    """Addresses of the agents that stand first."""

    @property
    def words(self) -> str:
        """What of the order is not as usual: `attention first, by program`; empty where nothing is."""
        sort = {REGISTRY: "", ATTENTION_FIRST: ATTENTION_FIRST}.get(self.sort, f"by {self.sort}")
        group = f"grouped by {self.group}" if self.group in GROUPS[1:] else ""
        return ", ".join(filter(None, (sort if self.sort in SORTS else "", group)))

    @property
    def usual(self) -> bool:
        """The registry's order holds."""
        return not (self.words or self.pinned)
