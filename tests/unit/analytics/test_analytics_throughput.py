"""Discharges take life (T1): by their depth as data sheets have it, however the scans cut them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analyticsjars import parameters_of, run, scan, settled

from analytics import ageing, estimate, explain, rul
from analytics.parameters import Array, Parameters

P = parameters_of(3)
YEAR = 365.25


def discharged(state: estimate.State, hours: float, current: Array | float, dt: float) -> estimate.State:
    """A discharge at a current [A], told in scans of `dt` [s], and a scan of float after it."""
    readings = scan(P.jars, current=current, voltage=12.2)
    state, _ = run(state, P, readings, round(hours * 3600 / dt), dt)
    state, _ = run(state, P, scan(P.jars), 1, dt)
    return state


@pytest.mark.parametrize(("depth", "cycles"), [(1.0, 200), (0.5, 500), (0.3, 1200)])
def test_cycles_to_the_end_are_those_of_data_sheets(depth: float, cycles: int) -> None:
    """Panasonic LC-R at 25 °C, read from a graph: within a fifth."""
    assert 1 / ageing.life_of_discharge(P, depth * P.capacity)[0] == pytest.approx(cycles, rel=0.2)


@pytest.mark.parametrize("dt", [5.0, 60.0, 300.0])
def test_a_discharge_is_counted_once_whatever_the_scan(dt: float) -> None:
    state, _ = settled(P)
    current = np.array([0.0, 12.0, 36.0])
    after = discharged(state, 1.0, current, dt)
    assert after.ageing.cycled == pytest.approx(ageing.life_of_discharge(P, current * 1.0), rel=1e-6)
    twice = discharged(after, 1.0, current, dt)
    assert twice.ageing.cycled == pytest.approx(2 * after.ageing.cycled, rel=1e-6)


def test_float_takes_nothing() -> None:
    _, found = settled(P)
    state, _ = settled(P)
    assert state.ageing.cycled.tolist() == [0.0] * 3
    assert [each.name for each in estimate.explain(state, P, 0)].count("Discharges") in (0, 1)
    assert (found.rul > 0).all()


def cycled(share: float, watched: float = YEAR, age: float = 3 * YEAR) -> Array:
    """Remaining life of a jar of an age, when discharges took a share of it while it was watched."""
    state, _ = settled(P, age)
    used = replace(state.ageing, age=np.full(3, age), cycled=np.full(3, share), watched=np.full(3, watched))
    return rul.remaining(P, explain.evidence(P, used)).days


def test_discharges_shorten_what_is_left_and_are_counted_for_the_years_before() -> None:
    none, few, many = cycled(0.0)[0], cycled(0.01)[0], cycled(0.05)[0]
    assert none > few > many
    # 5 % a year beside 1 / 8.5 of a life a year by the calendar.
    assert 0.5 < many / none < 0.75
    # The same seen over three years is a third of it a year.
    assert many < cycled(0.05, watched=3 * YEAR)[0] < none
    # One outage right after the first start is no trend.
    assert cycled(0.001, watched=0.1)[0] == pytest.approx(none, rel=0.02)


def test_they_are_among_the_factors() -> None:
    state, _ = settled(P)
    used = replace(state, ageing=replace(state.ageing, cycled=np.full(3, 0.2), watched=np.full(3, YEAR)))
    assert "Discharges" in [factor.name for factor in estimate.explain(used, P, 1)]


@pytest.mark.parametrize("share", [0.0, 0.002, 0.02])
def test_ten_degrees_more_still_cost_two_fifths_to_a_half(share: float) -> None:
    """While discharges are less than a quarter of all ageing: 2 % a year beside 12 % by the calendar."""

    def at(parameters: Parameters, celsius: float) -> Array:
        factor = ageing.arrhenius(np.full(3, celsius), parameters.activation_energy)
        health, error = np.full(3, 0.95), np.full(3, 0.03)
        age = np.full(3, 2 * YEAR)
        evidence = rul.Evidence(age, factor, health, error, share * 2, share / YEAR)
        return rul.remaining(parameters, evidence).days

    shorter = 1 - at(P, 35.0) / at(P, 25.0)
    assert ((shorter > 0.40) & (shorter < 0.50)).all()


def test_a_new_jar_has_had_no_discharges() -> None:
    state, _ = settled(P)
    state = discharged(state, 1.0, 36.0, 60.0)
    fresh = estimate.renewed(state, P, np.array([True, False, False]), np.zeros(3))
    assert fresh.ageing.cycled[0] == 0.0
    assert fresh.ageing.cycled[1] > 0.0
