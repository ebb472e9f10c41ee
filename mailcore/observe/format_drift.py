"""How much of the programs' session files is not understood: said once for each program and version. Stateful."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailcore.programs.transcript_reader import Transcript

SHARE = "; of its lines "
"""What follows it in a note may change while the note stands."""
MANY, FEW = 0.25, 20
"""So much of at least so many lines, of kinds that are not known, is drift; less is new in every release."""


@dataclass(slots=True)
class FormatTally:
    """The lines of one program in one version."""

    form: str
    """Which: `Codex 0.169.0`."""
    lines: int = 0
    odd: int = 0
    """Of a known kind, and of another shape than it has."""
    unknown: int = 0
    """Of kinds that are not known."""
    what: str = ""
    """The first that was odd, in words."""


class FormatDrift:
    """Counts lines by what wrote them."""

    def __init__(self) -> None:
        self.tallies: dict[str, FormatTally] = {}

    def odd(self, reader: Transcript) -> None:
        """The line just read was drift, as its reader says; the reader forgets it."""
        tally = self._of(reader)
        tally.odd += 1
        tally.what = tally.what or reader.drift
        reader.drift = ""

    def read(self, reader: Transcript, lines: int, unread_before: int) -> None:
        """So many lines were read; before them so many of its lines had been of unknown kinds."""
        if lines:
            tally = self._of(reader)
            tally.lines += lines
            tally.unknown += max(0, unread_lines(reader) - unread_before)

    def _of(self, reader: Transcript) -> FormatTally:
        name = reader_form(reader)
        return self.tallies.setdefault(name, FormatTally(name))


def reader_form(reader: Transcript) -> str:
    """Which program writes what it reads, in which version; empty where the reader does not report."""
    return str(getattr(reader, "form", "")) or reader.drift.partition(" writes ")[0]


def unread_lines(reader: Transcript) -> int:
    """How many of its lines were of unknown kinds; 0 where the reader does not count them."""
    count = getattr(reader, "unread", 0)
    return count if isinstance(count, int) else 0


def sum_drifts(drifts: Iterable[FormatDrift]) -> list[FormatTally]:
    """What is to be said of all of them: each program and version once, of those that were not understood."""
    sums: dict[str, FormatTally] = {}
    for one in (tally for drift in drifts for tally in drift.tallies.values()):
        tally = sums.setdefault(one.form, FormatTally(one.form))
        tally.lines += one.lines
        tally.odd += one.odd
        tally.unknown += one.unknown
        tally.what = tally.what or one.what
    for tally in sums.values():
        if not tally.what and tally.lines >= FEW and tally.unknown >= MANY * tally.lines:
            tally.what = f"{tally.form} writes lines of kinds that are not known"
    return [tally for tally in sums.values() if tally.what]


def drift_note(tally: FormatTally, therefore: str = "") -> str:
    """It in words; what stands before SHARE does not change any more."""
    return f"{tally.what}{f': {therefore}' if therefore else ''}{SHARE}{drift_share(tally)} are not understood"


def drift_share(tally: FormatTally) -> str:
    """`12 %`, of the lines that were read; `less than 1 %` where it is not none."""
    part = (tally.odd + tally.unknown) / max(1, tally.lines, tally.odd + tally.unknown)
    return f"{part * 100:.0f} %" if part >= 0.005 else "less than 1 %"


class ReportedDrifts:
    """What of the session files' formats was not understood, as it was said last."""

    def __init__(self) -> None:
        self._said: dict[str, FormatTally] = {}
        """By program and version."""

    def look(self, drifts: Iterable[FormatDrift]) -> None:
        """These are found now. What is said before changes when it is twice as much: its share changes at each look."""
        for tally in sum_drifts(drifts):
            said = self._said.get(tally.form)
            if said is None or tally.lines >= 2 * said.lines:
                self._said[tally.form] = tally

    def notes(self) -> list[str]:
        """All of it, in words."""
        return [drift_note(tally, "newer than this reader, some of it is not shown") for tally in self._said.values()]
