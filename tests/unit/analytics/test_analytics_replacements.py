"""The forecast by quarter: against counts of a thousand drawn fleets, and in cases told by hand."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from analytics import workcalendar as calendar
from analytics.parameters import Array
from analytics.replacements import Prices, end_in_quarters, forecast
from analytics.rul import Life

NOW = 1_795_132_800_000_000  # 2026-11-20
BANGKOK = ZoneInfo("Asia/Bangkok")
QUARTERS = 12
N = 48
STRING = np.repeat(np.arange(4), 12)
SITE = np.repeat(np.arange(2), 24)
PRICES = Prices(np.full(N, 10_000.0), 2_000.0, 8_000.0)


def lives(days: Array | float, early: Array | float, late: Array | float) -> Life:
    days = np.broadcast_to(days, N).astype(float)
    return Life(days, days - early, days + late)


def test_counts_are_those_of_drawn_fleets() -> None:
    """Two halves of normal distributions, drawn a thousand times: expected numbers, and bounds that cover."""
    random = np.random.default_rng(1)
    life = lives(random.uniform(100, 1200, N), random.uniform(50, 300, N), random.uniform(50, 300, N))
    found = forecast(life, PRICES, STRING, SITE, NOW, QUARTERS, BANGKOK)
    z = random.normal(size=(1000, N))
    drawn = life.days + z / 1.645 * np.where(z < 0, life.days - life.lower, life.upper - life.days)
    end = np.maximum(np.floor(drawn).astype(int), 0) + calendar.local_day(NOW, BANGKOK)
    quarter = calendar.quarters_of(end)
    counts = np.array([(quarter == q).sum(1) for q in found.quarters]).T
    assert np.abs(counts.mean(0) - found.jars).max() < 0.25
    inside = (counts >= np.floor(found.jars_lower)) & (counts <= np.ceil(found.jars_upper))
    assert 0.88 < inside.mean() < 0.995


def test_a_jar_that_should_have_ended_ends_now_and_certain_ones_are_no_guess() -> None:
    found = forecast(lives(0.0, 0.0, 0.0), PRICES, STRING, SITE, NOW, 2, BANGKOK)
    assert found.jars == pytest.approx([N, 0.0], abs=1e-6)
    assert found.jars_lower[0] == pytest.approx(N, abs=0.1)
    # All jars, all strings, both sites.
    assert found.cost[0] == pytest.approx(N * 10_000 + 4 * 2_000 + 2 * 8_000, rel=1e-6)
    assert found.cost[1] == pytest.approx(0.0, abs=1.0)


def test_probabilities_add_up_and_the_first_quarter_is_the_present_one() -> None:
    chance = end_in_quarters(lives(np.linspace(1, 3000, N), 200.0, 400.0), NOW, 200, BANGKOK)
    assert chance.min() >= 0.0
    assert chance.sum(0) == pytest.approx(np.ones(N))
    only = forecast(lives(500.0, 1.0, 1.0), PRICES, STRING, SITE, NOW, 1, BANGKOK)
    assert only.quarters.tolist() == [2026 * 4 + 3]


def test_the_present_quarter_is_the_zones() -> None:
    evening = round(dt.datetime(2026, 12, 31, 18, tzinfo=dt.UTC).timestamp() * 1e6)
    for zone, present in (("Asia/Kathmandu", 2026 * 4 + 3), ("Asia/Bangkok", 2027 * 4)):
        found = forecast(lives(500.0, 1.0, 1.0), PRICES, STRING, SITE, evening, 2, ZoneInfo(zone))
        assert found.quarters.tolist() == [present, present + 1]


def test_who_has_no_jars_needs_none() -> None:
    nobody = np.zeros(0, np.intp)
    found = forecast(Life(*(np.zeros(0),) * 3), PRICES.pick(nobody), nobody, nobody, NOW, 3, BANGKOK)
    assert found.jars.tolist() == [0.0] * 3
    assert found.cost.tolist() == [0.0] * 3
