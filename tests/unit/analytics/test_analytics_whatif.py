"""What a jar's life would be: warmer from now on, or with another load."""

from __future__ import annotations

import numpy as np
import pytest
from analyticsjars import parameters_of, settled

from analytics import whatif
from analytics.features import FEATURES, NAMES

DEPTH, THROUGHPUT = NAMES.index("discharge_depth"), NAMES.index("ah_throughput")


@pytest.mark.parametrize("resistance", [3.4, 4.0, 5.0])
@pytest.mark.parametrize("temperature", [20.0, 30.0])
def test_ten_kelvin_more_shorten_the_twins_life_as_arrhenius_says(
    resistance: float, temperature: float
) -> None:
    parameters = parameters_of(1)
    state, found = settled(parameters, temperature=temperature, resistance=resistance)
    now, then = (whatif.twin_life(parameters, state.ageing, kelvin) for kelvin in (0.0, 10.0))
    assert now.days == pytest.approx(found.twin_days)
    assert 0.4 < 1 - float(then.days[0]) / float(now.days[0]) < 0.5


def test_cooler_lengthens_and_the_order_of_the_interval_stays() -> None:
    parameters = parameters_of(1)
    state, _ = settled(parameters, temperature=30.0)
    days = [whatif.twin_life(parameters, state.ageing, kelvin) for kelvin in (-10.0, -1.0, 0.0, 1.0, 10.0)]
    assert [float(each.days[0]) for each in days] == sorted((float(x.days[0]) for x in days), reverse=True)
    assert all(each.lower <= each.days <= each.upper for each in days)


def known(depth: float, throughput: float) -> np.ndarray:
    features = np.zeros((1, len(FEATURES)), np.float32)
    features[:, DEPTH], features[:, THROUGHPUT] = depth, throughput
    return features


def test_a_higher_load_draws_more_in_each_discharge_at_most_a_full_charge() -> None:
    more = whatif.loaded(known(0.3, 200.0), 1.5)
    assert (more[0, DEPTH], more[0, THROUGHPUT]) == pytest.approx((0.45, 300.0))
    most = whatif.loaded(known(0.8, 200.0), 2.0)
    assert (most[0, DEPTH], most[0, THROUGHPUT]) == pytest.approx((1.0, 250.0))
    none = whatif.loaded(known(0.3, 200.0), 0.0)
    assert (none[0, DEPTH], none[0, THROUGHPUT]) == (0, 0)


def test_the_same_load_changes_nothing_and_the_unknown_stays_unknown() -> None:
    same = known(0.3, 200.0)
    assert whatif.loaded(same, 1.0) == pytest.approx(same)
    assert np.isnan(whatif.loaded(known(np.nan, np.nan), 1.5)[0, [DEPTH, THROUGHPUT]]).all()
