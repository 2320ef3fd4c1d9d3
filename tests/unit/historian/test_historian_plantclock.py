"""Which times of a clock are believed."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from historian.plantclock import ABSURD, CONFIRMED, DAY, SUSPECT, Believed, Steady

NOW = 20_000 * DAY
FAR = NOW + 30_000 * DAY
SECOND = 1_000_000


def test_a_clock_that_goes_on_is_believed_however_fast() -> None:
    believed = Believed(NOW)
    for time in range(NOW, NOW + 5000 * DAY, SUSPECT):
        assert believed(time) == time


def test_nothing_is_dropped_by_a_clock_that_jumps() -> None:
    believed = Believed(NOW)
    assert believed(FAR) == NOW
    assert believed(FAR + CONFIRMED - 1) == NOW
    assert believed(NOW + SECOND) == NOW + SECOND
    assert believed(FAR + CONFIRMED) == NOW + SECOND  # another jump


def test_a_jump_that_lasts_is_believed() -> None:
    believed = Believed(NOW)
    believed(FAR)
    assert believed(FAR + CONFIRMED) == FAR + CONFIRMED


def test_nothing_stored_yet() -> None:
    assert Believed(None)(FAR) == FAR


def test_scans_are_stored_under_their_own_time() -> None:
    steady = Steady()
    assert [steady(time) for time in (NOW, NOW + DAY, NOW + 500 * DAY)] == [NOW, NOW + DAY, NOW + 500 * DAY]
    assert (steady.moved, steady.jumped) == (0, False)


def test_scans_of_a_clock_that_jumps_go_on_from_the_last() -> None:
    for far in (FAR, 0):
        steady = Steady()
        steady(NOW)
        assert [steady(far), steady(far + 5 * SECOND)] == [NOW + SECOND, NOW + 6 * SECOND]
        assert (steady.moved, steady.jumped) == (2, True)
        assert steady(NOW + 20 * SECOND) == NOW + 20 * SECOND
        assert (steady.moved, steady.jumped) == (2, False)


def test_a_clock_that_stays_where_it_jumped_to_is_right() -> None:
    steady = Steady()
    steady(NOW)
    for hour in range(24):
        steady(FAR + hour * DAY // 24)
    assert steady(FAR + CONFIRMED) == FAR + CONFIRMED
    assert steady(FAR + CONFIRMED + SECOND) == FAR + CONFIRMED + SECOND
    assert steady.moved == 24


def test_a_clock_that_jumps_again_and_again() -> None:
    steady = Steady()
    steady(NOW)
    assert [steady(FAR), steady(2 * FAR), steady(0)] == [NOW + n * SECOND for n in (1, 2, 3)]


@given(some.lists(some.integers(0, 3 * FAR), min_size=2))
def test_what_is_stored_never_jumps_unless_confirmed(times: list[int]) -> None:
    steady = Steady()
    stored = [steady(time) for time in times]
    for i, (one, other) in enumerate(pairwise(stored)):
        assert abs(other - one) <= ABSURD or other == times[i + 1]
