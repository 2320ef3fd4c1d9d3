"""Ageing: Arrhenius by published numbers, the mean factor, the ohmic trend, and capacity from discharges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analyticsjars import HX, fleet_of, parameters_of, run, scan, settled
from hypothesis import given
from hypothesis import strategies as some

from analytics import ageing, estimate, twin
from analytics.parameters import Parameters

EA = np.full(1, 50_000.0)
DAY = 86_400.0


def factor(temperature: float) -> float:
    return float(ageing.arrhenius(np.array([temperature]), EA)[0])


def test_life_halves_for_ten_kelvin() -> None:
    # DESIGN: -48 % from 25 to 35 °C with 50 kJ/mol.
    assert factor(25.0) == pytest.approx(1.0)
    assert 1 - 1 / factor(35.0) == pytest.approx(0.48, abs=0.005)


@given(some.floats(-20, 70), some.floats(0.01, 10))
def test_heat_ages(temperature: float, more: float) -> None:
    assert factor(temperature + more) > factor(temperature)


def test_first_temperature_stands_for_the_history() -> None:
    state, _ = estimate.step(
        estimate.first_state(parameters_of(1), np.array([1000.0])),
        parameters_of(1),
        scan(1, temperature=35.0),
        0,
        0.0,
    )
    assert state.ageing.factor[0] == pytest.approx(factor(35.0))


def test_mean_factor_is_of_factors_not_of_temperatures() -> None:
    p = parameters_of(1)
    state = estimate.first_state(p, np.array([1000.0]))
    for i in range(400):
        state, _ = run(state, p, scan(1, temperature=20.0 if i % 2 else 30.0), 1, DAY / 2)
    mean = (factor(20.0) + factor(30.0)) / 2
    assert state.ageing.factor[0] == pytest.approx(mean, rel=0.01)
    assert mean > factor(25.0) * 1.01


def test_mean_factor_forgets_after_a_year() -> None:
    p = parameters_of(1)
    state, _ = run(estimate.first_state(p, np.zeros(1)), p, scan(1, temperature=35.0), 400, DAY)
    assert state.ageing.factor_days[0] == pytest.approx(365.25)
    state, _ = run(state, p, scan(1, temperature=25.0), 1460, DAY)
    assert state.ageing.factor[0] == pytest.approx(1.0, abs=0.03)


def test_a_warm_minute_does_not_move_the_mean_of_a_year() -> None:
    p = parameters_of(1)
    state, _ = run(estimate.first_state(p, np.zeros(1)), p, scan(1), 400, DAY)
    state, _ = run(state, p, scan(1, temperature=45.0), 12, 5.0)
    assert state.ageing.factor[0] == pytest.approx(1.0, abs=1e-3)


def test_fifty_per_cent_more_resistance_is_the_end_of_life() -> None:
    # IEEE 1188: +20 % caution, +50 % act; end of life at 80 % of capacity.
    p = parameters_of(3)
    health = ageing.ohmic_health(p, p.baseline * np.array([1.0, 1.2, 1.5]))
    assert health == pytest.approx([1.0, 0.92, 0.8])


def test_resistance_is_compared_at_25_degrees() -> None:
    p = parameters_of(2)
    warm = np.array([25.0, 35.0])
    state, estimates = settled(
        p, temperature=warm, resistance=p.baseline * ageing.ohmic_factor(p.ohmic_temperature, warm)
    )
    assert state.ageing.resistance == pytest.approx(p.baseline)
    assert estimates.soh == pytest.approx([100.0, 100.0])


def test_noise_of_the_resistance_averages_out() -> None:
    p = parameters_of(50)
    chance = np.random.default_rng(3)
    state = estimate.first_state(p, np.full(50, 1000.0))
    for _ in range(400):
        state, _ = run(state, p, scan(50, resistance=3.4 * 1.1 * (1 + chance.normal(0, 0.03, 50))), 1, 5.0)
    assert state.ageing.resistance.std() / 3.74 < 0.03 / 10
    assert state.ageing.resistance.mean() == pytest.approx(3.74, rel=0.002)


def test_resistance_counts_on_float_only() -> None:
    p = parameters_of(1)
    state, _ = settled(p)
    after, _ = run(state, p, scan(1, voltage=12.3, current=30.0, resistance=6.0), 10, 5.0)
    assert after.ageing.resistance == pytest.approx(state.ageing.resistance)


def test_capacity_is_learnt_from_a_real_discharge() -> None:
    # A jar whose resistance looks new and which has lost a fifth of its capacity: the discharge shows it.
    weak = Parameters.of(fleet_of(1, HX.model_copy(update={"capacity": 96.0})))
    p = parameters_of(1)
    state, before = settled(p)
    truth, _ = settled(weak)
    for _ in range(700):
        blind = scan(1, voltage=np.nan, current=12.0)
        truth, _ = estimate.step(truth, weak, blind, 0, 30.0)
        voltage = _terminal(weak, truth)
        state, _ = estimate.step(state, p, scan(1, voltage=voltage, current=12.0), 0, 30.0)
    state, after = run(state, p, scan(1, voltage=12.6, current=-10.0), 1, 5.0)
    assert before.soh[0] == pytest.approx(100.0, abs=0.5)
    assert after.soh[0] == pytest.approx(80.0, abs=4.0)
    assert state.ageing.correction_variance[0] < ageing.OHMIC_ERROR**2 / 1.5


def test_a_short_discharge_teaches_nothing() -> None:
    p = parameters_of(1)
    state, before = settled(p)
    state, _ = run(state, p, scan(1, voltage=12.6, current=30.0), 60, 5.0)
    _, after = run(state, p, scan(1), 1, 5.0)
    assert after.soh == pytest.approx(before.soh)


def test_a_capacity_test_teaches_its_jar_alone() -> None:
    p = parameters_of(3)
    state, _ = settled(p)
    taught = ageing.learn_tested(state.ageing, p, 1, 102.0)
    health = ageing.state_of_health(p, taught)
    assert health[1] == pytest.approx(0.85, abs=0.01)
    assert health[[0, 2]] == pytest.approx(ageing.state_of_health(p, state.ageing)[[0, 2]])
    assert (taught.correction_variance[[0, 2]] == state.ageing.correction_variance[[0, 2]]).all()
    assert taught.correction_variance[1] < 0.015**2 * 1.01


def test_a_poor_test_counts_less_than_a_good_one() -> None:
    p = parameters_of(1)
    state, _ = settled(p)
    good, poor = (ageing.learn_tested(state.ageing, p, 0, 116.0, error) for error in (0.01, 0.05))
    assert good.correction[0] < 2 * poor.correction[0] < 0
    twice = ageing.learn_tested(poor, p, 0, 116.0, 0.05)
    assert good.correction[0] < twice.correction[0] < poor.correction[0]


def test_what_a_discharge_has_shown_fades() -> None:
    p = parameters_of(1)
    state, _ = settled(p)
    taught = replace(state, ageing=ageing.learn_tested(state.ageing, p, 0, 102.0))
    after, _ = run(taught, p, scan(1), 10 * 365, DAY)
    assert 0 > after.ageing.correction[0] > 0.15 * taught.ageing.correction[0]
    assert after.ageing.correction_variance[0] == pytest.approx(ageing.OHMIC_ERROR**2, rel=0.02)
    again = ageing.learn_tested(after.ageing, p, 0, 118.0)
    assert ageing.state_of_health(p, again)[0] == pytest.approx(118 / 120, abs=0.01)


def test_a_new_jar_in_an_old_place() -> None:
    p = parameters_of(2)
    state, _ = settled(p, age=3000.0, resistance=4.6, temperature=33.0)
    learnt = ageing.learn_tested(state.ageing, p, 0, 90.0)
    mask = np.array([True, False])
    after = ageing.renewed(learnt, p, mask, np.array([2.0, 0.0]))
    fresh, old = after.pick(0), after.pick(1)
    assert fresh.age[0] == 2.0
    assert ageing.state_of_health(p.pick(0), fresh)[0] == 1.0
    assert fresh.resistance_readings[0] == 0.0
    assert fresh.temperature[0] == pytest.approx(33.0)
    assert old == learnt.pick(1)


def test_a_new_jar_is_full() -> None:
    p = parameters_of(2)
    state, _ = settled(p)
    state, _ = run(state, p, scan(2, voltage=12.0, current=30.0), 200, 60.0)
    after = estimate.renewed(state, p, np.array([False, True]), np.zeros(2))
    assert after.circuit.soc[1] == 1.0
    assert after.circuit.soc[0] == state.circuit.soc[0] < 0.9


def _terminal(p: Parameters, state: estimate.State) -> float:
    """Voltage of a jar that behaves as the twin thinks, at 12 A."""
    current = np.full(1, 12.0)
    inputs = twin.Inputs(current, current, np.full(1, 25.0), p.baseline, p.capacity, np.zeros(1, np.bool_))
    return float(twin.terminal_voltage(state.circuit, p, inputs, np.zeros(1, np.bool_))[0][0])
