"""The replacement forecast becomes rows by quarter, and sums by year whose intervals do not simply add up."""

from __future__ import annotations

import pytest

from hmi.forecast import Due, by_year, forecast_of

COLUMNS = [
    ["2026-Q4", "2027-Q1", "2027-Q2"],
    [4.0, 10.0, 20.0],
    [2.0, 7.0, 16.0],
    [6.0, 14.0, 23.0],
    [400.0, 1000.0, 2000.0],
    [200.0, 700.0, 1600.0],
    [600.0, 1400.0, 2300.0],
    ["MONSOON", "", "SONGKRAN MONSOON"],
    "THB",
]


def test_a_row_for_each_quarter() -> None:
    found = forecast_of(COLUMNS)
    assert found.currency == "THB"
    assert found.quarters[0] == Due("2026-Q4", 4.0, 2.0, 6.0, 400.0, 200.0, 600.0, ("MONSOON",))
    assert [each.notes for each in found.quarters[1:]] == [(), ("SONGKRAN", "MONSOON")]


def test_nothing_is_foretold_yet() -> None:
    assert forecast_of([None] * 9).as_json() == {"quarters": [], "years": [], "currency": ""}


def test_years_sum_their_quarters_and_say_how_many() -> None:
    last, next_ = by_year(forecast_of(COLUMNS).quarters)
    assert (last.period, last.quarters) == ("2026", 1)
    assert (last.expected, last.lower, last.upper) == (4.0, 2.0, 6.0)
    assert (next_.period, next_.quarters) == ("2027", 2)
    assert (next_.expected, next_.cost) == (30.0, 3000.0)
    # Distances 3 and 4 below, 4 and 3 above: 5 together, less than their sum.
    assert (next_.lower, next_.upper) == pytest.approx((25.0, 35.0))
    assert (next_.lower_cost, next_.upper_cost) == pytest.approx((2500.0, 3500.0))


def test_columns_of_different_length_are_a_fault() -> None:
    with pytest.raises(ValueError, match="argument"):
        forecast_of([*COLUMNS[:7], ["MONSOON"], "THB"])
