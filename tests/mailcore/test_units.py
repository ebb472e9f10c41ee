"""Times, sizes, counts and money in words: the exact forms, time zones, what is unknown; and that they stand alone."""

from __future__ import annotations

import ast
import math
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.text import units
from tests.clock import NOON
from tests.mailcore.test_layers import MODULES

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
NO_MOMENT = (nan, inf, -inf, -1.0, -1e18, 1e20, 1e300, units.LATEST)
MOMENTS = st.floats(min_value=0, max_value=units.LATEST, exclude_min=True, exclude_max=True)
ANY = st.floats() | MOMENTS


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """`zone(TZ)`: this process lives there, until the test is over."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


def test_moments(zone: Callable[[str], None]) -> None:
    zone("UTC")
    assert units.clock_time(NOON + 187) == "12:03:07"
    assert units.clock_time(NOON + 187, seconds=False) == "12:03"
    assert units.clock_cells(NOON + 187) == "12:03:07"
    assert units.date(NOON) == "2027-01-15"
    assert units.date_and_time(NOON + 187.9) == "2027-01-15 12:03:07"
    assert units.date_and_time(NOON + 187, seconds=False) == "2027-01-15 12:03"
    assert units.moment(NOON, NOON + 3600) == "12:00:00"
    assert units.moment(NOON, NOON + 43_200) == "2027-01-15 12:00:00"
    assert units.iso(NOON) == "2027-01-15T12:00:00+00:00"
    assert units.iso(NOON + 0.25) == "2027-01-15T12:00:00.250000+00:00"
    assert units.iso(NOON, milliseconds=True) == "2027-01-15T12:00:00.000+00:00"
    assert units.end_of("2027-01-15") == NOON + 43_200
    assert units.end_of("nonsense") == units.end_of("9999-12-31") == inf


def test_no_moment_is_said_as_the_caller_says_it_and_else_never() -> None:
    for say in (units.clock_time, units.date, units.date_and_time):
        assert say(0.0) == "never" and say(0.0, never="-") == "-"
    assert units.moment(0.0, NOON) == "never" and units.moment(0.0, 0.0, never="-") == "-"
    assert units.clock_cells(0.0) == " " * 8
    assert units.iso(0.0) is None and units.since(0.0, NOON) == ""


@pytest.mark.parametrize("at", NO_MOMENT)
def test_what_no_calendar_holds_is_unknown(at: float) -> None:
    assert not units.is_known_time(at)
    assert units.clock_time(at) == units.date(at) == units.date_and_time(at, never="-") == "unknown"
    assert units.moment(at, NOON) == units.moment(at, at) == "unknown"
    assert units.moment(NOON, at) == units.date_and_time(NOON)
    assert units.clock_cells(at) == "unknown "
    assert units.iso(at) is None and units.since(at, NOON) == "?"


@pytest.mark.parametrize("name", ["UTC", BERLIN, "<+14>-14", "<-12>12", "<+0545>-5:45"])
def test_every_moment_that_a_calendar_holds_is_told_and_read_back(zone: Callable[[str], None], name: str) -> None:
    zone(name)

    @given(at=MOMENTS, now=ANY)
    def told(at: float, now: float) -> None:
        assert re.fullmatch(r"\d\d:\d\d:\d\d", units.clock_time(at))
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", units.date(at))
        assert f"{units.date(at)} {units.clock_time(at)}" == units.date_and_time(at)
        assert units.moment(at, now) in (units.clock_time(at), units.date_and_time(at))
        iso = units.iso(at)
        assert iso is not None and abs(datetime.fromisoformat(iso).timestamp() - at) < 1e-4
        assert iso.startswith(units.date_and_time(at).replace(" ", "T")) or at % 1 > 0.999
        assert at < units.end_of(units.date(at)) <= at + 25 * 3600

    told()


@given(before=MOMENTS, after=MOMENTS)
def test_dates_sort_as_time_goes(before: float, after: float) -> None:
    before, after = sorted((before, after))
    assert units.date(before) <= units.date(after)


def test_in_the_hour_that_comes_twice_the_offset_tells_which(zone: Callable[[str], None]) -> None:
    zone(BERLIN)
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()
    assert units.clock_time(first) == units.clock_time(first + 3600) == "02:30:00"
    assert units.iso(first) == "2026-10-25T02:30:00+02:00"
    assert units.iso(first + 3600) == "2026-10-25T02:30:00+01:00"
    assert units.end_of("2026-10-25") - units.end_of("2026-10-24") == 25 * 3600
    spring = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC).timestamp()
    assert [units.clock_time(spring + more) for more in (0, 1)] == ["01:59:59", "03:00:00"]
    assert units.end_of("2026-03-29") - units.end_of("2026-03-28") == 23 * 3600


AGES = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_399, "23h"),
        (86_400 * 12, "12d"), (inf, "9999d"), (-inf, "0s"), (nan, "?"),
    ],
)  # fmt: skip
def test_ages(seconds: float, words: str) -> None:
    assert units.age(seconds) == words


@given(one=ANY, other=ANY)
def test_an_age_is_narrow_true_and_never_less_for_what_is_older(one: float, other: float) -> None:
    assert len(units.since(one, other)) <= 5
    told = [units.age(seconds) for seconds in (one, other)]
    assert max(map(len, told)) <= 5
    if "?" not in told:
        values = [int(words[:-1]) * AGES[words[-1]] for words in told]
        assert (values[0] <= values[1]) if one <= other else (values[0] >= values[1])
        if 0 <= one <= units.MAX_DURATION * 86_400:
            assert values[0] <= one < values[0] + AGES[told[0][-1]]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (0.0004, "0 s"), (0.012, "0.012 s"), (0.25, "0.25 s"), (1.5, "1.5 s"), (8.0, "8 s"),
        (9.46, "9.5 s"), (9.6, "10 s"), (12.3, "12 s"), (90, "90 s"), (119.4, "119 s"), (119.7, "2 min"),
        (303, "5 min 3 s"), (600, "10 min"), (3599.6, "1 h"), (5400, "1 h 30 min"), (7459, "2 h 4 min"),
        (86_400, "24 h"), (172_799, "47 h 59 min"), (172_800, "2 d"), (273_600, "3 d 4 h"),
        (-1, "unknown"), (nan, "unknown"), (inf, "unknown"), (1e20, "unknown"),
    ],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert units.duration(seconds) == words


DURATIONS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


def seconds_of(words: str) -> float:
    parts = words.split()
    return sum(float(number) * DURATIONS[unit] for number, unit in zip(parts[::2], parts[1::2], strict=True))


@given(one=ANY, other=ANY)
def test_a_duration_is_short_true_and_never_less_for_what_is_longer(one: float, other: float) -> None:
    told = [units.duration(seconds) for seconds in (one, other)]
    assert max(map(len, told)) <= 14
    if "unknown" not in told:
        values = [seconds_of(words) for words in told]
        assert (values[0] <= values[1]) if one <= other else (values[0] >= values[1])
        assert abs(values[0] - one) <= max(0.0005, one / 20)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1024, "1.0 kB"), (9_949, "9.9 kB"), (9_951, "10 kB"),
        (999_499, "999 kB"), (999_500, "1.0 MB"), (84 << 20, "88 MB"), (500_000_000, "500 MB"),
        (1_400_000_000, "1.4 GB"), (16 * 10**12, "16 TB"), (-1, "unknown"), (nan, "unknown"), (inf, "unknown"),
        (10**400, "unknown"),
    ],
)  # fmt: skip
def test_sizes_are_decimal(count: float, words: str) -> None:
    assert units.size(count) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0"), (9_999, "9999"), (10_000, "10 k"), (999_499, "999 k"), (999_500, "1.0 M"), (1_250_000, "1.2 M"),
        (123_456_789, "123 M"), (3_400_000_000, "3.4 G"), (-1, "unknown"), (10**400, "unknown"),
    ],
)  # fmt: skip
def test_tokens(count: int, words: str) -> None:
    assert units.tokens(count) == words


SCALES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}


def number_of(words: str) -> float:
    number, _, unit = words.partition(" ")
    return float(number) * SCALES[unit.removesuffix("B")]


@pytest.mark.parametrize("say", [units.size, units.tokens])
def test_a_count_is_short_true_and_never_less_for_what_is_more(say: Callable[[int], str]) -> None:
    @given(one=st.integers(0, 10**14), other=st.integers(0, 10**14), wild=st.integers())
    def told(one: int, other: int, wild: int) -> None:
        one, other = sorted((one, other))
        assert len(say(one)) <= 7 and len(say(wild)) <= 7
        assert number_of(say(one)) <= number_of(say(other))
        assert abs(number_of(say(one)) - one) <= one / 20

    told()


# Where these forms may stand: here, for files in `timestamps`, and the names that Codex gives to its directories.
WRITERS = ("mailcore.text.units", "mailcore.text.money", "mailcore.formats.timestamps", "mailcore.programs.codex")
CALLS = {"strftime", "strptime", "isoformat", "ctime", "asctime"}
CALENDAR = re.compile("%[YHMm]")
UNIT = re.compile(r"( ?[kKMGT]i?B| s| min| h| k| M)\b")


def own_words(tree: ast.Module) -> Iterator[str]:
    """Where a module itself writes a date, a time, a duration, a size or money."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) if name in CALLS:
                yield ast.unparse(node)
            case ast.Constant(value=str(text)) if CALENDAR.search(text):
                yield text
            case ast.JoinedStr(values=parts):
                for one, following in pairwise(parts):
                    match one, following:
                        case ast.FormattedValue(value=ast.expr() as value), ast.Constant(value=str(text)):
                            if UNIT.match(text) and not isinstance(value, ast.Constant):
                                yield ast.unparse(node)
                        case ast.Constant(value=str(text)), ast.FormattedValue(format_spec=ast.JoinedStr()):
                            if text.endswith("$"):
                                yield ast.unparse(node)


@pytest.mark.parametrize(
    "source",
    [
        "time.strftime(form, now)", "at.isoformat()", "f'{at:%H:%M}'", "local('%Y-%m-%d', at)", "f'{at:.0f} s ago'",
        "f'{at / 60} min'", "f'{count >> 20} MB'", "f'{count}kB'", "f'${cost:,.2f}'",
        "from time import strftime\nstrftime",
    ],
)  # fmt: skip
def test_own_words_are_found(source: str) -> None:
    assert list(own_words(ast.parse(source)))


def test_no_other_module_words_a_time_a_size_or_money() -> None:
    found = {
        name: said
        for name, path in MODULES.items()
        if not name.startswith(WRITERS) and (said := list(own_words(ast.parse(path.read_text()))))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90.0), ("30m", 1800.0), ("30 min", 1800.0), (" 1.5H ", 5400.0), ("2d", 172_800.0), ("0m", 0.0)],
)
def test_a_length_is_read_as_people_write_it(text: str, seconds: float) -> None:
    assert units.seconds_in(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "h", "-1h", "1w", "1h30m", "1e3s", "9999999s", "٣h"])
def test_what_is_no_length_is_none(text: str) -> None:
    assert units.seconds_in(text) is None


@given(st.floats(1e9, 2e9), st.floats(-1e5, 1e5) | st.floats(0, 1e8))
def test_an_age_reads_the_same_until_its_next_step_and_not_after_it(at: float, passed: float) -> None:
    now = at + passed
    then, text = units.next_step(at, now), units.since(at, now)
    assert then > now
    assert units.since(at, max(now, then - 0.001)) == text
    assert units.since(at, then + 0.001) != text


@pytest.mark.parametrize("at", [0.0, math.nan, math.inf, 1e30])
def test_a_moment_that_is_none_has_no_next_step(at: float) -> None:
    assert units.next_step(at, NOON) == math.inf
