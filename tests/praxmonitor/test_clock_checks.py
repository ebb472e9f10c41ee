"""What the ticks tell: sleep, a clock that was set, lateness."""

from __future__ import annotations

from praxmonitor.alarms.clock_checks import MOST_GAPS, ClockChecks, check_clock

START = 2_000_000_000.0


def run(*steps: tuple[float, float]) -> ClockChecks:
    """Clock checks after these steps of (wall, machine) seconds, planned at half a second."""
    beats = check_clock(ClockChecks(), START, 0.0, 0.5)
    for wall, mono in steps:
        beats = check_clock(beats, beats.wall + wall, beats.mono + mono, 0.5)
    return beats


def test_even_ticks_tell_nothing() -> None:
    beats = run(*[(0.5, 0.5)] * 100)
    assert beats.gaps == () and beats.lag == 0.0


def test_a_sleep_a_clock_that_was_set_and_a_frozen_machine_are_gaps() -> None:
    for wall, mono in ((3600.0, 0.5), (-3600.0, 0.5), (1200.0, 1200.0)):
        beats = run((0.5, 0.5), (wall, mono))
        assert beats.gaps == ((START + 0.5, START + 0.5 + wall),)


def test_a_small_correction_of_the_clock_is_none() -> None:
    assert run((1.5, 0.5), (-0.5, 0.5)).gaps == ()


def test_late_again_and_again_is_a_lag_late_once_is_none() -> None:
    assert run(*[(0.5, 0.5)] * 10, (9.0, 9.0), *[(0.5, 0.5)] * 4).lag == 0.0
    assert run(*[(2.5, 2.5)] * 9).lag == 2.0


def test_the_oldest_gaps_are_forgotten() -> None:
    assert len(run(*[(100.0, 0.5)] * 50).gaps) == MOST_GAPS
