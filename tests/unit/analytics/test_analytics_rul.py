"""Remaining life: ten kelvin, monotony, the interval, the codes and the quarter."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from analyticsjars import NOW, parameters_of, scan, settled
from hypothesis import given
from hypothesis import strategies as some

from analytics import ageing, estimate, rul
from nodeset.tags import Confidence, Health

ONE = parameters_of(1)
AGES = np.array([0.0, 200.0, 1000.0, 2000.0, 3000.0, 3600.0, 5000.0])


def life(age: float, factor: float, health: float, error: float = 0.04) -> rul.Life:
    known = rul.Evidence(*(np.array([x]) for x in (age, factor, health, error)))
    return rul.remaining(ONE, known)


@pytest.mark.parametrize("rise", [1.0, 1.1, 1.3, 1.6])
@pytest.mark.parametrize("temperature", [20.0, 25.0, 30.0])
def test_ten_kelvin_more_shorten_life_by_40_to_50_per_cent(rise: float, temperature: float) -> None:
    p = parameters_of(len(AGES))
    days = []
    for degrees in (temperature, temperature + 10):
        warm = np.full(p.jars, degrees)
        ohm = p.baseline * rise * ageing.ohmic_factor(p.ohmic_temperature, warm)
        state = estimate.first_state(p, AGES)
        for i in range(30):
            state, seen = estimate.step(state, p, _scan(warm, ohm), NOW, 5.0 if i else 0.0)
        days.append(np.array([seen.rul, seen.rul_lower, seen.rul_upper]))
    shorter = 1 - days[1] / np.maximum(days[0], 1e-9)
    assert ((shorter > 0.40) & (shorter < 0.50)).all()


def _scan(warm: np.ndarray, ohm: np.ndarray) -> estimate.JarReadings:
    return scan(len(warm), temperature=warm, resistance=ohm)


def test_a_new_jar_at_25_degrees_lives_most_of_its_design_life() -> None:
    new = life(0.0, 1.0, 1.0)
    assert 0.75 * 3652.5 < new.days[0] < 3652.5
    assert new.lower[0] < 0.75 * new.days[0] < new.upper[0]


def test_a_jar_at_80_per_cent_is_at_its_end() -> None:
    # IEEE 1188: replace at 80 % of the rated capacity.
    assert life(2500.0, 1.0, 0.72, 0.02).days[0] < 180
    assert life(2500.0, 1.0, 0.80, 0.02).lower[0] < 90
    assert life(2500.0, 1.0, 0.97, 0.02).days[0] > 700


@given(some.floats(0, 6000), some.floats(0.3, 4), some.floats(0.5, 1.1), some.floats(0.01, 0.1))
def test_life_is_ordered_and_within_its_range(age: float, factor: float, health: float, error: float) -> None:
    got = life(age, factor, health, error)
    assert 0 <= got.lower[0] <= got.days[0] <= got.upper[0] <= rul.LONGEST


@given(
    some.floats(0, 5000),
    some.floats(0.5, 3),
    some.floats(0.6, 1.0),
    some.floats(10, 500),
    some.floats(0.01, 0.5),
    some.floats(0.01, 0.1),
)
def test_age_heat_and_lost_capacity_shorten_life(
    age: float, factor: float, health: float, days: float, heat: float, lost: float
) -> None:
    now = life(age, factor, health).days[0]
    assert life(age, factor + heat, health).days[0] < now
    assert life(age, factor, health - lost).days[0] <= now * 1.002


@given(some.floats(0, 3500), some.floats(10, 1000))
def test_an_older_jar_of_the_same_condition_has_no_more_left(age: float, more: float) -> None:
    # Where condition outweighs age the two are alike: the median may then waver by some tenths of a per cent.
    assert life(age + more, 1.0, 0.99).days[0] < life(age, 1.0, 0.99).days[0] * 1.01


def test_interval_and_median_on_lives_drawn_at_random() -> None:
    # Lives spread as the twin has it; a jar is seen at some age, still alive, with an uncertain health. Its
    # fade is steeper or flatter than the twin's.
    chance = np.random.default_rng(11)
    n = 4000
    whole = ONE.life[0] * chance.normal(1.0, ONE.life_spread[0], n)
    age = chance.uniform(100, 3600, n)
    alive = whole > age
    lives, ages = whole[alive], age[alive]
    fade = chance.uniform(3.75, 6.25, len(ages))
    health = 1 - 0.2 * (ages / lives) ** fade + chance.normal(0, 0.03, len(ages))
    got = rul.remaining(ONE, rul.Evidence(ages, np.ones(len(ages)), health, np.full(len(ages), 0.03)))
    left = lives - ages
    # No credit for ageing slowly: the interval misses long lives, hardly ever short ones.
    assert np.mean(left < got.lower) < 0.05
    assert 0.70 < np.mean((got.lower < left) & (left < got.upper)) < 0.99
    mean_less_age = np.maximum(ONE.life[0] - ages, 0.0)
    assert np.mean(np.abs(got.days - left)) < 0.9 * np.mean(np.abs(mean_less_age - left))


def test_a_health_that_is_known_exactly_is_believed() -> None:
    assert life(500.0, 1.0, 0.83, 1e-4).days[0] < 365
    assert life(500.0, 1.0, 0.83, 1e-4).days[0] == pytest.approx(life(500.0, 1.0, 0.83, 0.015).days[0])


def test_an_early_failure_is_believed_at_any_age() -> None:
    for age in (30.0, 365.0, 1500.0):
        assert life(age, 1.0, 0.82).days[0] < 365
        assert life(age, 1.0, 0.70).days[0] < 90


def test_health_follows_capacity_and_life() -> None:
    health = np.array([0.95, 0.84, 0.79, 0.95, 0.95, 0.95])
    days = np.array([900.0, 900.0, 900.0, 179.0, 89.0, 900.0])
    known = np.array([True] * 5 + [False])
    status = rul.health_status(health, days, known)
    expected = [
        Health.HEALTHY,
        Health.WARNING,
        Health.CRITICAL,
        Health.WARNING,
        Health.CRITICAL,
        Health.UNKNOWN,
    ]
    assert status.tolist() == expected


def test_confidence_needs_readings_and_a_narrow_interval() -> None:
    p = parameters_of(4)
    known = rul.Evidence(np.full(4, 2000.0), np.ones(4), np.full(4, 0.95), np.full(4, 0.03))
    middle, half = np.full(4, 1500.0), p.life * np.array([0.1, 0.1, 0.1, 0.5])
    lives = rul.Life(middle, middle - half, middle + half)
    codes = rul.confidence(p, lives, known, np.array([0.0, 5.0, 500.0, 500.0]))
    assert codes.tolist() == [Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH, Confidence.MEDIUM]


def test_shares_name_what_shortened_the_life() -> None:
    p = parameters_of(3)
    warm = np.array([35.0, 25.0, 25.0])
    ohm = p.baseline * np.array([1.0, 1.45, 1.0]) * ageing.ohmic_factor(p.ohmic_temperature, warm)
    state, _ = settled(p, age=400.0, temperature=warm, resistance=ohm)
    hot, worn, young = (estimate.explain(state, p, i) for i in range(3))
    assert hot[0].name == "Temperature"
    assert worn[0].name == "Resistance"
    assert young[0].name == "Age"
    for factors in (hot, worn, young):
        assert sum(f.share for f in factors) == pytest.approx(1.0)
        assert [f.share for f in factors] == sorted((f.share for f in factors), reverse=True)


def test_a_discharge_that_showed_less_capacity_is_a_factor() -> None:
    p = parameters_of(1)
    state, _ = settled(p, age=400.0)
    weak = replace(state, ageing=replace(state.ageing, correction=np.array([-0.15])))
    assert estimate.explain(weak, p, 0)[0].name == "Capacity"


@pytest.mark.parametrize("margin", [-6.0, -3.0017, 0.0, 1.2345, 8.2])
def test_ends_of_life_are_those_of_the_normal_distribution(margin: float) -> None:
    normal = NormalDist()
    alive = 1 - normal.cdf(-margin) if margin > 0 else normal.cdf(margin)
    got = rul._ends_of_life(np.array([margin]))[:, 0]
    assert got == pytest.approx([normal.inv_cdf(share * alive) for share in (0.5, 0.95, 0.05)], abs=1e-5)


def test_beyond_the_table_nothing_changes_and_nan_stays_nan() -> None:
    far, near, unknown = rul._ends_of_life(np.array([40.0, rul.CERTAIN, np.nan])).T
    assert far == pytest.approx(near)
    assert np.isnan(unknown).all()


def test_a_fleet_of_several_blocks_is_judged_jar_by_jar() -> None:
    count = 2 * rul.BLOCK + 3
    health = np.linspace(0.7, 1.0, count)
    evidence = rul.Evidence(np.full(count, 900.0), np.ones(count), health, np.full(count, 0.03))
    spent, error = rul.life_spent(ONE, evidence)
    for at in (0, rul.BLOCK - 1, rul.BLOCK, count - 1):
        one = slice(at, at + 1)
        alone = rul.Evidence(evidence.age[one], evidence.factor[one], health[one], evidence.health_error[one])
        assert rul.life_spent(ONE, alone) == (
            pytest.approx(spent[one], rel=1e-3),
            pytest.approx(error[one], rel=1e-3),
        )
