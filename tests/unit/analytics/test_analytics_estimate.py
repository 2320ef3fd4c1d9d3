"""The facade: missing readings, gaps, restart from saved arrays, and one jar as among many."""

from __future__ import annotations

import io
from dataclasses import fields, replace

import numpy as np
import pytest
from analyticsjars import FLOAT, NOW, fleet_of, parameters_of, run, scan, settled

from analytics import estimate
from analytics.estimate import Estimates, State, StateMismatchError
from nodeset.tags import Health


def all_finite(state: State, estimates: Estimates) -> bool:
    columns = [getattr(estimates, f.name) for f in fields(estimates)]
    return all(np.isfinite(array).all() for array in [*state.as_arrays().values(), *columns])


@pytest.mark.parametrize("name", list(FLOAT))
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_a_number_that_is_none_costs_one_jar_only(name: str, bad: float) -> None:
    p = parameters_of(3)
    good, _ = settled(p)
    values = np.array([FLOAT[name], bad, FLOAT[name]])
    state, estimates = run(good, p, scan(3, **{name: values}), 5, 5.0)
    untouched, expected = run(good, p, scan(3), 5, 5.0)
    assert all_finite(state, estimates)
    for key, array in state.as_arrays().items():
        assert array[[0, 2]] == pytest.approx(untouched.as_arrays()[key][[0, 2]]), key
    assert estimates.soc[0] == expected.soc[0]
    assert estimates.observed.tolist() == [True, name != "voltage", True]


def test_nothing_read_at_all() -> None:
    p = parameters_of(2)
    readings = scan(2, voltage=np.nan, temperature=np.nan, resistance=np.nan, current=np.nan)
    state, estimates = run(estimate.first_state(p, np.full(2, 500.0)), p, readings, 10, 3600.0)
    assert all_finite(state, estimates)
    assert not estimates.observed.any()
    assert (estimates.health == Health.UNKNOWN).all()
    assert (estimates.confidence == 0).all()


def test_readings_that_are_not_usable_are_not_used() -> None:
    p = parameters_of(1)
    state, before = settled(p)
    doubted = scan(1, voltage=11.0, temperature=60.0, resistance=9.0, current=300.0)
    none = np.zeros(1, np.bool_)
    doubted = replace(
        doubted, voltage_usable=none, temperature_usable=none, resistance_usable=none, current_usable=none
    )
    after, estimates = run(state, p, doubted, 3, 5.0)
    assert after.ageing.temperature == state.ageing.temperature
    assert after.ageing.resistance == state.ageing.resistance
    assert estimates.soc == pytest.approx(before.soc)
    assert estimates.voltage_residual[0] == 0.0


def test_float_without_a_current_sensor_is_still_float() -> None:
    p = parameters_of(1)
    readings = scan(1, current=np.nan)
    _, estimates = run(estimate.first_state(p, np.array([500.0])), p, readings, 20, 5.0)
    assert estimates.observed.all()
    assert estimates.health[0] == Health.HEALTHY


@pytest.mark.parametrize("gap", [0.0, 1e-3, 7 * 3600.0, 90 * 86_400.0, 1e9])
def test_any_gap(gap: float) -> None:
    p = parameters_of(2)
    state, _ = settled(p)
    for readings in (scan(2), scan(2, voltage=12.4, current=40.0)):
        after, estimates = estimate.step(state, p, readings, NOW, gap)
        assert all_finite(after, estimates)
        assert ((estimates.soc >= 0) & (estimates.soc <= 100)).all()
    later, estimates = run(after, p, scan(2), 20, 5.0)
    assert all_finite(later, estimates)
    assert np.abs(estimates.voltage_residual).max() < 0.1


def test_time_that_runs_backwards_is_no_time() -> None:
    p = parameters_of(1)
    state, _ = settled(p)
    after, _ = estimate.step(state, p, scan(1), NOW, -3600.0)
    assert after.ageing.age == state.ageing.age


def test_age_goes_on() -> None:
    p = parameters_of(1)
    state, _ = estimate.step(estimate.first_state(p, np.array([100.0])), p, scan(1), NOW, 43_200.0)
    assert state.ageing.age[0] == pytest.approx(100.5)


def test_ages_come_from_the_nameplate() -> None:
    p = parameters_of(1)  # installed 2022-01-01; NOW is 2027-01-15
    assert estimate.ages_days(p, NOW)[0] == pytest.approx(1840.3, abs=0.1)
    assert estimate.ages_days(p, 0)[0] == 0.0


def test_saved_state_goes_on_as_if_nothing_had_happened() -> None:
    p = parameters_of(3)
    state, _ = run(settled(p)[0], p, scan(3, voltage=12.5, current=np.array([10.0, 20.0, 30.0])), 30, 5.0)
    file = io.BytesIO()
    np.savez(file, **state.as_arrays())
    file.seek(0)
    with np.load(file) as arrays:
        loaded = State.from_arrays(arrays, p.jars)
    _, expected = run(state, p, scan(3, voltage=12.4, current=30.0), 10, 5.0)
    _, got = run(loaded, p, scan(3, voltage=12.4, current=30.0), 10, 5.0)
    for f in fields(Estimates):
        assert np.array_equal(getattr(got, f.name), getattr(expected, f.name)), f.name


def test_state_of_another_fleet_is_refused() -> None:
    arrays = settled(parameters_of(3))[0].as_arrays()
    with pytest.raises(StateMismatchError, match="4 jars"):
        State.from_arrays(arrays, 4)
    with pytest.raises(StateMismatchError, match=r"circuit\.soc"):
        State.from_arrays({k: v for k, v in arrays.items() if k != "circuit.soc"}, 3)
    with pytest.raises(StateMismatchError, match="finite"):
        State.from_arrays(arrays | {"ageing.factor": np.full(3, np.nan)}, 3)


def test_a_jar_alone_is_as_among_many() -> None:
    many, one = parameters_of(5), parameters_of(1)
    volts = np.array([13.60, 13.63, 13.65, 13.68, 13.70])
    ohms = np.array([3.3, 3.5, 4.0, 4.6, 5.2])
    _, among = settled(many, voltage=volts, resistance=ohms)
    for i in range(5):
        _, alone = settled(one, voltage=volts[i], resistance=ohms[i])
        for f in fields(Estimates):
            # Shares of life are worked out in single precision.
            assert getattr(alone, f.name)[0] == pytest.approx(getattr(among, f.name)[i], rel=1e-4), f.name


def test_worn_jar_is_told_apart() -> None:
    p = parameters_of(3)
    _, estimates = settled(p, age=2000.0, resistance=3.4 * np.array([1.0, 1.42, 1.7]))
    assert estimates.health.tolist() == [Health.HEALTHY, Health.WARNING, Health.CRITICAL]
    assert (np.diff(estimates.rul) < 0).all()


def test_a_step_leaves_its_arguments_alone() -> None:
    p = estimate.Parameters.of(fleet_of(2, strings=2))
    state = estimate.first_state(p, np.zeros(4))
    before = {key: array.copy() for key, array in state.as_arrays().items()}
    readings = scan(4)
    for array in (*state.as_arrays().values(), readings.voltage, readings.voltage_usable):
        array.setflags(write=False)
    estimate.step(state, p, readings, NOW, 5.0)
    assert all(np.array_equal(before[key], array) for key, array in state.as_arrays().items())
