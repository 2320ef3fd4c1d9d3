"""Runtime: a data sheet's hours, the weakest jar, monotony, and loads that are not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analyticsjars import fleet_of
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
    got = runtime.minutes(P, soc * full, healths, P.baseline * rise, 25.0 * full, np.array([load]))
    return float(got[0])


def test_ten_hour_rate_lasts_ten_hours() -> None:
    # Two strings of 24 jars at 12 A each: 24 * 12.6 V * 24 A, less the inverter's losses.
    watts = 24 * 12.95 * 24 * runtime.INVERTER_EFFICIENCY
    assert minutes(watts / 1000) == pytest.approx(600, rel=0.03)


def test_one_hour_rate_of_an_agm_jar() -> None:
    # Typical 12 V 120 Ah AGM data sheets give 65 to 75 A for one hour to 10.5 V or a little below.
    watts = 24 * 12.6 * 2 * 70 * runtime.INVERTER_EFFICIENCY
    assert minutes(watts / 1000) == pytest.approx(60, rel=0.2)


def test_weakest_jar_sets_it() -> None:
    whole = minutes(20.0)
    assert minutes(20.0, weak=0.5) < 0.6 * whole
    assert minutes(20.0, weak=0.5) == pytest.approx(minutes(20.0, health=0.5), rel=0.01)


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


def test_each_system_stands_by_itself() -> None:
    state = estimate.first_state(P, np.zeros(P.jars))
    assert estimate.runtime(state, P, np.array([30.0])).shape == (1,)
    drained = replace(state, circuit=replace(state.circuit, soc=np.full(P.jars, 0.5)))
    assert estimate.runtime(drained, P, np.array([30.0]))[0] < estimate.runtime(state, P, np.array([30.0]))[0]
