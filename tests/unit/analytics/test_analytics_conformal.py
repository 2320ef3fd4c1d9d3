"""Calibration of intervals by jar."""

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.conformal import Margins, Quantiles, calibrate, widened
from analytics.parameters import Array

JARS, ROWS = 600, 30


def jars(seed: int) -> tuple[Array, Quantiles, NDArray[np.int64]]:
    """Truth, an interval that is far too narrow, and jars; rows of a jar err together, more at long lives."""
    draw = np.random.default_rng(seed)
    unit = np.repeat(np.arange(JARS), ROWS)
    median = np.tile(np.linspace(1, 10, ROWS), JARS)
    error = (draw.normal(size=JARS)[unit] + 0.2 * draw.normal(size=len(unit))) * median / 10
    return median + error, Quantiles(median - 0.1, median, median + 0.1), unit


def test_nine_of_ten_further_jars_are_covered_at_short_and_long_lives() -> None:
    truth, narrow, unit = jars(1)
    margins = calibrate(truth, narrow, unit, np.ones(len(unit)), 0.9)
    truth, narrow, _ = jars(2)
    wide = widened(narrow, margins)
    inside = (wide.lower <= truth) & (truth <= wide.upper)
    assert 0.88 < inside.mean() < 0.93
    for low in (1, 4, 7):
        band = (narrow.median >= low) & (narrow.median < low + 3)
        assert 0.86 < inside[band].mean() < 0.95
    assert (wide.upper - wide.lower)[narrow.median < 3].mean() < 0.4 * (wide.upper - wide.lower).mean()


def test_each_side_misses_half() -> None:
    truth, narrow, unit = jars(3)
    wide = widened(narrow, calibrate(truth, narrow, unit, np.ones(len(unit)), 0.9))
    assert (truth < wide.lower).mean() == pytest.approx(0.05, abs=0.02)
    assert (truth > wide.upper).mean() == pytest.approx(0.05, abs=0.02)


def test_an_interval_that_is_too_wide_is_narrowed() -> None:
    truth, narrow, unit = jars(4)
    wide = Quantiles(narrow.median - 9, narrow.median, narrow.median + 9)
    again = widened(wide, calibrate(truth, wide, unit, np.ones(len(unit)), 0.9))
    assert ((again.upper - again.lower) < 6).all()


def test_a_jar_with_many_rows_counts_as_one() -> None:
    """One jar of a hundred errs by 5, in half of all rows: by rows that would be half of the fleet."""
    unit = np.concatenate([np.arange(1, 100), np.zeros(99, np.int64)])
    zero = np.zeros(len(unit))
    truth = np.where(unit == 0, 5.0, 0.0)
    margins = calibrate(truth, Quantiles(zero, zero, zero), unit, np.ones(len(unit)), 0.9)
    assert margins.upper == (0.0,)


def test_rows_whose_end_nobody_has_seen_do_not_count() -> None:
    truth, narrow, unit = jars(5)
    weight = np.ones(len(unit))
    expected = calibrate(truth[ROWS:], narrow.take(unit > 0), unit[ROWS:], weight[ROWS:], 0.9)
    truth[:ROWS] = 1e6
    weight[:ROWS] = 0
    assert calibrate(truth, narrow, unit, weight, 0.9) == expected
    with pytest.raises(ValueError, match="no row"):
        calibrate(truth, narrow, unit, np.zeros(len(unit)), 0.9)


def test_the_median_is_never_outside() -> None:
    margins = Margins((0.0,), (-9.0,), (-9.0,))
    one = np.array([5.0])
    said = widened(Quantiles(one - 1, one, one + 1), margins)
    assert (said.lower, said.median, said.upper) == (5.0, 5.0, 5.0)
