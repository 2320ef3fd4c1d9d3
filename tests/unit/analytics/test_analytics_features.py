"""Features (R1): known histories give known figures, gaps cost little, nothing outside the year counts."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from analyticsdays import FIRST, JARS, days_of, units_of, with_gaps

from analytics.features import FEATURES, NAMES, features, hot_share, shifted
from analytics.history import Days
from analytics.parameters import Array, Single
from analytics.windows import by_group, slope

TODAY = FIRST + 400
ENERGY = 50_000.0


def known(days: Days, day: int = TODAY, age: float = 2000.0) -> dict[str, Single]:
    """Features by name."""
    found = features(days, units_of(age=age), day)
    assert found.shape == (JARS, len(FEATURES))
    assert found.dtype == np.float32
    return dict(zip(NAMES, found.T, strict=True))


def ramp(a_year: float, count: int = 400) -> Array:
    """One on the last morning, and `a_year` less for each year before; of shape (days, 1)."""
    return np.asarray(1 + a_year * (np.arange(count) + 0.5 - count) / 365.25, np.float64)[:, None]


def test_names_are_those_of_the_specification_and_each_is_there_once() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert {
        *("temperature_mean_30d", "temperature_max", "time_above_30c_hours", "temperature_cycles_count"),
        *("cycle_count", "ah_throughput", "calendar_age_days", "voltage_spread", "season_sin", "site_offset"),
        *("resistance_level", "resistance_slope_365d"),
    } <= set(NAMES)
    assert all(feature.unit and feature.description for feature in FEATURES)
    assert {feature.monotone for feature in FEATURES} <= {-1, 0, 1}


def test_a_quiet_year_at_25_degrees() -> None:
    found = known(days_of())
    expected = {
        "temperature_mean_30d": 25.0,
        "temperature_max": 25.0,
        "time_above_30c_hours": 0.0,
        "temperature_cycles_count": 0.0,
        "arrhenius_factor": 1.0,
        "calendar_age_days": 2000.0,
        "effective_age_days": 2000.0,
        "cycle_count": 0.0,
        "ah_throughput": 0.0,
        "resistance_level": 3.4,
        "resistance_rise": 0.0,
        "resistance_slope_365d": 0.0,
        "resistance_days_to_limit": 9131.0,
        "float_voltage": 13.65,
        "voltage_deviation": 0.0,
        "voltage_spread": 0.0,
        "site_offset": 1.5,
        "history_days": 365.0,
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=2e-3), name
    assert np.isnan(found["days_since_discharge"]).all()


def test_ten_degrees_more_age_a_jar_about_twice_as_fast() -> None:
    found = known(days_of(temperature=35.0))
    assert found["arrhenius_factor"] == pytest.approx(1.925, abs=0.005)  # 50 kJ/mol: -48 % of life
    assert found["effective_age_days"] == pytest.approx(2000 * found["arrhenius_factor"])
    assert found["time_above_30c_hours"] == pytest.approx(8766)


def test_a_hot_half_of_the_year_ages_more_than_its_mean_tells() -> None:
    halves = np.where(np.arange(400) % 2, 35.0, 15.0)[:, None]
    assert (known(days_of(temperature=halves))["arrhenius_factor"] > 1.15).all()


def test_swings_and_extremes() -> None:
    high = np.full((400, 1), 27.0)
    high[-100:-90] = 31.0
    found = known(days_of(temperature_min=23.0, temperature_max=high))
    assert found["temperature_max"] == pytest.approx(31.0)
    assert found["temperature_cycles_count"] == pytest.approx(10 * 365.25 / 365, rel=1e-3)
    assert 0 < found["time_above_30c_hours"][0] < 10 * 24


@pytest.mark.parametrize(
    ("low", "mean", "high", "share"),
    [
        (20.0, 30.0, 40.0, 0.5),
        (20.0, 24.0, 29.9, 0.0),
        (30.1, 33.0, 40.0, 1.0),
        (25.0, 26.0, 35.0, 0.1 * 5 / 9),  # a tenth of the day lies above the mean, even over 9 K
        (25.0, 25.0, 25.0, 0.0),
        (31.0, 31.0, 31.0, 1.0),
        (np.nan, np.nan, np.nan, np.nan),
    ],
)
def test_hours_above_30_degrees_from_least_mean_and_highest(
    low: float, mean: float, high: float, share: float
) -> None:
    one = [np.array([[value]], np.float32) for value in (low, mean, high)]
    assert hot_share(*one)[0, 0] == pytest.approx(share, abs=2e-3, nan_ok=True)


def test_resistance_is_taken_to_25_degrees() -> None:
    # -0.6 %/K, IEC 60896-21: what is measured at 30 °C reads 3 % less.
    assert known(days_of(temperature=30.0, resistance=3.4 * 0.97))["resistance_rise"] == pytest.approx(
        0, abs=0.01
    )


def test_a_rising_resistance_is_followed_to_the_end_of_life() -> None:
    found = known(days_of(resistance=3.4 * 1.20 * ramp(0.12 / 1.20)))
    for name in ("resistance_slope_30d", "resistance_slope_90d", "resistance_slope_365d"):
        assert found[name] == pytest.approx(12.0, rel=0.01), name
    assert found["resistance_rise"] == pytest.approx(19.5, abs=0.05)  # the middle of the last month
    assert found["resistance_days_to_limit"] == pytest.approx((50 - 19.5) / 12 * 365.25, rel=0.01)


def test_what_all_jars_of_a_string_share_cancels_against_the_string() -> None:
    apart = np.linspace(-0.05, 0.06, JARS)
    found = known(days_of(resistance=3.4 * (1.3 + apart), voltage=13.7 + apart))
    assert found["string_resistance_rise"] == pytest.approx(30, abs=0.1)
    assert found["resistance_rise_vs_string"] == pytest.approx(100 * apart, abs=0.1)
    assert found["voltage_deviation"] == pytest.approx(1000 * apart, abs=0.2)
    assert found["voltage_spread"] == pytest.approx(37, abs=8)  # 110 mV from end to end, evenly


def test_a_voltage_that_leaves_its_string_shows_in_the_trend() -> None:
    leaving = 13.65 + 0.04 * (ramp(1.0) - 1) * (np.arange(JARS) == 3)
    found = known(days_of(voltage=leaving))
    assert found["voltage_deviation_slope"][3] == pytest.approx(40, rel=0.02)
    assert np.delete(found["voltage_deviation_slope"], 3) == pytest.approx(0, abs=0.1)


def test_discharges_are_counted_and_their_days_are_not_measured() -> None:
    discharges, drawn, resistance = np.zeros((400, 1)), np.zeros((400, 1)), np.full((400, 1), 3.4)
    for ago, charge in ((5, 12.0), (100, 24.0)):
        discharges[-ago], drawn[-ago] = 1, charge
        resistance[-ago : -ago + 2] = 9.9  # while it works and while it is recharged
    found = known(days_of(discharges=discharges, drawn=drawn, resistance=resistance, voltage=resistance))
    assert found["cycle_count"] == pytest.approx(2, rel=1e-3)
    assert found["ah_throughput"] == pytest.approx(36, rel=1e-3)
    assert found["discharge_depth"] == pytest.approx(0.15, rel=1e-3)
    assert found["days_since_discharge"] == pytest.approx(5)
    assert found["resistance_level"] == pytest.approx(3.4)


def test_gaps_cost_little() -> None:
    rising = 3.4 * ramp(0.1) * (1 + 0.01 * np.arange(JARS))
    season = 26 + 2 * np.sin(np.arange(400) / 58)[:, None]
    voltage = 13.65 - 0.018 * (season - 25)  # as the charger compensates
    whole = days_of(resistance=rising, temperature=season, voltage=voltage)
    found, holed = known(whole), known(with_gaps(whole, 0.15))
    for name in NAMES:
        if name not in {"history_days", "days_since_discharge", "discharge_depth"}:
            scale = float(0.03 * np.abs(found[name]).max() + 0.05)
            assert holed[name] == pytest.approx(found[name], abs=scale), name
    assert (holed["history_days"] < 340).all()


def test_a_jar_that_is_not_read_is_unknown_and_spoils_no_other() -> None:
    days = days_of(resistance=3.4 * (1 + 0.01 * np.arange(JARS)))
    arrays = {f.name: getattr(days, f.name).copy() for f in fields(Days) if f.name != "first"}
    for array in arrays.values():
        array[:, 0] = np.nan
    found = known(Days(FIRST, **arrays))
    certain = {"calendar_age_days", "season_sin", "season_cos", "site_offset", "history_days"}
    certain |= {"nominal_life_days"}
    of_string = {"string_resistance_rise", "voltage_spread"}
    for name in set(NAMES) - certain - of_string:
        assert np.isnan(found[name][0]), name
    for name in set(NAMES) - {"days_since_discharge", "discharge_depth"}:
        assert np.isfinite(found[name][1:]).all(), name


def test_no_history_at_all() -> None:
    found = known(days_of(), day=FIRST)
    assert np.isnan(found["temperature_mean_365d"]).all()
    assert (found["calendar_age_days"] == 2000 - 400).all()


def test_only_the_year_before_the_day_counts() -> None:
    days = days_of()
    spoilt = {f.name: getattr(days, f.name).copy() for f in fields(Days) if f.name != "first"}
    for array in spoilt.values():
        array[:30], array[-5:] = 77.0, 77.0  # before the year, and from the day on
    got = features(Days(FIRST, **spoilt), units_of(), TODAY - 5)
    np.testing.assert_array_equal(got, features(days, units_of(), TODAY - 5))


def test_what_stood_there_before_the_jar_does_not_count() -> None:
    days = days_of(temperature=np.where(np.arange(400) < 300, 45.0, 25.0)[:, None])
    found = known(days, age=100.0)
    assert found["temperature_max"] == pytest.approx(25.0)
    assert (found["history_days"] == 99).all()  # not the day of its installation
    assert np.isnan(found["resistance_slope_365d"]).all()


def test_a_year_warmer_throughout() -> None:
    before = features(
        days_of(temperature_min=24.0, temperature_max=27.0, resistance=3.4 * ramp(0.1)), units_of(), TODAY
    )
    after = shifted(before, 10.0, ENERGY)
    change = dict(zip(NAMES, (after - before).T, strict=True))
    pace = NAMES.index("arrhenius_factor")
    assert change["temperature_mean_30d"] == pytest.approx(10)
    assert change["temperature_max"] == pytest.approx(10)
    assert after[:, pace] / before[:, pace] == pytest.approx(1.925, abs=0.005)
    assert (dict(zip(NAMES, after.T, strict=True))["time_above_30c_hours"] > 8500).all()
    for feature in FEATURES:
        moved = np.nan_to_num(change[feature.name]) != 0
        assert (moved == feature.temperature).all(), feature.name


@pytest.mark.parametrize("kelvin", [-10.0, -3.0, 3.0, 10.0])
def test_a_shift_agrees_with_a_history_that_was_warmer(kelvin: float) -> None:
    season = (29 + 2 * np.sin(np.arange(400) / 58))[:, None]
    low, high = season - 1.5, season + 1.5
    base = features(days_of(temperature=season, temperature_min=low, temperature_max=high), units_of(), TODAY)
    warmer = days_of(temperature=season + kelvin, temperature_min=low + kelvin, temperature_max=high + kelvin)
    truth = features(warmer, units_of(), TODAY)
    got = shifted(base, kelvin, ENERGY)
    for feature in FEATURES:
        i = NAMES.index(feature.name)
        if feature.temperature:
            tolerance = 500.0 if feature.unit == "h/a" else 1e-2
            assert got[:, i] == pytest.approx(truth[:, i], abs=tolerance), feature.name


def test_no_shift_changes_nothing_and_a_shift_may_be_each_jars_own() -> None:
    before = features(days_of(temperature_min=24.0, temperature_max=32.0), units_of(), TODAY)
    np.testing.assert_allclose(shifted(before, 0.0, ENERGY), before, rtol=1e-5)
    own = shifted(before, np.arange(JARS, dtype=float), ENERGY)
    column = own[:, NAMES.index("arrhenius_factor")]
    assert (np.diff(column) > 0).all()


def test_quantiles_by_group_leave_out_what_is_not_known() -> None:
    values = np.array([3.0, np.nan, 1.0, 2.0, np.nan, 7.0])
    group = np.array([0, 0, 0, 0, 1, 2])
    np.testing.assert_array_equal(by_group(values, group, 0.5), [2, 2, 2, 2, np.nan, 7])


def test_a_slope_needs_enough_days_and_two_of_them() -> None:
    at = np.arange(10.0)
    values = np.array([2 * at, np.where(at < 6, np.nan, at), np.where(at == 3, at, np.nan)], np.float32).T
    np.testing.assert_allclose(slope(at, values, 5), [2, np.nan, np.nan], rtol=1e-6)
    np.testing.assert_allclose(slope(at, values, 1), [2, 1, np.nan], rtol=1e-6)


def test_units_of_another_baseline() -> None:
    units = replace(units_of(), baseline=np.full(JARS, 3.0))
    got = features(days_of(resistance=3.3), units, TODAY)
    assert got[:, NAMES.index("resistance_rise")] == pytest.approx(10, abs=0.01)
