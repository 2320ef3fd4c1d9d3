"""Runtime: a data sheet's hours, the weakest jar, monotony, and loads that are not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analyticsjars import NOW, fleet_of, parameters_of, recording, scan, settled
from hypothesis import given
from hypothesis import strategies as some

from analytics import estimate, runtime
from analytics.parameters import Parameters

P = Parameters.of(fleet_of(24, strings=2))


def minutes(
    load: float, soc: float = 1.0, health: float = 1.0, rise: float = 1.0, weak: float = 1.0
) -> float:
    full = np.ones(P.jars)
    healths = health * full
    healths[7] *= weak
    reserve = runtime.Reserve(
        soc=soc * full,
        drawn=0.0 * full,
        lag=0.0 * full,
        capacity=P.capacity * healths,
        health=healths,
        resistance=P.ohmic * P.baseline * rise,
        temperature=25.0 * full,
        sinking=0.0 * full,
        shown=0.0 * full,
    )
    got = runtime.minutes(P, reserve, np.array([load]))
    return float(got[0])


def test_ten_hour_rate_lasts_ten_hours() -> None:
    # Two strings of 24 jars at 12 A each, at the 12.02 V that a jar has on average over such a discharge (the
    # recorded one, 597 min), less the inverter's losses.
    watts = 24 * 12.02 * 24 * runtime.INVERTER_EFFICIENCY
    assert minutes(watts / 1000) == pytest.approx(600, rel=0.03)


def test_one_hour_rate_of_an_agm_jar() -> None:
    # Typical 12 V 120 Ah AGM data sheets give 65 to 75 A for one hour to 10.5 V or a little below.
    watts = 24 * 12.6 * 2 * 70 * runtime.INVERTER_EFFICIENCY
    assert minutes(watts / 1000) == pytest.approx(60, rel=0.2)


def test_weakest_jar_sets_it() -> None:
    whole = minutes(20.0)
    assert minutes(20.0, weak=0.5) < 0.6 * whole
    # Its string holds its voltage for it, so that it takes a little less current than where all are weak.
    all_weak = minutes(20.0, health=0.5)
    assert all_weak <= minutes(20.0, weak=0.5) < 1.015 * all_weak


@given(some.floats(1, 200), some.floats(0.2, 1), some.floats(0.5, 1), some.floats(1.01, 1.5))
def test_more_load_less_charge_health_or_more_resistance_shorten_it(
    load: float, soc: float, health: float, worse: float
) -> None:
    now = minutes(load, soc, health)
    assert minutes(load * worse, soc, health) <= now
    assert minutes(load, soc / worse, health) <= now
    assert minutes(load, soc, health / worse) <= now
    assert minutes(load, soc, health, rise=worse) <= now


def test_limits() -> None:
    assert minutes(0.0) == runtime.LONGEST
    assert minutes(50.0, soc=0.0) == 0.0
    assert 0 <= minutes(1e6) < 1
    assert np.isnan(minutes(np.nan))


# What is said halfway against what then comes. The recorded jar is held at constant current, and its power
# falls: a load of constant power ends 5 to 8 % sooner.
def test_halfway_through_a_recorded_discharge() -> None:
    record, parameters = recording("oracle/cc_C10_25C.csv"), parameters_of(1)
    times, volts, amperes = record["time_s"], record["voltage_meas_V"], record["current_meas_A"]
    state, _ = settled(parameters)
    half = len(times) // 2
    for i in range(1, half + 1):
        seen = scan(1, voltage=volts[i], current=amperes[i], temperature=25.0, resistance=np.nan)
        state, _ = estimate.step(state, parameters, seen, NOW, float(times[i] - times[i - 1]))
    load = record["voltage_V"][half] * 12.0 * runtime.INVERTER_EFFICIENCY / 1000
    said = estimate.runtime(state, parameters, np.array([load]))[0] * 60
    assert said == pytest.approx(times[-1] - times[half], rel=0.10)


def test_what_a_discharge_shows_of_a_jar_counts() -> None:
    full = np.ones(P.jars)
    reserve = runtime.Reserve(
        soc=full,
        drawn=30.0 * full,
        lag=5.0 * full,
        capacity=120.0 * full,
        health=full,
        resistance=P.ohmic * P.baseline,
        temperature=25.0 * full,
        sinking=0.0 * full,
        shown=full,
    )
    load = np.array([20.0])
    as_believed = runtime.minutes(P, reserve, load)[0]
    assert runtime.minutes(P, replace(reserve, capacity=96.0 * full), load)[0] < 0.85 * as_believed
    assert runtime.minutes(P, replace(reserve, sinking=0.3 * full), load)[0] < as_believed
    # Before the discharge has told anything, nobody believes a jar to be better than its data sheet.
    unseen = replace(reserve, shown=0.0 * full)
    assert runtime.minutes(P, unseen, load)[0] <= as_believed


def test_each_system_stands_by_itself() -> None:
    state = estimate.first_state(P, np.zeros(P.jars))
    assert estimate.runtime(state, P, np.array([30.0])).shape == (1,)
    drained = replace(state, circuit=replace(state.circuit, soc=np.full(P.jars, 0.5)))
    assert estimate.runtime(drained, P, np.array([30.0]))[0] < estimate.runtime(state, P, np.array([30.0]))[0]
