"""The labelled errors of tests/fixtures/errors: read, and judged by pairs."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from mailcore.errors.extract import ErrorExtractor
from mailcore.errors.one_text import error_in_text
from mailcore.model.error_group import ErrorEvent

CORPUS = Path(__file__).parents[1] / "fixtures" / "errors"
NO_ERRORS = "no_errors"
ONE_TEXT = "tools"
"""The file whose events come as one text each, as a tool's result does."""
SIGNS = {
    "\N{SYMBOL FOR ESCAPE}": "\x1b",
    "\N{HOUSE}": f"/{'home'}/",
    "\N{PLACE OF INTEREST SIGN}": f"/{'Users'}/",
    "\N{HAMMER AND PICK}": f"/{'work'}/",
    "\N{WHITE CHESS KING}": f"/{'root'}/",
}
"""What stands in the files for the escape character, for where Linux and macOS keep people's directories, for where a
CI's runner works, and for that of root: no tracked file names a directory of somebody's machine."""
BETWEEN = 3
NOW = 1_900_000_000.0


@dataclass(frozen=True)
class Labelled:
    """One error as a tool printed it."""

    file: str
    group: str
    lines: tuple[str, ...]

    @property
    def held_out(self) -> bool:
        """Whether its group is one of the third that nothing is tuned on: fixed by its name."""
        return hashlib.sha1(self.group.encode()).digest()[0] % 3 == 0


def _text(path: Path) -> str:
    """A file with what its signs stand for."""
    text = path.read_text(encoding="utf-8")
    for sign, meant in SIGNS.items():
        text = text.replace(sign, meant)
    return text


def corpus() -> tuple[Labelled, ...]:
    """All of them, in the order of the files."""
    found = []
    for path in sorted(CORPUS.glob("*.txt")):
        if path.stem == NO_ERRORS:
            continue
        for part in _text(path).split("#= ")[1:]:
            head, *lines = part.rstrip("\n").split("\n")
            found.append(Labelled(path.stem, head.split()[0], tuple(lines)))
    return tuple(found)


def lines_without_errors() -> list[str]:
    """Prose and logs in which nothing failed."""
    return _text(CORPUS / f"{NO_ERRORS}.txt").splitlines()[1:]


@dataclass
class Read:
    """What the extractor found in a stream of them."""

    events: list[tuple[Labelled, ErrorEvent]]
    """The first that was found in each."""
    missed: list[Labelled]
    extra: list[ErrorEvent]


def read(labelled: Iterable[Labelled]) -> Read:
    """All of one file in one stream, with lines between them in which nothing failed."""
    found = Read([], [], [])
    by_file: dict[str, list[Labelled]] = {}
    for one in labelled:
        by_file.setdefault(one.file, []).append(one)
    for file, ones in by_file.items():
        if file == ONE_TEXT:
            found.events += [(one, error_in_text("\n".join(one.lines), NOW, "@a")) for one in ones]
        else:
            _read_stream(ones, found)
    return found


def _read_stream(ones: list[Labelled], found: Read) -> None:
    quiet, rows, places = lines_without_errors(), list[tuple[int, bytes]](), dict[int, Labelled]()
    for number, one in enumerate(ones):
        for text in one.lines:
            places[len(rows)] = one
            rows.append((len(rows), text.encode()))
        for step in range(BETWEEN):
            rows.append((len(rows), quiet[(number * BETWEEN + step) % len(quiet)].encode()))
    extractor = ErrorExtractor("@a")
    seen = set()
    for event in [*extractor.feed(rows, NOW), *extractor.flush()]:
        place = places.get(event.offset)
        if place is None or id(place) in seen:
            found.extra.append(event)
        else:
            seen.add(id(place))
            found.events.append((place, event))
    found.missed += [one for one in ones if id(one) not in seen]


def pairwise(events: Iterable[tuple[Labelled, ErrorEvent]], key: Callable[[ErrorEvent], object]) -> tuple[float, float]:
    """Of the pairs that are put together, the part that is right; and of those that belong together, the part found."""

    def pairs(counts: Iterable[int]) -> int:
        return sum(count * (count - 1) // 2 for count in counts)

    keyed = [(one.group, key(event)) for one, event in events]
    both = pairs(Counter(keyed).values())
    put = pairs(Counter(found for _, found in keyed).values())
    wanted = pairs(Counter(group for group, _ in keyed).values())
    return both / max(1, put), both / max(1, wanted)


def wrong(events: list[tuple[Labelled, ErrorEvent]], key: Callable[[ErrorEvent], object]) -> Iterator[str]:
    """Groups that are one though they should not be, and those that were split."""
    by_group: dict[str, dict[object, ErrorEvent]] = {}
    by_key: dict[object, dict[str, ErrorEvent]] = {}
    for one, event in events:
        found = key(event)
        by_group.setdefault(one.group, {}).setdefault(found, event)
        by_key.setdefault(found, {}).setdefault(one.group, event)
    for group, found_keys in by_group.items():
        for first, second in list(combinations(found_keys.values(), 2))[:2]:
            yield f"split {group}: {first.kind} {first.title!r} | {second.kind} {second.title!r}"
    for groups in by_key.values():
        for first_name, second_name in list(combinations(groups, 2))[:2]:
            yield f"merged {first_name} and {second_name}: {groups[first_name].title!r}"
