"""Times as files hold them: the exact bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailcore.formats import timestamps
from mailcore.model.message import parse_time
from mailcore.text.units import LATEST

AT = datetime(2026, 11, 2, 4, 3, 7, 854753)


def test_each_form() -> None:
    assert timestamps.aipass_time(AT) == "2026-11-02 04:03:07"
    assert timestamps.lock_time(AT) == "2026-11-02T04:03:07"
    assert timestamps.archive_time(AT) == "2026-11-02T04:03:07.854753"
    assert timestamps.name_time(AT) == "20261102_040307"
    assert timestamps.registry_date(AT) == "2026-11-02"
    assert timestamps.unique_time(AT) == "20261102T040307_854753"
    assert timestamps.utc_time(1_800_014_400.25) == "2027-01-15T12:00:00.250000+00:00"


@given(at=st.datetimes(datetime(1970, 1, 3), datetime(9998, 1, 1)))
def test_what_is_written_is_read_back(at: datetime) -> None:
    second = at.replace(microsecond=0).timestamp()
    assert parse_time(timestamps.aipass_time(at)) == parse_time(timestamps.lock_time(at)) == second
    assert parse_time(timestamps.archive_time(at)) == at.timestamp()
    assert parse_time(timestamps.utc_time(at.timestamp())) == pytest.approx(at.timestamp(), abs=1e-4)


@pytest.mark.parametrize(
    ("at", "told"), [(nan, 0.0), (-inf, 0.0), (-1.0, 0.0), (0.0, 0.0), (1e20, LATEST), (inf, LATEST)]
)
def test_a_journal_takes_any_moment(at: float, told: float) -> None:
    assert parse_time(timestamps.utc_time(at)) == told


def test_a_unique_time_is_later_than_the_former() -> None:
    now = AT.replace(tzinfo=UTC)
    assert timestamps.next_unique("20251102T040307_854753-0f3c", now) == now
    later = timestamps.next_unique("20261102T040307_854753-0f3c", now)
    assert timestamps.unique_time(later) == "20261102T040307_854754"
    for nonsense in ("", "run-1", "99991231T235959_999999"):
        with pytest.raises((ValueError, OverflowError)):
            timestamps.next_unique(nonsense, now)
